import type { PurgeAnswer } from '../../shared/api/telemetry.ts'
import type { Timer } from '../clock.ts'
import type { TelemetryParts } from './index.ts'
import { HttpProblem } from '../problem.ts'
import { removeRecords, removeTerms, sweep } from './records/purge.ts'
import { readValue, writeValue } from './settings.ts'

/** Lets go of records: daily as telemetrics does, and on demand. */
export interface Purger {
  /** What the last run let go of; null before the first. */
  readonly last: { readonly atMs: number; readonly records: number } | null
  /** Lets go of what retention says, or only counts it. */
  run(dryRun: boolean): Promise<PurgeAnswer>
  start(): void
  stop(): Promise<void>
}

const setting = 'telemetry-last-purge'
const checkMs = 5 * 60_000
/** The hour and minute (local) of the daily run, as telemetrics has it. */
const dailyAt = { hour: 4, minute: 30 }
const steadyMs = 15 * 60_000
const stepToleranceMs = 3_600_000
const stepSize = 5_000
/** Records that are deleted in one transaction: each leaves eight indexes, and writing waits meanwhile. */
const mostAtOnce = 200
/** Below its limit of size the store is brought by this share, so that it is not at it again at once. */
const roomShare = 0.9
const quarantineMs = 35 * 86_400_000

export function createPurger({ context, log, store, settings }: TelemetryParts, done: () => void): Purger {
  const { clock, db, observation } = context
  let timer: Timer | null = null
  let running: Promise<PurgeAnswer> | null = null
  let isStopped = false
  let steadySinceMs = clock.glance().monotonicMs
  observation.onStep((stepMs) => {
    if (Math.abs(stepMs) > stepToleranceMs) steadySinceMs = clock.glance().monotonicMs
  })
  const now = (): number => Math.round(clock.glance().wallMs)

  const remove = async (ids: readonly number[]): Promise<number> => {
    let removed = 0
    for (let from = 0; from < ids.length && !isStopped; from += mostAtOnce) {
      const some = ids.slice(from, from + mostAtOnce)
      removed += await store().write(() => removeRecords(some))
    }
    return removed
  }

  const byAge = async (dryRun: boolean): Promise<number> => {
    const plan = settings().retention
    const nowMs = now()
    let after = 0
    let removed = 0
    while (!isStopped) {
      const piece = await store().ask('purgePiece', { plan, nowMs, after, most: stepSize })
      removed += dryRun ? piece.ids.length : await remove(piece.ids)
      if (piece.lastId === null) break
      after = piece.lastId
    }
    return removed
  }

  const bySize = async (dryRun: boolean): Promise<number> => {
    const { enabled, mostBytes } = settings().retention
    const before = await store().bytes()
    if (!enabled || mostBytes === 0 || before <= mostBytes) return 0
    const { records } = await store().ask('summary', null)
    const target = mostBytes * roomShare
    // Never more than the share that should be enough: what else takes room must not cost every record.
    const share = Math.ceil(records * (1 - target / before))
    if (dryRun) return share
    let removed = 0
    while (!isStopped && removed < share) {
      if (store().place.kind === 'sqlite' && (await store().bytes()) <= target) break
      const ids = await store().ask('oldestIds', { most: Math.min(1_000, share - removed) })
      if (ids.length === 0) break
      removed += await remove(ids)
    }
    return removed
  }

  /** Texts that no record has any more would fill the file in the end. */
  const sweepTerms = async (): Promise<void> => {
    if (store().place.kind !== 'sqlite') return
    const { orphans, upTo } = await store().ask('orphanTerms', null)
    for (let from = 0; from < orphans.length && !isStopped; from += mostAtOnce) {
      const some = orphans.slice(from, from + mostAtOnce)
      await store().write((writer) => removeTerms(some, upTo, writer))
    }
  }

  const purge = async (scope: 'size' | 'all', dryRun: boolean): Promise<PurgeAnswer> => {
    const aged = scope === 'all' ? await byAge(dryRun) : 0
    const answer = { dryRun, byAge: aged, bySize: await bySize(dryRun) }
    if (dryRun || isStopped) return answer
    if (scope === 'all') {
      await store().write(() => sweep({ nowMs: now(), quarantineMs }))
      await sweepTerms()
    } else if (answer.bySize === 0) return answer
    while (!isStopped && store().shrink()) await new Promise((resolve) => setImmediate(resolve))
    const records = answer.byAge + answer.bySize
    writeValue(db, setting, JSON.stringify({ atMs: now(), records }))
    if (records > 0)
      log.info(`Let go of ${records} records: ${answer.byAge} by age, ${answer.bySize} by size.`)
    done()
    return answer
  }

  const inTurn = (scope: 'size' | 'all', dryRun: boolean): Promise<PurgeAnswer> => {
    const work = async (): Promise<PurgeAnswer> => {
      let answer: PurgeAnswer = { dryRun, byAge: 0, bySize: 0 }
      // Of several collectors one is enough.
      const isDone = await store().alone('purge', async () => {
        answer = await purge(scope, dryRun)
      })
      if (!isDone && scope === 'all')
        throw new HttpProblem(409, 'another collector is letting go of records just now')
      return answer
    }
    const next = (running ?? Promise.resolve()).then(work, work)
    running = next
    void next
      .finally(() => {
        if (running === next) running = null
      })
      .catch(() => undefined)
    return next
  }
  const run = (dryRun: boolean): Promise<PurgeAnswer> => inTurn('all', dryRun)

  const last = (): Purger['last'] => {
    const text = readValue(db, setting)
    return text === null ? null : (JSON.parse(text) as Purger['last'])
  }

  /** A clock that was set a moment ago may be set again: ages are trusted after a while without a step. */
  const isSteady = (): boolean => clock.glance().monotonicMs - steadySinceMs >= steadyMs

  const tick = async (): Promise<void> => {
    try {
      await inTurn(isSteady() && isDue(now(), last()?.atMs ?? null) ? 'all' : 'size', false)
    } catch (error) {
      if (!isStopped) log.warn({ err: error }, 'Letting go of old records failed')
    }
    if (!isStopped) timer = clock.after(checkMs, () => void tick())
  }

  return {
    get last() {
      return last()
    },
    run,
    start() {
      timer?.cancel()
      timer = clock.after(checkMs, () => void tick())
    },
    async stop() {
      isStopped = true
      timer?.cancel()
      await running?.catch(() => undefined)
    },
  }
}

/** Returns whether the daily run has not been made since its time last came. */
export function isDue(nowMs: number, lastMs: number | null): boolean {
  const at = new Date(nowMs)
  at.setHours(dailyAt.hour, dailyAt.minute, 0, 0)
  if (at.getTime() > nowMs) at.setDate(at.getDate() - 1)
  // A run in the future was made by a clock that ran ahead.
  return lastMs === null || lastMs < at.getTime() || lastMs > nowMs
}
