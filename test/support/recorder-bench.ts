import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { RoomContext } from '../../electron/service/context.ts'
import { createLog } from '../../electron/service/log.ts'
import { queries, type Reader } from '../../electron/service/reader/queries.ts'
import { createRecorder, type Recorder, type RecorderEdges } from '../../electron/service/recorder/index.ts'
import { createObservation } from '../../electron/service/recorder/observation.ts'
import { insertTransition } from '../../electron/service/alerts/store.ts'
import { createGroupCommit } from '../../electron/service/store/group-commit.ts'
import { createMeasurements } from '../../electron/service/store/series/measurements.ts'
import { openStore, type Connection } from '../../electron/service/store/open.ts'
import type { FakeClock } from './fake-clock.ts'
import { temporaryFolder } from './temporary.ts'
import { noConnection } from './no-connection.ts'
import { quietEdges } from './quiet-edges.ts'

export { calmSample, quietEdges } from './quiet-edges.ts'

/** A recorder on a real database file, with a fake clock. */
export interface Bench {
  readonly db: Connection
  readonly database: string
  readonly recorder: Recorder
  readonly lines: string[]
  readonly topics: string[]
}

/** Answers in the caller's own thread, from the same functions. */
export function directReader(db: Connection): Reader {
  return {
    ask: async (name, args) =>
      (await (queries[name] as (c: Connection, a: unknown) => unknown)(db, args)) as never,
  }
}

/** The parts of a context that a recorder alone does not need to be real. */
export function quietContext(
  db: Connection,
  clock: FakeClock,
): Pick<RoomContext, 'commits' | 'connection' | 'observation' | 'series' | 'silences' | 'transitions'> {
  const commits = createGroupCommit(db, clock)
  return {
    commits,
    series: createMeasurements(db, commits, clock, () => undefined),
    observation: createObservation(db, clock, () => undefined),
    connection: noConnection,
    silences: { maintenance: () => [] },
    transitions: { record: (transition) => insertTransition(db, transition), refresh: () => undefined },
  }
}

export function recorderBench(
  clock: FakeClock,
  {
    database,
    edges,
    intervalMs = 10_000,
  }: { database?: string; edges?: Partial<RecorderEdges>; intervalMs?: number } = {},
): Bench {
  const file = database ?? path.join(temporaryFolder(), 'watchkeeper.db')
  const { db } = openStore(file, clock.read().wallMs)
  db.pragma('busy_timeout = 50')
  const lines: string[] = []
  const topics: string[] = []
  const context: RoomContext = {
    ...quietContext(db, clock),
    version: 'test',
    databaseFolder: path.dirname(file),
    db,
    reader: directReader(db),
    clock,
    log: createLog(
      'debug',
      { write: (line) => lines.push(line), close: () => undefined },
      () => clock.read().wallMs,
    ),
    changed: (topic) => topics.push(topic),
  }
  onTestFinished(() => {
    if (db.open) db.close()
  })
  return {
    db,
    database: file,
    recorder: createRecorder(context, intervalMs, quietEdges(edges)),
    lines,
    topics,
  }
}
