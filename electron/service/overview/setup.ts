import type { Setup } from '../../shared/api/overview.ts'
import { isoTime } from '../../shared/time-text.ts'
import type { Connection } from '../store/open.ts'

/** The first run: what is known already, and whether its questions have been answered. */

const setting = 'setup-done'

/** Returns what a first run can tell. Who has hosts or watchers already has no first run before him. */
export function readSetup(db: Connection, firstRecord: string | null): Setup {
  const count = (table: 'host' | 'watcher' | 'channel'): number =>
    db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
  const said = db.prepare('SELECT value FROM setting WHERE name = ?').pluck().get(setting)
  const [hosts, watchers, channels] = [count('host'), count('watcher'), count('channel')]
  const imported = db
    .prepare(
      'SELECT source, count(*) AS runs, min(begin_ms) AS since FROM imported_flight GROUP BY source ORDER BY since',
    )
    .all() as { source: string; runs: number; since: number }[]
  return {
    done: said === undefined ? hosts > 0 || watchers > 0 : said === 'yes',
    firstRecord,
    imported: imported.map(({ source, runs, since }) => ({ source, runs, since: isoTime(since) })),
    hosts,
    watchers,
    channels,
  }
}

/** Writes down whether the first run is over, in the transaction that runs. */
export function writeSetup(db: Connection, isDone: boolean): void {
  db.prepare(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(setting, isDone ? 'yes' : 'no')
}
