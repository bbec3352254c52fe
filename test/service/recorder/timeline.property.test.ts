import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coalesce, countDays, countWindow, cutStretches } from '../../../electron/service/recorder/figures.ts'
import { placeFlights } from '../../../electron/service/recorder/placement.ts'
import type { FlightRow, ImportedRow, LapseRow } from '../../../electron/service/recorder/schema.ts'
import { buildTimeline, type Timeline } from '../../../electron/service/recorder/timeline.ts'
import { percentShares } from '../../../electron/shared/shares.ts'

const base = Date.UTC(2026, 5, 1)
const day = 86_400_000

const anyFlight = fc.record({
  begin: fc.integer({ min: -30 * day, max: 30 * day }),
  length: fc.integer({ min: 0, max: 5 * day }),
  /** How wrong the wall clock was. */
  step: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -3650 * day, max: 3650 * day }) },
  ),
  source: fc.constantFrom('watchkeeper' as const, null),
  boot: fc.option(fc.integer({ min: 1, max: 6 }), { nil: null }),
  trusted: fc.boolean(),
  ended: fc.constantFrom(null, 'SIGTERM', 'SIGINT'),
  lapses: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 1, max: day }),
      kind: fc.constantFrom('asleep' as const, 'stalled' as const),
    }),
    { maxLength: 4 },
  ),
})
const anyImport = fc.record({
  begin: fc.integer({ min: -60 * day, max: 10 * day }),
  length: fc.integer({ min: 0, max: 10 * day }),
  asleep: fc.double({ min: 0, max: 1, noNaN: true }),
  source: fc.constantFrom('wtmp' as const, 'tuptime' as const, 'journal' as const),
  ended: fc.constantFrom(null, 'clean', 'unclean'),
})

const anyTimeline = fc
  .record({
    flights: fc.array(anyFlight, { maxLength: 12 }),
    imports: fc.array(anyImport, { maxLength: 6 }),
    now: fc.integer({ min: -10 * day, max: 60 * day }),
    isRunning: fc.boolean(),
  })
  .map(({ flights, imports, now, isRunning }): Timeline => {
    const rows = flights.map((flight, index): FlightRow => {
      const wall = base + flight.begin + flight.length + flight.step
      const bootMs = 1_000_000 + flight.begin + 30 * day
      const own = flight.source === 'watchkeeper'
      return {
        id: index + 1,
        duration: flight.length / 1_000,
        last_ts: wall / 1_000,
        source: flight.source,
        boot_id: own && flight.boot !== null ? `boot-${flight.boot}` : null,
        begin_boot_ms: own ? bootMs : null,
        begin_monotonic_ms: own ? bootMs : null,
        last_boot_ms: own ? bootMs + flight.length : null,
        last_monotonic_ms: own ? bootMs + flight.length : null,
        anchor_wall_ms: flight.trusted ? wall : null,
        anchor_elapsed_ms: flight.trusted ? flight.length : null,
        clock_state: flight.trusted ? 'plausible' : 'untrusted',
        interval_ms: 10_000,
        os: null,
        ended: flight.ended,
      }
    })
    const lapses = flights.flatMap((flight, index) =>
      flight.lapses.map((lapse): LapseRow => ({
        flight_id: index + 1,
        at_elapsed_ms: Math.round(lapse.at * flight.length),
        length_ms: lapse.length,
        kind: lapse.kind,
      })),
    )
    const imported = imports.map((run, index): ImportedRow => ({
      id: index + 1,
      source: run.source,
      begin_ms: base + run.begin,
      end_ms: base + run.begin + run.length,
      asleep_ms: Math.round(run.asleep * run.length),
      boot_id: null,
      os: null,
      ended: run.ended,
    }))
    return buildTimeline({
      placed: placeFlights(rows, base + now),
      imported,
      lapses,
      evidenceOf: () => [],
      sampleOf: () => null,
      present: {
        wallMs: base + now,
        bootId: 'boot-1',
        bootMs: 1_000_000 + now + 30 * day,
        monotonicMs: null,
        runningFlight: isRunning ? rows.length : null,
      },
    })
  })

const anyWindow = fc.tuple(
  fc.integer({ min: -90 * day, max: 90 * day }),
  fc.integer({ min: 0, max: 120 * day }),
)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

describe('any set of flights, sleeps, imports and clock steps', () => {
  it('gives stretches that follow each other without gap or overlap', () => {
    fc.assert(
      fc.property(anyTimeline, ({ stretches }) => {
        for (const [index, stretch] of stretches.entries()) {
          expect(stretch.toMs).toBeGreaterThan(stretch.fromMs)
          const next = stretches[index + 1]
          if (next) expect(next.fromMs).toBe(stretch.toMs)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('adds up to the window, never above 100 %', () => {
    fc.assert(
      fc.property(anyTimeline, anyWindow, (timeline, [from, length]) => {
        const since = base + from
        const figures = countWindow(
          timeline,
          cutStretches(timeline, since, since + length),
          since,
          since + length,
        )
        expect(sum(Object.values(figures.ms))).toBe(length)
        expect(Object.values(figures.ms).every((ms) => ms >= 0 && ms <= length)).toBe(true)
        if (length > 0) expect(Math.round(sum(Object.values(percentShares(figures.ms))) * 100)).toBe(10_000)
        if (figures.availability !== null) expect(figures.availability).toBeLessThanOrEqual(100)
        if (figures.availability !== null) expect(figures.availability).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 500 },
    )
  })

  it('counts two adjacent windows as much as their union', () => {
    fc.assert(
      fc.property(
        anyTimeline,
        anyWindow,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (timeline, [from, length], where) => {
          const since = base + from
          const until = since + length
          const middle = since + Math.round(length * where)
          const count = (a: number, b: number) => countWindow(timeline, cutStretches(timeline, a, b), a, b).ms
          const [left, right, whole] = [count(since, middle), count(middle, until), count(since, until)]
          for (const presence of ['up', 'asleep', 'down', 'recorder-off', 'unknown'] as const) {
            expect(left[presence] + right[presence]).toBe(whole[presence])
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('counts days as much as the window they fill', () => {
    fc.assert(
      fc.property(anyTimeline, fc.integer({ min: -60, max: 60 }), (timeline, firstDay) => {
        const starts = Array.from({ length: 8 }, (_, index) => base + (firstDay + index) * day)
        for (const { ms } of countDays(timeline, starts)) expect(sum(Object.values(ms))).toBe(day)
      }),
      { numRuns: 200 },
    )
  })

  it('draws fewer stretches without losing time or hiding a problem', () => {
    fc.assert(
      fc.property(anyTimeline, anyWindow, (timeline, [from, length]) => {
        const cut = cutStretches(timeline, base + from, base + from + length)
        const drawn = coalesce(cut, 4)
        expect(sum(drawn.map(({ merged }) => merged))).toBe(cut.length)
        expect(sum(drawn.map(({ fromMs, toMs }) => toMs - fromMs))).toBe(length)
        if (cut.some(({ presence }) => presence === 'down'))
          expect(drawn.some(({ presence }) => presence === 'down')).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
