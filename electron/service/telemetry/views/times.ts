import { ask, type Work } from '../../store/records/work.ts'

/** When there were crashes, and what a text leads to. */

/** Crashes of one guilty frame in one stretch of a window (ms UTC). */
export interface CrashSlot {
  readonly fromMs: number
  readonly toMs: number
  readonly crashes: number
  readonly guilty: number
  readonly frame: string
}

/** So many stretches a window has. */
const slots = 200
const mostSlots = 4_000

/** Returns how many crashes there were in each stretch of a window, oldest first; those without a frame are left out. */
export function* crashTimes({
  sinceMs,
  untilMs,
}: {
  readonly sinceMs: number
  readonly untilMs: number
}): Work<readonly CrashSlot[]> {
  const widthMs = Math.max(1, Math.ceil((untilMs - sinceMs) / slots))
  const rows = yield* ask<{ slot: number; guilty_id: number; crashes: number; frame: string }>(
    `SELECT slot, guilty_id, crashes, guilty.function AS frame FROM (
       SELECT (server_ms - ?) / ${widthMs} AS slot, guilty_id, count(*) AS crashes FROM record
       WHERE guilty_id IS NOT NULL AND server_ms > ? AND server_ms <= ?
       GROUP BY 1, 2 ORDER BY 1 DESC LIMIT ${mostSlots}
     ) counted JOIN guilty ON guilty.id = guilty_id WHERE guilty.hidden = 0 ORDER BY slot`,
    Math.round(sinceMs),
    Math.round(sinceMs),
    Math.round(untilMs),
  )
  return rows.map(({ slot, guilty_id, crashes, frame }) => ({
    fromMs: sinceMs + Number(slot) * widthMs,
    toMs: Math.min(untilMs, sinceMs + (Number(slot) + 1) * widthMs),
    crashes: Number(crashes),
    guilty: guilty_id,
    frame,
  }))
}

/** What a text leads to among the records. */
export interface Found {
  readonly record: { readonly id: number; readonly classification: string } | null
  readonly frames: readonly { readonly id: number; readonly frame: string; readonly module: string }[]
  readonly terms: readonly { readonly kind: 'classification' | 'build'; readonly text: string }[]
}

/** Returns the record of that number, and guilty frames, classes and builds that hold a text, at most `most` of each. */
export function* found({ q, most }: { readonly q: string; readonly most: number }): Work<Found> {
  const id = /^\d{1,15}$/.test(q) ? Number(q) : null
  const [record] =
    id === null
      ? []
      : yield* ask<{ id: number; classification: string }>(
          `SELECT record.id, term.text AS classification FROM record JOIN term ON term.id = classification_id
           WHERE record.id = ?`,
          id,
        )
  const like = `%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  const frames = yield* ask<{ id: number; frame: string; module: string }>(
    `SELECT id, function AS frame, module FROM guilty
     WHERE lower(function) LIKE ? ESCAPE '\\' OR lower(module) LIKE ? ESCAPE '\\' ORDER BY last_ms DESC LIMIT ${most}`,
    like,
    like,
  )
  const terms = yield* ask<{ kind: 'classification' | 'build'; text: string }>(
    `SELECT kind, text FROM term WHERE kind IN ('classification', 'build') AND lower(text) LIKE ? ESCAPE '\\'
     ORDER BY kind, text LIMIT ${most}`,
    like,
  )
  return { record: record ?? null, frames, terms }
}
