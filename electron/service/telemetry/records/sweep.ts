import { ask, marks, type Work } from '../../store/records/work.ts'
import { blockBits } from './blocks.ts'
import type { Writer } from './insert.ts'
import { termColumns } from './list.ts'
import { hourMs } from './storm.ts'

/** Letting go of what belongs to no record any more. */

/** What was counted of a storm is shown for so long (days). */
const stormDays = 90

/** Columns beside those of records that name terms. */
const otherTerms = [
  ['guilty', 'first_build_id'],
  ['storm', 'build_id'],
  ['storm', 'classification_id'],
] as const

/**
 * Makes sure that records which are written from now on have asked for their terms again, and returns the greatest id of the others. Of all
 * collectors, those that are just writing are waited for.
 */
export function* beginTermSweep(writer: Writer): Work<number> {
  yield* ask("UPDATE state SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'terms'")
  writer.terms.forget()
  const [newest] = yield* ask<{ id: number | null }>('SELECT max(id) AS id FROM record')
  return newest?.id ?? 0
}

/** Returns the terms that nothing has. */
export function* orphanTerms(): Work<readonly number[]> {
  const used = new Set<number>()
  const columns = [...termColumns.map((column) => ['record', column] as const), ...otherTerms]
  for (const [table, column] of columns) {
    const rows = yield* ask<{ id: number | null }>(`SELECT DISTINCT ${column} AS id FROM ${table}`)
    for (const { id } of rows) if (id !== null) used.add(id)
  }
  const terms = yield* ask<{ id: number }>('SELECT id FROM term')
  return terms.map(({ id }) => id).filter((id) => !used.has(id))
}

/** Lets go of terms, unless something that came meanwhile has them: records after `upTo` are looked at. */
export function* removeTerms(ids: readonly number[], upTo: number, writer: Writer): Work<void> {
  yield* beginTermSweep(writer)
  const used = new Set<number>()
  const rows = yield* ask(`SELECT DISTINCT ${termColumns.join(', ')} FROM record WHERE id > ?`, upTo)
  for (const row of rows) for (const column of termColumns) used.add(Number(row[column]))
  for (const [table, column] of otherTerms) {
    const others = yield* ask<{ id: number }>(
      `SELECT DISTINCT ${column} AS id FROM ${table} WHERE ${column} IN (${marks(ids)})`,
      ...ids,
    )
    for (const { id } of others) used.add(id)
  }
  const gone = ids.filter((id) => !used.has(id))
  if (gone.length > 0) yield* ask(`DELETE FROM term WHERE id IN (${marks(gone)})`, ...gone)
}

/** Lets go of blocks without records, of storms that are over, and of what was kept aside long ago. */
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
  const hour = Math.floor(nowMs / hourMs)
  // One that dropped nothing has only counted up to its limit, and that begins anew every hour.
  yield* ask('DELETE FROM storm WHERE hour < ? OR (dropped = 0 AND hour < ?)', hour - stormDays * 24, hour)
  yield* ask('DELETE FROM quarantine WHERE at_ms < ?', nowMs - quarantineMs)
}
