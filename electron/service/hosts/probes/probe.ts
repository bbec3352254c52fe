import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { Probe } from '../../../shared/api/probes.ts'
import type { Clock } from '../../clock.ts'
import type { Pinger } from '../icmp/pinger.ts'
import type { Resolver } from './resolver.ts'

/** A certificate that a web server showed. */
export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  readonly expiresMs: number
}

/** One measurement: when it began (ms UTC) and how long the answer took (ms); NaN when none came. */
export interface Measured {
  readonly atMs: number
  readonly value: number
}

/** What a probe found. */
export interface Sample {
  /** `unobserved` when the fault is this machine's, so that nothing is known of the host. */
  readonly outcome: 'ok' | 'failed' | 'unobserved'
  readonly atMs: number
  readonly points: readonly Measured[]
  /** Typical latency of the answers (ms); null when there was none. */
  readonly ms: number | null
  readonly cause: ProbeCause | null
  /** The address that was asked; null when the name has none. */
  readonly address: string | null
  /** Another address than the one asked, when that answered. */
  readonly answeredFrom: string | null
  readonly certificate: ShownCertificate | null
}

/** What probes work with. */
export interface ProbeTools {
  readonly clock: Clock
  readonly pinger: Pinger
  readonly resolver: Resolver
}

/** Takes a sample; `done` is called once, never from within, and never later than a little after the time limit. */
export type Run<Settings extends Probe> = (
  domain: string,
  settings: Settings,
  tools: ProbeTools,
  done: (sample: Sample) => void,
) => void

const quickMs = 2_000
const slowMs = 10_000

/** Returns how long a probe waits for its answer (ms). */
export function timeoutOf({ kind, timeoutMs }: Probe): number {
  return timeoutMs ?? (kind === 'http' ? slowMs : quickMs)
}

/** Returns a sample of a single measurement. */
export function sampleOf(
  atMs: number,
  end:
    | { readonly ms: number }
    | { readonly cause: ProbeCause; readonly ms?: number }
    | { readonly fault: string },
  more: Partial<Pick<Sample, 'address' | 'answeredFrom' | 'certificate'>> = {},
): Sample {
  const common = { atMs, address: null, answeredFrom: null, certificate: null, ...more }
  if ('fault' in end)
    return {
      ...common,
      outcome: 'unobserved',
      points: [],
      ms: null,
      cause: { kind: 'error', text: end.fault },
    }
  const isOk = !('cause' in end)
  return {
    ...common,
    outcome: isOk ? 'ok' : 'failed',
    points: [{ atMs, value: isOk ? end.ms : Number.NaN }],
    ms: isOk ? end.ms : null,
    cause: isOk ? null : end.cause,
  }
}

/** Returns why a connection failed, by the code of the system; a fault of this machine as such. */
export function connectionFailure(error: unknown): { cause: ProbeCause } | { fault: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = error instanceof Error ? error.message : String(error)
  switch (code) {
    case 'ECONNREFUSED':
      return { cause: { kind: 'refused', text: 'connection refused' } }
    case 'ECONNRESET':
    case 'EPIPE':
      return { cause: { kind: 'reset', text: 'connection reset' } }
    case 'ETIMEDOUT':
      return { cause: { kind: 'timeout', text: 'timeout' } }
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
      return { cause: { kind: 'unreachable', text: 'unreachable' } }
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return { fault: 'this machine has no route to it' }
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
    case 'EACCES':
    case 'EPERM':
      return { fault: `this machine refused it: ${text}` }
    default:
      // The parser of HTTP names its errors so.
      if (code.startsWith('HPE_')) return { cause: { kind: 'error', text: 'the answer is not HTTP' } }
      return { cause: { kind: 'error', text: text.slice(0, 200) } }
  }
}
