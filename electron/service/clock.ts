import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** The three clocks, read together. All in milliseconds. */
export interface ClockReading {
  /** Wall clock, UTC since the epoch; may jump. */
  readonly wallMs: number
  /** Monotonic clock of this boot; never jumps; on Linux it stops while the machine is suspended. */
  readonly monotonicMs: number
  /** Time since the machine booted, suspended time included; null where the system does not offer it. */
  readonly bootMs: number | null
}

/** A timer that can be called off; calling it off twice does no harm. */
export interface Timer {
  cancel(): void
}

/** The only way to time. Everything that depends on time takes one by parameter. */
export interface Clock {
  read(): ClockReading
  /** The two clocks that cost next to nothing to read; the boot clock is a file on Linux. */
  glance(): Pick<ClockReading, 'wallMs' | 'monotonicMs'>
  /** Names the running boot; null where the system has no name for it. */
  readonly bootId: string | null
  /** True where the monotonic clock stops in suspend, so that the boot clock shows how long the machine slept. */
  readonly monotonicStopsInSuspend: boolean
  /** Calls back once, at least `delayMs` from now by the monotonic clock. */
  after(delayMs: number, callback: () => void): Timer
}

/** setTimeout takes at most a signed 32-bit delay: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const maxTimerMs = 2 ** 31 - 1

/** Returns the clock of this machine. */
export function systemClock(platform: NodeJS.Platform = process.platform): Clock {
  return {
    bootId: readBootId(platform),
    monotonicStopsInSuspend: platform === 'linux',
    read: () => ({ ...glance(), bootMs: readBootMs() }),
    glance,
    after(delayMs, callback) {
      const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), maxTimerMs))
      return { cancel: () => clearTimeout(handle) }
    },
  }
}

function glance(): Pick<ClockReading, 'wallMs' | 'monotonicMs'> {
  return { wallMs: Date.now(), monotonicMs: Number(process.hrtime.bigint()) / 1e6 }
}

function readBootMs(): number | null {
  try {
    return os.uptime() * 1_000
  } catch {
    return null
  }
}

function readBootId(platform: NodeJS.Platform): string | null {
  try {
    switch (platform) {
      case 'linux':
        return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || null
      case 'darwin':
        return (
          execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim() ||
          null
        )
      default:
        // Windows does not name its boots; the time of the boot does, within the tolerance of `isSameBoot`.
        return `booted-at:${Math.round(Date.now() - os.uptime() * 1_000)}`
    }
  } catch {
    return null
  }
}
