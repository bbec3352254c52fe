import { describe, expect, it } from 'vitest'
import { phaseOf } from '../../../electron/service/hosts/rules.ts'
import { createScheduler, type Task } from '../../../electron/service/hosts/scheduler.ts'
import { fakeClock } from '../../support/fake-clock.ts'

function task(intervalMs: number, run: () => void): Task {
  return {
    intervalMs,
    gridMs: 0,
    dueMs: 0,
    isBusy: false,
    isWantedAgain: false,
    skipped: 0,
    isPlanned: false,
    run,
  }
}

describe('the scheduler', () => {
  it('goes from start to start without drift, whatever a task takes', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    const starts: number[] = []
    const one = task(1_000, () => {
      starts.push(clock.glance().monotonicMs)
      one.isBusy = true
      clock.after(700, () => {
        one.isBusy = false
      })
    })
    scheduler.add(one, 300)
    clock.advance(600_000)
    expect(starts).toHaveLength(600)
    const mean = ((starts.at(-1) ?? 0) - (starts[0] ?? 0)) / (starts.length - 1)
    expect(Math.abs(mean - 1_000)).toBeLessThan(1)
    expect(one.skipped).toBe(0)
    scheduler.stop()
  })

  it('leaves out and counts what falls due while a task is on its way', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    let runs = 0
    const one = task(1_000, () => {
      runs += 1
      one.isBusy = true
      clock.after(2_500, () => {
        one.isBusy = false
      })
    })
    scheduler.add(one, 0)
    clock.advance(30_000)
    expect(runs).toBe(11)
    expect(one.skipped).toBe(20)
    scheduler.stop()
  })

  it('after a standstill goes on in its rhythm, without making up for what it missed', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    const starts: number[] = []
    const beganMs = clock.glance().monotonicMs
    scheduler.add(
      task(1_000, () => starts.push(clock.glance().monotonicMs - beganMs)),
      400,
    )
    clock.advance(5_000)
    clock.advance(60_000, { stalled: true })
    clock.advance(3_000)
    expect(starts.slice(0, 5)).toEqual([400, 1_400, 2_400, 3_400, 4_400])
    expect(starts.length).toBeLessThanOrEqual(9)
    expect(starts.slice(6).every((ms) => ms % 1_000 === 400)).toBe(true)
    scheduler.stop()
  })

  it('hastens a task without moving its rhythm', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    const starts: number[] = []
    const beganMs = clock.glance().monotonicMs
    const one = task(10_000, () => starts.push(clock.glance().monotonicMs - beganMs))
    scheduler.add(one, 2_000)
    clock.advance(3_000)
    scheduler.hasten(one, 1_000)
    scheduler.hasten(one, 5_000)
    clock.advance(20_000)
    expect(starts).toEqual([2_000, 4_000, 12_000, 22_000])
    scheduler.stop()
  })

  it('gives a thousand tasks of a minute a first run each within it, evenly', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    const first = new Map<number, number>()
    const beganMs = clock.glance().monotonicMs
    for (let index = 0; index < 1_000; index += 1)
      scheduler.add(
        task(60_000, () => {
          if (!first.has(index)) first.set(index, clock.glance().monotonicMs - beganMs)
        }),
        phaseOf(index) * 60_000,
      )
    clock.advance(60_000)
    expect(first.size).toBe(1_000)
    const perSecond = new Map<number, number>()
    for (const ms of first.values())
      perSecond.set(Math.floor(ms / 1_000), (perSecond.get(Math.floor(ms / 1_000)) ?? 0) + 1)
    expect(Math.max(...perSecond.values())).toBeLessThan(22)
    scheduler.stop()
  })

  it('runs nothing that was taken out', () => {
    const clock = fakeClock()
    const scheduler = createScheduler(clock)
    let runs = 0
    const one = task(1_000, () => (runs += 1))
    scheduler.add(one, 0)
    clock.advance(1_500)
    scheduler.remove(one)
    clock.advance(10_000)
    expect(runs).toBe(2)
    scheduler.stop()
  })
})
