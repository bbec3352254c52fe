import { metricName, type HealthLevel } from '../../shared/health-words.ts'
import type { HealthSettings } from '../../shared/api/health.ts'
import { plainFacts, type RoomContext, type TransitionFacts } from '../context.ts'
import type { DaemonReport } from './report.ts'
import { judge, measureOf, reaches, worstLevel, type Measure } from './rules.ts'
import type { Figure, MetricState, Standing } from './schema.ts'
import { insertMetric, readMetrics, removeMetric, saveLevel, saveValues } from './store.ts'
import { noticeText, recoveryText, sentenceOf, topLines } from './words.ts'

/** Keeps the metrics with their levels, and writes each change of them with what is to be told, in one transaction. */
export interface Desk {
  readonly metrics: ReadonlyMap<string, MetricState>
  /**
   * Takes the figures of a report. `passedMs` is the time since the last one in which we looked; null when we did not.
   *
   * @returns whether a problem began or ended
   */
  take(
    figures: readonly Figure[],
    report: DaemonReport,
    atMs: number,
    passedMs: number | null,
  ): Promise<'alert' | 'recovery' | null>
  /** Brings levels in line with changed settings at the next figures, and closes what is no longer to be told. */
  settingsChanged(earlier: HealthSettings): Promise<void>
  /** Writes the last values down, in the transaction that runs. */
  save(): void
  readonly level: HealthLevel
}

/** A metric whose thing is gone for this long (ms) while we looked has no level any more. */
const goneMs = 600_000
/** One that was not seen for this long (ms) is forgotten. */
const forgottenMs = 400 * 86_400_000
/** Reminders of what lasts are this far (ms) apart at first. */
const remindMs = 86_400_000
/** A machine with more of something than this has it charted no further. */
const mostMetrics = 500
const path = '/health/now'

function factsOf({ kind, item }: MetricState, text: string, report: DaemonReport | null): TransitionFacts {
  return { ...plainFacts(metricName(kind, item), text), details: topLines(report), path, remindMs }
}

export const keyOf = ({ kind, item }: Pick<Figure, 'kind' | 'item'>): string => `${kind} ${item}`

interface Change {
  readonly state: MetricState
  readonly before: Standing
  readonly after: Standing
  readonly figure: Figure
}

export function createDesk(context: RoomContext, settings: () => HealthSettings): Desk {
  const { db, commits, transitions, clock } = context
  const metrics = new Map<string, MetricState>()
  /** How long (ms) metrics were missing while we looked. */
  const missing = new Map<string, number>()
  for (const row of readMetrics(db)) {
    metrics.set(keyOf(row), {
      id: row.id,
      kind: row.kind,
      item: row.item,
      value: row.lastValue,
      atMs: row.lastMs,
      limits: { careful: null, warning: null, critical: null },
      standing: {
        level: row.level,
        sinceMs: row.levelMs,
        rising: null,
        falling: null,
        problems: row.problems,
      },
    })
  }

  const make = async (figures: readonly Figure[], atMs: number): Promise<void> => {
    const fresh = figures
      .filter((figure) => !metrics.has(keyOf(figure)))
      .slice(0, Math.max(0, mostMetrics - metrics.size))
    if (fresh.length === 0) return
    const made = await commits.write(() =>
      fresh.map((figure) => insertMetric(db, figure.kind, figure.item, atMs)),
    )
    fresh.forEach(({ kind, item }, index) => {
      const id = made[index]
      if (id === undefined) return
      metrics.set(keyOf({ kind, item }), {
        id,
        kind,
        item,
        value: null,
        atMs: null,
        limits: { careful: null, warning: null, critical: null },
        standing: { level: 'ok', sinceMs: atMs, rising: null, falling: null, problems: [] },
      })
    })
  }

  const tell = (
    { state, before, after, figure }: Change,
    report: DaemonReport | null,
    atMs: number,
  ): 'alert' | 'recovery' | null => {
    const { notifyFrom } = settings()
    const was = reaches(before.level, notifyFrom)
    const is = reaches(after.level, notifyFrom)
    if (!was && !is) return null
    const kind = is ? (was ? 'update' : 'problem') : 'recovery'
    transitions.record({
      atMs,
      room: 'health',
      item: keyOf(state),
      kind,
      from: before.level,
      to: after.level,
      facts: is
        ? factsOf(state, noticeText(figure, after.level), report)
        : {
            ...plainFacts(
              metricName(state.kind, state.item),
              recoveryText(figure, Math.max(0, atMs - before.sinceMs)),
            ),
            path,
          },
    })
    return is ? (was ? null : 'alert') : 'recovery'
  }

  const commit = async (
    changes: readonly Change[],
    report: DaemonReport | null,
    atMs: number,
  ): Promise<'alert' | 'recovery' | null> => {
    if (changes.length === 0) return null
    const told = await commits.write(() =>
      changes.map((change) => {
        const { state, after } = change
        saveLevel(db, state.id, after.level, after.sinceMs, after.problems)
        return tell(change, report, atMs)
      }),
    )
    // Only what is on disk is believed: a failed write is tried again by the next figures.
    for (const { state, after } of changes) state.standing = after
    return told.includes('alert') ? 'alert' : told.includes('recovery') ? 'recovery' : null
  }

  /** Changes of metrics whose things are gone, such as a disk that was unmounted. */
  const goneOf = (seen: ReadonlySet<string>, atMs: number, passedMs: number | null): Change[] => {
    const changes: Change[] = []
    for (const [key, state] of metrics) {
      if (seen.has(key)) {
        missing.delete(key)
        continue
      }
      const forMs = (missing.get(key) ?? 0) + (passedMs ?? 0)
      missing.set(key, forMs)
      const { standing } = state
      if (standing.level === 'ok' || forMs < goneMs) continue
      changes.push({
        state,
        before: standing,
        after: { ...standing, level: 'ok', sinceMs: atMs, rising: null, falling: null },
        figure: { kind: state.kind, item: state.item, value: state.value ?? 0 },
      })
    }
    return changes
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
      const changes: Change[] = []
      for (const figure of figures) {
        const key = keyOf(figure)
        const state = metrics.get(key)
        if (!state || seen.has(key)) continue
        seen.add(key)
        const measure: Measure = measureOf(figure, rules, spareBytes)
        state.value = figure.value
        state.atMs = atMs
        state.limits = measure.limits
        const before = state.standing
        const after = judge(before, figure.value, measure, atMs, passedMs)
        if (after.level === before.level) state.standing = after
        else changes.push({ state, before, after, figure })
      }
      return commit([...changes, ...goneOf(seen, atMs, passedMs)], report, atMs)
    },
    async settingsChanged(earlier) {
      const nowMs = Math.round(clock.glance().wallMs)
      const now = settings()
      const tells = ({ enabled, notifyFrom }: HealthSettings, level: HealthLevel): boolean =>
        enabled && reaches(level, notifyFrom)
      await commits.write(() => {
        for (const state of metrics.values()) {
          const { standing, kind, item, value } = state
          const was = tells(earlier, standing.level)
          const is = tells(now, standing.level)
          if (was === is) continue
          const silent = plainFacts(metricName(kind, item), '')
          transitions.record({
            atMs: nowMs,
            room: 'health',
            item: keyOf(state),
            kind: is ? 'problem' : 'recovery',
            from: is ? 'ok' : standing.level,
            to: is ? standing.level : 'ok',
            // What is no longer told of must not stay open for ever, and nobody need hear that it ended.
            facts: is
              ? factsOf(state, noticeText({ kind, item, value: value ?? 0 }, standing.level), null)
              : silent,
          })
        }
      })
    },
    save() {
      saveValues(db, metrics.values())
      const nowMs = clock.glance().wallMs
      for (const [key, { id, atMs, standing }] of metrics)
        if (atMs !== null && nowMs - atMs > forgottenMs && standing.level === 'ok') {
          removeMetric(db, id)
          metrics.delete(key)
        }
    },
  }
}

/** Returns how a metric stands, in a sentence. */
export function standingSentence({ kind, item, value }: MetricState): string {
  return value === null
    ? `${metricName(kind, item)} has not been measured yet`
    : sentenceOf(kind, item, value)
}
