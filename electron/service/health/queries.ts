import type { HealthHistory, HealthSeries, KeptReport } from '../../shared/api/health.ts'
import type { MetricKindName, ReportReason } from '../../shared/health-words.ts'
import { metricKind, metricName } from '../../shared/health-words.ts'
import { dayMs, isoTime } from '../../shared/time-text.ts'
import type { BlindSpan } from '../context.ts'
import type { Connection } from '../store/open.ts'
import { readWindow } from '../store/series/read.ts'
import { changesBetween, type ReportState } from './changes.ts'
import { daysUntilFull, type Fill } from './forecast.ts'
import type { DaemonReport } from './report.ts'
import { unpacked } from './store.ts'

/** Reads of health's past, for the reader's thread. */

export interface HealthHistoryArgs {
  readonly metrics: readonly { readonly id: number; readonly kind: MetricKindName; readonly item: string }[]
  readonly blind: readonly BlindSpan[]
  readonly sinceMs: number
  readonly untilMs: number
  readonly points: number
  readonly nowMs: number
}

/** Returns a window of some metrics, all cut into points of one length. */
export function healthHistory(db: Connection, args: HealthHistoryArgs): HealthHistory {
  const { metrics, blind, sinceMs, untilMs, points, nowMs } = args
  let step = 0
  const series = metrics.map(({ id, kind, item }): HealthSeries => {
    const { stepMs, buckets } = readWindow(db, id, sinceMs, untilMs, points, nowMs)
    step = Math.max(step, stepMs)
    const { unit, group } = metricKind(kind)
    return {
      id,
      kind,
      item,
      name: metricName(kind, item),
      group,
      unit,
      points: buckets.map(({ fromMs, count, min, avg, p95, max }) => ({
        at: isoTime(fromMs),
        count,
        min: short(min),
        avg: short(avg),
        p95: short(p95),
        max: short(max),
      })),
    }
  })
  const unobserved = blind
    .filter(({ fromMs, toMs }) => fromMs < untilMs && toMs > sinceMs)
    .map(({ fromMs, toMs }) => ({
      from: isoTime(Math.max(fromMs, sinceMs)),
      to: isoTime(Math.min(toMs, untilMs)),
    }))
  return { since: isoTime(sinceMs), until: isoTime(untilMs), stepMs: step, unobserved, series }
}

/** Points are kept to seven digits; more would only be noise. */
function short(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6))
}

/** A forecast looks back this far (ms) at most. */
const forecastPastMs = 7 * dayMs

/** Returns in how many days each disk is full; null where none is foreseen. */
export function healthForecasts(
  db: Connection,
  args: {
    readonly series: readonly { readonly id: number; readonly item: string }[]
    readonly blind: readonly BlindSpan[]
    readonly nowMs: number
  },
): { readonly item: string; readonly days: number | null }[] {
  const { series, blind, nowMs } = args
  const sinceMs = nowMs - forecastPastMs
  return series.map(({ id, item }) => {
    const { buckets } = readWindow(db, id, sinceMs, nowMs, 200, nowMs)
    const fills = buckets.flatMap(({ fromMs, avg }): Fill[] =>
      avg === null ? [] : [{ atMs: fromMs - blindBefore(blind, sinceMs, fromMs), percent: avg }],
    )
    return { item, days: daysUntilFull(fills) }
  })
}

/** Time in which nobody looked does not count, since mostly nobody wrote either. */
function blindBefore(blind: readonly BlindSpan[], sinceMs: number, untilMs: number): number {
  return blind.reduce(
    (sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, untilMs) - Math.max(fromMs, sinceMs)),
    0,
  )
}

/** Returns kept reports, newest first, and whether there are more. */
export function healthReports(
  db: Connection,
  { before, limit, why }: { before: number | null; limit: number; why: ReportReason | null },
): { readonly reports: KeptReport[]; readonly more: boolean } {
  const rows = db
    .prepare(
      `SELECT id, at_ms, why, length(report) AS bytes FROM health_report
       WHERE (@before IS NULL OR id < @before) AND (@why IS NULL OR why = @why) ORDER BY id DESC LIMIT @most`,
    )
    .all({ before, why, most: limit + 1 }) as {
    id: number
    at_ms: number
    why: ReportReason
    bytes: number
  }[]
  return {
    reports: rows
      .slice(0, limit)
      .map((row) => ({ id: row.id, at: isoTime(row.at_ms), why: row.why, bytes: row.bytes })),
    more: rows.length > limit,
  }
}

/** Returns a kept report; null when there is none with this id. */
export function healthReport(
  db: Connection,
  { id }: { id: number },
): { readonly atMs: number; readonly why: ReportReason; readonly report: DaemonReport } | null {
  const row = db.prepare('SELECT at_ms, why, report FROM health_report WHERE id = ?').get(id) as
    { at_ms: number; why: ReportReason; report: Buffer } | undefined
  return row ? { atMs: row.at_ms, why: row.why, report: unpacked<DaemonReport>(row.report) } : null
}

/** Returns what changed between two kept reports; null where one of them is not there. */
export function healthChanges(
  db: Connection,
  { from, to }: { from: number; to: number | ReportState },
): {
  readonly fromMs: number
  readonly toMs: number | null
  readonly changes: ReturnType<typeof changesBetween>
} | null {
  const before = stateOf(db, from)
  const after = typeof to === 'number' ? stateOf(db, to) : { ...to, atMs: null }
  if (before === null || after === null) return null
  return { fromMs: before.atMs, toMs: after.atMs, changes: changesBetween(before, after) }
}

function stateOf(db: Connection, id: number): (ReportState & { readonly atMs: number }) | null {
  const row = db
    .prepare(
      `SELECT r.at_ms AS at_ms, report, packages FROM health_report r LEFT JOIN health_packages p ON p.id = r.packages_id WHERE r.id = ?`,
    )
    .get(id) as undefined | { at_ms: number; report: Buffer; packages: Buffer | null }
  if (!row) return null
  return {
    atMs: row.at_ms,
    report: unpacked<DaemonReport>(row.report),
    packages: row.packages === null ? null : unpacked<Record<string, string>>(row.packages),
  }
}
