import type { purgeFields } from '../../shared/api/telemetry.ts'
import { wildcard } from './records/terms.ts'

/** Which records are let go of: telemetrics' rules by age, and a limit of size. Pure. */

/** What a rule looks at. */
type PurgeField = (typeof purgeFields)[number]

/** Records whose field has a value (a class may have `*`) go after so many days; 0 keeps them from this rule for ever. */
export interface PurgeRule {
  readonly field: PurgeField
  readonly value: string
  readonly days: number
}

/** All rules of retention. */
export interface RetentionPlan {
  readonly enabled: boolean
  /** Days after which records go that no rule names; 0 for never. */
  readonly maxDays: number
  readonly rules: readonly PurgeRule[]
}

/** What a rule sees of a record. */
export type PurgeFacts = Readonly<Record<PurgeField, string>> & { readonly serverMs: number }

const dayMs = 86_400_000

/** Defaults of telemetrics' collector: 35 days, greetings one day. */
export const usualPlan: RetentionPlan = {
  enabled: true,
  maxDays: 35,
  rules: [{ field: 'classification', value: 'org.clearlinux/hello/world', days: 1 }],
}

/** Returns what tells whether a record goes: a rule that names it and is over, or, when none names it, its age. */
export function purgeJudge(plan: RetentionPlan, nowMs: number): (facts: PurgeFacts) => boolean {
  const rules = plan.rules.map(({ field, value, days }) => ({
    field,
    days,
    fits: field === 'classification' ? wildcard(value) : (text: string) => text === value,
  }))
  const isOlder = (serverMs: number, days: number): boolean => serverMs < nowMs - days * dayMs
  return (facts) => {
    const naming = rules.filter(({ field, fits }) => fits(facts[field]))
    if (naming.length === 0) return plan.maxDays > 0 && isOlder(facts.serverMs, plan.maxDays)
    return naming.some(({ days }) => days > 0 && isOlder(facts.serverMs, days))
  }
}

/** Returns the server time (ms) before which records may go at all; null when none ever goes by age. */
export function oldestKept({ maxDays, rules }: RetentionPlan, nowMs: number): number | null {
  const days = [maxDays, ...rules.map((rule) => rule.days)].filter((count) => count > 0)
  return days.length === 0 ? null : nowMs - Math.min(...days) * dayMs
}
