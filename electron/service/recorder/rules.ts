import { clockFloorMs } from '../../shared/clock-floor.ts'
import type { ClockState } from '../../shared/vocabulary.ts'
import type { ClockReading } from '../clock.ts'

/** A row of flight-recorder before this was written by a clock that was never set: that program did not exist yet. */
export const foreignClockFloorMs = Date.UTC(2020, 5, 1)

/** The boot clock of Linux counts hundredths of a second, so smaller differences than this say nothing about sleep. */
const shortestSleepMs = 1_000

/** Slewing by NTP moves a clock by at most 0.5 ms a second (adjtimex(2)); a step is what slewing cannot explain. */
const smallestStepMs = 1_000

/** A stamp this much later than planned was held up; a busy machine delays timers by less. */
const stallSlackMs = 15_000

/** What passed between two readings of the clocks. */
export interface Tick {
  /** Time that passed, suspend included, by clocks that never jump. */
  readonly elapsedMs: number
  /** Time in which nobody looked, taken to begin right after the earlier reading. */
  readonly lapse: {
    readonly kind: 'asleep' | 'stalled'
    readonly lengthMs: number
    readonly seenBy: string
  } | null
  /** How far the wall clock jumped; negative is back. */
  readonly stepMs: number | null
}

/**
 * Returns what passed between two readings taken `intervalMs` apart by plan.
 *
 * On Linux the monotonic clock stops in suspend and the boot clock does not, so their difference is sleep
 * (clock_gettime(2)). Elsewhere both go on, and only a stamp that comes far too late tells of sleep.
 */
export function readTick(
  before: ClockReading,
  now: ClockReading,
  intervalMs: number,
  monotonicStopsInSuspend: boolean,
): Tick {
  const ran = Math.max(0, now.monotonicMs - before.monotonicMs)
  const late = ran - intervalMs
  const isLate = late > Math.max(intervalMs, stallSlackMs)
  const knowsSuspend = monotonicStopsInSuspend && before.bootMs !== null && now.bootMs !== null
  const suspended = knowsSuspend ? (now.bootMs ?? 0) - (before.bootMs ?? 0) - ran : 0
  const slept = suspended >= shortestSleepMs ? suspended : 0
  const elapsedMs = ran + slept
  const step = now.wallMs - before.wallMs - elapsedMs
  return {
    elapsedMs,
    lapse: lapseOf(slept, isLate ? late : 0, knowsSuspend),
    stepMs: Math.abs(step) >= smallestStepMs ? Math.round(step) : null,
  }
}

function lapseOf(slept: number, late: number, knowsSuspend: boolean): Tick['lapse'] {
  if (slept > 0) return { kind: 'asleep', lengthMs: Math.round(slept), seenBy: 'boot-clock' }
  if (late <= 0) return null
  return knowsSuspend
    ? { kind: 'stalled', lengthMs: Math.round(late), seenBy: 'tick-gap' }
    : { kind: 'asleep', lengthMs: Math.round(late), seenBy: 'tick-gap' }
}

/**
 * Returns how far a wall clock can be believed. `synchronised` is what the system's time service says; null where it
 * says nothing.
 */
export function judgeClock(wallMs: number, synchronised: boolean | null): ClockState {
  if (wallMs < clockFloorMs) return 'untrusted'
  return synchronised === true ? 'synchronised' : 'plausible'
}

const bootTimePrefix = 'booted-at:'

/** Returns true for a boot id that is only the time of the boot, where the system has no better name for it. */
export function isBootTime(bootId: string | null): boolean {
  return bootId?.startsWith(bootTimePrefix) ?? false
}

/** Boots named by their time are the same when that time differs by less than a clock correction does. */
const bootTimeToleranceMs = 120_000

/** Returns true or false where it is known whether two boot ids name one boot, else null. */
export function isSameBoot(first: string | null, second: string | null): boolean | null {
  if (first === null || second === null) return null
  if (first === second) return true
  if (!isBootTime(first) || !isBootTime(second)) return false
  const apart = Number(first.slice(bootTimePrefix.length)) - Number(second.slice(bootTimePrefix.length))
  return Math.abs(apart) <= bootTimeToleranceMs
}

/** Returns true when a flight that was last stamped `ageMs` ago may still be running. */
export function isFresh(ageMs: number, intervalMs: number): boolean {
  return ageMs <= 2 * intervalMs + 5_000
}
