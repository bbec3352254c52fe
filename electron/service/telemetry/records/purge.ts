import { ask, marks, type Work } from '../../store/records/work.ts'
import { oldestKept, purgeJudge, type RetentionPlan } from '../purge-rules.ts'
import { blockBits } from './blocks.ts'
import { forgetWriter, type Writer } from './insert.ts'
import { idWindow, termColumns, type ReadEnv } from './list.ts'
import { textsOf } from './terms.ts'

/** Finding and letting go of records whose time is over, a few at a time. */

/** A stretch of records that was judged. */
export interface PurgePiece {
  readonly ids: readonly number[]
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
  if (beforeMs === null) return { ids: [], lastId: null }
  const window = yield* idWindow({ receivedBeforeMs: beforeMs })
  if (window === null) return { ids: [], lastId: null }
  const rows = yield* ask<JudgedRow>(
    `SELECT id, server_ms, classification_id, build_id, system_id, severity, machine FROM record
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
  const ids = rows
    .filter((row) =>
      goes({
        serverMs: row.server_ms,
        classification: texts.get(row.classification_id) ?? '',
        build: texts.get(row.build_id) ?? '',
        system: texts.get(row.system_id) ?? '',
        severity: String(row.severity),
        machine: row.machine,
      }),
    )
    .map(({ id }) => id)
  return { ids, lastId: rows.at(-1)?.id ?? null }
}

/** Returns the ids of the oldest records. */
export function* oldestIds(most: number): Work<readonly number[]> {
  return (yield* ask<{ id: number }>('SELECT id FROM record ORDER BY id LIMIT ?', most)).map(({ id }) => id)
}

/** Lets go of records; returns how many there were. */
export function* removeRecords(ids: readonly number[]): Work<number> {
  if (ids.length === 0) return 0
  yield* ask(`DELETE FROM payload WHERE record_id IN (${marks(ids)})`, ...ids)
  const [row] = yield* ask(`DELETE FROM record WHERE id IN (${marks(ids)})`, ...ids)
  return Number(row?.['changes'] ?? 0)
}

/** Returns the terms that no record has, with the greatest id of a record when that was so. */
export function* orphanTerms(): Work<{ readonly orphans: readonly number[]; readonly upTo: number }> {
  const [newest] = yield* ask<{ id: number | null }>('SELECT max(id) AS id FROM record')
  const used = new Set<number>()
  for (const column of termColumns) {
    const rows = yield* ask<{ id: number }>(`SELECT DISTINCT ${column} AS id FROM record`)
    for (const { id } of rows) used.add(id)
  }
  const terms = yield* ask<{ id: number }>('SELECT id FROM term')
  return { orphans: terms.map(({ id }) => id).filter((id) => !used.has(id)), upTo: newest?.id ?? 0 }
}

/** Lets go of terms, unless a record that came meanwhile has them. */
export function* removeTerms(ids: readonly number[], upTo: number, writer: Writer): Work<void> {
  const used = new Set<number>()
  const rows = yield* ask(`SELECT ${termColumns.join(', ')} FROM record WHERE id > ?`, upTo)
  for (const row of rows) for (const column of termColumns) used.add(Number(row[column]))
  const gone = ids.filter((id) => !used.has(id))
  if (gone.length === 0) return
  yield* ask(`DELETE FROM term WHERE id IN (${marks(gone)})`, ...gone)
  forgetWriter(writer)
}

/** Lets go of what belongs to no record any more. */
export function* sweep({
  nowMs,
  quarantineMs,
}: {
  readonly nowMs: number
  readonly quarantineMs: number
}): Work<void> {
  const [row] = yield* ask<{ low: number | null }>('SELECT min(id) AS low FROM record')
  if (row && row.low !== null)
    yield* ask('DELETE FROM record_block WHERE block < ?', Math.floor(row.low / 2 ** blockBits))
  yield* ask('DELETE FROM storm WHERE hour < ?', Math.floor((nowMs - 90 * 86_400_000) / 3_600_000))
  yield* ask('DELETE FROM quarantine WHERE at_ms < ?', nowMs - quarantineMs)
}
