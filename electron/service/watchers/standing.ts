import { problemStates } from '../../shared/watcher-words.ts'
import type { Connection } from '../store/open.ts'

/** How many watchers stand how, by the verdicts that are written at each deadline. */
export interface WatcherStanding {
  readonly total: number
  readonly paused: number
  readonly late: number
  readonly failing: number
  /** Ids of those that somebody should look at, the longest first. */
  readonly problems: readonly number[]
}

/** Returns how the watchers stand, without judging each of them anew. */
export function watcherStanding(db: Connection, most: number): WatcherStanding {
  const counts = db
    .prepare(
      `SELECT count(*) AS total, coalesce(sum(paused), 0) AS paused,
         coalesce(sum(verdict = 'late' AND NOT paused), 0) AS late,
         coalesce(sum(verdict = 'failing' AND NOT paused), 0) AS failing
       FROM watcher JOIN watcher_state ON watcher_id = watcher.id`,
    )
    .get() as Omit<WatcherStanding, 'problems'>
  const problems = db
    .prepare(
      `SELECT watcher_id FROM watcher_state JOIN watcher ON watcher.id = watcher_id
       WHERE verdict IN (${problemStates.map(() => '?').join(', ')}) AND NOT paused ORDER BY verdict_ms LIMIT ?`,
    )
    .pluck()
    .all(...problemStates, most) as number[]
  return { ...counts, problems }
}
