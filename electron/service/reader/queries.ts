import {
  healthChanges,
  healthForecasts,
  healthHistory,
  healthReport,
  healthReports,
} from '../health/queries.ts'
import { hostHistory, hostIncidents, hostUptime, latencyCsv } from '../hosts/queries.ts'
import { writeExport } from '../recorder/export.ts'
import {
  gapsToExplain,
  machineAt,
  machineCalendar,
  machineFlights,
  machineGap,
  machineGaps,
  machineHistory,
} from '../recorder/queries.ts'
import { overviewPast } from '../overview/history.ts'
import { copyDatabase, writeBackup } from '../store/backup.ts'
import type { Connection } from '../store/open.ts'
import { storage } from '../storage.ts'
import { watcherList } from '../watchers/queries.ts'

/** Everything that may take longer than the event loop can spare; it runs in the reader's thread. */
export const queries = {
  machineHistory,
  machineGaps,
  machineGap,
  machineFlights,
  machineCalendar,
  machineAt,
  gapsToExplain,
  overviewPast,
  watcherList,
  hostHistory,
  hostUptime,
  hostIncidents,
  latencyCsv,
  healthHistory,
  healthForecasts,
  healthReports,
  healthReport,
  healthChanges,
  storage,
  writeExport,
  writeBackup: (db: Connection, args: { database: string; nowMs: number }): string =>
    writeBackup(db, args.database, args.nowMs),
  copyDatabase: (db: Connection, args: { target: string }): Promise<void> => copyDatabase(db, args.target),
} as const

export type Queries = typeof queries
export type QueryName = keyof Queries
export type QueryArgs<Name extends QueryName> = Parameters<Queries[Name]>[1]
export type QueryResult<Name extends QueryName> = Awaited<ReturnType<Queries[Name]>>

/** Asks the database without holding up the caller's event loop. */
export interface Reader {
  ask<Name extends QueryName>(name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>>
}
