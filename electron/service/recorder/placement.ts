import { clockFloorMs } from '../../shared/clock-floor.ts'
import type { ClockState, Source } from '../../shared/vocabulary.ts'
import { foreignClockFloorMs, isSameBoot } from './rules.ts'
import type { FlightRow } from './schema.ts'

/** Where a flight lies on the wall clock's axis, and how surely. */
export interface Placed {
  readonly row: FlightRow
  readonly source: Source
  readonly beginMs: number
  readonly endMs: number
  readonly clock: ClockState
  readonly placedBy: 'clock' | 'boot' | 'neighbours'
  /** Half-width of the error bar; 0 when a trusted clock placed it, null when one side has no bound. */
  readonly errorMs: number | null
}

/** Flights of one recorder in one boot: the boot clock fixes them to each other, so they are placed as one. */
interface Unit {
  readonly rows: FlightRow[]
  readonly source: Source
  /** Begin of each row, ms after the begin of the first. */
  readonly offsets: number[]
  readonly lengthMs: number
  state: ClockState
  /** Begin of the first row by the best clock of the unit; null when no clock of it can be believed. */
  clockBeginMs: number | null
  placedBy: 'clock' | 'boot'
}

/** Clocks that agree to within this do not contradict each other. */
const overlapToleranceMs = 2_000

/**
 * Places flights, given in the order in which they were recorded. A flight whose clock was trusted lies where that clock
 * says; one of a boot that was trusted at any time lies where the boot clock says; the others are put between their
 * neighbours, never where an unset clock says. Where trusted clocks contradict each other, the most that agree win; none
 * is believed that is ahead of the present, unless the present clock is itself surely wrong.
 */
export function placeFlights(rows: readonly FlightRow[], nowMs: number): Placed[] {
  const units = gatherUnits(rows)
  if (nowMs >= clockFloorMs) distrustFuture(units, nowMs + futureToleranceMs)
  distrustContradictions(units.filter(({ source }) => source === 'watchkeeper'))
  const placed: Placed[] = []
  for (const source of new Set(units.map((unit) => unit.source))) {
    const own = units.filter((unit) => unit.source === source)
    for (let index = 0; index < own.length;) {
      const unit = own[index]
      if (!unit) break
      if (unit.clockBeginMs !== null) {
        pushUnit(placed, unit, unit.clockBeginMs, 0, unit.placedBy)
        index += 1
        continue
      }
      let end = index
      while (end < own.length && own[end]?.clockBeginMs === null) end += 1
      placeBetween(placed, own[index - 1], own.slice(index, end), own[end])
      index = end
    }
  }
  return placed
}

function gatherUnits(rows: readonly FlightRow[]): Unit[] {
  const units: Unit[] = []
  let last: Unit | undefined
  for (const row of rows) {
    const source = row.source ?? 'flight-recorder'
    const first = last?.rows[0]
    const shared =
      last &&
      first &&
      source === 'watchkeeper' &&
      last.source === source &&
      first.begin_boot_ms !== null &&
      row.begin_boot_ms !== null
        ? isSameBoot(first.boot_id, row.boot_id)
        : null
    if (shared === true && last && first) {
      addToUnit(last, row, (row.begin_boot_ms ?? 0) - (first.begin_boot_ms ?? 0))
      continue
    }
    const unit = startUnit(row, source)
    units.push(unit)
    if (source === 'watchkeeper') last = unit
  }
  return units
}

function startUnit(row: FlightRow, source: Source): Unit {
  const own = ownBegin(row, source)
  return {
    rows: [row],
    source,
    offsets: [0],
    lengthMs: row.duration * 1_000,
    state: own.state,
    clockBeginMs: own.beginMs,
    placedBy: 'clock',
  }
}

function addToUnit(unit: Unit, row: FlightRow, offset: number): void {
  const own = ownBegin(row, unit.source)
  unit.rows.push(row)
  unit.offsets.push(offset)
  ;(unit as { lengthMs: number }).lengthMs = Math.max(unit.lengthMs, offset + row.duration * 1_000)
  // The latest trusted clock of a boot knows best: a step is nearly always a correction.
  if (own.beginMs !== null && !(unit.state === 'synchronised' && own.state === 'plausible')) {
    if (
      unit.clockBeginMs === null ||
      Math.abs(own.beginMs - offset - unit.clockBeginMs) > overlapToleranceMs
    ) {
      unit.placedBy = 'boot'
    }
    unit.clockBeginMs = own.beginMs - offset
    unit.state = own.state
  } else if (own.beginMs === null) {
    unit.placedBy = 'boot'
  }
}

function ownBegin(row: FlightRow, source: Source): { beginMs: number | null; state: ClockState } {
  if (source !== 'watchkeeper') {
    const endMs = row.last_ts * 1_000
    return endMs < foreignClockFloorMs
      ? { beginMs: null, state: 'untrusted' }
      : { beginMs: endMs - row.duration * 1_000, state: 'plausible' }
  }
  if (row.anchor_wall_ms === null || row.anchor_elapsed_ms === null)
    return { beginMs: null, state: 'untrusted' }
  const state = row.clock_state === 'synchronised' ? 'synchronised' : 'plausible'
  return { beginMs: row.anchor_wall_ms - row.anchor_elapsed_ms, state }
}

/**
 * One recorder's boots follow each other, so a unit that begins before an earlier one ended has a wrong clock, or that
 * one has. Keeps the heaviest chain of units in order (a synchronised clock outweighs any number of others, and earlier
 * ones win a tie) and takes the clocks of the rest away.
 */
function distrustContradictions(units: readonly Unit[]): void {
  const known = units.filter((unit) => unit.clockBeginMs !== null)
  const beginOf = (unit: Unit): number => unit.clockBeginMs ?? 0
  const endOf = (unit: Unit): number => beginOf(unit) + unit.lengthMs
  const inOrder = known.every((unit, index) => {
    const before = known[index - 1]
    return !before || beginOf(unit) + overlapToleranceMs >= endOf(before)
  })
  if (inOrder) return
  const ends = [...new Set(known.map(endOf))].sort((a, b) => a - b)
  const best: ({ weight: number; index: number } | undefined)[] = Array.from({ length: ends.length + 1 })
  const links: number[] = []
  let top = { weight: 0, index: -1 }
  known.forEach((unit, index) => {
    const before = bestUpTo(best, countUpTo(ends, beginOf(unit) + overlapToleranceMs))
    const weight = (before?.weight ?? 0) + (unit.state === 'synchronised' ? known.length + 1 : 1)
    links[index] = before?.index ?? -1
    raise(best, countUpTo(ends, endOf(unit)), { weight, index })
    if (weight > top.weight) top = { weight, index }
  })
  const kept = new Set<number>()
  for (let index = top.index; index >= 0; index = links[index] ?? -1) kept.add(index)
  known.forEach((unit, index) => {
    if (kept.has(index)) return
    unit.clockBeginMs = null
    unit.state = 'untrusted'
  })
}

/** A zone set wrongly makes a clock wrong by less than a day. */
const futureToleranceMs = 86_400_000

/** Takes the clocks of units away that begin after the present: they ran ahead. */
function distrustFuture(units: readonly Unit[], latestMs: number): void {
  for (const unit of units) {
    if (unit.clockBeginMs === null || unit.clockBeginMs <= latestMs) continue
    unit.clockBeginMs = null
    unit.state = 'untrusted'
  }
}

/** Returns how many of the sorted values are at most `limit`. */
function countUpTo(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low
}

type Best = { weight: number; index: number }

/** Fenwick tree for prefix maxima: https://en.wikipedia.org/wiki/Fenwick_tree */
function bestUpTo(tree: readonly (Best | undefined)[], count: number): Best | undefined {
  let found: Best | undefined
  for (let at = count; at > 0; at -= at & -at) {
    const entry = tree[at]
    if (entry && (!found || entry.weight > found.weight)) found = entry
  }
  return found
}

function raise(tree: (Best | undefined)[], from: number, entry: Best): void {
  for (let at = from; at < tree.length; at += at & -at) {
    const old = tree[at]
    if (!old || entry.weight > old.weight) tree[at] = entry
  }
}

/** Two boots are never nearer than this. */
const leastGapMs = 1_000

/** Spreads units without a clock evenly in the room between the trusted ones around them. */
function placeBetween(
  placed: Placed[],
  left: Unit | undefined,
  units: readonly Unit[],
  right: Unit | undefined,
): void {
  const total = units.reduce((sum, unit) => sum + unit.lengthMs, 0)
  const leftEnd = left?.clockBeginMs == null ? null : left.clockBeginMs + left.lengthMs
  const rightBegin = right?.clockBeginMs ?? null
  const room = leftEnd !== null && rightBegin !== null ? Math.max(0, rightBegin - leftEnd - total) : null
  const firstBegin = leftEnd ?? (rightBegin === null ? rawBegin(units[0]) : rightBegin - total)
  const step = room === null ? null : room / (units.length + 1)
  let begin = firstBegin
  for (const [index, unit] of units.entries()) {
    // Without a bound on the right, a unit that booted anew began no sooner than its boot clock says.
    begin +=
      step ?? (leftEnd === null && index === 0 ? 0 : Math.max(leastGapMs, unit.rows[0]?.begin_boot_ms ?? 0))
    pushUnit(placed, unit, begin, room === null ? null : Math.round(room / 2), 'neighbours')
    begin += unit.lengthMs
  }
}

/** With no trusted flight at all there is nothing to hold on to but the unset clock. */
function rawBegin(unit: Unit | undefined): number {
  const row = unit?.rows[0]
  return row ? (row.last_ts - row.duration) * 1_000 : 0
}

function pushUnit(
  placed: Placed[],
  unit: Unit,
  begin: number,
  errorMs: number | null,
  placedBy: Placed['placedBy'],
): void {
  unit.rows.forEach((row, index) => {
    const beginMs = Math.round(begin + (unit.offsets[index] ?? 0))
    const endMs = Math.max(beginMs, Math.round(begin + (unit.offsets[index] ?? 0) + row.duration * 1_000))
    placed.push({ row, source: unit.source, beginMs, endMs, clock: unit.state, placedBy, errorMs })
  })
}
