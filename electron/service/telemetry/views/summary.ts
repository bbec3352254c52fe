import { ask, type Work } from '../../store/records/work.ts'
import { idWindow, type ReadEnv } from '../records/list.ts'

/** How full the store is, and what it let go of. */

export interface Summary {
  readonly records: number
  readonly crashes: number
  readonly oldestMs: number | null
  readonly newestMs: number | null
  /** Crashes that the storm guard counted without storing them. */
  readonly counted: number
  readonly quarantined: number
  readonly guilties: number
}

/** Returns the figures of the store. */
export function* summary(_args: unknown, _env: ReadEnv): Work<Summary> {
  const [records] = yield* ask<{ n: number }>('SELECT coalesce(sum(records), 0) AS n FROM record_block')
  const [crashes] = yield* ask<{ n: number }>('SELECT count(*) AS n FROM record WHERE crash = 1')
  const [oldest] = yield* ask<{ server_ms: number }>('SELECT server_ms FROM record ORDER BY id LIMIT 1')
  const [newest] = yield* ask<{ server_ms: number }>('SELECT server_ms FROM record ORDER BY id DESC LIMIT 1')
  const [guilties] = yield* ask<{ n: number; counted: number | null }>(
    'SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM record WHERE guilty_id = guilty.id) THEN 1 ELSE 0 END) AS n, coalesce(sum(counted), 0) + (SELECT coalesce(sum(dropped), 0) FROM storm WHERE guilty_id < 0) AS counted FROM guilty',
  )
  const [quarantine] = yield* ask<{ n: number }>('SELECT count(*) AS n FROM quarantine')
  return {
    records: records?.n ?? 0,
    crashes: crashes?.n ?? 0,
    oldestMs: oldest?.server_ms ?? null,
    newestMs: newest?.server_ms ?? null,
    counted: guilties?.counted ?? 0,
    quarantined: quarantine?.n ?? 0,
    guilties: guilties?.n ?? 0,
  }
}

/** A record that was refused and kept all the same. */
export interface QuarantineRow {
  readonly id: number
  readonly at_ms: number
  readonly reason: string
  readonly fields: string
  readonly payload: string
}

/** Returns refused records, newest first. */
export function* quarantined({
  before,
  limit,
}: {
  readonly before: number | null
  readonly limit: number
}): Work<readonly QuarantineRow[]> {
  return yield* ask<QuarantineRow>(
    'SELECT * FROM quarantine WHERE id < ? ORDER BY id DESC LIMIT ?',
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  )
}

/** Returns the machines that reported over a while, with the first and last time (ms) of each. */
export function* reportTimes({
  sinceMs,
  knownForMs,
}: {
  readonly sinceMs: number
  readonly knownForMs: number
}): Work<readonly { readonly machine: string; readonly first_ms: number; readonly last_ms: number }[]> {
  const window = yield* idWindow({ receivedAfterMs: sinceMs })
  if (window === null) return []
  return yield* ask(
    `SELECT machine, min(server_ms) AS first_ms, max(server_ms) AS last_ms FROM record
     WHERE id >= ? AND server_ms > ? GROUP BY machine HAVING count(*) > 1 AND max(server_ms) - min(server_ms) >= ?`,
    window.low,
    sinceMs,
    knownForMs,
  )
}
