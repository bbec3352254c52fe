import type { Setup } from '../../shared/api/overview.ts'
import { isoTime } from '../../shared/time-text.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'

/** The first run: what is known already, and whether its questions have been answered. */

const setting = 'setup-done'

/** Returns what a first run can tell. Who has hosts or watchers already has no first run before him. */
export function readSetup(db: Connection): Setup {
  const count = (table: 'host' | 'watcher' | 'channel'): number =>
    db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
  const said = readSetting(db, setting)
  const [hosts, watchers, channels] = [count('host'), count('watcher'), count('channel')]
  const imported = db
    .prepare(
      'SELECT source, count(*) AS runs, min(begin_ms) AS since FROM imported_flight GROUP BY source ORDER BY since',
    )
    .all() as { source: string; runs: number; since: number }[]
  return {
    done: said === null ? hosts > 0 || watchers > 0 : said === 'yes',
    imported: imported.map(({ source, runs, since }) => ({ source, runs, since: isoTime(since) })),
    hosts,
    watchers,
    channels,
  }
}

/** Writes down whether the first run is over, in the transaction that runs. */
export function writeSetup(db: Connection, isDone: boolean): void {
  writeSetting(db, setting, isDone ? 'yes' : 'no')
}
