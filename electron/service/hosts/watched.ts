import type { BeatKind } from '../../shared/host-words.ts'
import type { Probe } from '../../shared/api/probes.ts'
import type { Scope } from '../../shared/host-words.ts'
import type { Measured } from './probes/probe.ts'
import { noStreaks, retryOf, worstOf, type Policy, type Streaks } from './rules.ts'
import type { HostRecord, KnownCertificate, ProbeRecord, ProbeVerdict } from './schema.ts'
import type { Task } from './scheduler.ts'

/** Hosts as the monitor has them in memory: what is written down, and the streaks since. */

/** A beat of the bar: when, what, and how fast (ms). */
export interface BeatRecord {
  readonly atMs: number
  readonly kind: BeatKind
  readonly ms: number | null
}

/** So many beats are shown and remembered. */
export const mostBeats = 40

export interface WatchedProbe extends Task {
  readonly id: number
  readonly host: WatchedHost
  settings: Probe
  verdict: ProbeVerdict
  verdictMs: number
  firstMs: number | null
  lastMs: number | null
  lastOk: boolean | null
  latencyMs: number | null
  cause: ProbeRecord['cause']
  streaks: Streaks
  /** Measurements without an answer that are not judged yet. */
  waiting: Measured[]
  answeredFrom: string | null
  /** How far away what it asks is; null before the first sample. */
  scope: Scope | null
  /** Why this machine cannot take it; null when it can. */
  fault: string | null
  certificate: KnownCertificate | null
  /** Monotonic time at which the certificate was looked at last. */
  certificateMs: number
  /** Counts the samples that were begun; the answer to an older one is no news. */
  begun: number
  /** Monotonic times at which the latest sample began and ended, and at which the first of the failing ones began. */
  begunMs: number
  endedMs: number
  failingMs: number
  /** True while it is being found out whether the failure is ours. */
  isAsking: boolean
  /** The connection was asked about this lasting failure last at this monotonic time. */
  askedMs: number
}

export interface WatchedHost {
  record: HostRecord
  probes: WatchedProbe[]
  isOffline: boolean
  /** Monotonic time since which the connection to it works again; samples that began before tell nothing. */
  onlineMs: number
  /** Name of the parent that was down when this went down, for which nobody was told. */
  behind: string | null
  /** No parent is down any more, so that failures count anew before it is told. */
  isReleasing: boolean
  maintenance: { readonly name: string; readonly untilMs: number } | null
  pausedMs: number | null
  /** When the present offline or faulty time began (ms UTC). */
  unobservedMs: number | null
  beats: BeatRecord[]
  /** Judged once since the start, so that its state is no memory. */
  isSeen: boolean
}

/** Returns a host as it is watched, from what is written down. */
export function watchedHost(record: HostRecord): WatchedHost {
  return {
    record,
    probes: [],
    isOffline: false,
    onlineMs: Number.NEGATIVE_INFINITY,
    behind: null,
    isReleasing: false,
    maintenance: null,
    pausedMs: null,
    unobservedMs: null,
    beats: [],
    isSeen: false,
  }
}

/** Returns a probe as it is watched. */
export function watchedProbe(
  host: WatchedHost,
  record: ProbeRecord,
  run: (probe: WatchedProbe) => void,
): WatchedProbe {
  const never = Number.NEGATIVE_INFINITY
  const probe: WatchedProbe = {
    id: record.id,
    host,
    settings: record.settings,
    verdict: record.verdict,
    verdictMs: record.verdictMs,
    firstMs: record.firstMs,
    lastMs: record.lastMs,
    lastOk: record.lastOk,
    latencyMs: null,
    cause: record.cause,
    streaks: noStreaks,
    waiting: [],
    answeredFrom: null,
    scope: null,
    fault: null,
    certificate: record.certificate,
    certificateMs: never,
    begun: 0,
    begunMs: never,
    endedMs: never,
    failingMs: never,
    isAsking: false,
    askedMs: never,
    intervalMs: 60_000,
    gridMs: 0,
    dueMs: 0,
    isBusy: false,
    isWantedAgain: false,
    skipped: 0,
    isPlanned: false,
    run: () => run(probe),
  }
  return probe
}

/** Forgets what the latest samples were, as after a sleep. */
export function forgetStreaks(host: WatchedHost): void {
  for (const probe of host.probes) {
    probe.streaks = noStreaks
    probe.waiting = []
  }
}

/** Returns how far away a host is: as far as the farthest of its probes. */
export function scopeOfHost({ probes }: WatchedHost): Scope {
  if (probes.some(({ scope }) => scope === null || scope === 'beyond')) return 'beyond'
  return probes.some(({ scope }) => scope === 'link') ? 'link' : 'local'
}

/** Returns why this machine cannot probe a host by any of its probes; null when it can by one. */
export function faultOf({ probes }: WatchedHost): string | null {
  const [first] = probes
  return first && probes.every(({ fault }) => fault !== null) ? first.fault : null
}

/** Returns what a probe's verdict depends on. */
export function policyOf(host: HostRecord, settings: Probe): Policy {
  return {
    failures: host.failures,
    successes: host.successes,
    degradedMs: settings.degradedMs ?? null,
    degradedLoss: settings.kind === 'icmp' ? (settings.degradedLoss ?? null) : null,
  }
}

/** Returns the interval and the one while in doubt (ms). */
export function pacesOf(
  host: HostRecord,
  defaultMs: number,
): { readonly intervalMs: number; readonly retryMs: number } {
  const intervalMs = host.intervalMs ?? defaultMs
  return { intervalMs, retryMs: retryOf(intervalMs, host.retryMs) }
}

export function worstVerdict({ probes }: WatchedHost): ProbeVerdict {
  return worstOf(probes.map(({ verdict }) => verdict))
}

/** Adds a beat and forgets the oldest. */
export function addBeat(host: WatchedHost, beat: BeatRecord): void {
  host.beats.push(beat)
  if (host.beats.length > mostBeats) host.beats.shift()
}
