import { ask, fill, marks, type Work } from '../../store/records/work.ts'
import { frameKey, guiltyOf, skipListOf } from '../guilty/guilty.ts'
import type { Frame } from '../schema.ts'
import { touchGuilty } from './guilties.ts'
import type { Writer } from './insert.ts'
import type { ReadEnv } from './list.ts'
import { moveStorms, type StormMove } from './storm-moves.ts'
import { textsOf } from './terms.ts'

/** Blaming crashes anew after the skip list has changed: the change itself, the work in the background, undo. */

/** A change of the skip list. */
export interface SkipChange {
  readonly add: readonly Frame[]
  readonly remove: readonly Frame[]
}

/** A change of the skip list that was made, with how far blaming anew has come. */
export interface RegroupRow {
  readonly id: number
  readonly at_ms: number
  readonly what: string
  readonly undoable: number
  readonly moved: number
  readonly done_ms: number | null
}

/** A crash whose guilty frame is another one than is written down. */
export interface Moved {
  readonly id: number
  readonly serverMs: number
  readonly buildId: number
  readonly to: Frame | null
}

/** A stretch of crash records that was looked at. */
export interface RegroupPiece {
  readonly moved: readonly Moved[]
  readonly looked: number
  /** The last id of the stretch; null when there are no more. */
  readonly lastId: number | null
}

/** A list that long would be no list of exceptions any more. */
export const mostSkipped = 5_000

/** Returns the skip list, oldest first. */
export function* skipFrames(): Work<readonly (Frame & { readonly id: number; readonly added_ms: number })[]> {
  return yield* ask('SELECT id, function, module, added_ms FROM skip_frame ORDER BY id')
}

/** Returns which of the next crash records after an id have another guilty frame than is written. */
export function* regroupPiece(
  { after, upTo, most }: { readonly after: number; readonly upTo: number; readonly most: number },
  env: ReadEnv,
): Work<RegroupPiece> {
  const list = skipListOf(yield* skipFrames())
  const rows = (yield* crashRows('r.id > ?', 'ASC', after, most, null)).filter(({ id }) => id <= upTo)
  const texts = yield* textsOf(
    env.terms,
    rows.map(({ classification_id }) => classification_id),
  )
  const moved = rows.flatMap((row): Moved[] => {
    const to = guiltyOf(texts.get(row.classification_id) ?? '', row.text, list)
    const from = row.function === null ? null : { function: row.function, module: row.module ?? '' }
    return keyOf(from) === keyOf(to)
      ? []
      : [{ id: row.id, serverMs: row.server_ms, buildId: row.build_id, to }]
  })
  return { moved, looked: rows.length, lastId: rows.at(-1)?.id ?? null }
}

/** Writes what moved, and that the records of a stretch were looked at with a revision of the list. */
export function* writeMoves({
  piece,
  after,
  revision,
  regroupId,
}: {
  readonly piece: RegroupPiece
  readonly after: number
  readonly revision: number
  readonly regroupId: number
}): Work<void> {
  const byFrame = new Map<string, Moved[]>()
  for (const one of piece.moved) {
    const group = byFrame.get(keyOf(one.to))
    if (group) group.push(one)
    else byFrame.set(keyOf(one.to), [one])
  }
  for (const [, group] of [...byFrame].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first, ...later] = group.sort((one, other) => one.serverMs - other.serverMs)
    if (!first) continue
    const lastMs = later.at(-1)?.serverMs ?? first.serverMs
    // Nobody is told of a guilty frame that comes of a change of the list.
    const id = first.to
      ? (yield* touchGuilty(first.to, {
          firstMs: first.serverMs,
          lastMs,
          buildId: first.buildId,
          isTold: true,
        })).id
      : null
    const ids = group.map((one) => one.id)
    yield* ask(
      `UPDATE record SET origin_id = coalesce(origin_id, guilty_id), guilty_id = ? WHERE id IN (${marks(ids)})`,
      id,
      ...ids,
    )
  }
  if (piece.lastId !== null)
    yield* ask(
      'UPDATE record SET revision = ? WHERE crash = 1 AND id > ? AND id <= ?',
      revision,
      after,
      piece.lastId,
    )
  yield* ask('UPDATE regroup SET moved = moved + ? WHERE id = ?', piece.moved.length, regroupId)
}

/** Changes the skip list and returns the change; blaming anew is then to be done. Null when nothing would change. */
export function* changeSkip(
  { change, what, nowMs }: { readonly change: SkipChange; readonly what: string; readonly nowMs: number },
  writer: Writer,
): Work<RegroupRow | null> {
  const before = (yield* skipFrames()).map(({ function: name, module }) => ({ function: name, module }))
  const after = changed(before, change)
  if (after.length === before.length && change.add.every((frame) => before.some((one) => same(one, frame))))
    return null
  for (const { function: name, module } of change.remove)
    yield* ask('DELETE FROM skip_frame WHERE function = ? AND module = ?', name, module)
  yield* fill({
    into: 'skip_frame',
    columns: ['function', 'module', 'added_ms'],
    rows: change.add.map(({ function: name, module }) => [name, module, nowMs]),
    then: 'ON CONFLICT (function, module) DO NOTHING',
  })
  writer.skip = null
  return yield* beginRegroup(what, differenceOf(before, after), nowMs)
}

/** Takes back a change of the list, as far as later ones have left something of it. */
export function* undoRegroup(
  {
    id,
    what,
    change,
    nowMs,
  }: { readonly id: number; readonly what: string; readonly change: SkipChange; readonly nowMs: number },
  writer: Writer,
): Work<RegroupRow | null> {
  yield* ask('UPDATE regroup SET undoable = 0 WHERE id = ?', id)
  return yield* changeSkip(
    { change: { add: change.remove, remove: change.add }, what: `undo: ${what}`, nowMs },
    writer,
  )
}

/** Begins blaming all crashes anew, with the list as it is. */
export function* recompute({
  what,
  nowMs,
}: {
  readonly what: string
  readonly nowMs: number
}): Work<RegroupRow> {
  return yield* beginRegroup(what, { add: [], remove: [] }, nowMs)
}

const shownColumns = 'id, at_ms, what, undoable, moved, done_ms'

function* beginRegroup(what: string, change: SkipChange, nowMs: number): Work<RegroupRow> {
  yield* ask("UPDATE state SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = 'revision'")
  // The newest change looks at everything, so what an earlier one has not yet done is done with it.
  yield* ask('UPDATE regroup SET done_ms = ? WHERE done_ms IS NULL', nowMs)
  const [row] = yield* ask<RegroupRow>(
    `INSERT INTO regroup (at_ms, what, change, undoable) VALUES (?, ?, ?, ?) RETURNING ${shownColumns}`,
    nowMs,
    what,
    JSON.stringify(change),
    change.add.length + change.remove.length > 0 ? 1 : 0,
  )
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** Returns what a change of the list did and what it was called; null when there is none. */
export function* regroupChange(
  id: number,
): Work<{ readonly what: string; readonly change: SkipChange } | null> {
  const [row] = yield* ask<{ what: string; change: string }>(
    'SELECT what, change FROM regroup WHERE id = ?',
    id,
  )
  return row ? { what: row.what, change: JSON.parse(row.change) as SkipChange } : null
}

/** Returns the changes of the skip list, newest first. */
export function* regroups(most: number): Work<readonly RegroupRow[]> {
  return yield* ask<RegroupRow>(`SELECT ${shownColumns} FROM regroup ORDER BY id DESC LIMIT ?`, most)
}

/** Returns the change that turns one list into another. */
function differenceOf(now: readonly Frame[], wanted: readonly Frame[]): SkipChange {
  return {
    add: wanted.filter((frame) => !now.some((one) => same(one, frame))),
    remove: now.filter((frame) => !wanted.some((one) => same(one, frame))),
  }
}

/** Returns a list after a change. */
export function changed(frames: readonly Frame[], { add, remove }: SkipChange): Frame[] {
  const kept = frames.filter((frame) => !remove.some((one) => same(one, frame)))
  return [...kept, ...add.filter((frame) => !kept.some((one) => same(one, frame)))]
}

function same(a: Frame, b: Frame): boolean {
  return a.function === b.function && a.module === b.module
}

/** Returns the key of a frame; nobody has one too. */
export function keyOf(frame: Frame | null): string {
  return frame === null ? '' : frameKey(frame)
}

/** A crash with its payload and the frame that is blamed for it. */
interface CrashRow {
  readonly id: number
  readonly server_ms: number
  readonly build_id: number
  readonly classification_id: number
  readonly text: string
  readonly guilty_id: number | null
  readonly function: string | null
  readonly module: string | null
}

/** Returns the next crashes after or before an id, of all guilty frames or of a few. */
export function* crashRows(
  bound: 'r.id < ?' | 'r.id > ?',
  order: 'ASC' | 'DESC',
  id: number,
  most: number,
  onlyOf: readonly number[] | null,
): Work<readonly CrashRow[]> {
  const only = onlyOf === null ? '' : `AND r.guilty_id IN (${marks(onlyOf)})`
  return yield* ask<CrashRow>(
    `SELECT r.id, r.server_ms, r.build_id, r.classification_id, p.text, r.guilty_id, g.function, g.module
     FROM record r JOIN payload p ON p.record_id = r.id LEFT JOIN guilty g ON g.id = r.guilty_id
     WHERE r.crash = 1 AND ${bound} ${only} ORDER BY r.id ${order} LIMIT ?`,
    id,
    ...(onlyOf ?? []),
    most,
  )
}

/** Returns how often the skip list has changed. */
export function* revisionNow(): Work<number> {
  const [row] = yield* ask<{ value: string }>("SELECT value FROM state WHERE name = 'revision'")
  return Number(row?.value ?? 1)
}

/** Writes down that all crashes were blamed with a change of the list, and takes the counted ones after the stored ones. */
export function* finishRegroup(id: number, nowMs: number, storms: readonly StormMove[]): Work<void> {
  yield* moveStorms(storms)
  yield* ask('UPDATE regroup SET done_ms = ? WHERE id = ?', nowMs, id)
}
