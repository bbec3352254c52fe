import type { ClockState } from '../../shared/vocabulary.ts'
import type { Clock, ClockReading } from '../clock.ts'
import type { Connection } from '../store/open.ts'
import { judgeClock, readTick, type Tick } from './rules.ts'
import type { Ending, MachineSample } from './schema.ts'

/** What a flight is opened with. */
export interface FlightStart {
  readonly intervalMs: number
  readonly os: string
  readonly version: string
}

/** The flight being recorded, as of its last stamp. */
export interface FlightState {
  readonly id: number
  readonly begin: ClockReading
  readonly last: ClockReading
  readonly elapsedMs: number
  readonly clock: ClockState
  readonly sample: MachineSample
}

/** Writes one flight: a row at its begin, the same row at every stamp, and once more at its end. */
export interface FlightWriter {
  readonly state: FlightState
  /**
   * Writes a stamp in one transaction.
   *
   * @returns what passed since the stamp before
   * @throws the database's error; nothing is then changed and the next stamp makes up for it
   */
  stamp(): Tick
  /** Writes the last stamp with how the flight ended. @throws the database's error */
  end(how: Ending): void
}

/** What a writer needs from outside. */
export interface WriterContext {
  readonly db: Connection
  readonly clock: Clock
  readonly sample: () => MachineSample
  readonly synchronised: () => boolean | null
}

interface Seen {
  readonly last: ClockReading
  readonly elapsedMs: number
  readonly lapses: readonly { readonly atMs: number; readonly lapse: NonNullable<Tick['lapse']> }[]
  readonly steps: readonly { readonly atMs: number; readonly stepMs: number }[]
}

/** Opens a flight and writes its first stamp. @throws the database's error; no row is then left */
export function openFlight(
  { db, clock, sample, synchronised }: WriterContext,
  start: FlightStart,
): FlightWriter {
  const insertFlight = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (0, ?)')
  const insertDetail = db.prepare(
    `INSERT INTO flight_detail (flight_id, source, boot_id, begin_boot_ms, begin_monotonic_ms, last_boot_ms,
       last_monotonic_ms, anchor_wall_ms, anchor_elapsed_ms, clock_state, interval_ms, os, version, load1, memory_free,
       memory_total, power, battery)
     VALUES (?, 'watchkeeper', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const updateFlight = db.prepare('UPDATE flight SET duration = ?, last_ts = ? WHERE id = ?')
  const updateDetail = db.prepare(
    `UPDATE flight_detail SET last_boot_ms = ?, last_monotonic_ms = ?, anchor_wall_ms = ?, anchor_elapsed_ms = ?,
       clock_state = ?, load1 = ?, memory_free = ?, memory_total = ?, power = ?, battery = ?, ended = ?
     WHERE flight_id = ?`,
  )
  const insertLapse = db.prepare(
    'INSERT INTO lapse (flight_id, at_elapsed_ms, length_ms, kind, seen_by) VALUES (?, ?, ?, ?, ?)',
  )
  const insertStep = db.prepare('INSERT INTO clock_step (flight_id, at_elapsed_ms, step_ms) VALUES (?, ?, ?)')

  const begin = clock.read()
  const anchor = { wallMs: null as number | null, elapsedMs: null as number | null }
  const firstClock = judgeClock(begin.wallMs, synchronised())
  if (firstClock !== 'untrusted') Object.assign(anchor, { wallMs: Math.round(begin.wallMs), elapsedMs: 0 })
  const firstSample = sample()
  const id = db.transaction((): number => {
    const flightId = Number(insertFlight.run(begin.wallMs / 1_000).lastInsertRowid)
    insertDetail.run(
      flightId,
      clock.bootId,
      begin.bootMs,
      begin.monotonicMs,
      begin.bootMs,
      begin.monotonicMs,
      anchor.wallMs,
      anchor.elapsedMs,
      firstClock,
      Math.round(start.intervalMs),
      start.os,
      start.version,
      ...sampleValues(firstSample),
    )
    return flightId
  })()
  let state: FlightState = { id, begin, last: begin, elapsedMs: 0, clock: firstClock, sample: firstSample }
  /** What was seen since the last stamp that could be written; a stamp that fails must not look like a sleep. */
  let seen: Seen = { last: begin, elapsedMs: 0, lapses: [], steps: [] }

  const write = db.transaction((next: FlightState, { lapses, steps }: Seen, ended: Ending | null) => {
    updateFlight.run(next.elapsedMs / 1_000, next.last.wallMs / 1_000, id)
    updateDetail.run(
      next.last.bootMs,
      next.last.monotonicMs,
      anchor.wallMs,
      anchor.elapsedMs,
      next.clock,
      ...sampleValues(next.sample),
      ended,
      id,
    )
    for (const { atMs, lapse } of lapses) insertLapse.run(id, atMs, lapse.lengthMs, lapse.kind, lapse.seenBy)
    for (const { atMs, stepMs } of steps) insertStep.run(id, atMs, stepMs)
  })

  const advance = (ended: Ending | null): Tick => {
    const last = clock.read()
    const tick = readTick(seen.last, last, start.intervalMs, clock.monotonicStopsInSuspend)
    const elapsedMs = seen.elapsedMs + tick.elapsedMs
    seen = {
      last,
      elapsedMs,
      lapses: tick.lapse
        ? [...seen.lapses, { atMs: Math.round(seen.elapsedMs), lapse: tick.lapse }]
        : seen.lapses,
      steps:
        tick.stepMs === null
          ? seen.steps
          : [...seen.steps, { atMs: Math.round(elapsedMs), stepMs: tick.stepMs }],
    }
    const trust = judgeClock(last.wallMs, synchronised())
    if (trust !== 'untrusted')
      Object.assign(anchor, { wallMs: Math.round(last.wallMs), elapsedMs: Math.round(elapsedMs) })
    const next: FlightState = { id, begin, last, elapsedMs, clock: trust, sample: sample() }
    write.immediate(next, seen, ended)
    seen = { last, elapsedMs, lapses: [], steps: [] }
    state = next
    return tick
  }

  return {
    get state() {
      return state
    },
    stamp: () => advance(null),
    end: (how) => {
      advance(how)
    },
  }
}

function sampleValues(sample: MachineSample): (number | string | null)[] {
  return [sample.load, sample.memoryFree, sample.memoryTotal, sample.power, sample.battery]
}
