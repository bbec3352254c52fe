import type { Cause, Confidence, GapKind } from '../../shared/vocabulary.ts'
import { isBootTime, isSameBoot } from './rules.ts'
import type { MachineSample } from './schema.ts'

/** What a piece of evidence says about how the machine stopped or came back. */
export const stopFacts = [
  'clean-stop',
  'user-stop',
  'update',
  'panic',
  'power-button',
  'unclean-boot',
  'log-ends',
  'boot',
  'heat',
  'battery',
  'disk',
  'hybrid-off',
] as const
export type StopFact = (typeof stopFacts)[number]

/** One piece of evidence: what it says, when it happened, and the system's own words. */
export interface StopEvidence {
  readonly source: string
  /** null where the system does not say */
  readonly atMs: number | null
  readonly fact: StopFact
  readonly text: string
}

/** The last that was seen before a gap. */
export interface GapBefore {
  readonly endMs: number
  readonly bootId: string | null
  readonly lastBootMs: number | null
  readonly lastMonotonicMs: number | null
  readonly intervalMs: number
  /** How the recorder ended in order, or `clean` / `unclean` of an imported run of the machine; null when it was cut off. */
  readonly ended: string | null
  /** True for an imported run of the machine, whose end is the machine's own. */
  readonly isMachineRun: boolean
  readonly sample: MachineSample | null
}

/** The first that was seen after a gap. */
export interface GapAfter {
  readonly beginMs: number
  readonly bootId: string | null
  readonly beginBootMs: number | null
  readonly beginMonotonicMs: number | null
  readonly isMachineRun: boolean
}

export interface GapPart {
  readonly fromMs: number
  readonly toMs: number
  readonly kind: GapKind
}

/** What a gap was, with how surely, why, and which part of it was what. The parts fill the gap without overlap. */
export interface GapVerdict {
  readonly kind: GapKind
  readonly kindConfidence: Confidence
  readonly cause: Cause | null
  readonly causeConfidence: Confidence | null
  readonly reasons: readonly string[]
  readonly parts: readonly GapPart[]
}

/** Evidence this far outside a gap still belongs to it: logs are stamped before the last stamp and after the boot. */
const evidenceSlackMs = 5 * 60_000
/** A boot clock and a log agree on a boot to within this. */
const bootSlackMs = 60_000
const shortestSleepMs = 1_000
/** Below this charge, in percent, a machine on battery is about to die; spec of the vocabulary's `battery-empty`. */
const emptyBattery = 5

/** Returns what the gap between two sightings of the machine was. */
export function classifyGap(before: GapBefore, after: GapAfter, all: readonly StopEvidence[]): GapVerdict {
  // What lies before the boot that ended tells of the stop before it.
  const sinceMs = Math.max(before.endMs - evidenceSlackMs, before.endMs - (before.lastBootMs ?? Infinity))
  const untilMs = after.beginMs + evidenceSlackMs
  const evidence =
    all.length === 0 ? all : all.filter(({ atMs }) => atMs === null || (atMs >= sinceMs && atMs <= untilMs))
  const sameBoot = isSameBoot(before.bootId, after.bootId)
  const hybrid = evidence.find(({ fact }) => fact === 'hybrid-off')
  if (hybrid) return stopped(before, after, hybrid.atMs ?? after.beginMs, evidence)
  const bootAt = bootTime(before, after, evidence)
  if (sameBoot === true) {
    // A boot known only by its time cannot be told from one that Fast Startup took up again.
    const confidence = isBootTime(before.bootId) ? 'likely' : 'certain'
    return stayedUp(before, after, confidence, 'both sides carry the same boot id')
  }
  const wasUpBefore = bootAt !== null && bootAt < before.endMs - bootSlackMs
  if (wasUpBefore && isBootTime(before.bootId)) {
    return stayedUp(before, after, 'likely', 'the machine had already booted before the gap began')
  }
  if (sameBoot === false) return stopped(before, after, bootAt ?? after.beginMs, evidence)
  if (before.isMachineRun && before.ended !== null)
    return stopped(before, after, bootAt ?? after.beginMs, evidence)
  if (wasUpBefore) {
    return stayedUp(before, after, 'likely', 'the machine had already booted before the gap began')
  }
  if (bootAt !== null && bootAt >= before.endMs) return stopped(before, after, bootAt, evidence)
  return {
    kind: 'unknown',
    kindConfidence: 'unknown',
    cause: null,
    causeConfidence: null,
    reasons: ['neither side of the gap tells which boot of the machine it belongs to'],
    parts: [{ fromMs: before.endMs, toMs: after.beginMs, kind: 'unknown' }],
  }
}

/** Returns when the machine booted into what came after the gap; null when nothing tells. */
function bootTime(before: GapBefore, after: GapAfter, evidence: readonly StopEvidence[]): number | null {
  if (after.isMachineRun) return after.beginMs
  if (after.beginBootMs !== null) return after.beginMs - after.beginBootMs
  const boots = evidence.flatMap(({ fact, atMs }) => (fact === 'boot' && atMs !== null ? [atMs] : []))
  const inGap = boots.filter(
    (atMs) => atMs >= before.endMs - bootSlackMs && atMs <= after.beginMs + bootSlackMs,
  )
  return inGap.length > 0 ? Math.max(...inGap) : null
}

function stayedUp(before: GapBefore, after: GapAfter, confidence: Confidence, why: string): GapVerdict {
  const length = after.beginMs - before.endMs
  const slept = Math.min(length, sleptInGap(before, after))
  const isAsleep = slept > 0 && length - slept <= Math.max(15_000, 2 * before.intervalMs)
  const reasons = [why]
  if (slept > 0)
    reasons.push(`the boot clock ran ${Math.round(slept / 1_000)} s further than the monotonic one: asleep`)
  if (!isAsleep)
    reasons.push(before.ended ? `the recorder was stopped (${before.ended})` : 'the recorder was cut off')
  // Only the length of the sleep is known; it is drawn at the start of the gap.
  const wakeMs = before.endMs + slept
  return {
    kind: isAsleep ? 'asleep' : 'recorder-off',
    kindConfidence: confidence,
    cause: null,
    causeConfidence: null,
    reasons,
    parts: fill([
      { fromMs: before.endMs, toMs: wakeMs, kind: 'asleep' },
      { fromMs: wakeMs, toMs: after.beginMs, kind: 'recorder-off' },
    ]),
  }
}

function sleptInGap(before: GapBefore, after: GapAfter): number {
  const { lastBootMs, lastMonotonicMs } = before
  const { beginBootMs, beginMonotonicMs } = after
  if (lastBootMs === null || lastMonotonicMs === null || beginBootMs === null || beginMonotonicMs === null)
    return 0
  const slept = beginBootMs - lastBootMs - (beginMonotonicMs - lastMonotonicMs)
  return slept >= shortestSleepMs ? Math.round(slept) : 0
}

function stopped(
  before: GapBefore,
  after: GapAfter,
  bootAtMs: number,
  evidence: readonly StopEvidence[],
): GapVerdict {
  const clean = evidence.filter(({ fact }) => fact === 'clean-stop' || fact === 'hybrid-off')
  const unclean = evidence.filter(
    ({ fact }) => fact === 'panic' || fact === 'unclean-boot' || fact === 'log-ends',
  )
  const asked = evidence.find(({ fact }) => fact === 'user-stop')
  const { kind, confidence, why } = judgeStop(before, clean, unclean, asked)
  const judged = kind === 'unknown' ? null : judgeCause(kind, before, evidence)
  const upMs = Math.min(Math.max(bootAtMs, before.endMs), after.beginMs)
  const lastFact: StopFact = kind === 'off' ? 'clean-stop' : 'log-ends'
  const lastSigns = evidence.flatMap(({ fact, atMs }) => (fact === lastFact && atMs !== null ? [atMs] : []))
  const lastSign = lastSigns.length > 0 ? Math.max(...lastSigns) : before.endMs
  const downMs = Math.min(Math.max(lastSign, before.endMs), upMs)
  const reasons = ['the machine was started anew', why]
  if (downMs > before.endMs + 2 * before.intervalMs)
    reasons.push('it ran on for a while after the recorder had ended')
  if (judged?.why) reasons.push(judged.why)
  return {
    kind,
    kindConfidence: confidence,
    cause: judged?.cause ?? null,
    causeConfidence: judged?.confidence ?? null,
    reasons,
    parts: fill([
      { fromMs: before.endMs, toMs: downMs, kind: 'recorder-off' },
      { fromMs: downMs, toMs: upMs, kind },
      { fromMs: upMs, toMs: after.beginMs, kind: 'recorder-off' },
    ]),
  }
}

function judgeStop(
  before: GapBefore,
  clean: readonly StopEvidence[],
  unclean: readonly StopEvidence[],
  asked: StopEvidence | undefined,
): { kind: GapKind; confidence: Confidence; why: string } {
  const panic = unclean.find(({ fact }) => fact === 'panic')
  if (panic) return { kind: 'crashed', confidence: 'certain', why: `the system crashed (${panic.source})` }
  const ended = clean[0]
  if (ended)
    return { kind: 'off', confidence: 'certain', why: `the system was shut down in order (${ended.source})` }
  const cut = unclean[0]
  if (cut)
    return {
      kind: 'crashed',
      confidence: 'certain',
      why: `the system did not shut down in order (${cut.source})`,
    }
  if (asked)
    return { kind: 'off', confidence: 'likely', why: `the system was told to stop (${asked.source})` }
  if (before.isMachineRun) {
    if (before.ended === 'clean')
      return { kind: 'off', confidence: 'certain', why: 'the imported record says so' }
    if (before.ended === 'unclean')
      return { kind: 'crashed', confidence: 'certain', why: 'the imported record says so' }
    return { kind: 'unknown', confidence: 'unknown', why: 'the imported record does not tell how it stopped' }
  }
  switch (before.ended) {
    case null:
      return {
        kind: 'crashed',
        confidence: 'likely',
        why: 'the last flight was cut off and nothing tells of a shutdown',
      }
    case 'SIGTERM':
    case 'shutdown':
      return { kind: 'off', confidence: 'likely', why: `the recorder was told to stop (${before.ended})` }
    default:
      return { kind: 'unknown', confidence: 'unknown', why: 'the recorder had been stopped by hand before' }
  }
}

/** Facts that name the cause by themselves, the strongest first. */
const telling: readonly (readonly [StopFact, Cause])[] = [
  ['panic', 'os-crash'],
  ['heat', 'heat'],
  ['battery', 'battery-empty'],
  ['hybrid-off', 'hybrid-off'],
  ['power-button', 'power-button'],
  ['update', 'update'],
]

function judgeCause(
  kind: GapKind,
  before: GapBefore,
  evidence: readonly StopEvidence[],
): { cause: Cause; confidence: Confidence; why: string | null } {
  const has = (fact: StopFact): StopEvidence | undefined => evidence.find((entry) => entry.fact === fact)
  for (const [fact, cause] of evidence.length === 0 ? [] : telling) {
    const found = has(fact)
    if (found) return { cause, confidence: 'certain', why: `${found.source}: ${found.text.slice(0, 200)}` }
  }
  if (kind === 'off') {
    const planned = has('user-stop') ?? has('clean-stop')
    return { cause: 'planned', confidence: planned ? 'certain' : 'likely', why: null }
  }
  const { sample } = before
  if (sample?.power === 'battery' && sample.battery !== null && sample.battery < emptyBattery) {
    return {
      cause: 'battery-empty',
      confidence: 'likely',
      why: `the last stamp saw ${sample.battery} % of charge, on battery`,
    }
  }
  const disk = has('disk')
  if (disk) return { cause: 'disk', confidence: 'likely', why: `${disk.source}: ${disk.text.slice(0, 200)}` }
  const cut = has('unclean-boot') ?? has('log-ends')
  if (cut && sample?.power !== 'battery') {
    return {
      cause: 'power-loss',
      confidence: 'likely',
      why: 'the system ended without a word, neither panic nor shutdown',
    }
  }
  return { cause: 'unknown', confidence: 'unknown', why: null }
}

function fill(parts: readonly GapPart[]): GapPart[] {
  return parts.filter(({ fromMs, toMs }) => toMs > fromMs)
}
