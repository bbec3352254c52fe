import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RunningFlight } from '../../shared/api/machine.ts'
import { isoTime } from '../../shared/time-text.ts'
import { causeWords, gapKindWords } from '../../shared/vocabulary.ts'
import type { Clock, Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Log } from '../log.ts'
import { sqliteCode } from '../store/errors.ts'
import { collectStopEvidence, type Question } from './evidence/collect.ts'
import type { StopEvidence } from './gap-rules.ts'
import type { PresentOfReader } from './history.ts'
import { findHistory } from './imports/index.ts'
import { splitFound, storeFound, type ImportResult } from './imports/store.ts'
import type { Found, PresentMachine } from './imports/types.ts'
import type { GapToExplain } from './queries.ts'
import type { Tick } from './rules.ts'
import { powerReader } from './power.ts'
import { machineSampler, systemBuild } from './sample.ts'
import type { Ending, MachineSample } from './schema.ts'
import { openFlight, type FlightWriter } from './stamps.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import { recordUncleanEnd, untoldUncleanFlight } from './unclean-end.ts'
import { systemTimeService, type TimeService } from './time-service.ts'

/** What the recorder does to the world outside; tests give their own. */
export interface RecorderEdges {
  readonly sample: () => MachineSample
  readonly timeService: TimeService
  readonly os: string
  collectStopEvidence(question: Question): Promise<StopEvidence[]>
  findHistory(machine: PresentMachine): Promise<Found[]>
}

/** The room that records this machine's flights. */
export interface Recorder {
  readonly intervalMs: number
  /** Opens the flight and plans its stamps. @throws the database's error when no flight could be opened */
  start(): void
  /** Looks into the past: imports older history at the first run and explains the gaps before this flight. */
  lookBack(): Promise<void>
  /** Writes a stamp now, for a moment that matters such as the eve of a suspend. A failure is reported, never thrown. */
  stampNow(): void
  /** Writes the last stamp and ends the flight. */
  stop(how: Ending): void
  running(): RunningFlight | null
  counts(): { readonly stamps: number; readonly failures: number }
  present(): PresentOfReader
}

interface Failure {
  readonly sinceMs: number
  readonly sinceMonotonicMs: number
  readonly count: number
  readonly reason: string
}

/** A stamp that found the database locked is tried again this soon; flight-recorder waits for 5 s in all. */
const lockedRetryMs = 250
const lockedPatienceMs = 5_000
const lastStampPatienceMs = 800
/** Timers of whole milliseconds may fire this much early, which must not make two stamps of one. */
const mostEarlyMs = 2
/** So many flights are written in well under 50 ms. */
const importBatch = 1_000

/** Returns the edges of this machine. */
export function systemEdges(database: string, clock: Clock): RecorderEdges {
  return {
    sample: machineSampler(
      process.platform,
      powerReader(process.platform, () => clock.read().monotonicMs),
    ),
    timeService: systemTimeService(),
    os: systemBuild(),
    collectStopEvidence: (question) => collectStopEvidence(question),
    findHistory: (machine) => findHistory(database, machine),
  }
}

export function createRecorder(context: RoomContext, intervalMs: number, edges: RecorderEdges): Recorder {
  const { db, clock, reader, version } = context
  const log: Log = context.log.child({ name: 'RECORDER' })
  let writer: FlightWriter | null = null
  let timer: Timer | null = null
  let failure: Failure | null = null
  let dataVersion = 0
  const counts = { stamps: 0, failures: 0 }
  const earlyMs = Math.min(mostEarlyMs, intervalMs / 4)

  const noteTick = (tick: Tick): void => {
    if (tick.stepMs !== null) {
      log.warn(`The wall clock was moved by ${(tick.stepMs / 1_000).toFixed(3)} s.`)
      // A clock that was set at last shows a gap that could not be seen before.
      void edges.timeService
        .refresh()
        .then(explainPast)
        .catch((error: unknown) => log.warn({ err: error }, 'Explaining older gaps failed'))
    }
    if (tick.lapse) {
      const words = tick.lapse.kind === 'asleep' ? 'The machine was asleep' : 'The recorder was held up'
      log.info(`${words} for ${(tick.lapse.lengthMs / 1_000).toFixed(3)} s.`)
    }
    if (tick.stepMs !== null || tick.lapse) context.changed('history')
  }

  const noteFailure = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    const now = clock.read()
    const isLocked = sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
    const since = failure ?? { sinceMs: now.wallMs, sinceMonotonicMs: now.monotonicMs }
    const isPatient = isLocked && now.monotonicMs - since.sinceMonotonicMs < lockedPatienceMs
    failure = {
      sinceMs: since.sinceMs,
      sinceMonotonicMs: since.sinceMonotonicMs,
      reason,
      count: (failure?.count ?? 0) + 1,
    }
    if (isPatient) return
    counts.failures += 1
    log.error(`DB update failed: ${reason}`)
    context.changed('machine')
  }

  /** Other programs may write to the same file, flight-recorder itself among them. */
  const noteForeignChanges = (): void => {
    const seen = Number(db.pragma('data_version', { simple: true }))
    if (seen !== dataVersion) context.changed('history')
    dataVersion = seen
  }

  const stamp = (): void => {
    if (!writer) return
    try {
      const tick = writer.stamp()
      counts.stamps += 1
      failure = null
      const { id, elapsedMs, last } = writer.state
      log.debug(`Updated flight record #${id}: duration=${seconds(elapsedMs)} ts=${seconds(last.wallMs)}`)
      noteTick(tick)
      noteForeignChanges()
      context.changed('machine')
    } catch (error) {
      noteFailure(error)
    }
  }

  const plan = (): void => {
    if (!writer) return
    const now = clock.read().monotonicMs
    const beginMs = writer.state.begin.monotonicMs
    const nextMs = beginMs + (Math.floor((now - beginMs + earlyMs) / intervalMs) + 1) * intervalMs
    const delay = failure && counts.failures === 0 ? Math.min(lockedRetryMs, nextMs - now) : nextMs - now
    timer = clock.after(failure ? Math.min(delay, Math.max(lockedRetryMs, intervalMs / 4)) : delay, () => {
      stamp()
      plan()
    })
  }

  /** A long history is written in parts, between which requests and stamps have their turn. */
  const storeInBatches = async (found: Found): Promise<ImportResult> => {
    const total = { source: found.source, found: 0, added: 0, known: 0 }
    for (const batch of splitFound(found, importBatch)) {
      const result = storeFound(db, batch)
      total.found += result.found
      total.added += result.added
      total.known += result.known
      await nextTurn()
    }
    return total
  }

  const importAtFirstRun = async (): Promise<void> => {
    if (readSetting(db, 'history-imported') !== null) return
    const { wallMs: nowMs, bootMs } = clock.read()
    const machine = { nowMs, bootedAtMs: bootMs === null ? null : nowMs - bootMs }
    const results: ImportResult[] = []
    for (const found of await edges.findHistory(machine)) results.push(await storeInBatches(found))
    const added = results.filter((result) => result.added > 0)
    db.transaction(() => {
      writeSetting(db, 'history-imported', isoTime(nowMs))
      if (added.length === 0) return
      const words = added.map((result) => `${result.added} from ${result.source}`).join(', ')
      db.prepare("INSERT INTO service_event (at_ms, kind, text) VALUES (?, 'history-imported', ?)").run(
        Math.round(nowMs),
        `Older flights of this machine were found and imported: ${words}.`,
      )
      log.info(`Imported older flights: ${words}.`)
    }).immediate()
    if (added.length === 0) return
    context.changed('history')
    context.changed('service')
  }

  const explain = async (gap: GapToExplain): Promise<void> => {
    const evidence = await edges.collectStopEvidence(gap)
    const insert = db.prepare(
      'INSERT INTO stop_evidence (flight_id, source, at_ms, fact, text) VALUES (?, ?, ?, ?, ?)',
    )
    const isSearched = db.prepare('SELECT stop_searched FROM flight_detail WHERE flight_id = ?').pluck()
    const mark = db.prepare(
      `INSERT INTO flight_detail (flight_id, source, clock_state, stop_searched) VALUES (?, 'flight-recorder', 'plausible', 1)
       ON CONFLICT (flight_id) DO UPDATE SET stop_searched = 1`,
    )
    db.transaction(() => {
      // A clock that is set during a search starts another one for the same gap.
      if (isSearched.get(gap.flightId) === 1) return
      for (const { source, atMs, fact, text } of evidence)
        insert.run(gap.flightId, source, atMs === null ? null : Math.round(atMs), fact, text)
      mark.run(gap.flightId)
    }).immediate()
  }

  const explainPast = async (): Promise<void> => {
    const gaps = await reader.ask('gapsToExplain', { now: present() })
    for (const gap of gaps) await explain(gap)
    const newest = gaps[gaps.length - 1]
    if (!newest) return
    context.changed('history')
    const judged = await reader.ask('machineGap', { now: present(), id: `f${newest.flightId}` })
    if (!judged) return
    const cause = judged.cause ? `, ${causeWords[judged.cause]}` : ''
    log.info(`Before this flight, from ${judged.from} to ${judged.to}: ${gapKindWords[judged.kind]}${cause}.`)
  }

  const tellUncleanEnd = async (): Promise<void> => {
    const flightId = writer?.state.id
    const cutOff = flightId === undefined ? null : untoldUncleanFlight(context, flightId)
    if (flightId === undefined || cutOff === null) return
    const gap = await reader.ask('machineGap', { now: present(), id: `f${cutOff}` })
    recordUncleanEnd(context, cutOff, gap, clock.read().wallMs)
  }

  const present = (): PresentOfReader => {
    const { wallMs, bootMs, monotonicMs } = clock.read()
    return { wallMs: Math.round(wallMs), bootId: clock.bootId, bootMs, monotonicMs }
  }

  return {
    intervalMs,
    start() {
      writer = openFlight(
        { db, clock, sample: edges.sample, synchronised: () => edges.timeService.isSynchronised() },
        { intervalMs, os: edges.os, version },
      )
      counts.stamps += 1
      dataVersion = Number(db.pragma('data_version', { simple: true }))
      log.info(`Opened flight record #${writer.state.id}: ts=${seconds(writer.state.begin.wallMs)}`)
      plan()
    },
    async lookBack() {
      await edges.timeService.refresh()
      await importAtFirstRun()
      try {
        await explainPast()
      } finally {
        await tellUncleanEnd()
        log.debug('Looked back at older records.')
      }
    },
    stampNow: stamp,
    stop(how) {
      timer?.cancel()
      if (!writer) return
      const { id } = writer.state
      try {
        // The last stamp is worth holding the event loop for: nothing makes up for it.
        db.pragma(`busy_timeout = ${lastStampPatienceMs}`)
        writer.end(how)
        log.info(`Flight record #${id} closed.`)
      } catch (error) {
        log.error(`DB update failed: ${error instanceof Error ? error.message : String(error)}`)
      }
      writer = null
    },
    running: () => (writer ? viewOf(writer, intervalMs, edges.os, clock.bootId, failure) : null),
    counts: () => ({ ...counts }),
    present,
  }
}

function viewOf(
  { state }: FlightWriter,
  intervalMs: number,
  os: string,
  bootId: string | null,
  failure: Failure | null,
): RunningFlight {
  const { last, begin, elapsedMs, sample } = state
  return {
    id: state.id,
    begin: isoTime(last.wallMs - elapsedMs),
    lastStamp: isoTime(last.wallMs),
    durationMs: Math.round(elapsedMs),
    intervalMs: Math.round(intervalMs),
    bootId,
    bootedAt: begin.bootMs === null ? null : isoTime(last.wallMs - elapsedMs - begin.bootMs),
    os,
    clock: state.clock,
    load: sample.load,
    memoryFree: sample.memoryFree,
    memoryTotal: sample.memoryTotal,
    power: sample.power,
    battery: sample.battery,
    stampFailure: failure
      ? { since: isoTime(failure.sinceMs), count: failure.count, reason: failure.reason }
      : null,
  }
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}
