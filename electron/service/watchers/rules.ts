import type { BlindReason, WatcherState } from '../../shared/watcher-words.ts'
import type { BlindSpan } from '../context.ts'
import { addObserved, blindAt } from './observed-time.ts'
import type { CompiledSchedule } from '../schedules/schedule.ts'
import type { Cause, OpenRunRow, Signal, Verdict, WatcherFacts } from './schema.ts'

/** What the judgement of a watcher depends on, beside its facts and the time. */
export interface JudgedSettings {
  readonly graceMs: number
  readonly runLimitMs: number | null
  readonly tolerance: number
  readonly paused: boolean
}

/** How a watcher stands at a moment. Times in ms UTC. */
export interface Judgement {
  readonly state: WatcherState
  readonly cause: Cause | null
  /** When the next trigger is due; null when nothing is expected. */
  readonly dueMs: number | null
  /** When it becomes late unless a trigger comes. */
  readonly lateMs: number | null
  /** A due time that went by while nobody looked, for which the watcher is not blamed. */
  readonly missed: { readonly dueMs: number; readonly why: BlindReason } | null
  /** When to judge again unless a trigger comes; null for never. */
  readonly wakeMs: number | null
}

/** A run with the time by which it must have ended; null when nobody can say. */
export interface JudgedRun extends OpenRunRow {
  readonly limitMs: number | null
}

interface Expectation {
  readonly dueMs: number
  readonly lateMs: number
  readonly missed: Judgement['missed']
}

/** Excuses for one watcher follow each other at most this often; each skips past a stretch without observation. */
const mostExcuses = 2_000

/**
 * Returns how a watcher stands: a function of its facts, of when nobody looked, and of the time, and of nothing else.
 *
 * A due time in a stretch without observation blames nobody: the watcher gets its next one, counted from the end of that
 * stretch. Grace and run limits count only time in which we looked.
 */
export function judge(
  settings: JudgedSettings,
  schedule: CompiledSchedule,
  facts: WatcherFacts,
  blind: readonly BlindSpan[],
  nowMs: number,
): Judgement {
  if (settings.paused) return { ...nothingExpected, state: 'paused' }
  const runs = judgeRuns(facts.runs, settings.runLimitMs, blind)
  const overdue = runs.filter(({ limitMs }) => limitMs !== null && limitMs <= nowMs)
  const expected = expect(settings, schedule, facts, runs, blind, nowMs)
  const isLate = expected !== null && expected.lateMs <= nowMs
  const ahead = [
    ...runs.flatMap(({ limitMs }) => (limitMs !== null && limitMs > nowMs ? [limitMs] : [])),
    ...(expected !== null && !isLate ? [expected.lateMs] : []),
  ]
  const common = {
    dueMs: expected?.dueMs ?? null,
    lateMs: expected?.lateMs ?? null,
    missed: expected?.missed ?? null,
    wakeMs: ahead.length === 0 ? null : Math.min(...ahead),
  }
  if (overdue.length > 0)
    return { ...common, state: 'late', cause: { kind: 'run-too-long', runs: overdue.map(bare) } }
  if (isLate) return { ...common, state: 'late', cause: { kind: 'overdue', dueMs: expected.dueMs } }
  if (facts.failures > settings.tolerance) return { ...common, state: 'failing', cause: failureOf(facts) }
  if (common.missed) return { ...common, state: 'unobserved', cause: { kind: 'missed', ...common.missed } }
  return { ...common, cause: null, state: quietState(facts, common.dueMs, nowMs) }
}

const nothingExpected = { cause: null, dueMs: null, lateMs: null, missed: null, wakeMs: null } as const

function quietState(facts: WatcherFacts, dueMs: number | null, nowMs: number): WatcherState {
  if (facts.runs.length > 0) return 'running'
  if (dueMs !== null && dueMs <= nowMs) return 'grace'
  return facts.triggers === 0 ? 'new' : 'up'
}

function failureOf(facts: WatcherFacts): Cause {
  return { kind: 'failed', exitStatus: facts.lastExitStatus, failures: facts.failures, run: '' }
}

function bare({ run, startedMs }: OpenRunRow): OpenRunRow {
  return { run, startedMs }
}

/**
 * Returns each open run with its limit. A run over which this machine went down may have ended with it or not: nobody is
 * blamed for it.
 */
export function judgeRuns(
  runs: readonly OpenRunRow[],
  runLimitMs: number | null,
  blind: readonly BlindSpan[],
): JudgedRun[] {
  return runs.map((run) => {
    if (runLimitMs === null) return { ...run, limitMs: null }
    const limitMs = addObserved(run.startedMs, runLimitMs, blind)
    const lost = blind.some(
      ({ why, fromMs, toMs }) => why === 'machine-off' && toMs > run.startedMs && fromMs < limitMs,
    )
    return { ...run, limitMs: lost ? null : limitMs }
  })
}

function expect(
  { graceMs, runLimitMs }: JudgedSettings,
  schedule: CompiledSchedule,
  facts: WatcherFacts,
  runs: readonly JudgedRun[],
  blind: readonly BlindSpan[],
  nowMs: number,
): Expectation | null {
  const { dueFromMs } = facts
  if (dueFromMs === null) return null
  let missed: Judgement['missed'] = null
  let dueMs = schedule.nextDue(dueFromMs)
  for (let excuse = 0; dueMs !== null && excuse < mostExcuses; excuse += 1) {
    const span = blindAt(dueMs, blind)
    // Whoever was late before nobody looked is not excused afterwards.
    if (!span || dueMs === facts.lateDueMs) break
    missed = { dueMs, why: span.why }
    dueMs = schedule.nextDue(span.toMs)
  }
  if (dueMs === null) return null
  const periodMs = missed === null ? null : schedule.periodAt(dueFromMs)
  if (periodMs !== null) {
    // Whoever has looked for two whole periods without a trigger need not wait for a third, however often it was away.
    const enoughMs = addObserved(dueFromMs, 2 * periodMs, blind)
    if (enoughMs < dueMs && !blindAt(enoughMs, blind)) dueMs = enoughMs
  }
  const graceSpan = blindAt(dueMs + graceMs, blind)
  const byGraceMs = addObserved(dueMs, graceMs, blind)
  if (graceSpan && missed === null && graceMs > 0 && nowMs >= graceSpan.toMs && nowMs < byGraceMs)
    missed = { dueMs, why: graceSpan.why }
  // A run that began in time is given its own limit instead of the grace.
  const running =
    runLimitMs === null
      ? []
      : runs.filter(({ startedMs }) => startedMs >= dueFromMs && startedMs <= byGraceMs)
  const lateMs = Math.max(byGraceMs, ...running.map(({ limitMs }) => limitMs ?? byGraceMs))
  return { dueMs, lateMs, missed: missed !== null && missed.dueMs <= nowMs ? missed : null }
}

/** Returns what is written down of a judgement: only what people are told of. */
export function verdictOf({ state }: Judgement): Verdict {
  switch (state) {
    case 'late':
    case 'failing':
    case 'unobserved':
    case 'paused':
      return state
    case 'new':
    case 'grace':
    case 'running':
    case 'up':
      return 'ok'
    default:
      return state satisfies never
  }
}

/** Returns whether somebody should look. */
export function isProblem(verdict: Verdict): boolean {
  return verdict === 'late' || verdict === 'failing'
}

/** What a signal does to a watcher. */
export interface SignalEffect {
  readonly facts: WatcherFacts
  readonly unpaused: boolean
  /** Written down without effect. */
  readonly ignored: boolean
  readonly durationMs: number | null
}

/** What a signal meets. */
export interface SignalSituation {
  readonly paused: boolean
  readonly ignoresWhilePaused: boolean
  readonly flightId: number | null
  readonly nowMs: number
  /** Since when it has been paused; long ago when it is not. */
  readonly pausedMs: number
}

/** Open runs beyond this many are a client's mistake; the oldest are forgotten. */
const mostRuns = 100
/** A duration is told up to this length, as healthchecks does. */
const longestDurationMs = 72 * 3_600_000

/**
 * Returns a watcher's facts after a signal. Runs are told apart by their id: an end with an id closes that run, an end
 * without one closes all, since its client knows of only one.
 */
export function applySignal(
  facts: WatcherFacts,
  signal: Signal,
  { paused, ignoresWhilePaused, flightId, nowMs, pausedMs }: SignalSituation,
): SignalEffect {
  // What happened before the pause does not end it.
  const isBeforePause = paused && signal.atMs < pausedMs
  const ignored =
    signal.ignored === true || (paused && (ignoresWhilePaused || isBeforePause) && signal.kind !== 'log')
  if (ignored || signal.kind === 'log') return { facts, unpaused: false, ignored, durationMs: null }
  const triggered = {
    ...facts,
    triggers: facts.triggers + 1,
    lastTriggerMs: Math.max(facts.lastTriggerMs ?? signal.atMs, signal.atMs),
  }
  if (signal.kind === 'start') {
    const others = facts.runs.filter(({ run }) => run !== signal.run)
    const runs = [...others, { run: signal.run, startedMs: signal.atMs, flightId }].slice(-mostRuns)
    return { facts: { ...triggered, runs }, unpaused: false, ignored, durationMs: null }
  }
  const own = facts.runs.find(({ run }) => run === signal.run)
  const tookMs = signal.durationMs ?? (own ? signal.atMs - own.startedMs : null)
  const durationMs = tookMs !== null && tookMs >= 0 && tookMs < longestDurationMs ? Math.round(tookMs) : null
  // A time that lies ahead was taken from a clock that has been set back since.
  const past = (ms: number | null): number => (ms === null || ms > nowMs ? Number.NEGATIVE_INFINITY : ms)
  const isNewest = signal.atMs >= Math.max(past(facts.lastSuccessMs), past(facts.lastFailMs))
  const hasFailed = signal.kind === 'fail'
  const ended: WatcherFacts = {
    ...triggered,
    runs: signal.run === '' ? [] : facts.runs.filter(({ run }) => run !== signal.run),
    ...((signal.atMs >= past(facts.dueFromMs) || paused) && {
      dueFromMs: signal.atMs,
      flightId,
    }),
    lastDurationMs: durationMs ?? facts.lastDurationMs,
    ...(hasFailed
      ? { lastFailMs: Math.max(facts.lastFailMs ?? signal.atMs, signal.atMs) }
      : { lastSuccessMs: Math.max(facts.lastSuccessMs ?? signal.atMs, signal.atMs) }),
    // An outcome that comes after later ones is history and changes nothing about the present.
    ...(isNewest && {
      failures: hasFailed ? facts.failures + 1 : 0,
      lastExitStatus: signal.exitStatus,
    }),
  }
  return { facts: ended, unpaused: paused, ignored, durationMs }
}

/** History is kept for a week or 100 entries, whichever is more, and never beyond 1000 (Night's Watch). */
export const historyRule = { leastEvents: 100, mostEvents: 1_000, leastMs: 7 * 86_400_000 } as const
