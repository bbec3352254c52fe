import type { Beat, Host, HostFigures, HostIncident, HostRow, ProbeView } from '../../shared/api/hosts.ts'
import type { HostState } from '../../shared/host-words.ts'
import { isoTime, isoTimeOrNull, latencyText } from '../../shared/time-text.ts'
import type { BlindSpan } from '../context.ts'
import { daysLeft } from './probes/http-rules.ts'
import { probeWords } from './probes/index.ts'
import type { IncidentRecord } from './schema.ts'
import { figuresOf, segmentsOf, type HostPast, type PastIncident, type PastSpan } from './timeline.ts'
import {
  faultOf,
  pacesOf,
  worstVerdict,
  type BeatRecord,
  type WatchedHost,
  type WatchedProbe,
} from './watched.ts'
import { sentenceOf } from './words.ts'

/** Hosts as the native API shows them. */

/** Returns how a host stands. */
export function stateOf(host: WatchedHost): HostState {
  if (host.record.paused) return 'paused'
  if (host.isOffline || faultOf(host) !== null) return 'unobserved'
  const verdict = worstVerdict(host)
  // What was written down before a restart is a memory until the first sample confirms it.
  if (verdict !== 'new' && !host.isSeen) return 'unobserved'
  return verdict
}

/** Returns since when a host stands so (ms UTC). */
function sinceOf(host: WatchedHost, state: HostState): number {
  if (state === 'paused') return host.pausedMs ?? host.record.createdMs
  if (state === 'unobserved' && host.unobservedMs !== null) return host.unobservedMs
  const times = host.probes
    .filter(({ verdict }) => verdict === worstVerdict(host))
    .map(({ verdictMs }) => verdictMs)
  if (times.length === 0) return host.record.createdMs
  // A host is up since its last probe came up, and down since its first went down.
  return state === 'up' ? Math.max(...times) : Math.min(...times)
}

function latestOf({ probes }: WatchedHost): { lastMs: number | null; latencyMs: number | null } {
  const times = probes.flatMap(({ lastMs }) => (lastMs === null ? [] : [lastMs]))
  return { lastMs: times.length === 0 ? null : Math.max(...times), latencyMs: probes[0]?.latencyMs ?? null }
}

/** Returns when a host was judged first; null when it never was. */
export function firstOf({ probes }: Pick<WatchedHost, 'probes'>): number | null {
  const times = probes.flatMap(({ firstMs }) => (firstMs === null ? [] : [firstMs]))
  return times.length === 0 ? null : Math.min(...times)
}

function beatView({ atMs, kind, ms }: BeatRecord): Beat {
  return { at: isoTime(atMs), kind, ms: ms === null ? null : rounded(ms) }
}

/** Latencies are told to a thousandth of a millisecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

function sentence(host: WatchedHost, state: HostState, nowMs: number): string {
  const doubtful = host.probes.find(({ streaks }) => streaks.failures > 0)
  const failing = host.probes.filter(({ verdict }) => verdict === worstVerdict(host))
  const causes = failing.map(({ settings, cause, streaks }) => {
    const text =
      (state === 'down' && streaks.failures > 0 ? streaks.cause : cause)?.text ?? cause?.text ?? 'no answer'
    return host.probes.length === 1 ? text : `${probeWords(host.record.domain, settings)}: ${text}`
  })
  const { latencyMs } = latestOf(host)
  const isDoubtful = (state === 'up' || state === 'new') && doubtful !== undefined
  return sentenceOf({
    state,
    forMs: nowMs - sinceOf(host, state),
    cause: isDoubtful ? (doubtful.streaks.cause?.text ?? null) : causes.join('; ') || null,
    why: host.isOffline ? 'offline' : null,
    fault: faultOf(host),
    behind: host.behind,
    failures: isDoubtful ? doubtful.streaks.failures : 0,
    needed: host.record.failures,
    latency: latencyMs === null ? null : latencyText(latencyMs),
    maintenance: host.maintenance?.name ?? null,
  })
}

/** Returns a host as lists show it. */
export function rowOf(host: WatchedHost, uptime: number | null, nowMs: number): HostRow {
  const { record } = host
  const state = stateOf(host)
  const { lastMs, latencyMs } = latestOf(host)
  return {
    id: record.id,
    domain: record.domain,
    name: record.name,
    group: record.group,
    tags: [...record.tags],
    parent: record.parent,
    paused: record.paused,
    state,
    since: isoTime(sinceOf(host, state)),
    sentence: sentence(host, state, nowMs),
    maintenance: host.maintenance !== null,
    lastAt: isoTimeOrNull(lastMs),
    lastMs: latencyMs === null ? null : rounded(latencyMs),
    uptime,
    beats: host.beats.map(beatView),
  }
}

function probeView({ record }: WatchedHost, probe: WatchedProbe, state: HostState, nowMs: number): ProbeView {
  const { settings, certificate, verdict, streaks } = probe
  const isKnown = state !== 'paused' && state !== 'unobserved'
  return {
    id: probe.id,
    kind: settings.kind,
    words: probeWords(record.domain, settings),
    state: isKnown ? (probe.fault === null ? verdict : 'unobserved') : state,
    lastAt: isoTimeOrNull(probe.lastMs),
    lastMs: probe.latencyMs === null ? null : rounded(probe.latencyMs),
    cause:
      probe.fault !== null
        ? { kind: 'error', text: probe.fault }
        : streaks.failures > 0
          ? streaks.cause
          : verdict === 'up'
            ? null
            : probe.cause,
    answeredFrom: probe.answeredFrom,
    certificate:
      certificate === null
        ? null
        : {
            subject: certificate.subject,
            issuer: certificate.issuer,
            expires: isoTime(certificate.expiresMs),
            daysLeft: daysLeft(certificate, nowMs),
          },
  }
}

/** Returns a host with all that is known of it. */
export function hostView(
  host: WatchedHost,
  children: readonly WatchedHost[],
  uptime: number | null,
  defaultMs: number,
  nowMs: number,
): Omit<Host, 'badge'> {
  const { record } = host
  const { intervalMs, retryMs } = pacesOf(record, defaultMs)
  const state = stateOf(host)
  return {
    ...rowOf(host, uptime, nowMs),
    description: record.description,
    intervalMs: record.intervalMs,
    retryMs: record.retryMs,
    failures: record.failures,
    successes: record.successes,
    probes: host.probes.map(({ settings }) => settings),
    emails: [...record.emails],
    channels: record.channels === null ? null : [...record.channels],
    remindMs: record.remindMs,
    usedIntervalMs: intervalMs,
    usedRetryMs: retryMs,
    probeStates: host.probes.map((probe) => probeView(host, probe, state, nowMs)),
    children: children.map((child) => ({
      id: child.record.id,
      name: child.record.name,
      state: stateOf(child),
    })),
    skipped: host.probes.reduce((sum, { skipped }) => sum + skipped, 0),
    createdAt: isoTime(record.createdMs),
  }
}

/** Returns the figures of a window. */
export function figuresView(
  past: HostPast,
  incidents: readonly PastIncident[],
  sinceMs: number,
  untilMs: number,
): HostFigures {
  const { parts, uptime, longestDownMs } = figuresOf(segmentsOf(past, sinceMs, untilMs))
  const isIn = ({ kind, openedMs, closedMs }: PastIncident): boolean =>
    kind === 'down' && openedMs < untilMs && (closedMs ?? Number.POSITIVE_INFINITY) >= sinceMs
  return {
    since: isoTime(sinceMs),
    until: isoTime(untilMs),
    parts,
    uptime,
    incidents: incidents.filter(isIn).length,
    longestDownMs,
  }
}

/** Returns the share of the observed time in which a host was up (per cent); null when it was not observed. */
export function uptimeIn(
  firstMs: number | null,
  incidents: readonly PastIncident[],
  spans: readonly PastSpan[],
  blind: readonly BlindSpan[],
  sinceMs: number,
  nowMs: number,
): number | null {
  return figuresOf(segmentsOf({ firstMs, incidents, spans, blind, nowMs }, sinceMs, nowMs)).uptime
}

/** Returns an incident as the native API shows it. */
export function incidentView(row: IncidentRecord, nowMs: number): HostIncident {
  return {
    id: row.id,
    kind: row.kind,
    cause: row.cause,
    behind: row.behind,
    opened: isoTime(row.openedMs),
    closed: isoTimeOrNull(row.closedMs),
    durationMs: Math.max(0, (row.closedMs ?? nowMs) - row.openedMs),
  }
}
