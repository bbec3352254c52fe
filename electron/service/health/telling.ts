import { metricName } from '../../shared/health-words.ts'
import { plainFacts, type TransitionFacts } from '../context.ts'
import type { DaemonReport } from './report.ts'
import { levelOf, type Measure } from './rules.ts'
import type { MetricState } from './schema.ts'
import { sentenceOf, topLines } from './words.ts'

/** What is said of a metric and its level. Pure. */

/** Place of health in the UI. */
export const healthPath = '/health/now'
/** Reminders of what lasts are this far (ms) apart at first. */
const remindMs = 86_400_000

/** Returns what a notice says of a metric that is not well. */
export function factsOf(
  { kind, item }: MetricState,
  text: string,
  report: DaemonReport | null,
): TransitionFacts {
  return {
    ...plainFacts(metricName(kind, item), text),
    details: topLines(report),
    path: healthPath,
    remindMs,
  }
}

/** Returns how a metric stands, in a sentence. */
export function standingSentence(
  { kind, item, value, limits, standing }: MetricState,
  bad: Measure['bad'],
): string {
  if (value === null) return `${metricName(kind, item)} has not been measured yet`
  const sentence = sentenceOf(kind, item, value)
  const isBetter = standing.level !== 'ok' && levelOf(value, { limits, bad }) !== standing.level
  return isBetter ? `${sentence} now; ${standing.level} until that has held` : sentence
}
