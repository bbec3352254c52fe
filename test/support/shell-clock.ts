import type { ShellClock } from '../../electron/main/clock.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'

/** The shell's clock, which moves only when it is told to. */
export function shellClock(): ShellClock & Pick<FakeClock, 'advance' | 'suspend'> {
  const fake = fakeClock()
  return {
    wallMs: () => fake.glance().wallMs,
    monotonicMs: () => fake.glance().monotonicMs,
    after: (delayMs, callback) => fake.after(delayMs, callback),
    advance: (ms, how) => fake.advance(ms, how),
    suspend: (ms) => fake.suspend(ms),
  }
}
