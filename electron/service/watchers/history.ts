import type { WatcherEventKind } from '../../shared/watcher-words.ts'
import type { Connection } from '../store/open.ts'
import { historyRule } from './rules.ts'
import type { WatcherEventRow } from './schema.ts'

/** A watcher's history: a chain of events, each naming the one before it. */

/** The chain from its newest event on, as far as the rule keeps it. */
const chain = `WITH RECURSIVE history AS (
    SELECT e.*, e.n AS newest FROM watcher_event e WHERE e.id = @last
    UNION ALL
    SELECT e.*, history.newest FROM history JOIN watcher_event e
      ON e.id = history.before_id AND e.watcher_id = history.watcher_id
      WHERE e.n > history.newest - ${historyRule.mostEvents}
        AND (e.n > history.newest - ${historyRule.leastEvents} OR e.at_ms >= @weekAgo)
  )`

interface EventRow {
  readonly n: number
  readonly at_ms: number
  readonly kind: WatcherEventKind
  readonly ignored: number
  readonly exit_status: number | null
  readonly run: string | null
  readonly duration_ms: number | null
  readonly comment: string | null
  readonly origin: string | null
  readonly agent: string | null
  readonly body_bytes: number
}

/** Returns a page of a history, newest first. */
export function readEvents(
  db: Connection,
  lastEventId: number | null,
  nowMs: number,
  { limit, offset }: { limit: number; offset: number },
): WatcherEventRow[] {
  if (lastEventId === null) return []
  const rows = db
    .prepare(`${chain} SELECT * FROM history LIMIT @limit OFFSET @offset`)
    .all({ last: lastEventId, weekAgo: nowMs - historyRule.leastMs, limit, offset }) as EventRow[]
  return rows.map((row) => ({
    n: row.n,
    atMs: row.at_ms,
    kind: row.kind,
    ignored: row.ignored === 1,
    exitStatus: row.exit_status,
    run: row.run ?? '',
    durationMs: row.duration_ms,
    comment: row.comment ?? '',
    origin: row.origin ?? '',
    agent: row.agent ?? '',
    bodyBytes: row.body_bytes,
  }))
}

/** Returns how many entries of a history are kept. */
export function countEvents(db: Connection, lastEventId: number | null, nowMs: number): number {
  if (lastEventId === null) return 0
  return db
    .prepare(`${chain} SELECT count(*) FROM history`)
    .pluck()
    .get({ last: lastEventId, weekAgo: nowMs - historyRule.leastMs }) as number
}

/** Sweeps so many rows once so many events were added, which keeps up with them twice over. */
const sweepEvery = 256
const sweptRows = 512

/** Removes events beyond the rule, a few rows at a time, going round the table for ever. */
export function createSweeper(db: Connection): { added(nowMs: number): void } {
  const scan = db.prepare(
    `SELECT e.id, e.at_ms, e.n, s.events FROM watcher_event e LEFT JOIN watcher_state s ON s.watcher_id = e.watcher_id
     WHERE e.id > ? ORDER BY e.id LIMIT ${sweptRows}`,
  )
  const remove = db.prepare('DELETE FROM watcher_event WHERE id = ?')
  let added = 0
  let cursor = 0
  return {
    added(nowMs) {
      added += 1
      if (added % sweepEvery !== 0) return
      const rows = scan.all(cursor) as { id: number; at_ms: number; n: number; events: number | null }[]
      for (const { id, at_ms, n, events } of rows) {
        const age = events === null ? Number.POSITIVE_INFINITY : events - n
        const isOld = at_ms < nowMs - historyRule.leastMs
        if (age >= historyRule.mostEvents || (age >= historyRule.leastEvents && isOld)) remove.run(id)
      }
      cursor = rows.length < sweptRows ? 0 : (rows[rows.length - 1]?.id ?? 0)
    },
  }
}
