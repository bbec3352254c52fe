import { ask, type Work } from '../../store/records/work.ts'

/**
 * Crashes that were counted without being stored have no payload to blame anew. Those of one frame, build and class go, all together, where most of
 * their stored siblings are: the records for which the same frame was blamed at first. So an undone change leaves them where they were.
 */

/** Counted crashes, by the frame that was blamed when they were counted, that are to be shown under another one. */
export interface StormMove {
  readonly originId: number
  readonly buildId: number
  readonly classId: number
  readonly fromId: number
  readonly toId: number
}

interface StormGroup {
  readonly origin_id: number
  readonly build_id: number
  readonly classification_id: number
  readonly shown_id: number
}

/** Returns which counted crashes are not where most of their stored siblings are. */
export function* stormMoves(): Work<readonly StormMove[]> {
  const storms = yield* ask<StormGroup>(
    `SELECT DISTINCT guilty_id AS origin_id, build_id, classification_id, coalesce(blamed_id, guilty_id) AS shown_id
     FROM storm WHERE dropped > 0 AND guilty_id > 0`,
  )
  if (storms.length === 0) return []
  const siblings = yield* ask<Omit<StormGroup, 'shown_id'> & { guilty_id: number; records: number }>(
    `SELECT coalesce(origin_id, guilty_id) AS origin_id, build_id, classification_id, guilty_id, count(*) AS records
     FROM record WHERE crash = 1 AND guilty_id IS NOT NULL GROUP BY 1, 2, 3, 4`,
  )
  const places = new Map<string, Map<number, number>>()
  for (const row of siblings) {
    const counts = places.get(keyOf(row)) ?? new Map<number, number>()
    places.set(keyOf(row), counts.set(row.guilty_id, row.records))
  }
  return storms.flatMap((storm): StormMove[] => {
    const toId = mostOf(places.get(keyOf(storm)) ?? new Map<number, number>(), storm.shown_id)
    return toId === storm.shown_id
      ? []
      : [
          {
            originId: storm.origin_id,
            buildId: storm.build_id,
            classId: storm.classification_id,
            fromId: storm.shown_id,
            toId,
          },
        ]
  })
}

/** Returns the key with the greatest count; `usual` when there is none, or no greater one. */
export function mostOf<Key>(counts: ReadonlyMap<Key, number>, usual: Key): Key {
  let best = usual
  let most = counts.get(usual) ?? 0
  for (const [key, count] of counts) {
    if (count <= most) continue
    best = key
    most = count
  }
  return best
}

/** Shows counted crashes under other frames. */
export function* moveStorms(moves: readonly StormMove[]): Work<void> {
  for (const { originId, buildId, classId, fromId, toId } of moves) {
    const rows = yield* ask<{ dropped: number }>(
      `UPDATE storm SET blamed_id = ?
       WHERE guilty_id = ? AND build_id = ? AND classification_id = ? AND coalesce(blamed_id, guilty_id) = ? RETURNING dropped`,
      toId,
      originId,
      buildId,
      classId,
      fromId,
    )
    const dropped = rows.reduce((sum, row) => sum + row.dropped, 0)
    yield* ask('UPDATE guilty SET counted = counted - ? WHERE id = ?', dropped, fromId)
    yield* ask('UPDATE guilty SET counted = counted + ? WHERE id = ?', dropped, toId)
  }
}

function keyOf(row: Omit<StormGroup, 'shown_id'>): string {
  return `${row.origin_id} ${row.build_id} ${row.classification_id}`
}
