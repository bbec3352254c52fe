import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BlindSpan } from '../../../electron/service/context.ts'
import { compileSchedule, type CompiledSchedule } from '../../../electron/service/schedules/schedule.ts'
import { addObserved, blindAt } from '../../../electron/service/watchers/observed-time.ts'
import {
  applySignal,
  judge,
  verdictOf,
  type JudgedSettings,
} from '../../../electron/service/watchers/rules.ts'
import type { Signal, WatcherFacts } from '../../../electron/service/watchers/schema.ts'

/** A period of 60, in units so small that tables stay legible. */
const hourly: CompiledSchedule = { nextDue: (fromMs) => fromMs + 60, periodAt: () => 60 }
const daily = compileSchedule({ kind: 'cron', expression: '0 2 * * *', zone: 'UTC' })
const settings: JudgedSettings = { graceMs: 10, runLimitMs: null, tolerance: 0, paused: false }
const untouched: WatcherFacts = {
  dueFromMs: null,
  flightId: 1,
  failures: 0,
  runs: [],
  lastTriggerMs: null,
  lastSuccessMs: null,
  lastFailMs: null,
  lastExitStatus: null,
  lastDurationMs: null,
  triggers: 0,
  events: 0,
  lastEventId: null,
  reach: null,
}
const facts = (given: Partial<WatcherFacts>): WatcherFacts => ({ ...untouched, triggers: 1, ...given })
const off = (fromMs: number, toMs: number, why: BlindSpan['why'] = 'machine-off'): BlindSpan => ({
  fromMs,
  toMs,
  why,
})

describe('the state of a watcher', () => {
  const table: [string, Partial<JudgedSettings>, WatcherFacts, BlindSpan[], number, string, number | null][] =
    [
      ['without a trigger is new, and expects nothing', {}, untouched, [], 1_000, 'new', null],
      [
        'armed without a trigger is new until it is late',
        {},
        { ...untouched, dueFromMs: 0 },
        [],
        59,
        'new',
        70,
      ],
      [
        'armed without a trigger is late after its grace',
        {},
        { ...untouched, dueFromMs: 0 },
        [],
        70,
        'late',
        null,
      ],
      [
        'paused is paused, whatever else',
        { paused: true },
        facts({ dueFromMs: 0, failures: 9 }),
        [],
        1_000,
        'paused',
        null,
      ],
      ['after a trigger is up', {}, facts({ dueFromMs: 0 }), [], 59, 'up', 70],
      ['at its due time is in its grace', {}, facts({ dueFromMs: 0 }), [], 60, 'grace', 70],
      ['a moment before the end of the grace is in it', {}, facts({ dueFromMs: 0 }), [], 69, 'grace', 70],
      ['at the end of the grace is late', {}, facts({ dueFromMs: 0 }), [], 70, 'late', null],
      [
        'without grace is late at its due time',
        { graceMs: 0 },
        facts({ dueFromMs: 0 }),
        [],
        60,
        'late',
        null,
      ],
      [
        'with a run is running',
        {},
        facts({ dueFromMs: 0, runs: [{ run: '', startedMs: 5 }] }),
        [],
        59,
        'running',
        70,
      ],
      [
        'with a run and no limit is late all the same',
        {},
        facts({ dueFromMs: 0, runs: [{ run: '', startedMs: 5 }] }),
        [],
        70,
        'late',
        null,
      ],
      [
        'with a run in its limit is not late, since it began in time',
        { runLimitMs: 100 },
        facts({ dueFromMs: 0, runs: [{ run: '', startedMs: 65 }] }),
        [],
        80,
        'running',
        165,
      ],
      [
        'with a run beyond its limit is late',
        { runLimitMs: 20 },
        facts({ dueFromMs: 0, runs: [{ run: 'x', startedMs: 5 }] }),
        [],
        25,
        'late',
        70,
      ],
      [
        'with a run that began before the last success is late without it',
        { runLimitMs: 1_000 },
        facts({ dueFromMs: 10, runs: [{ run: 'x', startedMs: 5 }] }),
        [],
        80,
        'late',
        1_005,
      ],
      ['after a failure is failing', {}, facts({ dueFromMs: 0, failures: 1 }), [], 10, 'failing', 70],
      [
        'after a tolerated failure is up',
        { tolerance: 1 },
        facts({ dueFromMs: 0, failures: 1 }),
        [],
        10,
        'up',
        70,
      ],
      [
        'after one failure more than tolerated is failing',
        { tolerance: 1 },
        facts({ dueFromMs: 0, failures: 2 }),
        [],
        10,
        'failing',
        70,
      ],
      ['late and failing is late', {}, facts({ dueFromMs: 0, failures: 1 }), [], 70, 'late', null],
      [
        'due while nobody looked is unobserved, and expects the next one',
        {},
        facts({ dueFromMs: 0 }),
        [off(50, 65)],
        80,
        'unobserved',
        135,
      ],
      [
        'due while nobody looked is late when the next one does not come',
        {},
        facts({ dueFromMs: 0 }),
        [off(50, 65)],
        135,
        'late',
        null,
      ],
      [
        'whose grace ended while nobody looked is unobserved for the rest of it',
        {},
        facts({ dueFromMs: 0 }),
        [off(65, 100)],
        102,
        'unobserved',
        105,
      ],
      [
        'whose grace ended while nobody looked is late after the rest of it',
        {},
        facts({ dueFromMs: 0 }),
        [off(65, 100)],
        105,
        'late',
        null,
      ],
      [
        'that was late before nobody looked stays late',
        {},
        facts({ dueFromMs: 0 }),
        [off(80, 500)],
        600,
        'late',
        null,
      ],
      [
        'whose due time is ahead does not mind that nobody looked',
        {},
        facts({ dueFromMs: 0 }),
        [off(10, 20)],
        30,
        'up',
        70,
      ],
      [
        'with a run over which the machine slept is given the time anew',
        { runLimitMs: 30 },
        facts({ dueFromMs: null, runs: [{ run: '', startedMs: 0 }] }),
        [off(10, 110, 'asleep')],
        120,
        'running',
        130,
      ],
      [
        'with a run over which the machine went down blames nobody',
        { runLimitMs: 30 },
        facts({ dueFromMs: null, runs: [{ run: '', startedMs: 0 }] }),
        [off(10, 110)],
        900,
        'running',
        null,
      ],
    ]
  it.each(table)('%s', (_name, given, known, blind, now, state, wake) => {
    const judged = judge({ ...settings, ...given }, hourly, known, blind, now)
    expect([judged.state, judged.wakeMs]).toEqual([state, wake])
  })

  it('of a calendar job missed in the night is not blamed, night after night', () => {
    const day = 86_400_000
    const noon = Date.UTC(2026, 10, 1, 12)
    const blind = Array.from({ length: 20 }, (_, n) =>
      off(noon + n * day + 10 * 3_600_000, noon + n * day + 20 * 3_600_000, 'asleep'),
    )
    const known = facts({ dueFromMs: noon })
    const judged = judge(settings, daily, known, blind, noon + 20 * day)
    expect(judged.state).toBe('unobserved')
    expect(judged.missed?.why).toBe('asleep')
  })

  it('of a period is late after two whole periods of looking, however often nobody looked', () => {
    const blind = Array.from({ length: 50 }, (_, n) => off(55 + n * 60, 65 + n * 60, 'not-running'))
    const judged = judge({ ...settings, graceMs: 0 }, hourly, facts({ dueFromMs: 0 }), blind, 200)
    expect(judged.state).toBe('late')
  })
})

describe('time in which somebody looked', () => {
  const spans = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), { maxLength: 12 })
    .map((pairs) => {
      let at = 0
      return pairs.map(([apart, length]) => {
        const fromMs = at + apart
        at = fromMs + length
        return off(fromMs, at)
      })
    })
  it('is added without what nobody saw', () => {
    fc.assert(
      fc.property(
        spans,
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 300 }),
        (blind, from, length) => {
          const end = addObserved(from, length, blind)
          let seen = 0
          for (let at = from; at < end; at += 1) if (!blindAt(at, blind)) seen += 1
          return seen === length && (length === 0 || !blindAt(end - 1, blind))
        },
      ),
    )
  })
})

describe('the judgement', () => {
  const anyFacts = fc.record({
    dueFromMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: null }),
    failures: fc.integer({ min: 0, max: 4 }),
    runs: fc.array(
      fc.record({ run: fc.constantFrom('', 'a', 'b'), startedMs: fc.integer({ min: 0, max: 600 }) }),
      { maxLength: 3 },
    ),
    triggers: fc.integer({ min: 0, max: 5 }),
  })
  const anySettings = fc.record({
    graceMs: fc.integer({ min: 0, max: 50 }),
    runLimitMs: fc.option(fc.integer({ min: 1, max: 80 }), { nil: null }),
    tolerance: fc.integer({ min: 0, max: 3 }),
    paused: fc.boolean(),
  })
  const anyBlind = fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom('asleep' as const, 'not-running' as const, 'machine-off' as const),
      ),
      { maxLength: 6 },
    )
    .map((parts) => {
      let at = 0
      return parts.map(([apart, length, why]) => {
        const fromMs = at + apart
        at = fromMs + length
        return off(fromMs, at, why)
      })
    })

  it('never wakes too late: between two looks nothing that is told changes', () => {
    fc.assert(
      fc.property(anyFacts, anySettings, fc.integer({ min: 0, max: 700 }), (given, chosen, now) => {
        const known = { ...untouched, ...given }
        const first = judge(chosen, hourly, known, [], now)
        const until = first.wakeMs ?? now + 500
        for (let at = now + 1; at < Math.min(until, now + 500); at += 7) {
          const later = judge(chosen, hourly, known, [], at)
          if (verdictOf(later) !== verdictOf(first)) return false
        }
        return first.wakeMs === null || first.wakeMs > now
      }),
      { numRuns: 500 },
    )
  })

  it('blames nobody for what only became due while nobody looked', () => {
    fc.assert(
      fc.property(
        anyBlind,
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 60 }),
        (blind, graceMs, dueFromMs) => {
          const last = blind[blind.length - 1]
          if (!last) return true
          const judged = judge({ ...settings, graceMs }, hourly, facts({ dueFromMs }), blind, last.toMs)
          const dueMs = dueFromMs + 60
          // Whoever looked at no moment from the due time on has nothing to say.
          const isAllUnseen = blindAt(dueMs, blind)?.toMs === last.toMs
          return !isAllUnseen || judged.state !== 'late'
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('depends on nothing but its arguments, and a trigger now makes it well', () => {
    fc.assert(
      fc.property(
        anyFacts,
        anySettings,
        anyBlind,
        fc.integer({ min: 600, max: 900 }),
        (given, chosen, blind, now) => {
          const known = { ...untouched, ...given }
          const before = JSON.stringify(judge(chosen, hourly, known, blind, now))
          if (before !== JSON.stringify(judge(chosen, hourly, known, blind, now))) return false
          const { facts: after } = applySignal(known, success(now), {
            paused: false,
            ignoresWhilePaused: false,
            flightId: 1,
            nowMs: now,
            pausedMs: -Infinity,
          })
          const judged = judge({ ...chosen, paused: false }, hourly, after, blind, now)
          return ['up', 'grace', 'unobserved'].includes(judged.state) || blind.some(({ toMs }) => toMs > now)
        },
      ),
      { numRuns: 500 },
    )
  })
})

const success = (atMs: number, given: Partial<Signal> = {}): Signal => ({
  kind: 'success',
  atMs,
  exitStatus: null,
  run: '',
  comment: '',
  origin: '',
  agent: '',
  body: null,
  ...given,
})
const plain = { paused: false, ignoresWhilePaused: false, flightId: 7, nowMs: 1e12, pausedMs: -Infinity }

describe('a signal', () => {
  it('of an end measures the run with the same id, and leaves the others open', () => {
    const running = facts({
      runs: [
        { run: 'a', startedMs: 10 },
        { run: 'b', startedMs: 20 },
      ],
    })
    const { facts: after, durationMs } = applySignal(running, success(50, { run: 'b' }), plain)
    expect(durationMs).toBe(30)
    expect(after.runs).toEqual([{ run: 'a', startedMs: 10 }])
  })
  it('of an end without an id closes all runs', () => {
    const running = facts({
      runs: [
        { run: 'a', startedMs: 10 },
        { run: '', startedMs: 20 },
      ],
    })
    const { facts: after, durationMs } = applySignal(running, success(50), plain)
    expect([after.runs, durationMs]).toEqual([[], 30])
  })
  it('of a start with an id that is running begins it anew', () => {
    const running = facts({ runs: [{ run: 'a', startedMs: 10 }] })
    const { facts: after } = applySignal(running, success(50, { kind: 'start', run: 'a' }), plain)
    expect(after.runs).toEqual([{ run: 'a', startedMs: 50, flightId: 7 }])
  })
  it('to log changes nothing but the history', () => {
    const known = facts({ dueFromMs: 5, failures: 2 })
    expect(applySignal(known, success(50, { kind: 'log' }), plain).facts).toEqual(known)
  })
  it('that comes after later ones moves neither the due time nor the outcome back', () => {
    const known = facts({ dueFromMs: 100, lastTriggerMs: 100, lastSuccessMs: 100 })
    const { facts: after } = applySignal(known, success(40, { kind: 'fail', exitStatus: 1 }), plain)
    expect([after.dueFromMs, after.failures, after.lastFailMs]).toEqual([100, 0, 40])
  })
  it('measures no run longer than three days', () => {
    const running = facts({ runs: [{ run: '', startedMs: 0 }] })
    expect(applySignal(running, success(72 * 3_600_000), plain).durationMs).toBeNull()
  })
})
