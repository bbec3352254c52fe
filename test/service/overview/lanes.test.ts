import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { laneStates } from '../../../electron/shared/api/overview.ts'
import { drawLane, type PastSpan } from '../../../electron/service/overview/lanes.ts'

const span = (fromMs: number, toMs: number, more: Partial<PastSpan> = {}): PastSpan => ({
  fromMs,
  toMs,
  state: 'problem',
  name: 'a',
  text: 'a is down',
  path: '/hosts/1',
  ...more,
})

describe('a lane', () => {
  it('draws what lies too close together as one, with how many there were and the names of all', () => {
    const drawn = drawLane(
      [
        span(1_000, 2_000),
        span(2_010, 2_500, { name: 'b', text: 'b is down', path: '/hosts/2' }),
        span(90_000, 90_000, { name: 'c', text: 'c is down', path: '/hosts/3' }),
      ],
      0,
      100_000,
    )
    expect(drawn).toEqual([
      { fromMs: 1_000, toMs: 2_500, state: 'problem', count: 2, text: 'a, b', path: '/hosts' },
      { fromMs: 90_000, toMs: 90_000, state: 'problem', count: 1, text: 'c is down', path: '/hosts/3' },
    ])
  })

  it('keeps states apart, cuts at the window, and leaves out what lies beyond it', () => {
    const drawn = drawLane(
      [
        span(-5_000, 500),
        span(400, 600, { state: 'unobserved' }),
        span(99_000, 200_000, { state: 'asleep' }),
        span(100_001, 100_002),
        span(-9, -1),
      ],
      0,
      100_000,
    )
    expect(drawn.map(({ fromMs, toMs, state }) => [fromMs, toMs, state])).toEqual([
      [0, 500, 'problem'],
      [400, 600, 'unobserved'],
      [99_000, 100_000, 'asleep'],
    ])
  })

  it('names a few of many', () => {
    const many = Array.from({ length: 9 }, (_, index) => span(index, index + 1, { name: `n${index}` }))
    expect(drawLane(many, 0, 100_000)[0]).toMatchObject({ count: 9, text: 'n0, n1, n2, n3 and 5 more' })
  })

  it('loses nothing, counts everything in the window, and never has more than a screen can show', () => {
    const spans = fc.array(
      fc.record({
        fromMs: fc.integer({ min: -1_000, max: 11_000 }),
        length: fc.integer({ min: 0, max: 2_000 }),
        state: fc.constantFrom(...laneStates),
      }),
      { maxLength: 2_000 },
    )
    fc.assert(
      fc.property(spans, (given) => {
        const all = given.map(({ fromMs, length, state }) => span(fromMs, fromMs + length, { state }))
        const drawn = drawLane(all, 0, 10_000)
        const inside = all.filter(({ fromMs, toMs }) => fromMs < 10_000 && toMs >= 0)
        expect(drawn.reduce((sum, { count }) => sum + count, 0)).toBe(inside.length)
        expect(drawn.length).toBeLessThanOrEqual(laneStates.length * 401)
        for (const { fromMs, toMs, state } of inside)
          expect(
            drawn.some(
              (one) =>
                one.state === state &&
                one.fromMs <= Math.max(0, fromMs) &&
                one.toMs >= Math.min(10_000, toMs),
            ),
          ).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})
