import { ask, marks, type Work } from '../../store/records/work.ts'
import type { Frame, GuiltyRow } from '../schema.ts'
import type { Writer } from './insert.ts'

/** Rows of guilty frames: noting when each was seen, and letting go of those that nothing is known of any more. */

/** When a frame was seen, and in which build first. */
export interface Seen {
  readonly firstMs: number
  readonly lastMs: number
  readonly buildId: number | null
  /** Whether nobody is to be told of it, should it be new. */
  readonly isTold: boolean
}

/** Returns a guilty frame after noting when it was seen; makes it if need be. */
export function* touchGuilty(frame: Frame, { firstMs, lastMs, buildId, isTold }: Seen): Work<GuiltyRow> {
  const [row] = yield* ask<GuiltyRow>(
    `INSERT INTO guilty (function, module, first_ms, last_ms, first_build_id, told) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (function, module) DO UPDATE SET
       first_build_id = CASE WHEN guilty.first_build_id IS NULL OR excluded.first_ms < guilty.first_ms
         THEN coalesce(excluded.first_build_id, guilty.first_build_id) ELSE guilty.first_build_id END,
       first_ms = CASE WHEN excluded.first_ms < guilty.first_ms THEN excluded.first_ms ELSE guilty.first_ms END,
       last_ms = CASE WHEN excluded.last_ms > guilty.last_ms THEN excluded.last_ms ELSE guilty.last_ms END
     RETURNING *`,
    frame.function,
    frame.module,
    firstMs,
    lastMs,
    buildId,
    isTold ? 1 : 0,
  )
  if (!row) throw new Error('an upsert returned no row')
  return row
}

/** Frames of which nothing was decided, no record is left and no crash is counted. */
const idle = `comment = '' AND hidden = 0 AND fixed_ms IS NULL
  AND NOT EXISTS (SELECT 1 FROM record WHERE record.guilty_id = guilty.id)
  AND id NOT IN (SELECT guilty_id FROM storm)
  AND id NOT IN (SELECT blamed_id FROM storm WHERE blamed_id IS NOT NULL)`

/** Returns the guilty frames that nothing is known of any more. */
export function* idleGuilties(): Work<readonly number[]> {
  return (yield* ask<{ id: number }>(`SELECT id FROM guilty WHERE ${idle}`)).map(({ id }) => id)
}

/** Lets go of guilty frames, unless they were blamed again meanwhile. */
export function* removeGuilties(ids: readonly number[], { forShare }: Writer): Work<void> {
  // Whoever blames one just now is waited for, so that the second statement sees the record.
  if (forShare !== '')
    yield* ask(`SELECT id FROM guilty WHERE id IN (${marks(ids)}) ORDER BY id${forShare}`, ...ids)
  yield* ask(`DELETE FROM guilty WHERE id IN (${marks(ids)}) AND ${idle}`, ...ids)
}
