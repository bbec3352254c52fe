import type { HealthMetric } from '../../shared/api/health.ts'
import type { HostList } from '../../shared/api/hosts.ts'
import type { RunningFlight } from '../../shared/api/machine.ts'
import {
  mostListedProblems,
  overallStates,
  type OverallState,
  type Overview,
  type OverviewProblem,
  type OverviewRoom,
  type OverviewSilence,
} from '../../shared/api/overview.ts'
import type { Watcher } from '../../shared/api/watchers.ts'
import { hostStates } from '../../shared/host-words.ts'
import { isoTime } from '../../shared/time-text.ts'
import type { WatcherStanding } from '../watchers/standing.ts'

/** How everything together stands: what a tray shows. */

/** What an overview is made of. */
export interface OverviewParts {
  /** Null before the first stamp. */
  readonly machine: RunningFlight | null
  /** Hosts that somebody should look at, with the figures of all. */
  readonly hosts: HostList
  readonly standing: WatcherStanding
  /** The watchers among {@link WatcherStanding.problems}. */
  readonly lateWatchers: readonly Watcher[]
  /** Why telemetry records cannot be used; null when they can. */
  readonly telemetryTrouble: string | null
  readonly health: HealthStanding
  /** Why nothing beyond this machine can be told; null while the connection works. */
  readonly offline: string | null
  readonly mutes: readonly {
    readonly id: number
    readonly room: string | null
    readonly item: string | null
    readonly untilMs: number
  }[]
  /** What is open of an item and told of; null when nothing is. */
  incident(room: string, item: string): { readonly id: number; readonly acknowledgedMs: number | null } | null
  readonly windows: readonly {
    readonly id: number
    readonly coversAll: boolean
    /** Made by the tray, and so ended by it. */
    readonly isPause: boolean
    readonly activeUntilMs: number | null
  }[]
}

/** How this machine's own health stands. */
export interface HealthStanding {
  readonly enabled: boolean
  readonly isLive: boolean
  /** Whether there has been a report since the start. */
  readonly hasBegun: boolean
  /** What has a level that somebody should look at, worst first; `key` is what alerts call it. */
  readonly problems: readonly (HealthMetric & { readonly key: string })[]
}

/** Returns the overview of a moment (ms UTC). */
export function overviewOf(parts: OverviewParts, nowMs: number): Overview {
  const rooms = [
    recorderRoom(parts.machine),
    hostsRoom(parts),
    watchersRoom(parts.standing),
    ...telemetryRoom(parts.telemetryTrouble),
    healthRoom(parts.health),
  ]
  const problems = [
    ...recorderProblems(parts.machine, nowMs),
    ...hostProblems(parts),
    ...watcherProblems(parts),
    ...telemetryProblems(parts.telemetryTrouble, nowMs),
    ...healthProblems(parts.health),
  ]
    .sort((a, b) => rank(a) - rank(b) || a.since.localeCompare(b.since))
    .slice(0, mostListedProblems)
    .map((problem) => withAlerts(problem, parts))
  const paused = silenceOf(
    parts.windows.flatMap(({ id, coversAll, isPause, activeUntilMs }) =>
      coversAll && activeUntilMs !== null ? [{ id, untilMs: activeUntilMs, isEndable: isPause }] : [],
    ),
  )
  const counted = rooms.reduce((sum, { problems: count }) => sum + count, 0)
  const worst = worstOf(rooms.map(({ state }) => state))
  // Who has paused watching knows of the rest; a recorder that cannot write is another matter.
  const state = paused !== null && rooms[0]?.state !== 'problem' ? 'paused' : worst
  return {
    at: isoTime(nowMs),
    state,
    sentence: sentenceOf(rooms, counted, paused !== null, worst === 'unobserved'),
    rooms,
    problems,
    problemCount: counted,
    muted: silenceOf(parts.mutes.filter(({ room }) => room === null)),
    paused,
  }
}

/** A problem before anybody asked what has been told of it. */
type BareProblem = Omit<OverviewProblem, 'incident' | 'acknowledged' | 'muted'>

function withAlerts(problem: BareProblem, { mutes, incident }: OverviewParts): OverviewProblem {
  const open = incident(problem.room, problem.item)
  return {
    ...problem,
    incident: open?.id ?? null,
    acknowledged: open !== null && open.acknowledgedMs !== null,
    muted: silenceOf(mutes.filter(({ room, item }) => room === problem.room && item === problem.item)),
  }
}

function rank({ severity }: BareProblem): number {
  return severity === 'problem' ? 0 : 1
}

function orderOf(state: OverallState): number {
  return overallStates.indexOf(state)
}

/** A room in which nothing is watched says nothing of how things stand. */
function worstOf(states: readonly OverallState[]): OverallState {
  return states.reduce((worst, state) => (orderOf(state) < orderOf(worst) ? state : worst), 'up')
}

function recorderRoom(machine: RunningFlight | null): OverviewRoom {
  const isFailing = machine?.stampFailure != null
  return {
    room: 'recorder',
    state: machine === null || isFailing ? 'problem' : 'up',
    total: 1,
    problems: machine === null || isFailing ? 1 : 0,
    text: machine === null ? 'recorder off' : isFailing ? 'recorder cannot write' : 'recorder on',
    path: '/machine',
  }
}

function recorderProblems(machine: RunningFlight | null, nowMs: number): BareProblem[] {
  if (machine === null)
    return [
      {
        room: 'recorder',
        item: 'stamps',
        name: 'Recorder',
        state: 'off',
        severity: 'problem',
        since: isoTime(nowMs),
        text: 'The recorder has written no stamp yet.',
        path: '/machine',
      },
    ]
  const failure = machine.stampFailure
  if (!failure) return []
  return [
    {
      room: 'recorder',
      item: 'stamps',
      name: 'Recorder',
      state: 'failing',
      severity: 'problem',
      since: failure.since,
      text: `The recorder cannot write its stamps: ${failure.reason}`,
      path: '/machine',
    },
  ]
}

function hostsRoom({ hosts: { all, counts }, offline }: OverviewParts): OverviewRoom {
  const problems = counts.down + counts.degraded
  const isBlind = all > counts.paused && offline !== null
  return {
    room: 'hosts',
    state:
      counts.down > 0
        ? 'problem'
        : counts.degraded > 0
          ? 'degraded'
          : isBlind || counts.unobserved > 0
            ? 'unobserved'
            : 'up',
    total: all,
    problems,
    text:
      all === 0
        ? 'no hosts'
        : isBlind
          ? offline
          : worded('host', all, [
              [counts.down, 'down'],
              [counts.degraded, 'degraded'],
              [counts.unobserved, 'unobserved'],
              [counts.new, 'new'],
              [counts.paused, 'paused'],
            ]),
    path: '/hosts',
  }
}

function hostProblems({ hosts }: OverviewParts): BareProblem[] {
  return hosts.hosts.map(({ id, name, state, since, sentence }) => ({
    room: 'hosts',
    item: String(id),
    name,
    state,
    severity: hostStates.indexOf(state) === 0 ? 'problem' : 'degraded',
    since,
    text: sentence,
    path: `/hosts/${id}`,
  }))
}

function watchersRoom({ total, paused, late, failing }: WatcherStanding): OverviewRoom {
  return {
    room: 'watchers',
    state: late + failing > 0 ? 'problem' : 'up',
    total,
    problems: late + failing,
    text:
      total === 0
        ? 'no watchers'
        : worded('watcher', total, [
            [late, 'late'],
            [failing, 'failing'],
            [paused, 'paused'],
          ]),
    path: '/watchers',
  }
}

function watcherProblems({ lateWatchers }: OverviewParts): BareProblem[] {
  return lateWatchers.map(({ id, name, state, since, sentence }) => ({
    room: 'watchers',
    item: id,
    name,
    state,
    severity: 'problem',
    since,
    text: sentence,
    path: `/watchers/${id}`,
  }))
}

/** Records that come and go are nobody's concern; a store that takes none is. */
function telemetryRoom(trouble: string | null): OverviewRoom[] {
  if (trouble === null) return []
  return [
    {
      room: 'telemetry',
      state: 'degraded',
      total: 1,
      problems: 1,
      text: 'telemetry unavailable',
      path: '/telemetry/records',
    },
  ]
}

function telemetryProblems(trouble: string | null, nowMs: number): BareProblem[] {
  if (trouble === null) return []
  return [
    {
      room: 'telemetry',
      item: 'store',
      name: 'Telemetry records',
      state: 'unavailable',
      severity: 'degraded',
      since: isoTime(nowMs),
      text: `Telemetry records are not available: ${trouble}`,
      path: '/telemetry/records',
    },
  ]
}

/** A machine that is well is worth a word only in its own room. */
function healthRoom({ enabled, isLive, hasBegun, problems }: HealthStanding): OverviewRoom {
  const isBlind = enabled && hasBegun && !isLive
  const isCritical = problems.some(({ level }) => level === 'critical')
  const [first] = problems
  return {
    room: 'health',
    state: isCritical ? 'problem' : problems.length > 0 ? 'degraded' : isBlind ? 'unobserved' : 'up',
    total: enabled ? 1 : 0,
    problems: problems.length,
    text: !enabled
      ? 'health off'
      : first
        ? `${first.sentence}${problems.length > 1 ? ` and ${problems.length - 1} more` : ''}`
        : isBlind
          ? 'no reports of this machine'
          : hasBegun
            ? 'this machine is well'
            : 'no report of this machine yet',
    path: '/health/now',
  }
}

function healthProblems({ problems }: HealthStanding): BareProblem[] {
  return problems.map(({ key, name, level, since, sentence }) => ({
    room: 'health',
    item: key,
    name,
    state: level,
    severity: level === 'critical' ? 'problem' : 'degraded',
    since,
    text: `${sentence}.`,
    path: '/health/now',
  }))
}

/** Who does not look cannot say that there are no problems. */
const unseenWords = 'Not everything is seen'

function worded(what: string, all: number, parts: readonly (readonly [number, string])[]): string {
  const told = parts.flatMap(([count, word]) => (count > 0 ? [`${count} ${word}`] : []))
  const whole = `${all} ${what}${all === 1 ? '' : 's'}`
  return told.length === 0 ? `${whole}, all well` : `${told.join(', ')} of ${whole}`
}

/** A recorder and a machine that do what they should are worth a word only where there is nothing else to tell of. */
const quietRooms: ReadonlySet<OverviewRoom['room']> = new Set(['recorder', 'health'])

function sentenceOf(
  rooms: readonly OverviewRoom[],
  problems: number,
  isPaused: boolean,
  isBlind: boolean,
): string {
  const inUse = rooms.filter(({ total }) => total > 0)
  const told = inUse.filter(({ room, state }) => !quietRooms.has(room) || state !== 'up')
  if (told.length === 0) told.push(...inUse.filter(({ room }) => room === 'recorder'))
  const watched = told.sort((a, b) => orderOf(a.state) - orderOf(b.state)).map(({ text }) => text)
  const head = isPaused
    ? 'Watching is paused'
    : problems === 0
      ? isBlind
        ? unseenWords
        : 'No problems'
      : `${problems} problem${problems === 1 ? '' : 's'}`
  return `${head}: ${watched.join('; ')}`
}

function silenceOf(
  silences: readonly { readonly id: number; readonly untilMs: number; readonly isEndable?: boolean }[],
): OverviewSilence | null {
  if (silences.length === 0) return null
  return {
    ids: silences.filter(({ isEndable = true }) => isEndable).map(({ id }) => id),
    until: isoTime(Math.max(...silences.map(({ untilMs }) => untilMs))),
  }
}
