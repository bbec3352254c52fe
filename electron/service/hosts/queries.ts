import type { HostHistory, HostUptime, LatencyPoint } from '../../shared/api/hosts.ts'
import { dayMs, isoTime } from '../../shared/time-text.ts'
import type { BlindSpan } from '../context.ts'
import type { Connection } from '../store/open.ts'
import type { Bucket } from '../store/series/points.ts'
import { readPoints, readWindow } from '../store/series/read.ts'
import { rawKeptMs } from '../store/series/tiers.ts'
import { incidentOfRow, spanOfRow, type IncidentRow, type SpanRow } from './rows.ts'
import type { IncidentRecord } from './schema.ts'
import { segmentsOf, type HostPast } from './timeline.ts'
import { figuresView, incidentView, rounded } from './view.ts'

/** Reads of a host's past, for the reader's thread. */

export interface PastArgs {
  readonly hostId: number
  readonly blind: readonly BlindSpan[]
  readonly nowMs: number
}

interface Past extends HostPast {
  readonly incidents: readonly IncidentRecord[]
}

export interface HistoryArgs extends PastArgs {
  readonly probeId: number
  readonly sinceMs: number
  readonly untilMs: number
  readonly points: number
}

function pastOf(db: Connection, { hostId, blind, nowMs }: PastArgs): Past {
  const firstMs = db.prepare('SELECT min(first_ms) FROM host_probe WHERE host_id = ?').pluck().get(hostId) as
    number | null
  const incidents = db
    .prepare('SELECT * FROM host_incident WHERE host_id = ? ORDER BY opened_ms')
    .all(hostId) as IncidentRow[]
  const spans = db
    .prepare('SELECT * FROM host_span WHERE host_id = ? ORDER BY from_ms')
    .all(hostId) as SpanRow[]
  return { firstMs, incidents: incidents.map(incidentOfRow), spans: spans.map(spanOfRow), blind, nowMs }
}

/** Returns a bucket as the native API shows it. */
export function pointView({ fromMs, count, lost, min, avg, p50, p95, max, jitter }: Bucket): LatencyPoint {
  const view = (ms: number | null): number | null => (ms === null ? null : rounded(ms))
  return {
    at: isoTime(fromMs),
    count,
    lost,
    min: view(min),
    avg: view(avg),
    p50: view(p50),
    p95: view(p95),
    max: view(max),
    jitter: view(jitter),
  }
}

const mostIncidents = 500

/** Returns a window of a host's past: latency, stretches, figures, incidents. */
export function hostHistory(db: Connection, args: HistoryArgs): HostHistory {
  const { probeId, sinceMs, untilMs, nowMs } = args
  const past = pastOf(db, args)
  const { stepMs, buckets, total } = readWindow(db, probeId, sinceMs, untilMs, args.points, nowMs)
  const segments = segmentsOf(past, sinceMs, untilMs)
  const incidents = past.incidents.filter(
    ({ openedMs, closedMs }) => openedMs < untilMs && (closedMs ?? Number.POSITIVE_INFINITY) >= sinceMs,
  )
  return {
    since: isoTime(sinceMs),
    until: isoTime(untilMs),
    probe: probeId,
    stepMs,
    points: buckets.map(pointView),
    segments: segments.map(({ fromMs, toMs, kind, why }) => ({
      from: isoTime(fromMs),
      to: isoTime(toMs),
      kind,
      why,
    })),
    figures: figuresView(past, past.incidents, sinceMs, untilMs),
    latency: pointView(total),
    incidents: incidents
      .slice(-mostIncidents)
      .reverse()
      .map((incident) => incidentView(incident, nowMs)),
  }
}

/** Returns the figures of the usual windows. */
export function hostUptime(db: Connection, args: PastArgs): HostUptime {
  const past = pastOf(db, args)
  const days = { '24h': 1, '7d': 7, '30d': 30, '365d': 365 } as const
  const windows = (['24h', '7d', '30d', '365d'] as const).map((window) => ({
    window,
    figures: figuresView(past, past.incidents, args.nowMs - days[window] * dayMs, args.nowMs),
  }))
  return { windows }
}

const mostRows = 200_000

/** Returns a window of a series as CSV, every echo while it is kept, else the finest buckets. */
export function latencyCsv(db: Connection, args: HistoryArgs): string {
  const { probeId, sinceMs, untilMs, nowMs } = args
  if (sinceMs >= nowMs - rawKeptMs) {
    const lines = readPoints(db, probeId, sinceMs, untilMs)
      .slice(-mostRows)
      .map(({ atMs, value }) => `${isoTime(atMs)},${Number.isNaN(value) ? '' : rounded(value)}`)
    return ['at,ms', ...lines, ''].join('\r\n')
  }
  const { buckets } = readWindow(db, probeId, sinceMs, untilMs, mostRows, nowMs)
  const lines = buckets.map((bucket) => {
    const { at, count, lost, min, avg, p50, p95, max, jitter } = pointView(bucket)
    return [at, count, lost, min ?? '', avg ?? '', p50 ?? '', p95 ?? '', max ?? '', jitter ?? ''].join(',')
  })
  return ['at,count,lost,min_ms,avg_ms,p50_ms,p95_ms,max_ms,jitter_ms', ...lines, ''].join('\r\n')
}

/** Returns all incidents of a host that touch a window, oldest first. */
export function hostIncidents(
  db: Connection,
  args: Omit<HistoryArgs, 'probeId' | 'points'>,
): IncidentRecord[] {
  return pastOf(db, args).incidents.filter(
    ({ openedMs, closedMs }) =>
      openedMs < args.untilMs && (closedMs ?? Number.POSITIVE_INFINITY) >= args.sinceMs,
  )
}
