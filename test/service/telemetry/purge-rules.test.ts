import { describe, expect, it } from 'vitest'
import {
  oldestKept,
  purgeJudge,
  usualPlan,
  type PurgeFacts,
  type RetentionPlan,
} from '../../../electron/service/telemetry/purge-rules.ts'
import { isDue } from '../../../electron/service/telemetry/purger.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const dayMs = 86_400_000
const facts = (days: number, severity: number, classification: string): PurgeFacts => ({
  serverMs: nowMs - days * dayMs - 1,
  severity: String(severity),
  classification,
  build: '1',
  machine: 'm',
  system: 's',
})

describe('retention', () => {
  /** The plan of the upstream suite. */
  const plan: RetentionPlan = {
    enabled: true,
    maxDays: 5,
    rules: [
      { field: 'severity', value: '1', days: 1 },
      { field: 'severity', value: '4', days: 0 },
      { field: 'classification', value: 'test/keep/one', days: 0 },
      { field: 'classification', value: 'test/discard/*', days: 1 },
    ],
  }
  it.each([
    [2, 1, 'test/discard/one', true],
    [2, 2, 'test/discard/two', true],
    [2, 4, 'test/discard/two', true],
    [6, 2, 'test/test/one', true],
    [2, 1, 'test/keep/one', true],
    [2, 4, 'test/discard/three', true],
    [6, 2, 'test/keep/one', false],
    [3, 2, 'test/test/one', false],
    [6, 4, 'test/test/one', false],
  ])('after %i days, severity %i, class %s: goes is %s', (days, severity, classification, goes) => {
    expect(purgeJudge(plan, nowMs)(facts(days, severity, classification))).toBe(goes)
  })

  it('has the defaults of the original', () => {
    const goes = purgeJudge(usualPlan, nowMs)
    expect(goes(facts(34, 2, 'a/b/c'))).toBe(false)
    expect(goes(facts(35, 2, 'a/b/c'))).toBe(true)
    expect(goes(facts(1, 1, 'org.clearlinux/hello/world'))).toBe(true)
    expect(goes(facts(0.5, 1, 'org.clearlinux/hello/world'))).toBe(false)
  })

  it('never lets go of what no rule names when the maximum is 0', () => {
    expect(purgeJudge({ ...plan, maxDays: 0 }, nowMs)(facts(9_000, 2, 'test/test/one'))).toBe(false)
    expect(oldestKept({ enabled: true, maxDays: 0, rules: [] }, nowMs)).toBeNull()
    expect(oldestKept(plan, nowMs)).toBe(nowMs - dayMs)
  })

  it('runs once a day at half past four', () => {
    const at = (hour: number, minute: number, day = 21): number =>
      new Date(2026, 10, day, hour, minute).getTime()
    expect(isDue(at(4, 29), at(4, 30, 20))).toBe(false)
    expect(isDue(at(4, 30), at(4, 30, 20))).toBe(true)
    expect(isDue(at(23, 0), at(4, 31))).toBe(false)
    expect(isDue(at(12, 0), null)).toBe(true)
  })
})
