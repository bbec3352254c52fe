import type { Source } from '../../../shared/vocabulary.ts'
import type { Connection } from '../../store/open.ts'
import type { Found, FoundFlight, FoundRun } from './types.ts'

/** How many flights a source held. */
export function countOf(found: Found): number {
  return found.source === 'flight-recorder' ? found.flights.length : found.runs.length
}

/** Returns what was found in parts of at most `size`. */
export function splitFound(found: Found, size: number): Found[] {
  const parts: Found[] = []
  for (let at = 0; at < countOf(found); at += size) {
    parts.push(
      found.source === 'flight-recorder'
        ? { source: found.source, flights: found.flights.slice(at, at + size) }
        : { source: found.source, runs: found.runs.slice(at, at + size) },
    )
  }
  return parts
}

/** What an import did. */
export interface ImportResult {
  readonly source: Source
  readonly found: number
  readonly added: number
  /** Already there, brought up to date or left as they were. */
  readonly known: number
}

/** Writes what was found, in one transaction; what is already there is brought up to date, never doubled. */
export function storeFound(db: Connection, found: Found): ImportResult {
  return db
    .transaction((): ImportResult => {
      const added =
        found.source === 'flight-recorder'
          ? storeFlights(db, found.flights)
          : storeRuns(db, found.source, found.runs)
      const count = countOf(found)
      return { source: found.source, found: count, added, known: count - added }
    })
    .immediate()
}

/** The begin of a finished flight moves by no more than what its numbers are rounded to. */
const sameBeginSeconds = 2

interface KnownFlight {
  readonly id: number
  readonly duration: number
  readonly last_ts: number
}

function storeFlights(db: Connection, flights: readonly FoundFlight[]): number {
  const candidates = db.prepare(
    `SELECT f.id, f.duration, f.last_ts FROM flight_detail d JOIN flight f ON f.id = d.flight_id
     WHERE d.source = 'flight-recorder' AND d.source_key = ? ORDER BY f.id DESC`,
  )
  const newestKey = db.prepare(
    "SELECT max(CAST(source_key AS INTEGER)) FROM flight_detail WHERE source = 'flight-recorder'",
  )
  const newest = Number(newestKey.pluck().get() ?? 0)
  const lengthen = db.prepare('UPDATE flight SET duration = ?, last_ts = ? WHERE id = ? AND duration < ?')
  const insert = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (?, ?)')
  const mark = db.prepare(
    `INSERT INTO flight_detail (flight_id, source, source_key, clock_state) VALUES (?, 'flight-recorder', ?, 'plausible')`,
  )
  let added = 0
  for (const { id, duration, lastTs } of flights) {
    const known = (candidates.all(String(id)) as KnownFlight[]).find((row) => {
      if (Math.abs(row.last_ts - row.duration - (lastTs - duration)) <= sameBeginSeconds) return true
      // The begin of a flight that still ran moves with every step of its clock; only the newest can have.
      return id === newest && row.duration <= duration && row.last_ts <= lastTs
    })
    if (known) {
      lengthen.run(duration, lastTs, known.id, duration)
      continue
    }
    mark.run(insert.run(duration, lastTs).lastInsertRowid, String(id))
    added += 1
  }
  return added
}

function storeRuns(db: Connection, source: Source, runs: readonly FoundRun[]): number {
  const has = db.prepare('SELECT 1 FROM imported_flight WHERE source = ? AND source_key = ?')
  const upsert = db.prepare(
    `INSERT INTO imported_flight (source, source_key, begin_ms, end_ms, asleep_ms, boot_id, os, ended)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (source, source_key) DO UPDATE SET end_ms = max(end_ms, excluded.end_ms), asleep_ms = excluded.asleep_ms,
       ended = coalesce(excluded.ended, ended)`,
  )
  let added = 0
  for (const { key, beginMs, endMs, asleepMs, bootId, os: build, ended } of runs) {
    if (!has.get(source, key)) added += 1
    upsert.run(source, key, Math.round(beginMs), Math.round(endMs), asleepMs, bootId, build, ended)
  }
  return added
}
