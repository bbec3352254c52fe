import {
  healthLevels,
  metricKind,
  type HealthLevel,
  type Limits,
  type MetricKindName,
} from '../../shared/health-words.ts'
import type { HealthRule } from '../../shared/api/health.ts'
import type { Figure, Pending, Standing } from './schema.ts'

/** When a figure has which level. Pure. */

/** What a value is judged by. */
export interface Measure {
  readonly limits: Limits
  readonly sustainMs: number
  readonly slack: number
  readonly bad: 'above' | 'below'
}

const noLimits: Limits = { careful: null, warning: null, critical: null }

/** Returns what a figure is judged by: the user's rule for it, that for its kind, the thing's own limits, the usual ones. */
export function measureOf(figure: Figure, rules: readonly HealthRule[], spareBytes: number): Measure {
  const { kind, item } = figure
  const { limits, sustainS, slack, bad } = metricKind(kind)
  const own =
    rules.find((rule) => rule.kind === kind && rule.item === item) ??
    rules.find((rule) => rule.kind === kind && rule.item === null)
  const usual = figure.ownLimits ?? limits
  const hasRoom = own === undefined && figure.freeBytes !== undefined && figure.freeBytes > spareBytes
  return {
    limits: own ?? (hasRoom ? noLimits : usual),
    sustainMs: (own?.sustainS ?? sustainS) * 1_000,
    slack,
    bad,
  }
}

const rank = (level: HealthLevel): number => healthLevels.indexOf(level)
const worse = (a: HealthLevel, b: HealthLevel): boolean => rank(a) > rank(b)

/** A limit's slack is at most this share of it, or a low limit could never be left. */
const mostSlack = 0.1

/** Returns the level that a value alone has; `slack` makes it end later than it begins. */
export function levelOf(
  value: number,
  { limits, bad }: Pick<Measure, 'limits' | 'bad'>,
  slack = 0,
): HealthLevel {
  const reached = (limit: number | null): boolean => {
    if (limit === null) return false
    const give = Math.min(slack, mostSlack * Math.abs(limit))
    return bad === 'above' ? value >= limit - give : value <= limit + give
  }
  if (reached(limits.critical)) return 'critical'
  if (reached(limits.warning)) return 'warning'
  return reached(limits.careful) ? 'careful' : 'ok'
}

/** A level ends when the value was better for this long (ms) at least. */
const calmMs = 300_000
/** A level that comes back within this (ms) of its end must be over for as long before it is called over again. */
const relapseMs = 3_600_000

/** The standing of a metric of which nothing is known yet. */
export function newStanding(nowMs: number): Standing {
  return {
    level: 'ok',
    sinceMs: nowMs,
    beganMs: null,
    rising: null,
    falling: null,
    fellMs: null,
    isRelapse: false,
  }
}

/**
 * Returns the standing after a value. `passedMs` is the time since the last one in which we looked; null when we did not, so that
 * nothing is known of what was between.
 */
export function judge(
  before: Standing,
  value: number,
  measure: Measure,
  nowMs: number,
  passedMs: number | null,
): Standing {
  const bare = levelOf(value, measure)
  // Within the slack a level neither begins nor ends.
  const lenient = levelOf(value, measure, measure.slack)
  // What has held all the while is the lesser of two levels on the way up, and the worse of two on the way down.
  const rising = worse(bare, before.level) ? held(before.rising, bare, lesserOf, nowMs, passedMs) : null
  if (rising && rising.heldMs >= measure.sustainMs) return raised(before, rising, nowMs)
  const falling = worse(before.level, lenient)
    ? held(before.falling, lenient, worseOf, nowMs, passedMs)
    : null
  if (falling && falling.heldMs >= calmOf(before, measure)) return eased(before, falling.level, nowMs)
  return { ...before, rising, falling }
}

/** Returns the standing at a better level, without waiting. */
export function eased(before: Standing, level: HealthLevel, nowMs: number): Standing {
  return { ...before, level, sinceMs: nowMs, rising: null, falling: null, fellMs: nowMs }
}

const worseOf = (a: HealthLevel, b: HealthLevel): HealthLevel => (worse(a, b) ? a : b)
const lesserOf = (a: HealthLevel, b: HealthLevel): HealthLevel => (worse(a, b) ? b : a)

function held(
  before: Pending | null,
  level: HealthLevel,
  both: (a: HealthLevel, b: HealthLevel) => HealthLevel,
  nowMs: number,
  passedMs: number | null,
): Pending {
  if (before === null || passedMs === null) return { level, heldMs: 0, fromMs: nowMs }
  return { level: both(before.level, level), heldMs: before.heldMs + passedMs, fromMs: before.fromMs }
}

function raised(before: Standing, { level }: Pending, nowMs: number): Standing {
  return {
    ...before,
    level,
    sinceMs: nowMs,
    rising: null,
    falling: null,
    isRelapse: before.fellMs !== null && nowMs - before.fellMs < relapseMs,
  }
}

function calmOf({ isRelapse }: Standing, { sustainMs }: Measure): number {
  return isRelapse ? relapseMs : Math.max(calmMs, Math.min(sustainMs, relapseMs))
}

/** Returns the worst of levels. */
export function worstLevel(levels: Iterable<HealthLevel>): HealthLevel {
  let worst: HealthLevel = 'ok'
  for (const level of levels) if (worse(level, worst)) worst = level
  return worst
}

/** Returns true when a level is at least another. */
export function reaches(level: HealthLevel, from: HealthLevel | 'never'): boolean {
  return from !== 'never' && rank(level) >= rank(from) && level !== 'ok'
}

/** Returns what is wrong with rules together; null when nothing is. */
export function faultOfRules(rules: readonly HealthRule[]): string | null {
  const seen = new Set<string>()
  for (const rule of rules) {
    const fault = faultOfRule(rule)
    if (fault !== null) return fault
    const key = `${rule.kind} ${rule.item ?? '*'}`
    if (seen.has(key))
      return `there are two sets of limits for “${metricKind(rule.kind).label}”${rule.item === null ? '' : ` ${rule.item}`}`
    seen.add(key)
  }
  return null
}

/** A rule that cannot be meant, with a sentence; null for one that can. */
export function faultOfRule({ kind, careful, warning, critical }: HealthRule): string | null {
  const { bad, label } = metricKind(kind satisfies MetricKindName)
  const inOrder = [careful, warning, critical].filter((limit) => limit !== null)
  const isOrdered = inOrder.every((limit, index) => {
    const before = inOrder[index - 1]
    return before === undefined || (bad === 'above' ? limit >= before : limit <= before)
  })
  if (isOrdered) return null
  return `the limits of “${label}” are not in order: careful, warning and critical must ${bad === 'above' ? 'rise' : 'fall'}`
}
