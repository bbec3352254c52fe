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

/** Returns the level that a value alone has; `slack` makes it end later than it begins. */
export function levelOf(
  value: number,
  { limits, bad }: Pick<Measure, 'limits' | 'bad'>,
  slack = 0,
): HealthLevel {
  const reached = (limit: number | null): boolean =>
    limit !== null && (bad === 'above' ? value >= limit - slack : value <= limit + slack)
  if (reached(limits.critical)) return 'critical'
  if (reached(limits.warning)) return 'warning'
  return reached(limits.careful) ? 'careful' : 'ok'
}

/** A level ends when the value was better for this long (ms) at least. */
const calmMs = 300_000
/** A problem that comes back within this (ms) of the one before must be over for as long before it is called over again. */
const relapseMs = 3_600_000
const rememberedMs = 86_400_000

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
  const rising = worse(bare, before.level) ? held(before.rising, bare, nowMs, passedMs) : null
  if (rising && rising.heldMs >= measure.sustainMs) return raised(before, rising, nowMs)
  const falling = worse(before.level, lenient) ? held(before.falling, lenient, nowMs, passedMs) : null
  if (falling && falling.heldMs >= calmOf(before, measure))
    return { ...before, level: falling.level, sinceMs: nowMs, rising: null, falling: null }
  return { ...before, rising, falling }
}

/** A level that changes while it waits goes on from the lesser of both, which has held all the time. */
function held(before: Pending | null, level: HealthLevel, nowMs: number, passedMs: number | null): Pending {
  if (before === null || passedMs === null) return { level, heldMs: 0, fromMs: nowMs }
  return {
    level: worse(before.level, level) ? level : before.level,
    heldMs: before.heldMs + passedMs,
    fromMs: before.fromMs,
  }
}

function raised(before: Standing, { level }: Pending, nowMs: number): Standing {
  const isNew = before.level === 'ok'
  const problems = before.problems.filter((ms) => nowMs - ms < rememberedMs)
  return {
    level,
    sinceMs: nowMs,
    rising: null,
    falling: null,
    problems: isNew ? [...problems, nowMs] : problems,
  }
}

function calmOf({ problems }: Standing, { sustainMs }: Measure): number {
  const [previous, last] = problems.slice(-2)
  const isRelapse = previous !== undefined && last !== undefined && last - previous < relapseMs
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

/** Returns the limit that made a level; null for `ok`. */
export function limitOf(level: HealthLevel, limits: Limits): number | null {
  return level === 'ok' ? null : limits[level]
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
