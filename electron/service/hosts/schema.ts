import type { Certificate, HostSettings, ProbeCause } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import type { ShownCertificate } from './probes/probe.ts'

/** What a user decided about a host. Times and lengths in ms. */
export interface HostRecord extends Omit<HostSettings, 'probes'> {
  readonly id: number
  readonly domain: string
  readonly paused: boolean
  readonly createdMs: number
}

export const probeVerdicts = ['new', 'up', 'degraded', 'down'] as const
export type ProbeVerdict = (typeof probeVerdicts)[number]

/** A probe with what was last written down about it. */
export interface ProbeRecord {
  /** Also the id of its series. */
  readonly id: number
  readonly hostId: number
  readonly settings: Probe
  readonly verdict: ProbeVerdict
  readonly verdictMs: number
  readonly cause: ProbeCause | null
  /** When its first sample was judged; null before. */
  readonly firstMs: number | null
  /** When its latest judged sample was taken, and whether it was answered. */
  readonly lastMs: number | null
  readonly lastOk: boolean | null
  readonly certificate: KnownCertificate | null
}

/** A certificate, and the threshold (days) at which it was told of last. */
export interface KnownCertificate extends ShownCertificate {
  readonly toldDays: number | null
}
export type { Certificate }

export const incidentKinds = ['down', 'degraded'] as const
export type IncidentKind = (typeof incidentKinds)[number]

/** A stretch in which a host was down or degraded. */
export interface IncidentRecord {
  readonly id: number
  readonly hostId: number
  readonly kind: IncidentKind
  readonly cause: string
  /** Name of the parent that was down meanwhile, for which nobody was told. */
  readonly behind: string | null
  readonly openedMs: number
  readonly closedMs: number | null
}

/** Stretches in which nothing counts. `blind` is a fault of this machine that keeps it from probing. */
export const spanKinds = ['paused', 'maintenance', 'offline', 'blind'] as const
export type SpanKind = (typeof spanKinds)[number]

export interface SpanRecord {
  readonly kind: SpanKind
  readonly fromMs: number
  readonly toMs: number | null
}
