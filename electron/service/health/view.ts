import type {
  HealthFunction,
  HealthMetric,
  HealthProcess,
  HealthSummary,
  HealthWorker,
} from '../../shared/api/health.ts'
import type { Static } from 'typebox'
import {
  healthLevels,
  metricKind,
  metricKindNames,
  metricName,
  metricText,
} from '../../shared/health-words.ts'
import { isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import { standingSentence } from './telling.ts'
import type { Health } from './index.ts'
import { faultOf, rowsIn, textAt, type DaemonReport, type FunctionReport } from './report.ts'
import type { MetricState } from './schema.ts'
import { summarySentence } from './words.ts'

/** Returns how health stands now, as the native API shows it. */
export function summaryView(health: Health): HealthSummary {
  const { desk, settings, own, report, reportMs } = health
  const metrics = shownMetrics(health)
  const problems = problemsOf(metrics)
  const workers = (report?.worker_reports ?? []).map(({ name, function_reports: all }): HealthWorker => ({
    name,
    functions: all.map(functionView),
  }))
  return {
    enabled: settings.enabled,
    level: desk.level,
    sentence: settings.enabled
      ? summarySentence(
          problems.map((state) => standingSentence(state, metricKind(state.kind).bad)),
          {
            isStale: !health.isLive,
            metrics: metrics.length,
            failed: workers.flatMap(({ functions }) => functions).filter(({ state }) => state === 'failed')
              .length,
          },
        )
      : 'Reports of this machine are switched off.',
    at: isoTimeOrNull(reportMs),
    isStale: !health.isLive,
    intervalS: settings.intervalS,
    metrics: metrics.map((state) => metricView(state, health)),
    workers,
    processes: processesOf(report),
    own: {
      cpuPercent: rounded(own.cpuPercent),
      memoryBytes: own.memoryBytes,
      sampleMs: rounded(own.sampleMs),
      writtenBytes: own.writtenBytes,
    },
  }
}

const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(2)))

/** Returns the metrics with a level, worst first, then those that have it longest. */
export function problemsOf(metrics: readonly MetricState[]): MetricState[] {
  const rank = ({ standing }: MetricState): number => -healthLevels.indexOf(standing.level)
  return metrics
    .filter(({ standing }) => standing.level !== 'ok')
    .sort((a, b) => rank(a) - rank(b) || a.standing.sinceMs - b.standing.sinceMs)
}

/** What has not been seen for this long (ms), while other things were, is past. */
const pastMs = 86_400_000

/** Returns the metrics that are of interest now, by kind and name. */
export function shownMetrics({ desk, reportMs }: Pick<Health, 'desk' | 'reportMs'>): MetricState[] {
  const all = [...desk.metrics.values()]
  const newestMs = reportMs ?? Math.max(0, ...all.map(({ atMs }) => atMs ?? 0))
  return all
    .filter(({ atMs, standing }) => standing.level !== 'ok' || (atMs !== null && newestMs - atMs < pastMs))
    .sort(
      (a, b) =>
        metricKindNames.indexOf(a.kind) - metricKindNames.indexOf(b.kind) ||
        a.item.localeCompare(b.item, 'en', { numeric: true }),
    )
}

/** Returns a metric as the native API shows it. */
export function metricView(
  state: MetricState,
  { isLive, reportMs }: Pick<Health, 'isLive' | 'reportMs'>,
): HealthMetric {
  const { id, kind, item, value, atMs, seenMs, standing, limits } = state
  const { unit, group, bad } = metricKind(kind)
  return {
    id,
    kind,
    item,
    name: metricName(kind, item),
    group,
    unit,
    value,
    text: value === null ? '—' : metricText(value, unit),
    at: isoTimeOrNull(atMs),
    isStale: !isLive || seenMs === null || reportMs === null || seenMs < reportMs,
    level: standing.level,
    since: isoTime(standing.sinceMs),
    limits: { careful: limits.careful, warning: limits.warning, critical: limits.critical },
    sentence: standingSentence(state, bad),
  }
}

function functionView({ name, data }: FunctionReport): Static<typeof HealthFunction> {
  const fault = faultOf(data)
  if (fault !== null) return { name, state: fault.kind, why: fault.why, rows: 0 }
  return { name, state: 'ok', why: '', rows: data.length }
}

/** Returns who takes the most. */
export function processesOf(report: DaemonReport | null): HealthProcess[] {
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
  return rowsIn(report, 'Processes_top').map((row) => ({
    top: row['top'] === 'cpu' ? 'cpu' : 'memory',
    pid: number(row['pid']),
    process: textAt(row, 'process'),
    user: textAt(row, 'user'),
    cpu: typeof row['cpu_percent'] === 'number' ? row['cpu_percent'] : null,
    bytes: number(row['memory_bytes']),
    memory: number(row['memory_percent']),
  }))
}
