import { describe, expect, it } from 'vitest'
import type { WatcherEntry } from '../../../electron/service/watchers/schema.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { signalAt, turns, watcherBench, type WatcherBench } from '../../support/watcher-bench.ts'

const minute = 60_000
const hour = 60 * minute
const told = ({ transitions }: WatcherBench): string[] =>
  transitions.filter(({ facts }) => facts.text !== '').map(({ kind, to }) => `${kind} ${to}`)
const hourly = (name = 'job') => ({
  name,
  schedule: { kind: 'period', periodMs: hour } as const,
  armed: true,
})

async function triggered(clock: FakeClock, bench: WatcherBench, given = {}): Promise<WatcherEntry> {
  const entry = await made(bench, { ...hourly(), ...given })
  await answer(bench.watchers.signal(entry.watcher.id, signalAt(clock)))
  return entry
}

/** With a clock that stands still, a write needs only turns of the event loop. */
async function answer<T>(work: Promise<T>): Promise<T> {
  await turns()
  return work
}

const made = (
  bench: WatcherBench,
  input: Parameters<WatcherBench['watchers']['create']>[0],
): Promise<WatcherEntry> => answer(bench.watchers.create(input))

describe('a deadline', () => {
  it('is judged at its very moment, once', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    await bench.pass(2_000)
    await triggered(clock, bench)
    const dueMs = clock.read().wallMs + hour
    await bench.pass(hour - 1, 30_000)
    expect(told(bench)).toEqual([])
    await bench.pass(1, 1)
    expect(told(bench)).toEqual(['problem late'])
    expect((bench.transitions.at(-1)?.atMs ?? 0) - dueMs).toBeLessThanOrEqual(5)
    await bench.pass(10 * hour, minute)
    expect(told(bench)).toEqual(['problem late'])
  })

  it('moves with each trigger, and a trigger after it tells of the recovery', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench)
    await bench.pass(59 * minute, minute)
    await answer(bench.watchers.signal(watcher.id, signalAt(clock)))
    await bench.pass(59 * minute, minute)
    expect(told(bench)).toEqual([])
    await bench.pass(2 * minute)
    const outcome = await answer(bench.watchers.signal(watcher.id, signalAt(clock)))
    expect(outcome?.recovered).toBe(true)
    expect(told(bench)).toEqual(['problem late', 'recovery ok'])
    expect(bench.transitions.at(-1)?.facts.text).toBe('job is reporting again after 1 min.')
  })

  it('is kept over a restart, and a late watcher stays late without being told again', async () => {
    const clock = fakeClock()
    const first = await watcherBench(clock)
    await triggered(clock, first)
    await first.pass(30 * minute, 10_000)
    first.kill()
    clock.advance(5_000)
    const second = await watcherBench(clock, { database: first.database })
    await second.pass(31 * minute, 10_000)
    expect(told(second)).toEqual(['problem late'])
    second.kill()
    clock.advance(5_000)
    const third = await watcherBench(clock, { database: first.database })
    await third.pass(10 * minute, 10_000)
    expect(told(third)).toEqual([])
  })

  it('that passes while nobody looks blames nobody: it is told once as missed, and gets a whole new period', async () => {
    const clock = fakeClock()
    const first = await watcherBench(clock)
    const { watcher } = await triggered(clock, first)
    await first.pass(30 * minute, 10_000)
    first.kill()
    const next = clock.reboot(8 * hour)
    const second = await watcherBench(next, { database: first.database })
    await second.pass(3_000)
    expect(told(second)).toEqual(['info unobserved'])
    expect(second.transitions.at(-1)?.facts.text).toContain('while this machine was off')
    await second.pass(50 * minute, 10_000)
    expect(told(second)).toEqual(['info unobserved'])
    const entry = second.watchers.get(watcher.id)
    expect(entry && second.watchers.judged(entry).state).toBe('unobserved')
    await second.pass(15 * minute, 10_000)
    expect(told(second)).toEqual(['info unobserved', 'problem late'])
  })

  it('is judged after a restart only when waiting triggers have been heard', async () => {
    const clock = fakeClock()
    const first = await watcherBench(clock)
    const { watcher } = await triggered(clock, first)
    await first.pass(59 * minute, 10_000)
    first.kill()
    clock.advance(5 * minute)
    const second = await watcherBench(clock, { database: first.database })
    clock.advance(400)
    await turns()
    await answer(second.watchers.signal(watcher.id, signalAt(clock)))
    await second.pass(10_000)
    expect(told(second)).toEqual([])
  })

  it('stands still in suspend: a laptop closed over night is no failure', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    await triggered(clock, bench)
    await bench.pass(30 * minute, 10_000)
    clock.suspend(8 * hour)
    await bench.pass(40_000)
    expect(told(bench)).toEqual(['info unobserved'])
    expect(bench.transitions.at(-1)?.facts.text).toContain('while this machine was asleep')
    await bench.pass(55 * minute, 10_000)
    expect(told(bench)).toEqual(['info unobserved'])
  })

  it('follows a wall clock that is set forward or back', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    await triggered(clock, bench)
    await bench.pass(10 * minute, 10_000)
    clock.step(3 * hour)
    await bench.pass(49 * minute, 10_000)
    expect(told(bench)).toEqual([])
    await bench.pass(2 * minute, 10_000)
    expect(told(bench)).toEqual(['problem late'])

    const other = fakeClock()
    const back = await watcherBench(other)
    await triggered(other, back)
    await back.pass(10 * minute, 10_000)
    other.step(-3 * hour)
    await back.pass(49 * minute, 10_000)
    expect(told(back)).toEqual([])
    await back.pass(2 * minute, 10_000)
    expect(told(back)).toEqual(['problem late'])
  })

  it('of a cron job that the clock jumps over is not missed by the job', async () => {
    const clock = fakeClock({ wallMs: Date.UTC(2026, 10, 21, 12, 20) })
    const bench = await watcherBench(clock)
    const entry = await made(bench, {
      name: 'noon',
      schedule: { kind: 'cron', expression: '0 13 * * *', zone: 'UTC' },
      armed: true,
    })
    await answer(
      bench.watchers.signal(entry.watcher.id, signalAt(clock, { atMs: Date.UTC(2026, 10, 20, 13, 0, 5) })),
    )
    await bench.pass(minute, 10_000)
    bench.transitions.length = 0
    clock.step(50 * minute)
    await bench.pass(2 * minute, 10_000)
    expect(bench.transitions.filter(({ kind }) => kind === 'problem')).toEqual([])
  })
})

describe('runs', () => {
  it('that overlap are each watched: the one that hangs is named', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await made(bench, { ...hourly(), runLimitMs: 10 * minute })
    for (const run of ['a', 'b', 'c']) {
      await answer(bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'start', run })))
      await bench.pass(minute)
    }
    for (const run of ['a', 'c']) await answer(bench.watchers.signal(watcher.id, signalAt(clock, { run })))
    await bench.pass(7 * minute, 10_000)
    expect(told(bench)).toEqual([])
    await bench.pass(2 * minute, 10_000)
    expect(told(bench)).toEqual(['problem late'])
    expect(bench.transitions.at(-1)?.facts.text).toContain('Run b')
    expect(bench.transitions.at(-1)?.facts.text).not.toContain('Run a')
    await answer(bench.watchers.signal(watcher.id, signalAt(clock, { run: 'b' })))
    expect(told(bench)).toEqual(['problem late', 'recovery ok'])
  })

  it('that hang later are named later, once each', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await made(bench, { ...hourly(), runLimitMs: 10 * minute })
    for (const run of ['a', 'b']) {
      await answer(bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'start', run })))
      await bench.pass(3 * minute, 10_000)
    }
    await bench.pass(30 * minute, 10_000)
    expect(told(bench)).toEqual(['problem late', 'update late'])
  })
})

describe('a paused watcher', () => {
  it('expects nothing, tells nothing, and counts from its unpausing', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench)
    await answer(bench.watchers.setPaused(watcher.id, true))
    await bench.pass(5 * hour, minute)
    expect(told(bench)).toEqual([])
    await answer(bench.watchers.setPaused(watcher.id, false))
    await bench.pass(59 * minute, minute)
    expect(told(bench)).toEqual([])
    await bench.pass(2 * minute)
    expect(told(bench)).toEqual(['problem late'])
  })

  it('is unpaused by a trigger, or stays paused, as it was told to', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const open = await made(bench, { ...hourly('open'), paused: true })
    const shut = await made(bench, { ...hourly('shut'), paused: true, pausedPolicy: 'ignore' })
    const first = await answer(bench.watchers.signal(open.watcher.id, signalAt(clock)))
    const second = await answer(bench.watchers.signal(shut.watcher.id, signalAt(clock)))
    expect(first).toMatchObject({ unpaused: true, ignored: false })
    expect(second).toMatchObject({ unpaused: false, ignored: true })
    expect(bench.watchers.get(open.watcher.id)?.watcher.paused).toBe(false)
    expect(bench.watchers.get(shut.watcher.id)?.watcher.paused).toBe(true)
    expect(bench.watchers.events(shut.watcher.id, { limit: 1, offset: 0 })[0]).toMatchObject({
      ignored: true,
    })
  })
})

describe('failures', () => {
  it('are told when there are more in a row than are tolerated', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await made(bench, { ...hourly(), tolerance: 2 })
    const fail = () =>
      answer(bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'fail', exitStatus: 3 })))
    await fail()
    await fail()
    expect(told(bench)).toEqual([])
    await fail()
    expect(told(bench)).toEqual(['problem failing'])
    expect(bench.transitions.at(-1)?.facts.text).toContain('exit status 3')
    await fail()
    expect(told(bench)).toEqual(['problem failing'])
    await answer(bench.watchers.signal(watcher.id, signalAt(clock)))
    expect(told(bench)).toEqual(['problem failing', 'recovery ok'])
  })
})

describe('a batch of writes', () => {
  it('loses no trigger when the clock is stepped in its midst, nor the next one with a body', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench)
    await bench.pass(5_000)
    const first = bench.watchers.signal(watcher.id, signalAt(clock, { body: Buffer.from('one') }))
    clock.step(2 * hour)
    const second = bench.watchers.signal(watcher.id, signalAt(clock, { body: Buffer.from('two') }))
    await bench.pass(1_000)
    await Promise.all([first, second])
    await answer(bench.watchers.signal(watcher.id, signalAt(clock, { body: Buffer.from('three') })))
    expect(bench.watchers.get(watcher.id)?.facts).toMatchObject({ triggers: 4, events: 5 })
    expect(
      bench.watchers.events(watcher.id, { limit: 3, offset: 0 }).map(({ bodyBytes }) => bodyBytes),
    ).toEqual([5, 3, 3])
  })

  it('makes what is good in it, though another part of it is refused', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const results = await answer(
      Promise.allSettled(['innocent', 'twice', 'twice'].map((name) => bench.watchers.create(hourly(name)))),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(bench.watchers.resolve('innocent')).not.toBeNull()
    expect(bench.watchers.resolve('twice')).not.toBeNull()
  })
})

describe('a job that dies after each start', () => {
  it('is late all the same', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench, { graceMs: 10 * minute, runLimitMs: hour })
    for (let count = 0; count < 12; count += 1) {
      await bench.pass(15 * minute, minute)
      await answer(bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'start' })))
    }
    expect(told(bench)).toContain('problem late')
  })
})

describe('a start that comes after its end', () => {
  it('opens no run', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await made(bench, { ...hourly(), runLimitMs: 10 * minute })
    const startedMs = clock.read().wallMs
    await bench.pass(5_000)
    await answer(bench.watchers.signal(watcher.id, signalAt(clock, { run: 'a' })))
    await answer(
      bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'start', run: 'a', atMs: startedMs })),
    )
    expect(bench.watchers.get(watcher.id)?.facts.runs).toEqual([])
  })
})

describe('a stall of this process', () => {
  it('is no reason to call anybody late whose trigger waits in a socket', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench, { schedule: { kind: 'period', periodMs: 5_000 } })
    await bench.pass(2_000)
    // Time passes with no timer running, as under SIGSTOP; then timers and sockets come together.
    clock.advance(9_000, { stalled: true })
    await turns()
    await answer(bench.watchers.signal(watcher.id, signalAt(clock)))
    await bench.pass(3_000)
    expect(told(bench)).toEqual([])
  })
})

describe('a success', () => {
  it('that ends a run brings the next deadline nearer than the run’s own limit', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench, { runLimitMs: 6 * hour })
    await answer(bench.watchers.signal(watcher.id, signalAt(clock, { kind: 'start' })))
    await bench.pass(10_000)
    await answer(bench.watchers.signal(watcher.id, signalAt(clock)))
    await bench.pass(hour + 1_000, 10_000)
    expect(told(bench)).toEqual(['problem late'])
  })

  it('from before a pause does not end it', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    const { watcher } = await triggered(clock, bench)
    const beforeMs = clock.read().wallMs
    await bench.pass(minute)
    await answer(bench.watchers.setPaused(watcher.id, true))
    await bench.pass(minute)
    const outcome = await answer(bench.watchers.signal(watcher.id, signalAt(clock, { atMs: beforeMs })))
    expect(outcome).toMatchObject({ unpaused: false, ignored: true })
  })

  it('that comes out of order does not draw the deadline back when the schedule changes', async () => {
    const clock = fakeClock()
    const bench = await watcherBench(clock)
    await bench.pass(3 * hour, minute)
    const { watcher } = await triggered(clock, bench)
    await answer(bench.watchers.signal(watcher.id, signalAt(clock, { atMs: clock.read().wallMs - 2 * hour })))
    await answer(bench.watchers.change(watcher.id, { schedule: { kind: 'period', periodMs: 90 * minute } }))
    const entry = bench.watchers.get(watcher.id)
    expect(entry && bench.watchers.judged(entry).dueMs).toBe(clock.read().wallMs + 90 * minute)
  })
})
