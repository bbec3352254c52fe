import Database from 'better-sqlite3'

/** A flight to write straight into the tables, as a recorder would have left it. */
export interface MadeFlight {
  readonly beginMs: number
  readonly lengthMs: number
  readonly bootId: string | null
  readonly beginBootMs: number | null
  readonly os?: string
  readonly ended?: string | null
  readonly clock?: 'synchronised' | 'plausible' | 'untrusted'
  readonly sleep?: { readonly atMs: number; readonly lengthMs: number }
  readonly evidence?: { readonly fact: string; readonly text: string }
}

/** Opens any database for a test's own statements. */
export function openRaw(database: string): Database.Database {
  return new Database(database)
}

/** flight-recorder's own statements, word for word, as its daemon runs them on a new file. */
export const flightRecorderSchema = [
  'PRAGMA journal_mode=WAL',
  'PRAGMA synchronous=NORMAL',
  'CREATE TABLE IF NOT EXISTS flight (\nid INTEGER PRIMARY KEY AUTOINCREMENT,\nduration REAL NOT NULL CONSTRAINT positive_duration CHECK (duration >= 0),\nlast_ts REAL NOT NULL)',
  'CREATE INDEX IF NOT EXISTS idx_flight_last_ts\nON flight (last_ts)\n',
  'CREATE INDEX IF NOT EXISTS idx_flight_begin\nON flight (last_ts - duration)\n',
]

/** Writes a database as flight-recorder would, with rows of (duration, last_ts) in seconds. */
export function makeFlightRecorderDatabase(file: string, rows: readonly (readonly [number, number])[]): void {
  const db = new Database(file)
  for (const statement of flightRecorderSchema) db.exec(statement)
  const insert = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (?, ?)')
  db.transaction(() => {
    for (const row of rows) insert.run(...row)
  })()
  db.close()
}

/** Opens the tables of a database that the service has opened before, to write flights into its past. */
export function openFlightTable(database: string): {
  insert(flights: readonly MadeFlight[]): void
  close(): void
} {
  const db = new Database(database)
  const insertFlight = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (?, ?)')
  const insertDetail = db.prepare(
    `INSERT INTO flight_detail (flight_id, source, boot_id, begin_boot_ms, begin_monotonic_ms, last_boot_ms,
       last_monotonic_ms, anchor_wall_ms, anchor_elapsed_ms, clock_state, interval_ms, os, version, ended, stop_searched,
       load1, memory_free, memory_total)
     VALUES (?, 'watchkeeper', ?, ?, ?, ?, ?, ?, ?, ?, 10000, ?, '0', ?, 1, 0.4, 3000000000, 8000000000)`,
  )
  const insertLapse = db.prepare(
    "INSERT INTO lapse (flight_id, at_elapsed_ms, length_ms, kind, seen_by) VALUES (?, ?, ?, 'asleep', 'boot-clock')",
  )
  const insertEvidence = db.prepare(
    'INSERT INTO stop_evidence (flight_id, source, at_ms, fact, text) VALUES (?, ?, ?, ?, ?)',
  )
  const insertAll = db.transaction((flights: readonly MadeFlight[]) => {
    for (const flight of flights) {
      const { beginMs, lengthMs, bootId, beginBootMs, clock = 'plausible', sleep, evidence } = flight
      const id = insertFlight.run(lengthMs / 1_000, (beginMs + lengthMs) / 1_000).lastInsertRowid
      const isTrusted = clock !== 'untrusted'
      const ran = lengthMs - (sleep?.lengthMs ?? 0)
      insertDetail.run(
        id,
        bootId,
        beginBootMs,
        beginBootMs,
        beginBootMs === null ? null : beginBootMs + lengthMs,
        beginBootMs === null ? null : beginBootMs + ran,
        isTrusted ? beginMs + lengthMs : null,
        isTrusted ? lengthMs : null,
        clock,
        flight.os ?? 'Linux test',
        flight.ended ?? null,
      )
      if (sleep) insertLapse.run(id, sleep.atMs, sleep.lengthMs)
      if (evidence) insertEvidence.run(id, 'journal', beginMs + lengthMs, evidence.fact, evidence.text)
    }
  })
  return {
    insert: insertAll,
    close: () => {
      db.close()
    },
  }
}

/** Returns how the last flight of a database ended, as the recorder wrote it down. */
export function lastEnding(database: string): string | null {
  const db = openRaw(database)
  try {
    return db.prepare('SELECT ended FROM flight_detail ORDER BY flight_id DESC LIMIT 1').pluck().get() as
      string | null
  } finally {
    db.close()
  }
}
