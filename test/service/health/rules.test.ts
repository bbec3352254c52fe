import { describe, expect, it } from 'vitest'
import { metricKinds, metricKindNames } from '../../../electron/shared/health-words.ts'
import { daysUntilFull, type Fill } from '../../../electron/service/health/forecast.ts'
import {
  faultOfRule,
  faultOfRules,
  judge,
  levelOf,
  measureOf,
  newStanding,
  type Measure,
} from '../../../electron/service/health/rules.ts'
import type { Standing } from '../../../electron/service/health/schema.ts'

const measure: Measure = {
  limits: { careful: 80, warning: 90, critical: 97 },
  sustainMs: 60_000,
  slack: 2,
  bad: 'above',
}
const calm = newStanding(0)

/** Judges values that come every ten seconds; null is a time in which nobody looked. */
function after(
  values: readonly (number | null)[],
  how = measure,
  from = calm,
): { standing: Standing; changes: string[] } {
  let standing = from
  let nowMs = 0
  let passedMs: number | null = null
  const changes: string[] = []
  for (const value of values) {
    nowMs += 10_000
    if (value === null) {
      passedMs = null
      continue
    }
    const next = judge(standing, value, how, nowMs, passedMs)
    if (next.level !== standing.level) changes.push(`${nowMs / 1_000} ${next.level}`)
    standing = next
    passedMs = 10_000
  }
  return { standing, changes }
}
const times = (count: number, value: number): number[] => Array.from({ length: count }, () => value)

describe('levels', () => {
  it('says nothing of a spike that is shorter than it must hold', () => {
    expect(after([50, ...times(6, 99), ...times(10, 50)]).changes).toEqual([])
  })

  it('begins when a value has held for its time, at the level that it held all the while', () => {
    expect(after([50, ...times(7, 92)]).changes).toEqual(['80 warning'])
    expect(after([50, ...times(3, 85), ...times(4, 99)]).changes).toEqual(['80 careful'])
  })

  it('gets worse and better step by step', () => {
    const { changes } = after([50, ...times(7, 92), ...times(7, 98), ...times(40, 92), ...times(40, 50)])
    expect(changes).toEqual(['80 warning', '150 critical', '460 warning', '860 ok'])
  })

  it('ends neither within the slack nor after a moment', () => {
    expect(after([50, ...times(7, 92), ...times(100, 88.5)]).changes).toEqual(['80 warning'])
    expect(after([50, ...times(7, 92), ...times(29, 50), ...times(7, 92)]).changes).toEqual(['80 warning'])
  })

  it('does not count time in which nobody looked', () => {
    expect(after([50, ...times(4, 92), null, null, null, ...times(4, 92)]).changes).toEqual([])
    expect(after([50, ...times(4, 92), null, ...times(7, 92)]).changes).toEqual(['130 warning'])
    expect(after([50, ...times(7, 92), ...times(20, 50), null, ...times(20, 50)]).changes).toEqual([
      '80 warning',
    ])
  })

  it('tells of a value that flaps at most three times an hour', () => {
    const flapping = Array.from({ length: 360 }, (_, index) => (index % 80 < 40 ? 95 : 50))
    expect(after(flapping).changes.length).toBeLessThanOrEqual(3)
    const day = Array.from({ length: 8_640 }, (_, index) => (index % 80 < 40 ? 95 : 50))
    const told = after(day).changes.map((text) => Number(text.split(' ')[0]))
    for (const from of told)
      expect(told.filter((at) => at >= from && at < from + 3_600).length).toBeLessThanOrEqual(3)
  })

  it('works downwards as well', () => {
    const days: Measure = {
      limits: { careful: 7, warning: 2, critical: null },
      sustainMs: 0,
      slack: 0.5,
      bad: 'below',
    }
    expect(after([30, 6, 6], days).changes).toEqual(['20 careful'])
    expect(after([30, 1], days).changes).toEqual(['20 warning'])
    expect(levelOf(2.15, days)).toBe('careful')
    expect(levelOf(2.15, days, 0.5)).toBe('warning')
  })

  it('judges by the user’s rule for one, then for its kind, then by the thing’s own limits, then by the usual ones', () => {
    const figure = { kind: 'disk-used', item: '/data', value: 92 } as const
    const rule = (item: string | null, warning: number) =>
      ({ kind: 'disk-used', item, careful: null, warning, critical: null, sustainS: 5 }) as const
    expect(measureOf(figure, [rule(null, 50), rule('/data', 60)], 0).limits.warning).toBe(60)
    expect(measureOf(figure, [rule(null, 50), rule('/other', 60)], 0).limits.warning).toBe(50)
    const own = { careful: null, warning: null, critical: 1 }
    expect(measureOf({ ...figure, ownLimits: own }, [], 0).limits).toEqual(own)
    expect(measureOf(figure, [], 0).limits.warning).toBe(90)
  })

  it('leaves a disk alone while it has room, unless it has limits of its own', () => {
    const figure = { kind: 'disk-used', item: '/', value: 96, freeBytes: 50e9 } as const
    expect(levelOf(96, measureOf(figure, [], 20e9))).toBe('ok')
    expect(levelOf(96, measureOf({ ...figure, freeBytes: 1e9 }, [], 20e9))).toBe('warning')
    const rule = {
      kind: 'disk-used',
      item: null,
      careful: null,
      warning: 95,
      critical: null,
      sustainS: 0,
    } as const
    expect(levelOf(96, measureOf(figure, [rule], 20e9))).toBe('warning')
  })

  it('refuses limits that are not in order', () => {
    const rule = {
      kind: 'disk-used',
      item: null,
      careful: 90,
      warning: 80,
      critical: null,
      sustainS: 0,
    } as const
    expect(faultOfRule(rule)).toBe(
      'the limits of “Disk” are not in order: careful, warning and critical must rise',
    )
    expect(faultOfRule({ ...rule, kind: 'disk-days' })).toBeNull()
  })

  it('refuses two sets of limits for the same figure', () => {
    const rule = {
      kind: 'disk-used',
      item: null,
      careful: null,
      warning: 80,
      critical: null,
      sustainS: 0,
    } as const
    expect(faultOfRules([rule, { ...rule, item: '/' }])).toBeNull()
    expect(faultOfRules([rule, { ...rule, warning: 5 }])).toBe('there are two sets of limits for “Disk”')
  })

  it('falls to what held all the while, not to a moment that was better', () => {
    const critical = after([50, ...times(7, 99)]).standing
    expect(after([50, ...times(60, 92)], measure, critical).changes).toEqual(['310 warning'])
    expect(after([...times(29, 92), 50, ...times(60, 92)], measure, critical).standing.level).toBe('warning')
  })

  it('can leave a low limit, whatever the slack', () => {
    const low: Measure = { ...measure, limits: { careful: 1, warning: null, critical: null } }
    expect(after([...times(10, 5), ...times(40, 0)], low).changes).toEqual(['70 careful', '410 ok'])
  })

  it('tells of a value that flaps between careful and warning at most three times an hour', () => {
    const flapping = Array.from({ length: 360 }, (_, index) => (index % 80 < 40 ? 92 : 85))
    expect(after(flapping).changes.filter((text) => !text.endsWith('careful')).length).toBeLessThanOrEqual(2)
  })

  it('has usual limits that are in order', () => {
    for (const kind of metricKindNames)
      expect(faultOfRule({ kind, item: null, ...metricKinds[kind].limits, sustainS: 0 })).toBeNull()
  })
})

describe('the forecast', () => {
  const hourly = (hours: number, percent: (hour: number) => number): Fill[] =>
    Array.from({ length: hours }, (_, hour) => ({ atMs: hour * 3_600_000, percent: percent(hour) }))

  it.each([
    ['two days of filling', 48, (hour: number) => 50 + hour / 4, (100 - (50 + 47 / 4)) / 6],
    ['a week with noise', 168, (hour: number) => 30 + hour / 10 + Math.sin(hour * 7) / 2, (100 - 46.7) / 2.4],
  ])('is right to a tenth for %s', (_, hours, percent, expected) => {
    const days = daysUntilFull(hourly(hours, percent))
    expect(days).not.toBeNull()
    expect(Math.abs((days ?? 0) - expected) / expected).toBeLessThan(0.1)
  })

  it.each([
    ['less than a day', 20, (hour: number) => 50 + hour],
    ['a disk that empties', 72, (hour: number) => 90 - hour / 10],
    ['a disk that stays', 72, () => 50],
    ['a disk that breathes', 72, (hour: number) => 50 + 20 * Math.sin(hour / 3)],
    ['one large copy', 72, (hour: number) => (hour < 36 ? 35 : 65)],
    ['a disk that is full in years', 72, (hour: number) => 10 + hour / 1_000],
  ])('says nothing of %s', (_, hours, percent) => {
    expect(daysUntilFull(hourly(hours, percent))).toBeNull()
  })
})
