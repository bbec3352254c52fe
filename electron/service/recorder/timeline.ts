import { gapKindPresence, type GapKind, type Presence } from '../../shared/vocabulary.ts'
import {
  classifyGap,
  type GapAfter,
  type GapBefore,
  type GapVerdict,
  type StopEvidence,
} from './gap-rules.ts'
import type { Placed } from './placement.ts'
import type { ImportedRow, LapseRow, MachineSample } from './schema.ts'

/** A stretch of time with one presence. Stretches of a timeline follow each other without gap or overlap. */
export interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly presence: Presence
  readonly kind: GapKind | null
  readonly gap: string | null
}

/** A time in which no flight was recorded, and what it was. */
export interface HistoryGap extends GapVerdict {
  /** `f12` follows flight 12, `i3` imported flight 3; stays the same when flights are placed anew. */
  readonly id: string
  readonly fromMs: number
  readonly toMs: number
  /** True while nothing has followed it yet. */
  readonly ongoing: boolean
}

/** A flight as the timeline sees it, our own or imported. */
export interface Witness {
  readonly id: string
  readonly beginMs: number
  readonly endMs: number
  readonly placed: Placed | null
  readonly imported: ImportedRow | null
  /** True for an imported run of which flights were recorded too: it fills time, but is no flight of its own. */
  readonly isShadow: boolean
}

export interface Timeline {
  readonly firstMs: number | null
  readonly stretches: readonly Stretch[]
  readonly gaps: readonly HistoryGap[]
  /** Every flight that counts, in order of begin. */
  readonly witnesses: readonly Witness[]
}

/** The machine as it is at the moment of asking; closes the last gap. */
export interface Present {
  readonly wallMs: number
  readonly bootId: string | null
  readonly bootMs: number | null
  readonly monotonicMs: number | null
  /** Id of the flight that is still being recorded, if any. */
  readonly runningFlight: number | null
}

export interface TimelineInput {
  readonly placed: readonly Placed[]
  readonly imported: readonly ImportedRow[]
  readonly lapses: readonly LapseRow[]
  readonly evidenceOf: (flightId: number) => readonly StopEvidence[]
  /** What the machine was like at a flight's last stamp; only needed for those that were on battery. */
  readonly sampleOf: (flightId: number) => MachineSample | null
  readonly present: Present
}

interface Lapse {
  readonly fromMs: number
  readonly toMs: number
  readonly presence: Presence
}

/** Builds the machine's whole history, up to the present, from what was recorded. */
export function buildTimeline(input: TimelineInput): Timeline {
  const witnesses = gatherWitnesses(input)
  const first = witnesses[0]
  if (!first) return { firstMs: null, stretches: [], gaps: [], witnesses }
  const lapses = gatherLapses(input, witnesses)
  const stretches: Stretch[] = []
  const gaps: HistoryGap[] = []
  let cursor = 0
  let beginMs = first.beginMs
  let last = first
  const closeCover = (): void => {
    cursor = pushCover(stretches, beginMs, last.endMs, lapses, cursor)
  }
  for (const witness of witnesses) {
    if (witness.beginMs > last.endMs) {
      closeCover()
      pushGap(stretches, gaps, last, afterOf(witness), false, input)
      beginMs = witness.beginMs
      last = witness
    } else if (witness.endMs > last.endMs) {
      last = witness
    }
  }
  closeCover()
  const { present } = input
  if (present.wallMs > last.endMs) {
    if (present.runningFlight !== null) {
      extendUp(stretches, last.endMs, present.wallMs)
    } else {
      const after: GapAfter = {
        beginMs: present.wallMs,
        bootId: present.bootId,
        beginBootMs: present.bootMs,
        beginMonotonicMs: present.monotonicMs,
        isMachineRun: false,
      }
      pushGap(stretches, gaps, last, after, true, input)
    }
  }
  return { firstMs: first.beginMs, stretches, gaps, witnesses }
}

/**
 * Imported runs of the machine fill the time before our own first flight; from there on our own record decides. Of
 * several imports of one run the most telling is taken, so that none is counted twice.
 */
function gatherWitnesses({ placed, imported }: TimelineInput): Witness[] {
  const own = placed.filter(({ source }) => source === 'watchkeeper')
  const ownFirst = own.reduce((least, { beginMs }) => Math.min(least, beginMs), Infinity)
  const witnesses: Witness[] = placed.map((entry) => ({
    id: `f${entry.row.id}`,
    beginMs: entry.beginMs,
    endMs: entry.endMs,
    placed: entry,
    imported: null,
    isShadow: false,
  }))
  const flights = placed
    .map(({ beginMs, endMs }) => ({ begin_ms: beginMs, end_ms: endMs }))
    .sort((a, b) => a.begin_ms - b.begin_ms)
  for (const row of pickImports(imported)) {
    if (row.begin_ms >= ownFirst) continue
    witnesses.push({
      id: `i${row.id}`,
      beginMs: row.begin_ms,
      endMs: Math.min(row.end_ms, ownFirst),
      placed: null,
      imported: row,
      isShadow: isCovered(row, flights),
    })
  }
  const inOrder = witnesses.every(
    (witness, index) => (witnesses[index - 1]?.beginMs ?? -Infinity) <= witness.beginMs,
  )
  return inOrder ? witnesses : witnesses.sort((a, b) => a.beginMs - b.beginMs || a.endMs - b.endMs)
}

/** How much an import tells: tuptime knows sleep and clean ends, the journal boot ids, uptimed only times. */
const importRank: Readonly<Record<string, number>> = { tuptime: 4, journal: 3, wtmp: 2, last: 1, uptimed: 0 }

/** Returns the imported runs with those left out that a better import covers by more than half. */
export function pickImports(rows: readonly ImportedRow[]): ImportedRow[] {
  const ranked = [...rows].sort((a, b) => rankOf(b) - rankOf(a) || a.begin_ms - b.begin_ms)
  const picked: ImportedRow[] = []
  for (const source of new Set(ranked.map((row) => row.source))) {
    const better = [...picked].sort((a, b) => a.begin_ms - b.begin_ms)
    for (const row of ranked) if (row.source === source && !isCovered(row, better)) picked.push(row)
  }
  return picked
}

const rankOf = ({ source }: ImportedRow): number => importRank[source] ?? 0

type Span = Pick<ImportedRow, 'begin_ms' | 'end_ms'>

/** Returns true when others, in order of begin, cover more than half of a span. */
function isCovered({ begin_ms, end_ms }: Span, others: readonly Span[]): boolean {
  if (end_ms === begin_ms) return others.some((other) => other.begin_ms <= begin_ms && other.end_ms >= end_ms)
  let covered = 0
  let at = begin_ms
  for (const other of others) {
    if (other.begin_ms >= end_ms) break
    const from = Math.max(at, other.begin_ms)
    const to = Math.min(end_ms, other.end_ms)
    if (to <= from) continue
    covered += to - from
    at = to
  }
  return covered * 2 > end_ms - begin_ms
}

function gatherLapses(input: TimelineInput, witnesses: readonly Witness[]): Lapse[] {
  const beginOf: (number | undefined)[] = []
  if (input.lapses.length > 0) for (const { row, beginMs } of input.placed) beginOf[row.id] = beginMs
  const lapses: Lapse[] = []
  for (const row of input.lapses) {
    const beginMs = beginOf[row.flight_id]
    if (beginMs === undefined) continue
    const fromMs = beginMs + row.at_elapsed_ms
    lapses.push({
      fromMs,
      toMs: fromMs + row.length_ms,
      presence: row.kind === 'asleep' ? 'asleep' : 'recorder-off',
    })
  }
  for (const { imported, endMs, beginMs } of witnesses) {
    // An import tells how long the machine slept, not when: the sleep is drawn at the end of the run.
    if (imported && imported.asleep_ms > 0) {
      lapses.push({ fromMs: Math.max(beginMs, endMs - imported.asleep_ms), toMs: endMs, presence: 'asleep' })
    }
  }
  return lapses.sort((a, b) => a.fromMs - b.fromMs)
}

/** Adds the time since the last stamp to the stretch that it belongs to. */
function extendUp(stretches: Stretch[], fromMs: number, toMs: number): void {
  const before = stretches[stretches.length - 1]
  if (before?.presence === 'up' && before.toMs === fromMs)
    stretches[stretches.length - 1] = { ...before, toMs }
  else stretches.push({ fromMs, toMs, presence: 'up', kind: null, gap: null })
}

/** Pushes a covered time as up, cut by the lapses in it; returns where in the lapses the next cover goes on. */
function pushCover(
  stretches: Stretch[],
  beginMs: number,
  endMs: number,
  lapses: readonly Lapse[],
  cursor: number,
): number {
  let at = beginMs
  let index = cursor
  for (; index < lapses.length; index += 1) {
    const lapse = lapses[index]
    if (!lapse || lapse.fromMs >= endMs) break
    const fromMs = Math.max(at, lapse.fromMs)
    const toMs = Math.min(endMs, lapse.toMs)
    if (toMs <= fromMs) continue
    if (fromMs > at) stretches.push({ fromMs: at, toMs: fromMs, presence: 'up', kind: null, gap: null })
    stretches.push({ fromMs, toMs, presence: lapse.presence, kind: null, gap: null })
    at = toMs
  }
  if (endMs > at) stretches.push({ fromMs: at, toMs: endMs, presence: 'up', kind: null, gap: null })
  return index
}

function pushGap(
  stretches: Stretch[],
  gaps: HistoryGap[],
  before: Witness,
  after: GapAfter,
  ongoing: boolean,
  input: TimelineInput,
): void {
  const flightId = before.placed?.row.id ?? null
  const evidence = flightId === null ? [] : input.evidenceOf(flightId)
  const verdict = classifyGap(beforeOf(before, input), after, evidence)
  const gap: HistoryGap = {
    kind: verdict.kind,
    kindConfidence: verdict.kindConfidence,
    cause: verdict.cause,
    causeConfidence: verdict.causeConfidence,
    reasons: verdict.reasons,
    parts: verdict.parts,
    id: before.id,
    fromMs: before.endMs,
    toMs: after.beginMs,
    ongoing,
  }
  gaps.push(gap)
  for (const { fromMs, toMs, kind } of verdict.parts) {
    stretches.push({ fromMs, toMs, presence: gapKindPresence[kind], kind, gap: gap.id })
  }
}

/** The interval of a recorder that does not tell it: flight-recorder's default. */
const foreignIntervalMs = 10_000

function beforeOf({ endMs, placed, imported }: Witness, input: TimelineInput): GapBefore {
  const row = placed?.row
  return {
    endMs,
    bootId: row?.boot_id ?? imported?.boot_id ?? null,
    lastBootMs: row?.last_boot_ms ?? null,
    lastMonotonicMs: row?.last_monotonic_ms ?? null,
    intervalMs: row?.interval_ms ?? foreignIntervalMs,
    ended: row?.ended ?? imported?.ended ?? null,
    isMachineRun: imported !== null,
    sample: row ? input.sampleOf(row.id) : null,
  }
}

function afterOf({ beginMs, placed, imported }: Witness): GapAfter {
  return {
    beginMs,
    bootId: placed?.row.boot_id ?? imported?.boot_id ?? null,
    beginBootMs: placed?.row.begin_boot_ms ?? null,
    beginMonotonicMs: placed?.row.begin_monotonic_ms ?? null,
    isMachineRun: imported !== null,
  }
}
