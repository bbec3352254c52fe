import type { ProbeCause } from '../../shared/api/hosts.ts'
import { latencyText } from '../../shared/time-text.ts'
import type { ProbeVerdict } from './schema.ts'

/** From samples to verdicts. Pure; times in ms UTC. */

/** So many of the latest echoes tell the loss. */
const lossWindow = 20
/** Fewer echoes than this tell nothing about loss. */
const leastForLoss = 10

/** What a probe's verdict depends on. */
export interface Policy {
  readonly failures: number
  readonly successes: number
  readonly degradedMs: number | null
  /** Per cent of the latest echoes. */
  readonly degradedLoss: number | null
}

/** What is known of a probe since it was last looked at anew. Kept in memory: a restart begins it again. */
export interface Streaks {
  readonly failures: number
  readonly successes: number
  readonly firstFailMs: number | null
  readonly firstOkMs: number | null
  readonly slow: number
  readonly firstSlowMs: number | null
  readonly calm: number
  readonly firstCalmMs: number | null
  /** The latest echoes, newest last: true for lost. */
  readonly echoes: readonly boolean[]
  readonly cause: ProbeCause | null
}

export const noStreaks: Streaks = {
  failures: 0,
  successes: 0,
  firstFailMs: null,
  firstOkMs: null,
  slow: 0,
  firstSlowMs: null,
  calm: 0,
  firstCalmMs: null,
  echoes: [],
  cause: null,
}

/** A sample as the rules see it. */
export interface Judged {
  readonly atMs: number
  readonly isOk: boolean
  readonly ms: number | null
  readonly cause: ProbeCause | null
  readonly lost: readonly boolean[]
}

/** A verdict that the samples call for, from when on, and why. */
export interface Wish {
  readonly verdict: Exclude<ProbeVerdict, 'new'>
  readonly sinceMs: number
  readonly cause: ProbeCause | null
}

/** Returns the streaks with one more sample. */
export function addSample(before: Streaks, sample: Judged, policy: Policy): Streaks {
  const echoes =
    policy.degradedLoss === null ? noStreaks.echoes : [...before.echoes, ...sample.lost].slice(-lossWindow)
  const slowness = slownessOf(sample, echoes, policy)
  const isSlow = slowness !== null
  const counts = sample.isOk
    ? {
        failures: 0,
        firstFailMs: null,
        successes: before.successes + 1,
        firstOkMs: before.firstOkMs ?? sample.atMs,
      }
    : {
        failures: before.failures + 1,
        firstFailMs: before.firstFailMs ?? sample.atMs,
        successes: 0,
        firstOkMs: null,
      }
  // A sample without an answer says nothing about how fast answers are.
  const pace =
    !sample.isOk && !isSlow
      ? { slow: before.slow, firstSlowMs: before.firstSlowMs, calm: 0, firstCalmMs: null }
      : isSlow
        ? {
            slow: before.slow + 1,
            firstSlowMs: before.firstSlowMs ?? sample.atMs,
            calm: 0,
            firstCalmMs: null,
          }
        : {
            slow: 0,
            firstSlowMs: null,
            calm: before.calm + 1,
            firstCalmMs: before.firstCalmMs ?? sample.atMs,
          }
  return { ...counts, ...pace, echoes, cause: sample.isOk ? slowness : sample.cause }
}

function slownessOf({ isOk, ms }: Judged, echoes: readonly boolean[], policy: Policy): ProbeCause | null {
  if (policy.degradedLoss !== null && echoes.length >= leastForLoss) {
    const loss = (100 * echoes.filter(Boolean).length) / echoes.length
    if (loss >= policy.degradedLoss)
      return {
        kind: 'timeout',
        text: `${Math.round(loss)} % of the latest ${echoes.length} echoes were lost`,
      }
  }
  if (isOk && ms !== null && policy.degradedMs !== null && ms > policy.degradedMs)
    return { kind: 'timeout', text: `slow: ${latencyText(ms)}, more than ${latencyText(policy.degradedMs)}` }
  return null
}

/** Returns the verdict that the streaks call for; null when it stays as it is. */
export function wishOf(verdict: ProbeVerdict, streaks: Streaks, policy: Policy): Wish | null {
  const { failures, successes, firstFailMs, firstOkMs, slow, firstSlowMs, calm, firstCalmMs, cause } = streaks
  if (failures > 0) {
    const isDown = verdict !== 'down' && failures >= policy.failures
    return isDown ? { verdict: 'down', sinceMs: firstFailMs ?? 0, cause } : null
  }
  const isSlow = slow >= policy.failures
  switch (verdict) {
    case 'new':
      return successes > 0 ? { verdict: 'up', sinceMs: firstOkMs ?? 0, cause: null } : null
    case 'down':
      if (successes < policy.successes) return null
      return isSlow
        ? { verdict: 'degraded', sinceMs: firstOkMs ?? 0, cause }
        : { verdict: 'up', sinceMs: firstOkMs ?? 0, cause: null }
    case 'up':
      return isSlow ? { verdict: 'degraded', sinceMs: firstSlowMs ?? 0, cause } : null
    case 'degraded':
      return calm >= policy.failures ? { verdict: 'up', sinceMs: firstCalmMs ?? 0, cause: null } : null
    default:
      return verdict satisfies never
  }
}

/** Returns whether the next sample should come sooner, since the latest contradict the verdict. */
export function isInDoubt(verdict: ProbeVerdict, { failures, successes, slow, calm }: Streaks): boolean {
  switch (verdict) {
    case 'new':
      return failures > 0
    case 'up':
      return failures > 0 || slow > 0
    case 'degraded':
      return failures > 0 || calm > 0
    case 'down':
      return successes > 0
    default:
      return verdict satisfies never
  }
}

/** Returns the interval while in doubt (ms): a tenth of the usual one, between 1 and 5 s, unless it is chosen. */
export function retryOf(intervalMs: number, chosenMs: number | null): number {
  return Math.min(intervalMs, chosenMs ?? Math.min(5_000, Math.max(1_000, intervalMs / 10)))
}

/** Returns the worst of a host's probes. */
export function worstOf(verdicts: readonly ProbeVerdict[]): ProbeVerdict {
  for (const verdict of ['down', 'degraded', 'up'] as const) if (verdicts.includes(verdict)) return verdict
  return 'new'
}

/** Causes that a host, or something close to it, had to answer for: they show that our own connection works. */
const answered = new Set<ProbeCause['kind']>([
  'refused',
  'reset',
  'certificate',
  'tls',
  'status',
  'content',
  'answer',
])

/** Returns whether a failure shows that something answered. */
export function showsConnection(cause: ProbeCause | null): boolean {
  return cause !== null && answered.has(cause.kind)
}

/**
 * Returns a share in (0, 1) for the nth of many, by which their samples are spread: any run of numbers is spread evenly
 * (the golden-ratio sequence, https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence).
 */
export function phaseOf(n: number): number {
  return (n * 0.618_033_988_749_895 + 0.5) % 1
}
