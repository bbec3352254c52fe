import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { figuresOf, segmentsOf, uptimeOf, type HostPast } from '../../../electron/service/hosts/timeline.ts'
import { hostSegments } from '../../../electron/shared/host-words.ts'

const day = 86_400_000
const endMs = 400 * day

const time = fc.integer({ min: 0, max: endMs })
const stretch = fc.tuple(time, fc.integer({ min: 0, max: 20 * day }), fc.boolean())
/** Histories as disorderly as a stepped clock can make them: overlapping, empty, open, in the future. */
const past: fc.Arbitrary<HostPast> = fc.record({
  firstMs: fc.option(time, { nil: null }),
  nowMs: fc.integer({ min: 380 * day, max: endMs }),
  incidents: fc.array(
    stretch.map(([openedMs, length, isOpen]) => ({
      kind: length % 2 === 0 ? ('down' as const) : ('degraded' as const),
      openedMs,
      closedMs: isOpen ? null : openedMs + length,
    })),
    { maxLength: 12 },
  ),
  spans: fc.array(
    stretch.map(([fromMs, length, isOpen]) => ({
      kind: (['paused', 'maintenance', 'offline', 'blind'] as const)[length % 4] ?? ('paused' as const),
      fromMs,
      toMs: isOpen ? null : fromMs + length,
    })),
    { maxLength: 12 },
  ),
  blind: fc.array(
    stretch.map(([fromMs, length]) => ({
      fromMs,
      toMs: fromMs + length,
      why: length % 2 === 0 ? ('asleep' as const) : ('not-running' as const),
    })),
    { maxLength: 6 },
  ),
})
const window = fc.tuple(time, time).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)

describe('uptime', () => {
  it('has parts that fill any window exactly, without gap or overlap, and never exceeds 100 %', () => {
    fc.assert(
      fc.property(past, window, (facts, [sinceMs, untilMs]) => {
        const segments = segmentsOf(facts, sinceMs, untilMs)
        let atMs = sinceMs
        for (const { fromMs, toMs } of segments) {
          expect(fromMs).toBe(atMs)
          expect(toMs).toBeGreaterThan(fromMs)
          atMs = toMs
        }
        expect(atMs).toBe(untilMs)
        const { parts, uptime } = figuresOf(segments)
        expect(hostSegments.reduce((sum, kind) => sum + parts[kind], 0)).toBe(untilMs - sinceMs)
        if (uptime !== null) {
          expect(uptime).toBeGreaterThanOrEqual(0)
          expect(uptime).toBeLessThanOrEqual(100)
          expect(uptime === 100).toBe(parts.down === 0)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('of two windows that touch adds up to that of both', () => {
    fc.assert(
      fc.property(past, fc.tuple(time, time, time), (facts, times) => {
        const [a = 0, b = 0, c = 0] = [...times].sort((x, y) => x - y)
        const [left, right, whole] = [
          [a, b],
          [b, c],
          [a, c],
        ].map(([from = 0, to = 0]) => figuresOf(segmentsOf(facts, from, to)).parts)
        for (const kind of hostSegments)
          expect((left?.[kind] ?? 0) + (right?.[kind] ?? 0)).toBe(whole?.[kind])
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with counting moment by moment', () => {
    const step = 3_600_000
    fc.assert(
      fc.property(past, (facts) => {
        const aligned: HostPast = {
          ...facts,
          firstMs: facts.firstMs === null ? null : round(facts.firstMs),
          nowMs: round(facts.nowMs),
          incidents: facts.incidents.map((one) => ({
            ...one,
            openedMs: round(one.openedMs),
            closedMs: one.closedMs === null ? null : round(one.closedMs),
          })),
          spans: facts.spans.map((one) => ({
            ...one,
            fromMs: round(one.fromMs),
            toMs: one.toMs === null ? null : round(one.toMs),
          })),
          blind: facts.blind.map((one) => ({ ...one, fromMs: round(one.fromMs), toMs: round(one.toMs) })),
        }
        const { parts } = figuresOf(segmentsOf(aligned, 0, 400 * day))
        let down = 0
        for (let atMs = 0; atMs < 400 * day; atMs += step) if (isDown(aligned, atMs)) down += step
        expect(parts.down).toBe(down)
      }),
      { numRuns: 60 },
    )
    function round(ms: number): number {
      return Math.round(ms / step) * step
    }
    function isDown({ firstMs, nowMs, incidents, spans, blind }: HostPast, atMs: number): boolean {
      const within = (fromMs: number, toMs: number | null): boolean =>
        fromMs <= atMs && atMs < (toMs ?? Infinity)
      if (atMs >= nowMs || firstMs === null || atMs < firstMs) return false
      if (spans.some(({ fromMs, toMs }) => within(fromMs, toMs))) return false
      if (blind.some(({ fromMs, toMs }) => within(fromMs, toMs))) return false
      return incidents.some(({ kind, openedMs, closedMs }) => kind === 'down' && within(openedMs, closedMs))
    }
  })

  it('is 100 only without downtime, and says nothing of what was not observed', () => {
    const none = { up: 0, degraded: 0, down: 0, asleep: 5, unobserved: 5, maintenance: 5, paused: 5 }
    expect(uptimeOf(none)).toBeNull()
    expect(uptimeOf({ ...none, up: 1e12, down: 1 })).toBe(99.999)
    expect(uptimeOf({ ...none, up: 1, down: 1e12 })).toBe(0.001)
    expect(uptimeOf({ ...none, down: 1 })).toBe(0)
    expect(uptimeOf({ ...none, degraded: 3, down: 1 })).toBe(75)
  })
})
