import { TZDate } from '@date-fns/tz'
import type {
  Calendar,
  Flight,
  FlightPage,
  Gap,
  GapPage,
  MachineHistory,
  Segment,
  StateAt,
} from '../../shared/api/machine.ts'
import { percentShares } from '../../shared/shares.ts'
import { maxDateMs } from '../../shared/clock-floor.ts'
import { isoTime, isoTimeOrNull, wordDuration } from '../../shared/time-text.ts'
import { gapKindWords, presenceWords, type GapKind } from '../../shared/vocabulary.ts'
import type { Connection } from '../store/open.ts'
import { coalesce, countDays, countWindow, cutStretches } from './figures.ts'
import { readHistory, type History, type PresentOfReader } from './history.ts'
import { readNotes, readSample } from './rows.ts'
import type { HistoryGap, Witness } from './timeline.ts'

/** A window to read; a missing end is the first record or the present. */
export interface WindowArgs {
  readonly now: PresentOfReader
  readonly sinceMs: number | null
  readonly untilMs: number | null
  /** Length of a window that is given by its end. */
  readonly lastMs?: number | null
}

export interface PageArgs extends WindowArgs {
  readonly limit: number
  readonly offset: number
}

/** More stretches than this cannot be told apart on any screen. */
const mostSegments = 2_000
const mostClockSteps = 1_000

/** Returns the bounds of a window, never beyond the present. */
function boundsOf(
  history: History,
  { sinceMs, untilMs, lastMs = null }: WindowArgs,
): { since: number; until: number } {
  // What was built a moment ago knows nothing of the time since; an unset clock knows nothing of the present.
  const until = Math.min(untilMs ?? Infinity, history.present.wallMs)
  const asked = lastMs === null ? (sinceMs ?? history.timeline.firstMs ?? until) : until - lastMs
  return { since: Math.max(Math.min(asked, until), -maxDateMs), until: Math.max(until, -maxDateMs) }
}

export function machineHistory(db: Connection, args: WindowArgs): MachineHistory {
  const history = readHistory(db, args.now)
  const { timeline, steps, hints } = history
  const { since, until } = boundsOf(history, args)
  const cut = cutStretches(timeline, since, until)
  const figures = countWindow(timeline, cut, since, until)
  return {
    since: isoTime(since),
    until: isoTime(until),
    firstRecord: isoTimeOrNull(timeline.firstMs),
    figures: { ...figures, percent: percentShares(figures.ms) },
    segments: coalesce(cut, mostSegments).map(({ fromMs, toMs, presence, kind, gap, merged }): Segment => ({
      from: isoTime(fromMs),
      to: isoTime(toMs),
      presence,
      kind,
      gap,
      merged,
    })),
    clockSteps: steps
      .filter(({ atMs }) => atMs >= since && atMs <= until)
      .slice(-mostClockSteps)
      .map(({ atMs, stepMs, flightId }) => ({ at: isoTime(atMs), stepMs, flight: flightId })),
    hints: [...hints],
  }
}

/** Returns the gaps of a window, newest first. */
export function machineGaps(db: Connection, args: PageArgs & { readonly kind?: GapKind }): GapPage {
  const history = readHistory(db, args.now)
  const { since, until } = boundsOf(history, args)
  const gaps = history.timeline.gaps.filter(
    ({ fromMs, toMs, kind }) =>
      fromMs < until && toMs > since && (args.kind === undefined || kind === args.kind),
  )
  const notes = readNotes(db)
  const page = pageOf(gaps, args)
  return { total: gaps.length, gaps: page.map((gap) => gapView(db, gap, notes)) }
}

/** Returns one gap by its id, or null. */
export function machineGap(db: Connection, args: { now: PresentOfReader; id: string }): Gap | null {
  const gap = readHistory(db, args.now).timeline.gaps.find(({ id }) => id === args.id)
  return gap ? gapView(db, gap, readNotes(db)) : null
}

function gapView(db: Connection, gap: HistoryGap, notes: ReadonlyMap<string, string>): Gap {
  const flightId = gap.id.startsWith('f') ? Number(gap.id.slice(1)) : null
  const evidence = flightId === null ? [] : readEvidenceOf(db, flightId)
  return {
    id: gap.id,
    from: isoTime(gap.fromMs),
    to: isoTime(gap.toMs),
    ongoing: gap.ongoing,
    durationMs: gap.toMs - gap.fromMs,
    kind: gap.kind,
    kindConfidence: gap.kindConfidence,
    cause: gap.cause,
    causeConfidence: gap.causeConfidence,
    reasons: [...gap.reasons],
    evidence,
    parts: gap.parts.map(({ fromMs, toMs, kind }) => ({ from: isoTime(fromMs), to: isoTime(toMs), kind })),
    lastStamp: flightId === null ? null : readSample(db, flightId),
    note: notes.get(gap.id) ?? null,
  }
}

function readEvidenceOf(db: Connection, flightId: number): Gap['evidence'] {
  const rows = db
    .prepare('SELECT source, at_ms, fact, text FROM stop_evidence WHERE flight_id = ? ORDER BY id')
    .all(flightId) as { source: string; at_ms: number | null; fact: string; text: string }[]
  return rows.map(({ source, at_ms, fact, text }) => ({ source, at: isoTimeOrNull(at_ms), fact, text }))
}

/** Returns the flights of a window, newest first. */
export function machineFlights(db: Connection, args: PageArgs): FlightPage {
  const history = readHistory(db, args.now)
  const { since, until } = boundsOf(history, args)
  const { witnesses } = history.timeline
  const inWindow: number[] = []
  witnesses.forEach(({ beginMs, endMs, isShadow }, index) => {
    if (!isShadow && beginMs < until && endMs >= since) inWindow.push(index)
  })
  const lapses = lapsesOfFlights(db)
  const flights = pageOf(inWindow, args).flatMap((index) => {
    const witness = witnesses[index]
    return witness ? [flightView(witness, witnesses[index - 1], lapses, history.present.runningFlight)] : []
  })
  return { total: inWindow.length, flights }
}

type LapsesOfFlights = ReadonlyMap<string, number>

/** Returns how long each flight was asleep or held up, by kind and flight. */
function lapsesOfFlights(db: Connection): LapsesOfFlights {
  const rows = db
    .prepare('SELECT flight_id, kind, sum(length_ms) AS ms FROM lapse GROUP BY flight_id, kind')
    .all() as { flight_id: number; kind: string; ms: number }[]
  return new Map(rows.map(({ flight_id, kind, ms }) => [`${kind} ${flight_id}`, ms]))
}

function flightView(
  { id, beginMs, endMs, placed, imported }: Witness,
  before: Witness | undefined,
  lapses: LapsesOfFlights,
  runningFlight: number | null,
): Flight {
  const os = placed?.row.os ?? imported?.os ?? null
  const osBefore = before?.placed?.row.os ?? before?.imported?.os ?? null
  return {
    id,
    source: placed?.source ?? imported?.source ?? 'watchkeeper',
    begin: isoTime(beginMs),
    end: isoTime(endMs),
    durationMs: endMs - beginMs,
    asleepMs: placed ? (lapses.get(`asleep ${placed.row.id}`) ?? 0) : (imported?.asleep_ms ?? 0),
    heldUpMs: placed ? (lapses.get(`stalled ${placed.row.id}`) ?? 0) : 0,
    running: placed !== null && placed.row.id === runningFlight,
    ended: placed?.row.ended ?? imported?.ended ?? null,
    bootId: placed?.row.boot_id ?? imported?.boot_id ?? null,
    os,
    osChanged: os !== null && osBefore !== null && os !== osBefore,
    clock: placed?.clock ?? 'plausible',
    placedBy: placed?.placedBy ?? 'clock',
    errorMs: placed ? placed.errorMs : 0,
  }
}

/** Returns a page of a list in order of time, newest first. */
function pageOf<T>(list: readonly T[], { limit, offset }: { limit: number; offset: number }): T[] {
  const end = Math.max(0, list.length - offset)
  return list.slice(Math.max(0, end - limit), end).reverse()
}

/** @throws RangeError when the zone is not an IANA name */
export function machineCalendar(
  db: Connection,
  args: { now: PresentOfReader; year: number; zone: string },
): Calendar {
  const { timeline } = readHistory(db, args.now)
  new Intl.DateTimeFormat('en', { timeZone: args.zone })
  const starts: number[] = []
  for (let day = 0; ; day += 1) {
    const start = new TZDate(args.year, 0, 1 + day, args.zone)
    if (start.getFullYear() !== args.year) {
      starts.push(Math.min(start.getTime(), Math.max(args.now.wallMs, starts[starts.length - 1] ?? 0)))
      break
    }
    if (start.getTime() > args.now.wallMs) {
      starts.push(args.now.wallMs)
      break
    }
    starts.push(start.getTime())
  }
  const name = (ms: number): string => {
    const date = new TZDate(ms, args.zone)
    return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
      .map((part) => String(part).padStart(2, '0'))
      .join('-')
  }
  const days = countDays(timeline, starts).map(({ fromMs, ms, crashes }) => ({
    day: name(fromMs),
    ms,
    crashes,
  }))
  return { year: args.year, zone: args.zone, days }
}

/** Returns what the machine was doing at an instant, and since when and until when. */
export function machineAt(db: Connection, args: { now: PresentOfReader; atMs: number }): StateAt {
  const history = readHistory(db, args.now)
  const { timeline, present } = history
  // The present itself belongs to what came before it.
  const askedMs = args.atMs >= present.wallMs && args.atMs <= args.now.wallMs ? present.wallMs - 1 : args.atMs
  const [stretch] = cutStretches(timeline, askedMs, askedMs + 1)
  const full = timeline.stretches.find(({ fromMs, toMs }) => fromMs <= askedMs && askedMs < toMs)
  const presence = stretch?.presence ?? 'unknown'
  const fromMs = full?.fromMs ?? args.atMs
  const toMs = full?.toMs ?? args.atMs
  return {
    at: isoTime(args.atMs),
    presence,
    from: isoTime(fromMs),
    to: isoTime(toMs),
    kind: full?.kind ?? null,
    sentence: sentenceAt(history, askedMs, full ?? null, presence),
  }
}

function sentenceAt(
  { timeline, present }: History,
  atMs: number,
  stretch: { readonly kind: Gap['kind'] | null; readonly fromMs: number; readonly toMs: number } | null,
  presence: StateAt['presence'],
): string {
  if (timeline.firstMs === null) return 'Nothing has been recorded yet.'
  if (atMs < timeline.firstMs) return 'Unknown: this is before the first record.'
  if (atMs > present.wallMs) return 'Unknown: this is in the future.'
  if (!stretch) return 'Up: this is the end of the record.'
  const word = stretch.kind ? gapKindWords[stretch.kind] : presenceWords[presence]
  const goesOn =
    stretch.toMs >= present.wallMs
      ? 'and still is'
      : `of ${wordDuration(stretch.toMs - stretch.fromMs)} in all`
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}: for ${wordDuration(atMs - stretch.fromMs)} by then, ${goesOn}.`
}

/** A gap that the system's own records may explain. */
export interface GapToExplain {
  readonly flightId: number
  readonly endMs: number
  readonly beginMs: number
  readonly bootId: string | null
}

/** Evidence is looked for in this many gaps at a start; older logs are gone anyway. */
const mostToExplain = 10

/** Returns the newest gaps for which no evidence was looked for yet, other than those in which the machine surely ran on. */
export function gapsToExplain(db: Connection, args: { now: PresentOfReader }): GapToExplain[] {
  const { timeline } = readHistory(db, args.now)
  const searched = new Set(
    db.prepare('SELECT flight_id FROM flight_detail WHERE stop_searched = 1').pluck().all() as number[],
  )
  const bootOf = new Map(timeline.witnesses.map(({ id, placed }) => [id, placed?.row.boot_id ?? null]))
  return timeline.gaps
    .filter(({ id, ongoing }) => id.startsWith('f') && !ongoing)
    .filter(
      ({ kind, kindConfidence }) =>
        !((kind === 'recorder-off' || kind === 'asleep') && kindConfidence === 'certain'),
    )
    .map(({ id, fromMs, toMs }) => ({
      flightId: Number(id.slice(1)),
      endMs: fromMs,
      beginMs: toMs,
      bootId: bootOf.get(id) ?? null,
    }))
    .filter(({ flightId }) => !searched.has(flightId))
    .slice(-mostToExplain)
}
