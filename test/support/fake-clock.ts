import type { Clock, ClockReading } from '../../electron/service/clock.ts'

/** A clock that moves only when it is told to. */
export interface FakeClock extends Clock {
  /** Lets time pass with the machine awake; timers fire in order on the way, or all at its end after a stall. */
  advance(ms: number, how?: { readonly stalled: boolean }): void
  /** Lets time pass with the machine suspended: no timer fires, and the monotonic clock stops where the real one does. */
  suspend(ms: number): void
  /** Moves the wall clock alone. */
  step(ms: number): void
  /** Starts another boot of the machine after a time in which it was off. */
  reboot(offMs: number): FakeClock
}

export interface FakeClockOptions {
  readonly wallMs?: number
  readonly bootMs?: number
  readonly bootId?: string | null
  /** False for a system like Windows, whose monotonic clock goes on in suspend. */
  readonly monotonicStopsInSuspend?: boolean
}

interface Pending {
  readonly atMs: number
  readonly callback: () => void
}

let boots = 0

export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  boots += 1
  const stops = options.monotonicStopsInSuspend ?? true
  const bootId =
    options.bootId === undefined
      ? `00000000-0000-4000-8000-${String(boots).padStart(12, '0')}`
      : options.bootId
  let reading: ClockReading = {
    wallMs: options.wallMs ?? Date.UTC(2026, 10, 21, 12),
    monotonicMs: options.bootMs ?? 100_000,
    bootMs: options.bootMs ?? 100_000,
  }
  const pending = new Set<Pending>()
  const move = (ms: number, monotonic: number): void => {
    reading = {
      wallMs: reading.wallMs + ms,
      monotonicMs: reading.monotonicMs + monotonic,
      bootMs: (reading.bootMs ?? 0) + ms,
    }
  }
  return {
    bootId,
    monotonicStopsInSuspend: stops,
    read: () => reading,
    glance: () => reading,
    after(delayMs, callback) {
      const entry = { atMs: reading.monotonicMs + Math.max(0, delayMs), callback }
      pending.add(entry)
      return {
        cancel: () => {
          pending.delete(entry)
        },
      }
    },
    advance(ms, how) {
      if (how?.stalled) {
        move(ms, ms)
        ms = 0
      }
      const endMs = reading.monotonicMs + ms
      for (;;) {
        const next = [...pending].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        const waited = Math.max(0, next.atMs - reading.monotonicMs)
        move(waited, waited)
        pending.delete(next)
        next.callback()
      }
      move(endMs - reading.monotonicMs, endMs - reading.monotonicMs)
    },
    suspend(ms) {
      move(ms, stops ? 0 : ms)
    },
    step(ms) {
      reading = { ...reading, wallMs: reading.wallMs + ms }
    },
    reboot: (offMs) =>
      fakeClock({
        ...options,
        wallMs: reading.wallMs + offMs,
        bootMs: 5_000,
        ...(options.bootId === null && { bootId: null }),
      }),
  }
}
