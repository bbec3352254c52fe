import type { Connection } from '../store/open.ts'
import type { ClockState, Source } from '../../shared/vocabulary.ts'
import type { StopEvidence, StopFact } from './gap-rules.ts'
import type { ClockStepRow, EvidenceRow, FlightRow, ImportedRow, LapseRow, MachineSample } from './schema.ts'

/** Reads every flight in the order in which it was recorded. */
export function readFlights(db: Connection): FlightRow[] {
  const rows = db
    .prepare(
      `SELECT f.id, f.duration, f.last_ts, d.source, d.boot_id, d.begin_boot_ms, d.begin_monotonic_ms, d.last_boot_ms,
              d.last_monotonic_ms, d.anchor_wall_ms, d.anchor_elapsed_ms, d.clock_state, d.interval_ms, d.os, d.ended
       FROM flight f LEFT JOIN flight_detail d ON d.flight_id = f.id ORDER BY f.id`,
    )
    .raw()
    .iterate() as IterableIterator<RawFlight>
  const flights: FlightRow[] = []
  for (const raw of rows) flights.push(flightOf(raw))
  return flights
}

type RawFlight = readonly [
  number,
  number | null,
  number | null,
  Source | null,
  string | null,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
  ClockState | null,
  number | null,
  string | null,
  string | null,
]

function flightOf(raw: RawFlight): FlightRow {
  return {
    id: raw[0],
    duration: bounded(raw[1]),
    last_ts: bounded(raw[2]),
    source: raw[3],
    boot_id: raw[4],
    begin_boot_ms: raw[5],
    begin_monotonic_ms: raw[6],
    last_boot_ms: raw[7],
    last_monotonic_ms: raw[8],
    anchor_wall_ms: raw[9],
    anchor_elapsed_ms: raw[10],
    clock_state: raw[11],
    interval_ms: raw[12],
    os: raw[13],
    ended: raw[14],
  }
}

/** A foreign row may hold any number; beyond this many seconds (year 5138) no time could be written. */
const farthestSeconds = 1e11

function bounded(seconds: number | null): number {
  return Math.min(Math.max(seconds ?? 0, -farthestSeconds), farthestSeconds)
}

export function readLapses(db: Connection): LapseRow[] {
  return db
    .prepare('SELECT flight_id, at_elapsed_ms, length_ms, kind FROM lapse ORDER BY flight_id, at_elapsed_ms')
    .all() as LapseRow[]
}

export function readClockSteps(db: Connection): ClockStepRow[] {
  return db
    .prepare('SELECT flight_id, at_elapsed_ms, step_ms FROM clock_step ORDER BY id')
    .all() as ClockStepRow[]
}

export function readImported(db: Connection): ImportedRow[] {
  return db
    .prepare(
      'SELECT id, source, begin_ms, end_ms, asleep_ms, boot_id, os, ended FROM imported_flight ORDER BY begin_ms, id',
    )
    .all() as ImportedRow[]
}

/** Reads all evidence, by the flight that ended before it was found. */
export function readEvidence(db: Connection): Map<number, StopEvidence[]> {
  const rows = db
    .prepare('SELECT flight_id, source, at_ms, fact, text FROM stop_evidence ORDER BY id')
    .all() as EvidenceRow[]
  const byFlight = new Map<number, StopEvidence[]>()
  for (const { flight_id, source, at_ms, fact, text } of rows) {
    const entry: StopEvidence = { source, atMs: at_ms, fact: fact as StopFact, text }
    const list = byFlight.get(flight_id)
    if (list) list.push(entry)
    else byFlight.set(flight_id, [entry])
  }
  return byFlight
}

interface SampleRow {
  readonly flight_id: number
  readonly load1: number | null
  readonly memory_free: number | null
  readonly memory_total: number | null
  readonly power: MachineSample['power']
  readonly battery: number | null
}

const sampleColumns = 'flight_id, load1, memory_free, memory_total, power, battery'

/** Reads the last samples of the flights that ended on battery: the only ones whose sample decides a cause. */
export function readBatterySamples(db: Connection): Map<number, MachineSample> {
  const rows = db
    .prepare(`SELECT ${sampleColumns} FROM flight_detail WHERE power = 'battery'`)
    .all() as SampleRow[]
  return new Map(rows.map((row) => [row.flight_id, sampleOf(row)]))
}

/** Reads what the machine was like at the last stamp of a flight; null for flights that did not sample it. */
export function readSample(db: Connection, flightId: number): MachineSample | null {
  const row = db.prepare(`SELECT ${sampleColumns} FROM flight_detail WHERE flight_id = ?`).get(flightId) as
    SampleRow | undefined
  return row && row.memory_total !== null ? sampleOf(row) : null
}

function sampleOf(row: SampleRow): MachineSample {
  return {
    load: row.load1,
    memoryFree: row.memory_free,
    memoryTotal: row.memory_total,
    power: row.power,
    battery: row.battery,
  }
}

/** Reads the notes that users wrote on gaps, by gap. */
export function readNotes(db: Connection): Map<string, string> {
  const rows = db.prepare('SELECT gap, note FROM gap_note').all() as { gap: string; note: string }[]
  return new Map(rows.map(({ gap, note }) => [gap, note]))
}
