import path from 'node:path'
import type { ChangeHealthSettings, HealthSettings } from '../../shared/api/health.ts'
import { dayMs } from '../../shared/time-text.ts'
import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Log, LogTarget } from '../log.ts'
import { HttpProblem } from '../problem.ts'
import { createDesk, type Desk } from './desk.ts'
import { figuresOf, plugInFigures } from './figures.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { createOwnWatch, type OwnCost } from './own-cost.ts'
import { createPlugIns, type PlugIns } from './plug-ins/index.ts'
import { reportText, type DaemonReport, type TextView } from './report.ts'
import { faultOfRules } from './rules.ts'
import type { Figure } from './schema.ts'
import { readSettings, writeSettings } from './settings.ts'
import { createRunner } from './workers/worker.ts'
import { systemWorkers, type WorkerChoices, type Workers } from './workers/index.ts'

/** The room of this machine's own health. */
export interface Health {
  readonly settings: HealthSettings
  readonly desk: Desk
  readonly keeper: Keeper
  readonly plugIns: PlugIns
  readonly workers: Workers
  /** The last report; null before the first. */
  readonly report: DaemonReport | null
  /** When it was made (ms UTC). */
  readonly reportMs: number | null
  /** True while reports are made as often as they should. */
  readonly isLive: boolean
  readonly own: OwnCost
  /** Returns when this machine was booted (ms UTC); null where the system does not tell. */
  bootMs(): number | null
  start(): void
  stop(): Promise<void>
  /** Makes a report now, beside the rhythm. */
  sample(): Promise<DaemonReport>
  /** Hands what was measured to the series, so that a chart has it soon. */
  flush(): Promise<void>
  /** @throws HttpProblem 400 for settings that could only be a mistake */
  /** @throws HttpProblem 400 when a change cannot be made */
  check(change: ChangeHealthSettings): void
  change(change: ChangeHealthSettings): Promise<HealthSettings>
}

/** What the room reaches the world with; tests bring their own. */
export interface HealthEdges {
  workers?(choices: () => WorkerChoices): Workers
  /** Seconds between reports of this run, whatever the setting says, until it is changed. */
  readonly intervalS?: number
  /** Where each report is appended as text. */
  readonly textLog?: { readonly target: LogTarget; readonly view: TextView } | null
}

/** The service has more urgent things to do when it starts. */
const firstMs = 1_000
/** Measurements are held together for this long (ms), since every write wears a disk; while something is wrong they are not. */
const gatherMs = 60_000
const forecastEveryMs = 3_600_000
/** A plug-in may hold up a report for about this long (ms), and we look all the same. */
const longestReportMs = 30_000
/** A disk that is emptier than this (per cent) is not called full soon, however fast it fills. */
const fullEnough = 60

export function createHealth(context: RoomContext, edges: HealthEdges = {}): Health {
  const { db, clock, commits, series, reader, observation } = context
  const log: Log = context.log.child({ name: 'HEALTH' })
  const stored = readSettings(db)
  let settings: HealthSettings = { ...stored, intervalS: edges.intervalS ?? stored.intervalS }
  const choices = (): WorkerChoices => ({ asksDrives: settings.asksDrives, services: settings.services })
  const workers = edges.workers?.(choices) ?? systemWorkers({ clock, choices })
  const runner = createRunner(clock)
  const plugIns = createPlugIns(
    clock,
    log,
    path.join(context.databaseFolder, 'health-plugins'),
    () => settings,
  )
  const desk = createDesk({ ...context, log }, () => settings)
  const own = createOwnWatch()
  const keeper = createKeeper({ ...context, log }, workers.packages)
  let timer: Timer | null = null
  let running: Promise<DaemonReport> | null = null
  let isStarted = false
  let isStopped = false
  let last: { readonly report: DaemonReport; readonly atMs: number; readonly monotonicMs: number } | null =
    null
  let waiting: { readonly id: number; readonly atMs: number; readonly value: number }[] = []
  let gatheredMs = Number.NEGATIVE_INFINITY
  let forecastMs = Number.NEGATIVE_INFINITY
  let forecasts: ReadonlyMap<string, number> = new Map()

  const flush = (): void => {
    for (const { id, atMs, value } of waiting) series.add(id, atMs, value)
    waiting = []
    gatheredMs = clock.glance().monotonicMs
  }

  /** Returns the time (ms) since the report before, when we looked all the while; null otherwise. */
  const passedSince = (atMs: number, monotonicMs: number): number | null => {
    if (last === null) return null
    const passedMs = monotonicMs - last.monotonicMs
    const mostMs = 3 * settings.intervalS * 1_000 + longestReportMs
    // Where both clocks disagree, the machine slept or a clock was set: nobody knows what was between.
    const isOdd = Math.abs(atMs - last.atMs - passedMs) > mostMs
    return passedMs > mostMs || isOdd ? null : passedMs
  }

  const foresee = async (atMs: number, monotonicMs: number): Promise<void> => {
    if (monotonicMs - forecastMs < forecastEveryMs) return
    forecastMs = monotonicMs
    const found = await reader.ask('healthForecasts', {
      series: [...desk.metrics.values()]
        .filter(({ kind }) => kind === 'disk-used')
        .map(({ id, item }) => ({ id, item })),
      blind: observation.blindSpans().filter(({ toMs }) => toMs > atMs - 8 * dayMs),
      nowMs: Math.round(atMs),
    })
    forecasts = new Map(found.flatMap(({ item, days }) => (days === null ? [] : [[item, days]])))
  }

  const daysFigures = (figures: readonly Figure[]): Figure[] =>
    figures.flatMap(({ kind, item, value }): Figure[] => {
      const days = kind === 'disk-used' ? forecasts.get(item) : undefined
      if (days === undefined) return []
      const never = { careful: null, warning: null, critical: null }
      return [{ kind: 'disk-days', item, value: days, ...(value < fullEnough && { ownLimits: never }) }]
    })

  const levels = (): string =>
    [...desk.metrics.values()]
      .flatMap(({ id, standing }) => (standing.level === 'ok' ? [] : [`${id}${standing.level}`]))
      .join()

  const take = async (report: DaemonReport, beganMs: number): Promise<void> => {
    const { wallMs, monotonicMs } = clock.glance()
    const atMs = Math.round(wallMs)
    const passedMs = passedSince(atMs, monotonicMs)
    last = { report, atMs, monotonicMs }
    const measured = figuresOf(report)
    const figures = [
      ...measured,
      ...daysFigures(measured),
      ...own.measure(monotonicMs, monotonicMs - beganMs),
      ...plugInFigures(report, plugIns.names),
    ]
    const levelsBefore = levels()
    const { fresh, change } = await desk.take(figures, report, atMs, passedMs)
    // What is wrong stands in the overview as well, also when nobody is told of it.
    if (levels() !== levelsBefore) context.changed('notices')
    for (const { id, value } of fresh) if (value !== null) waiting.push({ id, atMs, value })
    const isUneasy =
      change !== null || [...desk.metrics.values()].some(({ standing }) => standing.rising !== null)
    if (isUneasy || monotonicMs - gatheredMs >= gatherMs) {
      flush()
      await desk.save()
    }
    edges.textLog?.target.write(reportText(report, edges.textLog.view))
    if (change !== null) await keeper.keep(report, change, atMs)
    await keeper.offer(report, atMs)
    await foresee(atMs, monotonicMs)
  }

  const cycle = async (): Promise<DaemonReport> => {
    const beganMs = clock.glance().monotonicMs
    const report = await runner.run(plugIns.added(workers.list))
    if (isStopped) return report
    try {
      await take(report, beganMs)
    } catch (error) {
      if (!isStopped) log.error({ err: error }, 'Taking in a health report failed; the next one is tried')
    }
    context.changed('health')
    return report
  }

  const sample = (): Promise<DaemonReport> => {
    running ??= cycle().finally(() => {
      running = null
    })
    return running
  }

  const plan = (delayMs: number): void => {
    timer?.cancel()
    timer = null
    if (isStopped || !isStarted || !settings.enabled) return
    timer = clock.after(delayMs, () => {
      const beganMs = clock.glance().monotonicMs
      const again = (): void => {
        const tookMs = clock.glance().monotonicMs - beganMs
        plan(Math.max(settings.intervalS * 500, settings.intervalS * 1_000 - tookMs))
      }
      sample().then(again, (error: unknown) => {
        log.error({ err: error }, 'Making a health report failed; the next one is tried')
        again()
      })
    })
  }

  const check = ({ rules, services }: ChangeHealthSettings): void => {
    const fault = rules === undefined ? null : faultOfRules(rules)
    if (fault !== null) throw new HttpProblem(400, fault)
    if ((services?.length ?? 0) > 0 && !workers.watchesServices())
      throw new HttpProblem(400, 'services cannot be watched here: this machine does not run systemd')
  }

  return {
    get settings() {
      return settings
    },
    desk,
    keeper,
    plugIns,
    workers,
    get report() {
      return last?.report ?? null
    },
    get reportMs() {
      return last?.atMs ?? null
    },
    get isLive() {
      return (
        settings.enabled &&
        last !== null &&
        clock.glance().monotonicMs - last.monotonicMs < 3 * settings.intervalS * 1_000 + 10_000
      )
    },
    get own() {
      return own.cost
    },
    bootMs() {
      const { wallMs, bootMs } = clock.read()
      return bootMs === null ? null : wallMs - bootMs
    },
    start() {
      isStarted = true
      plan(firstMs)
    },
    async stop() {
      isStopped = true
      timer?.cancel()
      flush()
      workers.close()
      plugIns.stop()
      await desk.save().catch(() => undefined)
    },
    sample,
    flush: () => {
      flush()
      return series.flush()
    },
    check,
    async change(change) {
      check(change)
      const earlier = settings
      const next = await commits.write(() => {
        // Two changes of one moment must not undo each other.
        const merged: HealthSettings = { ...readSettings(db), ...change }
        writeSettings(db, merged)
        return merged
      })
      settings = { ...next, intervalS: change.intervalS ?? settings.intervalS }
      await desk.settingsChanged(earlier)
      plan(0)
      context.changed('health')
      return settings
    },
  }
}
