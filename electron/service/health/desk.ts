import { metricName, type HealthLevel } from '../../shared/health-words.ts'
import type { HealthSettings } from '../../shared/api/health.ts'
import { plainFacts, type RoomContext, type TransitionFacts } from '../context.ts'
import { isGone } from './figures.ts'
import type { DaemonReport } from './report.ts'
import { eased, judge, levelOf, measureOf, newStanding, reaches, worstLevel, type Measure } from './rules.ts'
import type { Figure, MetricState, Standing } from './schema.ts'
import { insertMetric, readMetrics, removeMetric, saveStanding, saveValues } from './store.ts'
import { factsOf, healthPath } from './telling.ts'
import { goneText, noticeText, recoveryText } from './words.ts'

/** Keeps the metrics with their levels, and writes each change of them with what is to be told, in one transaction. */
export interface Desk {
  readonly metrics: ReadonlyMap<string, MetricState>
  /**
   * Takes the figures of a report. `passedMs` is the time since the last one in which we looked; null when we did not.
   *
   * @returns the metrics that were measured anew, and whether a problem began or ended
   */
  take(
    figures: readonly Figure[],
    report: DaemonReport,
    atMs: number,
    passedMs: number | null,
  ): Promise<Taken>
  /** Brings what is told in line with changed settings; levels follow with the next figures, without waiting. */
  settingsChanged(earlier: HealthSettings): Promise<void>
  /** Writes the last values down, and forgets what has been gone for very long. @throws the store's error */
  save(): Promise<void>
  readonly level: HealthLevel
}

export interface Taken {
  readonly fresh: readonly MetricState[]
  readonly change: 'alert' | 'recovery' | null
}

/** A metric whose thing was not there for this long (ms) while we looked has no level any more. */
const goneMs = 120_000
/** One that was not seen for this long (ms) is forgotten. */
const forgottenMs = 400 * 86_400_000
/** More metrics than this are not kept: those that are gone make room. */
const mostMetrics = 500
const noLimits = { careful: null, warning: null, critical: null }

export const keyOf = ({ kind, item }: Pick<Figure, 'kind' | 'item'>): string => `${kind} ${item}`

interface Change {
  readonly state: MetricState
  readonly after: Standing
  readonly text: { readonly notice: string; readonly recovery: (lastedMs: number) => string }
}

/** What a metric's judgement waits for. */
interface Waiting {
  /** When its function last told it. */
  told: string | undefined
  /** Time (ms) that was seen since it was last judged; null when some of it was not. */
  passedMs: number | null
  /** How long (ms) it was missing while we looked. */
  missingMs: number
  /** Its limits were changed, so that its level is not held back. */
  isAnew: boolean
}

export function createDesk(context: RoomContext, settings: () => HealthSettings): Desk {
  const { db, commits, transitions, clock } = context
  const log = context.log
  const metrics = new Map<string, MetricState>()
  const waiting = new Map<string, Waiting>()
  const place = (
    id: number,
    { kind, item }: Pick<Figure, 'kind' | 'item'>,
    standing: Standing,
  ): MetricState => {
    const state: MetricState = {
      id,
      kind,
      item,
      value: null,
      atMs: null,
      seenMs: null,
      limits: noLimits,
      standing,
    }
    metrics.set(keyOf(state), state)
    return state
  }
  for (const row of readMetrics(db))
    Object.assign(place(row.id, row, row.standing), { value: row.lastValue, atMs: row.lastMs })
  let isFullTold = false

  /** Makes room for new metrics by those that have no level and were not seen for longest. */
  const makeRoom = (wanted: number, seen: ReadonlySet<string>): number[] => {
    const excess = metrics.size + wanted - mostMetrics
    if (excess <= 0) return []
    if (!isFullTold) log.warn(`More than ${mostMetrics} figures: those that are gone are forgotten`)
    isFullTold = true
    return [...metrics.values()]
      .filter((state) => state.standing.level === 'ok' && !seen.has(keyOf(state)))
      .sort((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))
      .slice(0, excess)
      .map(({ id }) => id)
  }
  const make = async (figures: readonly Figure[], atMs: number): Promise<void> => {
    const fresh = [...new Map(figures.map((figure) => [keyOf(figure), figure])).values()].filter(
      (figure) => !metrics.has(keyOf(figure)),
    )
    if (fresh.length === 0) return
    const gone = new Set(makeRoom(fresh.length, new Set(figures.map(keyOf))))
    const fitting = fresh.slice(0, Math.max(0, mostMetrics - metrics.size + gone.size))
    const ids = await commits.write(() => {
      for (const id of gone) removeMetric(db, id)
      return fitting.map(({ kind, item }) => insertMetric(db, kind, item, atMs))
    })
    for (const [key, { id }] of metrics) if (gone.has(id)) forget(key)
    fitting.forEach((figure, index) => {
      const id = ids[index]
      if (id !== undefined) place(id, figure, newStanding(atMs))
    })
  }
  const forget = (key: string): void => {
    metrics.delete(key)
    waiting.delete(key)
  }
  const waitingOf = (key: string): Waiting => {
    const known = waiting.get(key)
    if (known) return known
    const made: Waiting = { told: undefined, passedMs: null, missingMs: 0, isAnew: false }
    waiting.set(key, made)
    return made
  }

  const record = (
    state: MetricState,
    after: Standing,
    atMs: number,
    kind: 'problem' | 'update' | 'recovery',
    facts: TransitionFacts,
  ): void =>
    transitions.record({
      atMs,
      room: 'health',
      item: keyOf(state),
      kind,
      from: state.standing.level,
      to: after.level,
      facts,
    })

  /** Writes a change and what is to be told of it; returns the standing with what was told. */
  const write = (
    { state, after, text }: Change,
    report: DaemonReport,
    atMs: number,
  ): { after: Standing; told: Taken['change'] } => {
    const { notifyFrom } = settings()
    const was = reaches(state.standing.level, notifyFrom)
    const is = reaches(after.level, notifyFrom)
    const beganMs = is ? (state.standing.beganMs ?? atMs) : null
    const next = { ...after, beganMs }
    saveStanding(db, state.id, next)
    if (is) record(state, after, atMs, was ? 'update' : 'problem', factsOf(state, text.notice, report))
    else if (was)
      record(state, after, atMs, 'recovery', {
        ...plainFacts(
          metricName(state.kind, state.item),
          text.recovery(Math.max(0, atMs - (state.standing.beganMs ?? atMs))),
        ),
        path: healthPath,
      })
    return { after: next, told: is && !was ? 'alert' : was && !is ? 'recovery' : null }
  }

  const commit = async (
    changes: readonly Change[],
    report: DaemonReport,
    atMs: number,
  ): Promise<Taken['change']> => {
    if (changes.length === 0) return null
    const written = await commits.write(() => changes.map((change) => write(change, report, atMs)))
    // Only what is on disk is believed: a failed write is tried again by the next figures.
    changes.forEach(({ state }, index) => {
      state.standing = written[index]?.after ?? state.standing
    })
    const told = written.map((one) => one.told)
    return told.includes('alert') ? 'alert' : told.includes('recovery') ? 'recovery' : null
  }

  /** Changes of metrics whose things are gone, such as a disk that was unmounted. */
  const goneOf = (
    seen: ReadonlySet<string>,
    report: DaemonReport,
    atMs: number,
    passedMs: number | null,
  ): Change[] => {
    const changes: Change[] = []
    for (const [key, state] of metrics) {
      const wait = waitingOf(key)
      if (seen.has(key) || !isGone(state, report)) {
        wait.missingMs = 0
        continue
      }
      wait.missingMs += passedMs ?? 0
      if (state.standing.level === 'ok' || wait.missingMs < goneMs) continue
      const text = goneText(state.kind, state.item)
      changes.push({
        state,
        after: eased(state.standing, 'ok', atMs),
        text: { notice: text, recovery: () => text },
      })
    }
    return changes
  }

  /** Returns the change that a figure makes; null when it makes none. */
  const judged = (
    state: MetricState,
    figure: Figure,
    measure: Measure,
    wait: Waiting,
    atMs: number,
  ): Change | null => {
    const before = state.standing
    const lenient = levelOf(figure.value, measure, measure.slack)
    const isLess =
      wait.isAnew &&
      reaches(before.level, 'careful') &&
      worstLevel([before.level, lenient]) === before.level &&
      lenient !== before.level
    const after = isLess
      ? eased(before, lenient, atMs)
      : judge(before, figure.value, measure, atMs, wait.passedMs)
    wait.isAnew = false
    wait.passedMs = 0
    if (after.level === before.level) {
      state.standing = after
      return null
    }
    return {
      state,
      after,
      text: {
        notice: noticeText(figure, after.level),
        recovery: (lastedMs) => recoveryText(figure, lastedMs),
      },
    }
  }

  return {
    metrics,
    get level() {
      return worstLevel([...metrics.values()].map(({ standing }) => standing.level))
    },
    async take(figures, report, atMs, passedMs) {
      await make(figures, atMs)
      const { rules, spareBytes } = settings()
      const seen = new Set<string>()
      const fresh: MetricState[] = []
      const changes: Change[] = []
      for (const figure of figures) {
        const key = keyOf(figure)
        const state = metrics.get(key)
        if (!state || seen.has(key)) continue
        seen.add(key)
        state.seenMs = atMs
        const wait = waitingOf(key)
        wait.passedMs = wait.passedMs === null || passedMs === null ? null : wait.passedMs + passedMs
        const measure = measureOf(figure, rules, spareBytes)
        state.limits = measure.limits
        // What is only told again is no new measurement.
        if (figure.told !== undefined && figure.told === wait.told && !wait.isAnew) continue
        if (figure.told === undefined || figure.told !== wait.told) {
          state.value = figure.value
          state.atMs = atMs
          fresh.push(state)
        }
        wait.told = figure.told
        const change = judged(state, figure, measure, wait, atMs)
        if (change) changes.push(change)
      }
      return {
        fresh,
        change: await commit([...changes, ...goneOf(seen, report, atMs, passedMs)], report, atMs),
      }
    },
    async settingsChanged(earlier) {
      const nowMs = Math.round(clock.glance().wallMs)
      const now = settings()
      const tells = ({ enabled, notifyFrom }: HealthSettings, level: HealthLevel): boolean =>
        enabled && reaches(level, notifyFrom)
      const next = await commits.write(() =>
        [...metrics.values()].map((state): readonly [MetricState, Standing] => {
          const { standing, kind, item, value } = state
          const was = standing.beganMs !== null && tells(earlier, standing.level)
          // A room that is switched off knows of nothing, and begins anew when it is switched on.
          const after = now.enabled ? standing : eased(standing, 'ok', nowMs)
          const is =
            tells(now, after.level) && (was || tells(earlier, 'critical') || now.enabled === earlier.enabled)
          if (was && !is)
            record(
              state,
              { ...after, level: 'ok' },
              nowMs,
              'recovery',
              plainFacts(metricName(kind, item), ''),
            )
          if (!was && is)
            record(
              state,
              after,
              nowMs,
              'problem',
              factsOf(state, noticeText({ kind, item, value: value ?? 0 }, after.level), null),
            )
          const told = { ...after, beganMs: is ? (standing.beganMs ?? nowMs) : null }
          if (told.level !== standing.level || told.beganMs !== standing.beganMs)
            saveStanding(db, state.id, told)
          return [state, told]
        }),
      )
      for (const [state, standing] of next) state.standing = standing
      const limitsOf = ({ rules, spareBytes }: HealthSettings): string => JSON.stringify([rules, spareBytes])
      if (limitsOf(earlier) !== limitsOf(now)) for (const key of metrics.keys()) waitingOf(key).isAnew = true
    },
    async save() {
      const nowMs = clock.glance().wallMs
      const gone = [...metrics].filter(
        ([, { atMs, standing }]) => atMs !== null && nowMs - atMs > forgottenMs && standing.level === 'ok',
      )
      await commits.write(() => {
        saveValues(db, metrics.values())
        for (const [, { id }] of gone) removeMetric(db, id)
      })
      for (const [key] of gone) forget(key)
    },
  }
}
