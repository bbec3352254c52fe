import type { ProbeCause } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import type {
  HostRecord,
  IncidentKind,
  IncidentRecord,
  KnownCertificate,
  ProbeRecord,
  ProbeVerdict,
  SpanKind,
  SpanRecord,
} from './schema.ts'

/** How hosts are written in their tables. */

export interface HostRow {
  readonly id: number
  readonly domain: string
  readonly name: string
  readonly description: string
  readonly group_name: string
  readonly tags: string
  readonly parent_id: number | null
  readonly interval_ms: number | null
  readonly retry_ms: number | null
  readonly failures: number
  readonly successes: number
  readonly emails: string
  readonly channels: string | null
  readonly remind_ms: number | null
  readonly paused: number
  readonly created_ms: number
}

export function hostOfRow(row: HostRow): HostRecord {
  return {
    id: row.id,
    domain: row.domain,
    name: row.name,
    description: row.description,
    group: row.group_name,
    tags: JSON.parse(row.tags) as string[],
    parent: row.parent_id,
    intervalMs: row.interval_ms,
    retryMs: row.retry_ms,
    failures: row.failures,
    successes: row.successes,
    emails: JSON.parse(row.emails) as string[],
    channels: row.channels === null ? null : (JSON.parse(row.channels) as number[]),
    remindMs: row.remind_ms,
    paused: row.paused === 1,
    createdMs: row.created_ms,
  }
}

/** Returns the columns that a user can change, in the order of the statements. */
export function changeable(host: Omit<HostRecord, 'id' | 'createdMs'>): (string | number | null)[] {
  return [
    host.domain,
    host.name,
    host.description,
    host.group,
    JSON.stringify(host.tags),
    host.parent,
    host.intervalMs,
    host.retryMs,
    host.failures,
    host.successes,
    JSON.stringify(host.emails),
    host.channels === null ? null : JSON.stringify(host.channels),
    host.remindMs,
    host.paused ? 1 : 0,
  ]
}

export interface ProbeRow {
  readonly id: number
  readonly host_id: number
  readonly settings: string
  readonly verdict: string
  readonly verdict_ms: number
  readonly cause: string | null
  readonly first_ms: number | null
  readonly last_ms: number | null
  readonly last_ok: number | null
  readonly certificate: string | null
}

export function probeOfRow(row: ProbeRow): ProbeRecord {
  return {
    id: row.id,
    hostId: row.host_id,
    settings: JSON.parse(row.settings) as Probe,
    verdict: row.verdict as ProbeVerdict,
    verdictMs: row.verdict_ms,
    cause: row.cause === null ? null : (JSON.parse(row.cause) as ProbeCause),
    firstMs: row.first_ms,
    lastMs: row.last_ms,
    lastOk: row.last_ok === null ? null : row.last_ok === 1,
    certificate: row.certificate === null ? null : (JSON.parse(row.certificate) as KnownCertificate),
  }
}

export interface IncidentRow {
  readonly id: number
  readonly host_id: number
  readonly kind: string
  readonly cause: string
  readonly behind: string | null
  readonly opened_ms: number
  readonly closed_ms: number | null
}

export function incidentOfRow(row: IncidentRow): IncidentRecord {
  return {
    id: row.id,
    hostId: row.host_id,
    kind: row.kind as IncidentKind,
    cause: row.cause,
    behind: row.behind,
    openedMs: row.opened_ms,
    closedMs: row.closed_ms,
  }
}

export interface SpanRow {
  readonly host_id: number
  readonly kind: string
  readonly from_ms: number
  readonly to_ms: number | null
}

export function spanOfRow(row: SpanRow): SpanRecord {
  return { kind: row.kind as SpanKind, fromMs: row.from_ms, toMs: row.to_ms }
}
