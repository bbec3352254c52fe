import type { TransitionFacts } from '../context.ts'
import { plainFacts } from '../context.ts'
import { unobservedWords } from '../../shared/host-words.ts'
import { oneLine } from '../../shared/text.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { probeWords } from './probes/index.ts'
import type { HostRecord, IncidentKind, ProbeRecord } from './schema.ts'

/** The words of hosts. Pure. */

const namesShown = 10

/** Returns names in a row, cut after ten. */
export function nameList(names: readonly string[]): string {
  const rest = names.length - namesShown
  return `${names.slice(0, namesShown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** Returns why a host has a problem, each of its failing probes named where there are several. */
export function causeOf(host: HostRecord, probes: readonly ProbeRecord[], kind: IncidentKind): string {
  const failing = probes.filter(({ verdict }) => verdict === kind)
  const texts = failing.map(({ settings, cause }) => {
    const text = cause?.text ?? 'no answer'
    return probes.length === 1 ? text : `${probeWords(host.domain, settings)}: ${text}`
  })
  return oneLine(texts.join('; ')).slice(0, 500) || 'no answer'
}

/** Returns a host as people know it: its name, and its domain where that is another word. */
export function titleOf({ name, domain }: HostRecord): string {
  return name === domain ? name : `${oneLine(name)} (${domain})`
}

/** What is told of a change. */
export interface Told {
  readonly text: string
  readonly details: readonly string[]
}

export function problemWords(
  host: HostRecord,
  kind: IncidentKind,
  cause: string,
  behind: readonly string[],
  parent: string | null,
): Told {
  const what = kind === 'down' ? 'is down' : 'is degraded'
  const others =
    kind === 'down' && behind.length > 0
      ? ` ${behind.length} host${behind.length === 1 ? '' : 's'} behind it cannot be reached: ${nameList(behind)}.`
      : ''
  const held = parent === null ? '' : ` It is behind ${parent}, which is down.`
  return { text: `${titleOf(host)} ${what}: ${cause}.${held}${others}`, details: behind.slice(0, 100) }
}

/** Returns the words for a change from one problem to another. */
export function changeWords(host: HostRecord, to: IncidentKind, cause: string, lastedMs: number): Told {
  const lasted = wordDuration(roundSecond(lastedMs))
  return {
    text:
      to === 'down'
        ? `${titleOf(host)} was degraded for ${lasted} and is down now: ${cause}.`
        : `${titleOf(host)} answers again after ${lasted}, but is degraded: ${cause}.`,
    details: [],
  }
}

export function recoveryWords(
  host: HostRecord,
  kind: IncidentKind,
  lastedMs: number,
  unobservedMs: number,
): Told {
  const lasted = wordDuration(roundSecond(lastedMs))
  const aside =
    unobservedMs >= 1_000 ? `, of which ${wordDuration(roundSecond(unobservedMs))} unobserved` : ''
  return {
    text:
      kind === 'down'
        ? `${titleOf(host)} is up again after ${lasted}${aside}.`
        : `${titleOf(host)} is no longer degraded, after ${lasted}${aside}.`,
    details: [],
  }
}

/** Returns the words for a host that is still down though its parent is up again. */
export function stillWords(host: HostRecord, parent: string, cause: string): Told {
  return { text: `${titleOf(host)} is still down though ${parent} is up again: ${cause}.`, details: [] }
}

export function certificateWords(host: HostRecord, days: number, issuer: string): Told {
  const when =
    days < 0 ? 'has expired' : days === 0 ? 'expires today' : `expires in ${days} day${days === 1 ? '' : 's'}`
  return {
    text: `The certificate of ${titleOf(host)} ${when}.`,
    details: issuer === '' ? [] : [`issued by ${oneLine(issuer)}`],
  }
}

/** Durations in notices are whole seconds, and never none. */
function roundSecond(ms: number): number {
  return Math.max(1_000, Math.round(ms / 1_000) * 1_000)
}

/** Returns what a notice says of a host. */
export function hostFacts(host: HostRecord, { text, details }: Told): TransitionFacts {
  return {
    ...plainFacts(oneLine(host.name), text),
    details,
    tags: silenceTags(host),
    slug: host.domain,
    path: `/hosts/${host.id}`,
    channels: host.channels,
    emails: host.emails,
    remindMs: host.remindMs,
  }
}

/** Returns the words by which mutes and maintenance windows find a host: its tags and its group. */
export function silenceTags({ tags, group }: HostRecord): string[] {
  return group === '' ? [...tags] : [...tags, group]
}

/** What the sentence of a host's state is made of. */
export interface SentenceParts {
  readonly state: 'down' | 'degraded' | 'unobserved' | 'up' | 'new' | 'paused'
  readonly forMs: number
  readonly cause: string | null
  readonly why: keyof typeof unobservedWords | null
  readonly fault: string | null
  readonly behind: string | null
  readonly failures: number
  readonly needed: number
  readonly latency: string | null
  readonly maintenance: string | null
}

/** Returns how a host stands in plain words. */
export function sentenceOf(parts: SentenceParts): string {
  const { state, forMs, cause, why, fault, behind, failures, needed, latency, maintenance } = parts
  const lasted = wordDuration(roundSecond(forMs))
  const window = maintenance === null ? '' : ` Maintenance “${oneLine(maintenance)}” goes on.`
  switch (state) {
    case 'down':
      return `Down for ${lasted}: ${cause ?? 'no answer'}${behind === null ? '' : ` (behind ${behind}, which is down)`}.${window}`
    case 'degraded':
      return `Degraded for ${lasted}: ${cause ?? 'slow'}.${window}`
    case 'unobserved':
      return `Unobserved: ${fault ?? (why === null ? 'not probed yet since the start' : unobservedWords[why])}.${window}`
    case 'up':
      return failures > 0
        ? `Up, but ${failures} of ${needed} samples in a row failed: ${cause ?? 'no answer'}.${window}`
        : `Up for ${lasted}${latency === null ? '' : `, answers in ${latency}`}.${window}`
    case 'new':
      return failures > 0 ? `Not answered yet: ${cause ?? 'no answer'}.` : 'Waiting for its first sample.'
    case 'paused':
      return `Paused for ${lasted}.`
    default:
      return state satisfies never
  }
}
