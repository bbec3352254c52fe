import type { ChangeGuilty } from '../../../shared/api/telemetry.ts'
import { ask, type Value, type Work } from '../../store/records/work.ts'
import type { GuiltyRow } from '../schema.ts'

/** What people decide of a guilty frame. */

/** Writes a decision and returns the frame; null when there is none. */
export function* decideGuilty(
  id: number,
  { comment, hidden, fixed, fixedBuild }: ChangeGuilty,
  nowMs: number,
): Work<{ readonly row: GuiltyRow; readonly firstBuild: string | null } | null> {
  const parts: string[] = []
  const values: Value[] = []
  const set = (column: string, value: Value): void => {
    parts.push(`${column} = ?`)
    values.push(value)
  }
  if (comment !== undefined) set('comment', comment.trim().toWellFormed().replaceAll('\u0000', ''))
  if (hidden !== undefined) set('hidden', hidden ? 1 : 0)
  const isFixed = fixed ?? (typeof fixedBuild === 'string' ? true : undefined)
  if (isFixed !== undefined) {
    set('fixed_ms', isFixed ? nowMs : null)
    set('fixed_build', isFixed ? (fixedBuild ?? null) : null)
    set('back_ms', null)
  }
  const rows =
    parts.length === 0
      ? yield* ask<GuiltyRow>('SELECT * FROM guilty WHERE id = ?', id)
      : yield* ask<GuiltyRow>(`UPDATE guilty SET ${parts.join(', ')} WHERE id = ? RETURNING *`, ...values, id)
  const [row] = rows
  if (!row) return null
  const [term] =
    row.first_build_id === null
      ? []
      : yield* ask<{ text: string }>('SELECT text FROM term WHERE id = ?', row.first_build_id)
  return { row, firstBuild: term?.text ?? null }
}
