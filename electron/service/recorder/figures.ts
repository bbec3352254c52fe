import { dayMs } from '../../shared/time-text.ts'
import type { Presence } from '../../shared/vocabulary.ts'
import type { Stretch, Timeline } from './timeline.ts'

/** Milliseconds per presence; they add up to the window they were counted over. */
export type PerPresence = Record<Presence, number>

export interface WindowFigures {
  readonly windowMs: number
  readonly ms: PerPresence
  /** percent of the observed time, up / (up + down); null when neither was seen */
  readonly availability: number | null
  readonly flights: number
  readonly gaps: number
  readonly stops: number
  readonly crashes: number
  readonly sleeps: number
  readonly recorderStops: number
  readonly longestUpMs: number
  readonly meanUpMs: number
  readonly longestDownMs: number
  readonly meanDownMs: number
}

export function zeroPresence(): PerPresence {
  return { up: 0, asleep: 0, down: 0, 'recorder-off': 0, unknown: 0 }
}

/**
 * Cuts a timeline to a window and fills what lies before the first record or after the present with `unknown`, so that
 * the stretches cover the window exactly.
 */
export function cutStretches(timeline: Timeline, sinceMs: number, untilMs: number): Stretch[] {
  const cut: Stretch[] = []
  let at = sinceMs
  const { stretches } = timeline
  for (let index = firstEndingAfter(stretches, sinceMs); index < stretches.length; index += 1) {
    const stretch = stretches[index]
    if (!stretch || stretch.fromMs >= untilMs) break
    const fromMs = Math.max(stretch.fromMs, sinceMs)
    const toMs = Math.min(stretch.toMs, untilMs)
    if (toMs <= fromMs) continue
    if (fromMs > at) cut.push(unseen(at, fromMs))
    cut.push(fromMs === stretch.fromMs && toMs === stretch.toMs ? stretch : { ...stretch, fromMs, toMs })
    at = toMs
  }
  if (untilMs > at) cut.push(unseen(at, untilMs))
  return cut
}

function unseen(fromMs: number, toMs: number): Stretch {
  return { fromMs, toMs, presence: 'unknown', kind: null, gap: null }
}

function firstEndingAfter(stretches: readonly Stretch[], ms: number): number {
  let low = 0
  let high = stretches.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((stretches[middle]?.toMs ?? 0) <= ms) low = middle + 1
    else high = middle
  }
  return low
}

/** Counts a window. `cut` is the timeline cut to it by {@link cutStretches}. */
export function countWindow(
  timeline: Timeline,
  cut: readonly Stretch[],
  sinceMs: number,
  untilMs: number,
): WindowFigures {
  const ms = zeroPresence()
  for (const { presence, fromMs, toMs } of cut) ms[presence] += toMs - fromMs
  const ups = runs(cut, 'up')
  const downs = runs(cut, 'down')
  const inWindow = ({ beginMs, endMs }: { beginMs: number; endMs: number }): boolean =>
    beginMs < untilMs && endMs >= sinceMs
  const gaps = timeline.gaps.filter(({ fromMs, toMs }) => fromMs < untilMs && toMs > sinceMs)
  const ofKind = (kind: string): number => gaps.filter((gap) => gap.kind === kind).length
  const observed = ms.up + ms.down
  return {
    windowMs: untilMs - sinceMs,
    ms,
    availability: observed > 0 ? (ms.up / observed) * 100 : null,
    flights: timeline.witnesses.filter((witness) => !witness.isShadow && inWindow(witness)).length,
    gaps: gaps.length,
    stops: ofKind('off'),
    crashes: ofKind('crashed'),
    sleeps: runs(cut, 'asleep').length,
    recorderStops: ofKind('recorder-off'),
    longestUpMs: largest(ups),
    meanUpMs: mean(ups),
    longestDownMs: largest(downs),
    meanDownMs: mean(downs),
  }
}

/** Returns the lengths of the unbroken runs of a presence. */
function runs(cut: readonly Stretch[], presence: Presence): number[] {
  const lengths: number[] = []
  let length = 0
  for (const stretch of cut) {
    if (stretch.presence === presence) {
      length += stretch.toMs - stretch.fromMs
    } else if (length > 0) {
      lengths.push(length)
      length = 0
    }
  }
  if (length > 0) lengths.push(length)
  return lengths
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length)
}

/** Which presence speaks for several in a place too narrow to draw them: a problem never hides behind good time. */
const loudness: Readonly<Record<Presence, number>> = {
  down: 4,
  unknown: 3,
  'recorder-off': 2,
  asleep: 1,
  up: 0,
}

export interface DrawnStretch extends Stretch {
  /** How many stretches it stands for. */
  readonly merged: number
}

/**
 * Merges stretches that are too narrow to see, so that at most about `most` remain. A merged one shows the worst that it
 * holds; the figures are counted before, from every stretch.
 */
export function coalesce(cut: readonly Stretch[], most: number): DrawnStretch[] {
  const first = cut[0]
  const last = cut[cut.length - 1]
  if (!first || !last || cut.length <= most) return cut.map((stretch) => ({ ...stretch, merged: 1 }))
  const cell = (last.toMs - first.fromMs) / (most / 2)
  const drawn: DrawnStretch[] = []
  let pending: DrawnStretch | null = null
  for (const stretch of cut) {
    if (pending && stretch.toMs - pending.fromMs <= cell) {
      const worse: Stretch = loudness[stretch.presence] > loudness[pending.presence] ? stretch : pending
      pending = { ...worse, fromMs: pending.fromMs, toMs: stretch.toMs, merged: pending.merged + 1 }
      continue
    }
    if (pending) drawn.push(pending)
    pending = { ...stretch, merged: 1 }
  }
  if (pending) drawn.push(pending)
  return drawn
}

export interface DayFigures {
  readonly fromMs: number
  readonly ms: PerPresence
  readonly crashes: number
}

/** Counts each day; `dayStarts` are the days' begins in order with the end of the last one behind them. */
export function countDays(timeline: Timeline, dayStarts: readonly number[]): DayFigures[] {
  const days: DayFigures[] = []
  for (let index = 0; index + 1 < dayStarts.length; index += 1) {
    const fromMs = dayStarts[index] ?? 0
    const toMs = dayStarts[index + 1] ?? fromMs + dayMs
    const ms = zeroPresence()
    for (const stretch of cutStretches(timeline, fromMs, toMs))
      ms[stretch.presence] += stretch.toMs - stretch.fromMs
    days.push({ fromMs, ms, crashes: 0 })
  }
  const crashes = timeline.gaps.filter(({ kind }) => kind === 'crashed')
  return days.map((day, index) => {
    const toMs = dayStarts[index + 1] ?? day.fromMs + dayMs
    return { ...day, crashes: crashes.filter(({ fromMs }) => fromMs >= day.fromMs && fromMs < toMs).length }
  })
}
