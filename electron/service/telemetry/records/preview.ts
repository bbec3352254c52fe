import { ask, type Work } from '../../store/records/work.ts'
import { guiltyOf, skipListOf } from '../guilty/guilty.ts'
import type { Frame, GuiltyRow } from '../schema.ts'
import type { ReadEnv } from './list.ts'
import { changed, crashRows, keyOf, skipFrames, type SkipChange } from './regroup.ts'
import { mostOf } from './storm-moves.ts'
import { textsOf } from './terms.ts'

/** What a change of the skip list would do, before it is made. */

/** Crashes that a change moves from one guilty frame to another. */
export interface Move {
  readonly from: Frame | null
  readonly to: Frame | null
  readonly records: number
  /** Crashes that were only counted, and go with them. */
  readonly counted: number
}

/** What a change of the skip list would do. */
export interface Preview {
  readonly moves: readonly Move[]
  /** Crash records that were looked at. */
  readonly looked: number
  /** False when time ran out: there are more, older records. */
  readonly isComplete: boolean
}

const batch = 250

interface Moving {
  readonly from: Frame | null
  readonly to: Frame | null
  records: number
  counted: number
}

/** Returns what a change of the skip list would do, newest records first, within a time (ms). */
export function* previewSkip(
  { change, patienceMs }: { readonly change: SkipChange; readonly patienceMs: number },
  env: ReadEnv,
): Work<Preview> {
  const begunMs = env.elapsedMs()
  const list = skipListOf(changed(yield* skipFrames(), change))
  // A frame that is to be skipped moves nothing but what it was blamed for.
  const onlyOf = change.remove.length > 0 ? null : yield* guiltyIds(change.add)
  /** By both frames, and where the crashes of one frame, build and class go. */
  const moves = new Map<string, Moving>()
  const places = new Map<string, Map<string, number>>()
  let looked = 0
  let isDone = onlyOf?.length === 0
  let below = Number.MAX_SAFE_INTEGER
  while (!isDone) {
    const rows = yield* crashRows('r.id < ?', 'DESC', below, batch, onlyOf)
    const texts = yield* textsOf(
      env.terms,
      rows.map(({ classification_id }) => classification_id),
    )
    for (const row of rows) {
      looked += 1
      const to = guiltyOf(texts.get(row.classification_id) ?? '', row.text, list)
      const from = row.function === null ? null : { function: row.function, module: row.module ?? '' }
      const way = `${keyOf(from)}\n\n${keyOf(to)}`
      const group = `${row.guilty_id} ${row.build_id} ${row.classification_id}`
      const ways = places.get(group) ?? new Map<string, number>()
      places.set(group, ways.set(way, (ways.get(way) ?? 0) + 1))
      if (keyOf(from) === keyOf(to)) continue
      const move = moves.get(way)
      if (move) move.records += 1
      else moves.set(way, { from, to, records: 1, counted: 0 })
    }
    isDone = rows.length < batch
    below = rows.at(-1)?.id ?? 0
    if (env.elapsedMs() - begunMs > patienceMs) break
  }
  for (const { group, dropped } of yield* countedGroups()) {
    const move = moves.get(mostOf(places.get(group) ?? new Map<string, number>(), ''))
    if (move) move.counted += dropped
  }
  const sorted = [...moves.values()].sort((a, b) => b.records + b.counted - a.records - a.counted)
  return { moves: sorted, looked, isComplete: isDone }
}

function* countedGroups(): Work<readonly { readonly group: string; readonly dropped: number }[]> {
  const rows = yield* ask<{ shown_id: number; build_id: number; classification_id: number; dropped: number }>(
    `SELECT coalesce(blamed_id, guilty_id) AS shown_id, build_id, classification_id, sum(dropped) AS dropped
     FROM storm WHERE dropped > 0 AND guilty_id > 0 GROUP BY 1, 2, 3`,
  )
  return rows.map((row) => ({
    group: `${row.shown_id} ${row.build_id} ${row.classification_id}`,
    dropped: row.dropped,
  }))
}

function* guiltyIds(frames: readonly Frame[]): Work<readonly number[]> {
  const ids: number[] = []
  for (const { function: name, module } of frames) {
    const [row] = yield* ask<Pick<GuiltyRow, 'id'>>(
      'SELECT id FROM guilty WHERE function = ? AND module = ?',
      name,
      module,
    )
    if (row) ids.push(row.id)
  }
  return ids
}
