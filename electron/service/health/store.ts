import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { HealthLevel, MetricKindName, ReportReason } from '../../shared/health-words.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import { firstHealthSeries } from '../store/series/measurements.ts'
import type { DaemonReport } from './report.ts'
import { newStanding } from './rules.ts'
import type { MetricRow, Standing } from './schema.ts'
import type { Packages } from './workers/linux/packages.ts'

/** Statements of health. */

interface MetricRaw {
  readonly id: number
  readonly kind: MetricKindName
  readonly item: string
  readonly level: HealthLevel
  readonly level_ms: number
  readonly last_value: number | null
  readonly last_ms: number | null
  readonly past: string
}

/** Returns all metrics that were ever measured and not yet forgotten. */
export function readMetrics(db: Connection): MetricRow[] {
  return (db.prepare('SELECT * FROM health_metric ORDER BY id').all() as MetricRaw[]).map((row) => ({
    id: row.id,
    kind: row.kind,
    item: row.item,
    lastValue: row.last_value,
    lastMs: row.last_ms,
    standing: {
      ...newStanding(row.level_ms),
      ...(JSON.parse(row.past) as Partial<Standing>),
      level: row.level,
      sinceMs: row.level_ms,
    },
  }))
}

const nextMetric = 'health-next-metric'

/** Writes a new metric, in the transaction that runs; returns its id, which no metric has had before. */
export function insertMetric(db: Connection, kind: MetricKindName, item: string, nowMs: number): number {
  const id = Number(readSetting(db, nextMetric) ?? firstHealthSeries)
  db.prepare(
    "INSERT INTO health_metric (id, kind, item, level, level_ms, past) VALUES (?, ?, ?, 'ok', ?, '{}')",
  ).run(id, kind, item, nowMs)
  writeSetting(db, nextMetric, String(id + 1))
  return id
}

/** Writes a metric's level. What waits for its time is not kept: nobody looks while the service is away. */
export function saveStanding(
  db: Connection,
  id: number,
  { level, sinceMs, beganMs, fellMs, isRelapse }: Standing,
): void {
  db.prepare('UPDATE health_metric SET level = ?, level_ms = ?, past = ? WHERE id = ?').run(
    level,
    sinceMs,
    JSON.stringify({ beganMs, fellMs, isRelapse }),
    id,
  )
}

/** Writes the last values of metrics. */
export function saveValues(
  db: Connection,
  values: Iterable<{ readonly id: number; readonly value: number | null; readonly atMs: number | null }>,
): void {
  const save = db.prepare('UPDATE health_metric SET last_value = ?, last_ms = ? WHERE id = ?')
  for (const { id, value, atMs } of values) save.run(value, atMs === null ? null : Math.round(atMs), id)
}

/** Forgets a metric; its series is swept later. */
export function removeMetric(db: Connection, id: number): void {
  db.prepare('DELETE FROM health_metric WHERE id = ?').run(id)
}

/** Writes a report, in the transaction that runs; returns its id. */
export function insertReport(
  db: Connection,
  report: DaemonReport,
  why: ReportReason,
  packagesId: number | null,
  atMs: number,
): number {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO health_report (at_ms, why, packages_id, report) VALUES (?, ?, ?, ?)')
    .run(Math.round(atMs), why, packagesId, packed(report))
  return Number(lastInsertRowid)
}

/** Writes a list of packages once, in the transaction that runs; returns its id. */
export function keepPackages(db: Connection, { digest, versions }: Packages, atMs: number): number {
  const known = db.prepare('SELECT id FROM health_packages WHERE digest = ?').pluck().get(digest)
  if (typeof known === 'number') return known
  const { lastInsertRowid } = db
    .prepare('INSERT INTO health_packages (at_ms, digest, packages) VALUES (?, ?, ?)')
    .run(Math.round(atMs), digest, packed(Object.fromEntries(versions)))
  return Number(lastInsertRowid)
}

function packed(value: unknown): Buffer {
  return deflateRawSync(JSON.stringify(value), { level: 6 })
}

export function unpacked<T>(bytes: Buffer): T {
  return JSON.parse(inflateRawSync(bytes).toString()) as T
}

const dayMs = 86_400_000
/** Regular reports are kept each for two days, then one an hour for a month, then one a day for a year. */
const thinning = [
  { afterMs: 2 * dayMs, stepMs: 3_600_000 },
  { afterMs: 31 * dayMs, stepMs: dayMs },
] as const
const longestMs = 366 * dayMs

/** Lets go of reports that are no longer worth their room, in the transaction that runs. */
export function thinReports(db: Connection, nowMs: number): number {
  let gone = db.prepare('DELETE FROM health_report WHERE at_ms < ?').run(nowMs - longestMs).changes
  for (const { afterMs, stepMs } of thinning)
    gone += db
      .prepare(
        `DELETE FROM health_report WHERE why = 'regular' AND at_ms < @until AND id NOT IN (
           SELECT min(id) FROM health_report WHERE why = 'regular' AND at_ms < @until GROUP BY CAST(at_ms / @step AS INTEGER))`,
      )
      .run({ until: nowMs - afterMs, step: stepMs }).changes
  db.prepare(
    `DELETE FROM health_packages WHERE id < (SELECT max(id) FROM health_packages)
       AND id NOT IN (SELECT packages_id FROM health_report WHERE packages_id IS NOT NULL)`,
  ).run()
  return gone
}
