import {
  byteText,
  metricKind,
  metricName,
  metricText,
  type HealthLevel,
  type MetricKindName,
} from '../../shared/health-words.ts'
import { wordDuration } from '../../shared/time-text.ts'
import type { Figure } from './schema.ts'
import { rowsIn, textAt, type DaemonReport } from './report.ts'

/** The sentences of health. Pure. */

/** Returns how a metric stands, as a sentence. */
export function sentenceOf(kind: MetricKindName, item: string, value: number, freeBytes?: number): string {
  const { unit } = metricKind(kind)
  const shown = metricText(value, unit)
  const left = freeBytes === undefined ? '' : `, ${byteText(freeBytes)} are left`
  switch (kind) {
    case 'disk-used':
      return `Disk ${item} is ${shown} full${left}`
    case 'inodes-used':
      return `Disk ${item} has used ${shown} of its file entries`
    case 'disk-days':
      return `Disk ${item} is full in ${shown} if it goes on like this`
    case 'drive-failing':
      return value > 0 ? `Drive ${item} says that it fails` : `Drive ${item} says that it is well`
    case 'drive-worn':
      return `Drive ${item} is ${shown} worn`
    case 'drive-pending':
      return `Drive ${item} has ${shown} sectors that cannot be read`
    case 'raid-missing':
      return value > 0 ? `Array ${item} lacks ${shown} of its drives` : `Array ${item} has all its drives`
    case 'memory-errors':
      return `Memory controller ${item} met ${shown} errors that it could not correct`
    case 'service-down':
      return value > 0 ? `Service ${item} does not run` : `Service ${item} runs`
    case 'services-failed':
      return value === 1 ? '1 service has failed' : `${shown} services have failed`
    case 'zombies':
      return `There are ${shown} zombies`
    case 'clock-offset':
      return `The clock is ${shown} off`
    case 'memory-pressure':
    case 'cpu-pressure':
    case 'disk-pressure':
      return `${metricKind(kind).label}: ${shown} of the last minute`
    default:
      return `${metricName(kind, item)}: ${shown}`
  }
}

/** Returns the words of a notice for a level. */
export function noticeText(
  figure: Pick<Figure, 'kind' | 'item' | 'value' | 'freeBytes'>,
  level: HealthLevel,
): string {
  return `${sentenceOf(figure.kind, figure.item, figure.value, figure.freeBytes)} (${level}).`
}

/** Returns the words of a recovery after some time (ms). */
export function recoveryText(
  figure: Pick<Figure, 'kind' | 'item' | 'value' | 'freeBytes'>,
  lastedMs: number,
): string {
  return `${sentenceOf(figure.kind, figure.item, figure.value, figure.freeBytes)}. It lasted ${wordDuration(lastedMs)}.`
}

/** Returns the words for a thing that is no longer there. */
export function goneText(kind: MetricKindName, item: string): string {
  // A forecast goes when the disk no longer fills.
  return kind === 'disk-days'
    ? `Disk ${item} no longer fills at that pace.`
    : `${metricName(kind, item)} is no longer there.`
}

/** Returns who takes the most, for the details of a notice. */
export function topLines(report: DaemonReport | null): string[] {
  return rowsIn(report, 'Processes_top').map((row) => {
    const bytes = typeof row['memory_bytes'] === 'number' ? byteText(row['memory_bytes']) : '?'
    const share = typeof row['cpu_percent'] === 'number' ? `${row['cpu_percent']} %` : '?'
    const what = row['top'] === 'cpu' ? 'Most processor time' : 'Most memory'
    return `${what}: ${textAt(row, 'process')} (${textAt(row, 'pid')}), ${share} of a processor, ${bytes}`
  })
}

/** Returns how everything stands. `problems` are the sentences of what has a level, worst first. */
export function summarySentence(
  problems: readonly string[],
  {
    isStale,
    metrics,
    failed,
  }: { readonly isStale: boolean; readonly metrics: number; readonly failed: number },
): string {
  if (metrics === 0) return 'Nothing has been measured yet.'
  const [first] = problems
  const rest = problems.length - 1
  const words =
    first !== undefined
      ? `${first}${rest > 0 ? `, and ${rest} more` : ''}`
      : isStale
        ? 'Nothing is measured now; what is shown was well'
        : 'This machine is well'
  const but = failed === 0 ? '' : `; ${failed} function${failed === 1 ? '' : 's'} could not be run`
  return `${words}${but}.`
}
