import type { PurgeAnswer } from '../../shared/api/telemetry.ts'
import type { Timer } from '../clock.ts'
import type { Work } from '../store/records/work.ts'
import { HttpProblem } from '../problem.ts'
import type { TelemetryParts } from './index.ts'
import { removeGuilties } from './records/guilties.ts'
import type { Writer } from './records/insert.ts'
import { removeRecords } from './records/purge.ts'
import { beginTermSweep, removeTerms, sweep } from './records/sweep.ts'
import { readSetting, writeSetting } from '../store/settings.ts'

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

/** Records that go, with about the room that they take (bytes). */
interface Going {
  readonly records: number
  readonly bytes: number
}

const nothing: Going = { records: 0, bytes: 0 }

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

  const byAge = async (dryRun: boolean): Promise<Going> => {
    const plan = settings().retention
    const nowMs = now()
    let after = 0
    let records = 0
    let bytes = 0
    while (!isStopped) {
      const piece = await store().ask('purgePiece', { plan, nowMs, after, most: stepSize })
      records += dryRun ? piece.ids.length : await remove(piece.ids)
      bytes += piece.bytes
      if (piece.lastId === null) break
      after = piece.lastId
    }
    return { records, bytes }
  }

  /** Returns how many records are too many; `gone` are those that a dry run has let go of already. */
  const excess = async (gone: Going): Promise<number> => {
    const { enabled, mostBytes } = settings().retention
    if (!enabled || mostBytes === 0) return 0
    const taken = (await store().bytes()) - gone.bytes
    if (taken <= mostBytes) return 0
    // Gaps are filled by what comes next, and no record need go for them.
    const bytes = store().place.kind === 'sqlite' ? taken - (await store().ask('gapBytes', null)) : taken
    if (bytes <= mostBytes) return 0
    const records = (await store().ask('summary', null)).records - gone.records
    // Never more than the share that should be enough: what else takes room must not cost every record.
    return Math.max(0, Math.ceil(records * (1 - (mostBytes * roomShare) / bytes)))
  }

  const bySize = async (most: number): Promise<number> => {
    const target = settings().retention.mostBytes * roomShare
    let before = await store().bytes()
    let removed = 0
    while (!isStopped && removed < most && before > target) {
      const ids = await store().ask('oldestIds', { most: Math.min(1_000, most - removed) })
      if (ids.length === 0) break
      removed += await remove(ids)
      const bytes = await store().bytes()
      // What gives no room back is better kept.
      if (bytes >= before) break
      before = bytes
    }
    return removed
  }

  const inBatches = async (
    ids: readonly number[],
    work: (some: readonly number[], writer: Writer) => Work<void>,
  ): Promise<void> => {
    for (let from = 0; from < ids.length && !isStopped; from += mostAtOnce) {
      const some = ids.slice(from, from + mostAtOnce)
      await store().write((writer) => work(some, writer))
    }
  }

  /** Frames and texts that no record has any more would fill the store in the end. */
  const sweepAll = async (): Promise<void> => {
    await store().write(() => sweep({ nowMs: now(), quarantineMs }))
    await inBatches(await store().ask('idleGuilties', null), removeGuilties)
    const upTo = await store().write(beginTermSweep)
    await inBatches(await store().ask('orphanTerms', null), (some, writer) => removeTerms(some, upTo, writer))
  }

  const purge = async (scope: 'size' | 'all', dryRun: boolean): Promise<PurgeAnswer> => {
    const aged = scope === 'all' ? await byAge(dryRun) : nothing
    if (dryRun) return { dryRun, byAge: aged.records, bySize: await excess(aged) }
    const isFull = (await excess(nothing)) > 0
    if (scope === 'size' && !isFull) return { dryRun, byAge: 0, bySize: 0 }
    // What belongs to no record goes first, so that no record goes for it.
    if (!isStopped) await sweepAll()
    const sized = isFull ? await bySize(await excess(nothing)) : 0
    if (sized > 0 && !isStopped) await sweepAll()
    const answer = { dryRun, byAge: aged.records, bySize: sized }
    while (!isStopped && (await store().shrink())) await new Promise((resolve) => setImmediate(resolve))
    const records = answer.byAge + answer.bySize
    if (isStopped) return answer
    if (scope === 'all' || sized > 0) writeSetting(db, setting, JSON.stringify({ atMs: now(), records }))
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
    const text = readSetting(db, setting)
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
