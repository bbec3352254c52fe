import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../../electron/service/store/group-commit.ts'
import { openStore } from '../../../electron/service/store/open.ts'
import {
  bucketOf,
  bucketsOf,
  merged,
  percentile,
  widen,
} from '../../../electron/service/store/series/buckets.ts'
import {
  packBuckets,
  packPoints,
  unpackBuckets,
  unpackPoints,
} from '../../../electron/service/store/series/points.ts'
import { readPoints, readWindow } from '../../../electron/service/store/series/read.ts'
import { createSeries, type Series } from '../../../electron/service/store/series/series.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { turns } from '../../support/watcher-bench.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

function bench(clock: FakeClock, file = `${temporaryFolder()}/w.db`) {
  const { db } = openStore(file, clock.read().wallMs)
  const errors: unknown[] = []
  const unknown = new Set<number>()
  const series = createSeries(
    db,
    createGroupCommit(db, clock),
    clock,
    (id) => !unknown.has(id),
    (error) => errors.push(error),
  )
  return { db, series, errors, file, unknown }
}

/** Moves the journal and rolls up; with a clock that stands still that needs turns. */
async function settle(series: Series): Promise<void> {
  let isDone = false
  const work = series.settle().then(() => {
    isDone = true
  })
  while (!isDone) await turns()
  await work
}

describe('packing', () => {
  it('gives back points exactly, whatever their times', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            atMs: fc.integer({ min: 0, max: 2e9 }),
            value: fc.oneof(fc.float({ noNaN: true }), fc.constant(Number.NaN)),
          }),
        ),
        (points) => {
          const sorted = [...points]
            .sort((a, b) => a.atMs - b.atMs)
            .map(({ atMs, value }) => ({ atMs: 1.7e12 + atMs, value }))
          expect(unpackPoints(packPoints(sorted))).toEqual(sorted)
        },
      ),
    )
  })

  it('gives back buckets to within 0.03 %, their counts exactly', () => {
    const buckets = bucketsOf(
      Array.from({ length: 600 }, (_, index) => ({
        atMs: index * 1_000,
        value: index % 7 === 0 ? Number.NaN : 1 + Math.sqrt(index),
      })),
      minute,
    )
    const back = unpackBuckets(packBuckets(buckets, minute), minute)
    expect(back.map(({ fromMs, count, lost }) => ({ fromMs, count, lost }))).toEqual(
      buckets.map(({ fromMs, count, lost }) => ({ fromMs, count, lost })),
    )
    for (const [index, { p95, avg }] of back.entries()) {
      expect(Math.abs((p95 ?? 0) / (buckets[index]?.p95 ?? 1) - 1)).toBeLessThan(0.0003)
      expect(Math.abs((avg ?? 0) / (buckets[index]?.avg ?? 1) - 1)).toBeLessThan(0.0003)
    }
  })
})

describe('buckets', () => {
  it('have the figures of a known distribution', () => {
    const points = Array.from({ length: 100 }, (_, index) => ({ atMs: index, value: index + 1 }))
    expect(bucketOf(0, points)).toEqual({
      fromMs: 0,
      count: 100,
      lost: 0,
      min: 1,
      avg: 50.5,
      p50: 50,
      p95: 95,
      max: 100,
      jitter: 1,
    })
    expect(bucketOf(0, [{ atMs: 1, value: Number.NaN }])).toMatchObject({
      count: 1,
      lost: 1,
      min: null,
      avg: null,
      max: null,
    })
    expect(percentile([], 0.5)).toBeNull()
  })

  it('keep every spike however wide they become', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 500 }),
        (values) => {
          const points = values.map((value, index) => ({ atMs: index * 30_000, value }))
          const wide = widen(bucketsOf(points, minute), hour)
          expect(Math.max(...wide.map(({ max }) => max ?? 0))).toBe(Math.max(...values))
          expect(Math.min(...wide.map(({ min }) => min ?? Infinity))).toBe(Math.min(...values))
          expect(wide.reduce((sum, { count }) => sum + count, 0)).toBe(values.length)
          expect(merged(0, wide).count).toBe(values.length)
        },
      ),
    )
  })
})

describe('a series', () => {
  it('is read whole from journal and blocks, each point once, also after a restart', async () => {
    const clock = fakeClock()
    const first = bench(clock)
    const beganMs = clock.read().wallMs
    for (let index = 0; index < 300; index += 1) {
      first.series.add(7, clock.read().wallMs, index)
      first.series.add(8, clock.read().wallMs, -index)
      clock.advance(1_000)
      await turns(1)
      if (index === 150) await settle(first.series)
    }
    first.series.stop()
    await turns()
    expect(readPoints(first.db, 7, beganMs, beganMs + hour).map(({ value }) => value)).toEqual(
      Array.from({ length: 300 }, (_, index) => index),
    )
    first.db.close()
    const second = bench(clock, first.file)
    await settle(second.series)
    expect(readPoints(second.db, 8, beganMs, beganMs + hour)).toHaveLength(300)
    expect(second.db.prepare('SELECT count(*) FROM series_recent').pluck().get()).toBe(0)
    expect(second.errors).toEqual([])
    second.db.close()
  })

  it('shows a spike of one echo in a year, and forgets the raw echoes after two days', async () => {
    const clock = fakeClock()
    const { db, series } = bench(clock)
    const beganMs = clock.read().wallMs
    const spikeMs = beganMs + 3 * day + 5 * minute
    for (let passed = 0; passed < 20 * day; passed += 5 * minute) {
      const atMs = clock.read().wallMs
      series.add(1, atMs, atMs === spikeMs ? 987 : 10)
      if (passed % (6 * hour) === 0) await settle(series)
      clock.advance(5 * minute)
    }
    await settle(series)
    const nowMs = clock.read().wallMs
    const year = readWindow(db, 1, nowMs - 365 * day, nowMs, 600, nowMs)
    expect(Math.max(...year.buckets.map(({ max }) => max ?? 0))).toBeGreaterThan(986)
    expect(year.total.count).toBe((20 * day) / (5 * minute))
    expect(year.buckets.every(({ p50 }) => p50 === null || Math.abs(p50 - 10) < 0.01)).toBe(true)
    expect(readPoints(db, 1, 0, nowMs - 3 * day)).toEqual([])
    const recent = readWindow(db, 1, nowMs - hour, nowMs, 600, nowMs)
    expect(recent.stepMs).toBe(0)
    expect(recent.buckets).toHaveLength(12)
    const old = readWindow(db, 1, beganMs, beganMs + day, 600, nowMs)
    expect(old.stepMs).toBe(hour)
    db.close()
  })

  it('rolls up again what comes from before, as after a clock was set back', async () => {
    const clock = fakeClock()
    const { db, series } = bench(clock)
    const beganMs = clock.read().wallMs
    for (let index = 0; index < 60; index += 1) {
      series.add(1, clock.read().wallMs, 5)
      clock.advance(minute)
    }
    await settle(series)
    clock.step(-30 * minute)
    for (let index = 0; index < 10; index += 1) {
      series.add(1, clock.read().wallMs + 500, 50)
      clock.advance(minute)
    }
    clock.step(30 * minute)
    await settle(series)
    const nowMs = clock.read().wallMs
    const { total } = readWindow(db, 1, beganMs, nowMs, 10, nowMs)
    expect(total).toMatchObject({ count: 70, max: 50, min: 5 })
    db.close()
  })

  it('loses nothing when the disk refuses for a while', async () => {
    const clock = fakeClock()
    const { db, series, errors } = bench(clock)
    const beganMs = clock.read().wallMs
    db.exec(
      "CREATE TRIGGER full BEFORE INSERT ON series_recent BEGIN SELECT RAISE(FAIL, 'disk is full'); END",
    )
    series.add(1, beganMs, 1)
    clock.advance(11_000)
    await turns()
    expect(errors).toHaveLength(1)
    db.exec('DROP TRIGGER full')
    series.add(1, beganMs + 1, 2)
    clock.advance(60_000)
    await turns()
    expect(readPoints(db, 1, beganMs, beganMs + hour).map(({ value }) => value)).toEqual([1, 2])
    db.close()
  })

  it('goes on when the clock is set by years, as on a board without a clock', async () => {
    const clock = fakeClock({ wallMs: Date.UTC(2001, 0, 1) })
    const { db, series, errors } = bench(clock)
    series.add(1, clock.read().wallMs, 1)
    clock.advance(1_000)
    clock.step(25 * 365 * day)
    series.add(1, clock.read().wallMs, 2)
    await settle(series)
    expect(errors).toEqual([])
    expect(db.prepare('SELECT count(*) FROM series_recent').pluck().get()).toBe(0)
    expect(readPoints(db, 1, 0, 4e12).map(({ value }) => value)).toContain(2)
    db.close()
  })

  it('loses nothing of what was not rolled up when the machine was off for days', async () => {
    const clock = fakeClock()
    const { db, series } = bench(clock)
    const beganMs = clock.read().wallMs
    for (let index = 0; index < 300; index += 1) {
      series.add(1, clock.read().wallMs, 5)
      clock.advance(minute)
      if (index === 100) await settle(series)
    }
    series.stop()
    await turns()
    clock.advance(4 * day)
    await settle(series)
    const nowMs = clock.read().wallMs
    expect(readWindow(db, 1, beganMs - day, nowMs, 600, nowMs).total.count).toBe(300)
    expect(readWindow(db, 1, beganMs - 40 * day, nowMs, 20, nowMs).total.count).toBe(300)
    db.close()
  })

  it('is whole over the edges of its tiers', async () => {
    const clock = fakeClock()
    const { db, series } = bench(clock)
    const beganMs = clock.read().wallMs
    for (let passed = 0; passed < 18 * day; passed += 10 * minute) {
      series.add(1, clock.read().wallMs, 5)
      clock.advance(10 * minute)
      if (passed % (6 * hour) === 0) await settle(series)
    }
    await settle(series)
    const nowMs = clock.read().wallMs
    const { total } = readWindow(db, 1, beganMs, nowMs, 5_000, nowMs)
    expect(total.count).toBe((18 * day) / (10 * minute))
    db.close()
  })

  it('that is removed leaves nothing', async () => {
    const clock = fakeClock()
    const { db, series, unknown } = bench(clock)
    series.add(1, clock.read().wallMs, 1)
    await settle(series)
    series.add(1, clock.read().wallMs + 1, 1)
    db.transaction(() => series.remove(1))()
    unknown.add(1)
    clock.advance(10_000)
    await settle(series)
    expect(db.prepare('SELECT count(*) FROM series_block').pluck().get()).toBe(0)
    db.close()
  })
})
