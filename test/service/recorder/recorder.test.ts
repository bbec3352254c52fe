import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import {
  machineAt,
  machineFlights,
  machineGaps,
  machineHistory,
} from '../../../electron/service/recorder/queries.ts'
import { storeFound } from '../../../electron/service/recorder/imports/store.ts'
import type { StopEvidence } from '../../../electron/service/recorder/gap-rules.ts'
import { openRaw } from '../../support/raw-database.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { calmSample, recorderBench, type Bench } from '../../support/recorder-bench.ts'

const minute = 60_000
const rows = (bench: Bench) =>
  bench.db.prepare('SELECT id, duration, last_ts FROM flight ORDER BY id').all() as {
    id: number
    duration: number
    last_ts: number
  }[]
const all = { sinceMs: null, untilMs: null }
const figures = (bench: Bench) => machineHistory(bench.db, { now: bench.recorder.present(), ...all }).figures
const gaps = (bench: Bench) =>
  machineGaps(bench.db, { now: bench.recorder.present(), ...all, limit: 100, offset: 0 }).gaps

function begin(clock: FakeClock, options: Parameters<typeof recorderBench>[1] = {}): Bench {
  const bench = recorderBench(clock, options)
  bench.recorder.start()
  return bench
}

/** Ends a flight as a kill would: nothing is written any more. */
function cut(bench: Bench): string {
  bench.db.close()
  return bench.database
}

describe('a flight', () => {
  it('is one row, inserted at the start, updated at every interval and once more at the end', () => {
    const clock = fakeClock()
    const bench = begin(clock)
    const startMs = clock.read().wallMs
    expect(rows(bench)).toEqual([{ id: 1, duration: 0, last_ts: startMs / 1_000 }])
    clock.advance(10_000)
    expect(rows(bench)).toEqual([{ id: 1, duration: 10, last_ts: startMs / 1_000 + 10 }])
    clock.advance(25_000)
    expect(rows(bench)[0]).toMatchObject({ duration: 30 })
    bench.recorder.stop('SIGTERM')
    expect(rows(bench)).toEqual([{ id: 1, duration: 35, last_ts: startMs / 1_000 + 35 }])
    clock.advance(minute)
    expect(rows(bench)).toHaveLength(1)
  })

  it.each([7_200_000, -7_200_000])(
    'moves its begin with a wall-clock step of %d ms, and keeps its length',
    (step) => {
      const clock = fakeClock()
      const bench = begin(clock)
      const startMs = clock.read().wallMs
      clock.advance(minute)
      clock.step(step)
      clock.advance(minute)
      const [row] = rows(bench)
      expect(row?.duration).toBe(120)
      expect(((row?.last_ts ?? 0) - (row?.duration ?? 0)) * 1_000).toBeCloseTo(startMs + step, 0)
      const history = machineHistory(bench.db, { now: bench.recorder.present(), ...all })
      expect(history.clockSteps).toEqual([
        { at: new Date(clock.read().wallMs - minute + 10_000).toISOString(), stepMs: step, flight: 1 },
      ])
      expect(history.figures).toMatchObject({ windowMs: 2 * minute, ms: { up: 2 * minute } })
    },
  )

  it('begins right on a board without a clock, once the time is known', () => {
    const clock = fakeClock({ wallMs: 5_000 })
    const bench = begin(clock)
    clock.advance(5 * minute)
    expect(
      machineFlights(bench.db, { now: bench.recorder.present(), ...all, limit: 1, offset: 0 }).flights[0],
    ).toMatchObject({ clock: 'untrusted' })
    clock.step(Date.UTC(2026, 10, 21, 12) - clock.read().wallMs)
    clock.advance(minute)
    const [flight] = machineFlights(bench.db, {
      now: bench.recorder.present(),
      ...all,
      limit: 1,
      offset: 0,
    }).flights
    expect(flight).toMatchObject({
      begin: '2026-11-21T11:55:00.000Z',
      end: '2026-11-21T12:01:00.000Z',
      clock: 'plausible',
      errorMs: 0,
    })
  })

  it('counts suspend as asleep: up and asleep add up to its length', () => {
    const clock = fakeClock()
    const bench = begin(clock)
    clock.advance(10 * minute)
    clock.suspend(10 * minute)
    clock.advance(10 * minute)
    expect(figures(bench)).toMatchObject({
      windowMs: 30 * minute,
      ms: { up: 20 * minute, asleep: 10 * minute, down: 0 },
      sleeps: 1,
    })
    expect(rows(bench)[0]?.duration).toBe(1_800)
  })

  it('counts sleep that only a late tick tells of, within one interval', () => {
    const clock = fakeClock({ monotonicStopsInSuspend: false })
    const bench = begin(clock)
    clock.advance(10 * minute)
    clock.suspend(10 * minute)
    clock.advance(10 * minute)
    const { ms } = figures(bench)
    expect(ms.asleep).toBeGreaterThanOrEqual(10 * minute - 10_000)
    expect(ms.asleep).toBeLessThanOrEqual(10 * minute)
  })
})

describe('a stamp that fails', () => {
  it('does not end the recorder, and the next one makes up for it', () => {
    const clock = fakeClock()
    const bench = begin(clock)
    const other = openRaw(bench.database)
    other.exec('BEGIN IMMEDIATE')
    clock.advance(16_000)
    expect(bench.recorder.running()?.stampFailure?.reason).toBe('database is locked')
    expect(bench.lines.join('')).toContain('ERROR    RECORDER: DB update failed: database is locked')
    other.exec('ROLLBACK')
    other.close()
    clock.advance(10_000)
    expect(bench.recorder.running()?.stampFailure).toBeNull()
    expect(rows(bench)[0]?.duration).toBeGreaterThanOrEqual(20)
  })

  it('keeps silent about a lock that is soon gone', () => {
    const clock = fakeClock()
    const bench = begin(clock)
    const other = openRaw(bench.database)
    other.exec('BEGIN IMMEDIATE')
    clock.advance(12_000)
    other.exec('ROLLBACK')
    other.close()
    clock.advance(2_000)
    expect(bench.lines.join('')).not.toContain('ERROR')
    expect(rows(bench)[0]?.duration).toBeGreaterThan(10)
  })
})

describe('stamps that fail for long', () => {
  it('are neither sleep nor a stall: the recorder was looking', () => {
    const clock = fakeClock({ monotonicStopsInSuspend: false })
    const bench = begin(clock)
    const other = openRaw(bench.database)
    other.exec('BEGIN IMMEDIATE')
    clock.advance(10 * minute)
    clock.step(7_200_000)
    clock.advance(10 * minute)
    other.exec('ROLLBACK')
    other.close()
    clock.advance(minute)
    expect(figures(bench)).toMatchObject({ ms: { up: 21 * minute, asleep: 0, 'recorder-off': 0 } })
    const { clockSteps } = machineHistory(bench.db, { now: bench.recorder.present(), ...all })
    expect(clockSteps.map(({ stepMs }) => stepMs)).toEqual([7_200_000])
  })
})

describe('the last stamp', () => {
  it('waits for a lock that is soon gone', async () => {
    const bench = begin(fakeClock())
    const other = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const db = new (require('better-sqlite3'))(workerData)
       db.exec('BEGIN IMMEDIATE')
       parentPort.postMessage('locked')
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
       db.exec('ROLLBACK')`,
      { eval: true, workerData: bench.database },
    )
    await once(other, 'message')
    bench.recorder.stop('SIGTERM')
    expect(bench.db.prepare('SELECT ended FROM flight_detail').pluck().get()).toBe('SIGTERM')
    await once(other, 'exit')
  })
})

describe('a clock that is not set', () => {
  it('hides no history, shows the crash before, and puts all right when it is set', async () => {
    const clock = fakeClock()
    const first = begin(clock)
    clock.advance(60 * minute)
    const database = cut(first)
    const unset = fakeClock({ wallMs: 5_000, bootMs: 20_000 })
    const bench = begin(unset, { database })
    unset.advance(10 * minute)
    const history = machineHistory(bench.db, {
      now: bench.recorder.present(),
      ...all,
      sinceMs: null,
      lastMs: 24 * 60 * minute,
    })
    expect(history.figures.ms.up).toBe(70 * minute)
    expect(gaps(bench)).toMatchObject([{ id: 'f1', kind: 'crashed' }])
    expect(history.hints).toHaveLength(1)
    unset.step(clock.read().wallMs + 30 * minute - 5_000)
    unset.advance(10 * minute)
    expect(figures(bench)).toMatchObject({ windowMs: 110 * minute, ms: { up: 80 * minute } })
    expect(gaps(bench)).toMatchObject([{ id: 'f1', kind: 'crashed', durationMs: 30 * minute }])
  })
})

describe('the gap before a flight', () => {
  it('is the recorder being off when the machine did not boot', () => {
    const clock = fakeClock()
    const first = begin(clock)
    clock.advance(minute)
    first.recorder.stop('SIGTERM')
    const database = cut(first)
    clock.advance(5 * minute)
    const second = begin(clock, { database })
    clock.advance(minute)
    expect(gaps(second)).toMatchObject([
      { id: 'f1', kind: 'recorder-off', kindConfidence: 'certain', durationMs: 5 * minute, cause: null },
    ])
    expect(figures(second)).toMatchObject({
      ms: { up: 2 * minute, down: 0, 'recorder-off': 5 * minute },
      availability: 100,
    })
  })

  it('is a crash within one interval of the truth when the machine booted and nothing was said', () => {
    const clock = fakeClock()
    const database = (() => {
      const bench = begin(clock)
      clock.advance(minute + 9_000)
      return cut(bench)
    })()
    const diedAt = clock.read().wallMs
    const later = clock.reboot(30 * minute)
    const bench = begin(later, { database })
    later.advance(minute)
    const [gap] = gaps(bench)
    expect(gap).toMatchObject({ kind: 'crashed', cause: 'unknown', lastStamp: calmSample })
    expect(diedAt - Date.parse(gap?.from ?? '')).toBeLessThanOrEqual(10_000)
    expect(gap?.parts.map(({ kind }) => kind)).toEqual(['crashed', 'recorder-off'])
    expect(figures(bench)).toMatchObject({ crashes: 1, stops: 0 })
  })

  it('is explained by what the system tells, once', async () => {
    const clock = fakeClock()
    const database = cut(begin(clock))
    const evidence: StopEvidence[] = [
      {
        source: 'journal',
        atMs: clock.read().wallMs + 1_000,
        fact: 'panic',
        text: 'kernel: Kernel panic - not syncing: test',
      },
    ]
    let asked = 0
    const later = clock.reboot(minute)
    const bench = begin(later, {
      database,
      edges: {
        collectStopEvidence: () => {
          asked += 1
          return Promise.resolve(evidence)
        },
      },
    })
    await bench.recorder.lookBack()
    await bench.recorder.lookBack()
    expect(asked).toBe(1)
    expect(gaps(bench)[0]).toMatchObject({
      kind: 'crashed',
      kindConfidence: 'certain',
      cause: 'os-crash',
      evidence: [{ source: 'journal', fact: 'panic' }],
    })
    expect(bench.lines.join('')).toContain('machine crashed or lost power, operating system crash')
    expect(bench.topics).toContain('history')
  })
})

describe('two recorders on one file', () => {
  it('give one uptime with two flights and no false gap', () => {
    const clock = fakeClock()
    const first = begin(clock)
    clock.advance(30 * minute)
    const second = recorderBench(clock, { database: first.database })
    second.recorder.start()
    clock.advance(30 * minute)
    first.recorder.stop('SIGTERM')
    clock.advance(30 * minute)
    expect(rows(second)).toHaveLength(2)
    expect(figures(second)).toMatchObject({ ms: { up: 90 * minute }, gaps: 0, flights: 2 })
  })
})

describe('imported history', () => {
  it('is taken once at the first run, fills the time before our first flight, and is marked', async () => {
    const clock = fakeClock()
    const nowMs = clock.read().wallMs
    const run = { asleepMs: 0, bootId: null, os: 'old', ended: 'clean' as const }
    let asked = 0
    const bench = begin(clock, {
      edges: {
        findHistory: () => {
          asked += 1
          return Promise.resolve([
            {
              source: 'wtmp',
              runs: [
                { ...run, key: 'a', beginMs: nowMs - 60 * minute, endMs: nowMs - 40 * minute },
                { ...run, key: 'b', beginMs: nowMs - 30 * minute, endMs: nowMs + 5 * minute },
              ],
            },
            {
              source: 'tuptime',
              runs: [{ ...run, key: 'c', beginMs: nowMs - 60 * minute, endMs: nowMs - 40 * minute }],
            },
          ])
        },
      },
    })
    await bench.recorder.lookBack()
    await bench.recorder.lookBack()
    clock.advance(10 * minute)
    expect(asked).toBe(1)
    expect(figures(bench)).toMatchObject({
      windowMs: 70 * minute,
      ms: { up: 60 * minute, down: 10 * minute },
      stops: 1,
      flights: 3,
    })
    const { flights } = machineFlights(bench.db, {
      now: bench.recorder.present(),
      ...all,
      limit: 10,
      offset: 0,
    })
    expect(flights.map(({ source }) => source)).toEqual(['watchkeeper', 'wtmp', 'tuptime'])
    expect(rows(bench)).toHaveLength(1)
  })
})

describe('a flight that runs beside many imported ones', () => {
  it('is known to run', () => {
    const clock = fakeClock()
    const bench = begin(clock)
    const nowSeconds = clock.read().wallMs / 1_000
    storeFound(bench.db, {
      source: 'flight-recorder',
      flights: Array.from({ length: 50 }, (_, index) => ({
        id: index + 1,
        duration: 60,
        lastTs: nowSeconds - 86_400 + index * 100,
      })),
    })
    clock.advance(minute)
    const { flights } = machineFlights(bench.db, {
      now: bench.recorder.present(),
      ...all,
      limit: 1,
      offset: 0,
    })
    expect(flights[0]).toMatchObject({ id: 'f1', running: true })
    expect(gaps(bench).some(({ ongoing }) => ongoing)).toBe(false)
  })
})

describe('the state at an instant', () => {
  it('is told inside a flight, a gap, before the record and in the future', () => {
    const clock = fakeClock()
    const startMs = clock.read().wallMs
    const first = begin(clock)
    clock.advance(10 * minute)
    first.recorder.stop('SIGTERM')
    const database = cut(first)
    const later = clock.reboot(10 * minute)
    const bench = begin(later, { database })
    later.advance(10 * minute)
    const at = (offset: number) =>
      machineAt(bench.db, { now: bench.recorder.present(), atMs: startMs + offset })
    expect(at(5 * minute)).toMatchObject({
      presence: 'up',
      sentence: 'Up: for 5 min by then, of 10 min in all.',
    })
    expect(at(15 * minute)).toMatchObject({ presence: 'down', kind: 'off' })
    expect(at(25 * minute).sentence).toMatch(/^Up: .* and still is\.$/)
    expect(at(30 * minute).sentence).toBe('Up: for 10 min by then, and still is.')
    expect(at(-minute).sentence).toBe('Unknown: this is before the first record.')
    expect(at(60 * minute).sentence).toBe('Unknown: this is in the future.')
  })
})
