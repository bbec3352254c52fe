import { describe, expect, it } from 'vitest'
import { isSameBoot, judgeClock, readTick } from '../../../electron/service/recorder/rules.ts'
import { clockFloorMs } from '../../../electron/shared/clock-floor.ts'

const start = { wallMs: clockFloorMs + 1_000_000, monotonicMs: 50_000, bootMs: 50_000 }
const after = (wall: number, monotonic: number, boot: number) => ({
  wallMs: start.wallMs + wall,
  monotonicMs: start.monotonicMs + monotonic,
  bootMs: start.bootMs + boot,
})

describe('readTick where the monotonic clock stops in suspend', () => {
  it('sees nothing but time in a tick on time', () => {
    expect(readTick(start, after(10_004, 10_003, 10_010), 10_000, true)).toEqual({
      elapsedMs: 10_003,
      lapse: null,
      stepMs: null,
    })
  })

  it('counts suspend as sleep and as part of the flight', () => {
    expect(readTick(start, after(610_000, 10_000, 610_000), 10_000, true)).toEqual({
      elapsedMs: 610_000,
      lapse: { kind: 'asleep', lengthMs: 600_000, seenBy: 'boot-clock' },
      stepMs: null,
    })
  })

  it.each([3_600_000, -3_600_000, 315e9, -315e9])(
    'sees a step of the wall clock of %d ms and keeps the length',
    (step) => {
      expect(readTick(start, after(10_000 + step, 10_000, 10_000), 10_000, true)).toEqual({
        elapsedMs: 10_000,
        lapse: null,
        stepMs: step,
      })
    },
  )

  it('tells a step in the midst of a sleep from the sleep', () => {
    const tick = readTick(start, after(610_000 + 7_200_000, 10_000, 610_000), 10_000, true)
    expect(tick.lapse?.lengthMs).toBe(600_000)
    expect(tick.stepMs).toBe(7_200_000)
  })

  it('calls a late tick without suspend a stall, in which nobody looked', () => {
    expect(readTick(start, after(70_000, 70_000, 70_000), 10_000, true).lapse).toEqual({
      kind: 'stalled',
      lengthMs: 60_000,
      seenBy: 'tick-gap',
    })
  })

  it('forgives a tick that a busy machine delays', () => {
    expect(readTick(start, after(24_000, 24_000, 24_000), 10_000, true).lapse).toBeNull()
  })
})

describe('readTick where the monotonic clock goes on in suspend', () => {
  it('takes a far too late tick for sleep', () => {
    expect(readTick(start, after(610_000, 610_000, 610_000), 10_000, false)).toEqual({
      elapsedMs: 610_000,
      lapse: { kind: 'asleep', lengthMs: 600_000, seenBy: 'tick-gap' },
      stepMs: null,
    })
  })
})

describe('judgeClock', () => {
  it('distrusts a time before the program was made', () => {
    expect(judgeClock(0, true)).toBe('untrusted')
    expect(judgeClock(clockFloorMs - 1, null)).toBe('untrusted')
  })
  it('believes the time service more than the mere possible', () => {
    expect(judgeClock(clockFloorMs, true)).toBe('synchronised')
    expect(judgeClock(clockFloorMs, false)).toBe('plausible')
    expect(judgeClock(clockFloorMs, null)).toBe('plausible')
  })
})

describe('isSameBoot', () => {
  it('compares names, and times of boot with a tolerance', () => {
    expect(isSameBoot('a', 'a')).toBe(true)
    expect(isSameBoot('a', 'b')).toBe(false)
    expect(isSameBoot(null, 'a')).toBeNull()
    expect(isSameBoot('booted-at:1000000', 'booted-at:1060000')).toBe(true)
    expect(isSameBoot('booted-at:1000000', 'booted-at:2000000')).toBe(false)
  })
})
