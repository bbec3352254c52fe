import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { StoragePart } from '../shared/api/service.ts'
import { sideFiles } from './store/location.ts'
import type { Connection } from './store/open.ts'

/** The room that each part of what is kept takes, and how long it is kept. Runs in the reader's thread, since it reads every page's header. */

interface Part {
  readonly name: string
  readonly tables: RegExp
  readonly kept: string
}

const parts: readonly Part[] = [
  {
    name: 'Flights and gaps',
    tables:
      /^(flight|lapse|clock_step|stop_evidence|gap_note|imported_flight|last_sample|sqlite_autoindex_(flight|imported))/,
    kept: 'for ever',
  },
  {
    name: 'Measurements of hosts and health',
    tables: /^series_/,
    kept: 'each for 48 hours, minutes for 14 days, hours for 2 years, days for 20 years',
  },
  { name: 'Hosts and their incidents', tables: /^(host|outage)/, kept: 'as long as the host' },
  {
    name: 'Watchers and their triggers',
    tables: /^(watcher|spooled_signal)/,
    kept: 'a week or 100 triggers of each, whichever is more, and at most 1,000',
  },
  {
    name: 'Health reports',
    tables: /^health/,
    kept: 'each for 2 days, one an hour for a month, one a day for a year',
  },
  {
    name: 'Notices and incidents',
    tables: /^(notice|transition|incident|delivery|channel|mute|maintenance)/,
    kept: 'notices for a year, incidents for two',
  },
]

/** Returns what takes room beside and in a database, largest first. */
export function storage(
  db: Connection,
  { database, telemetryKept }: { readonly database: string; readonly telemetryKept: string },
): StoragePart[] {
  const sizes = db
    .prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat WHERE aggregate = TRUE GROUP BY name')
    .all() as { name: string; bytes: number }[]
  const rest = new Map(sizes.map(({ name, bytes }) => [name.replace(/^sqlite_autoindex_/, ''), bytes]))
  const take = (tables: RegExp): number => {
    let sum = 0
    for (const [name, bytes] of rest) {
      if (!tables.test(name)) continue
      sum += bytes
      rest.delete(name)
    }
    return sum
  }
  const own = parts.map(({ name, tables, kept }) => ({ name, bytes: take(tables), kept }))
  const free = db.pragma('freelist_count', { simple: true }) as number
  const page = db.pragma('page_size', { simple: true }) as number
  const files = sideFiles(database)
  return [
    ...own,
    { name: 'Settings and the rest', bytes: take(/./), kept: 'for ever' },
    { name: 'Free for what comes', bytes: free * page, kept: 'used again before the file grows' },
    {
      name: 'Log of recent writes',
      bytes: sizeOf(`${database}-wal`),
      kept: 'until it is taken into the database',
    },
    {
      name: 'Telemetry records',
      bytes: sizeOf(files.records) + sizeOf(`${files.records}-wal`),
      kept: telemetryKept,
    },
    { name: 'Backups', bytes: folderSize(files.backups), kept: 'one a day, seven of them' },
  ].sort((a, b) => b.bytes - a.bytes)
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0
}

function folderSize(folder: string): number {
  if (!existsSync(folder)) return 0
  return readdirSync(folder).reduce((sum, name) => sum + sizeOf(path.join(folder, name)), 0)
}
