import { ask, marks, type Work } from '../../store/records/work.ts'
import { oldestKept, purgeJudge, type RetentionPlan } from '../purge-rules.ts'
import { bytesBeside, noteRemoved } from './blocks.ts'
import { idWindow, type ReadEnv } from './list.ts'
import { textsOf } from './terms.ts'

/** Finding and letting go of records whose time is over, a few at a time. */

/** A stretch of records that was judged. */
export interface PurgePiece {
  readonly ids: readonly number[]
  /** About how much room they take (bytes). */
  readonly bytes: number
  /** The last id that was looked at; null when there is nothing more that could go. */
  readonly lastId: number | null
}

interface JudgedRow {
  readonly id: number
  readonly server_ms: number
  readonly classification_id: number
  readonly build_id: number
  readonly system_id: number
  readonly severity: number
  readonly machine: string
  readonly payload_bytes: number
}

/** Returns which of the next records after an id go by age. */
export function* purgePiece(
  {
    plan,
    nowMs,
    after,
    most,
  }: { readonly plan: RetentionPlan; readonly nowMs: number; readonly after: number; readonly most: number },
  env: ReadEnv,
): Work<PurgePiece> {
  const beforeMs = plan.enabled ? oldestKept(plan, nowMs) : null
  if (beforeMs === null) return { ids: [], bytes: 0, lastId: null }
  const window = yield* idWindow({ receivedBeforeMs: beforeMs })
  if (window === null) return { ids: [], bytes: 0, lastId: null }
  const rows = yield* ask<JudgedRow>(
    `SELECT id, server_ms, classification_id, build_id, system_id, severity, machine, payload_bytes FROM record
     WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
    after,
    window.high,
    most,
  )
  const texts = yield* textsOf(
    env.terms,
    rows.flatMap(({ classification_id, build_id, system_id }) => [classification_id, build_id, system_id]),
  )
  const goes = purgeJudge(plan, nowMs)
  const going = rows.filter((row) =>
    goes({
      serverMs: row.server_ms,
      classification: texts.get(row.classification_id) ?? '',
      build: texts.get(row.build_id) ?? '',
      system: texts.get(row.system_id) ?? '',
      severity: String(row.severity),
      machine: row.machine,
    }),
  )
  return {
    ids: going.map(({ id }) => id),
    bytes: going.reduce((sum, row) => sum + row.payload_bytes + bytesBeside, 0),
    lastId: rows.at(-1)?.id ?? null,
  }
}

/** Returns the ids of the oldest records. */
export function* oldestIds(most: number): Work<readonly number[]> {
  return (yield* ask<{ id: number }>('SELECT id FROM record ORDER BY id LIMIT ?', most)).map(({ id }) => id)
}

/**
 * Returns how much room in the pages of a file is free for new records (bytes). What goes leaves gaps in the pages of indexes, which the file keeps
 * and fills again: https://www.sqlite.org/dbstat.html
 */
export function* gapBytes(): Work<number> {
  const [row] = yield* ask<{ bytes: number | null }>(
    "SELECT sum(unused) AS bytes FROM dbstat WHERE pagetype = 'leaf'",
  )
  return row?.bytes ?? 0
}

/** Lets go of records; returns how many there were. */
export function* removeRecords(ids: readonly number[]): Work<number> {
  if (ids.length === 0) return 0
  yield* ask(`DELETE FROM payload WHERE record_id IN (${marks(ids)})`, ...ids)
  const rows = yield* ask<{ id: number; payload_bytes: number }>(
    `DELETE FROM record WHERE id IN (${marks(ids)}) RETURNING id, payload_bytes`,
    ...ids,
  )
  yield* noteRemoved(rows.map(({ id, payload_bytes }) => ({ id, payloadBytes: payload_bytes })))
  return rows.length
}
