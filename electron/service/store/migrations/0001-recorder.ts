import type { Migration } from '../migrate.ts'

/**
 * flight-recorder's table, exactly as its daemon creates it, so that its reporter can read ours and we can open its file.
 */
const flightTable = `
CREATE TABLE IF NOT EXISTS flight (
id INTEGER PRIMARY KEY AUTOINCREMENT,
duration REAL NOT NULL CONSTRAINT positive_duration CHECK (duration >= 0),
last_ts REAL NOT NULL);
CREATE INDEX IF NOT EXISTS idx_flight_last_ts ON flight (last_ts);
CREATE INDEX IF NOT EXISTS idx_flight_begin ON flight (last_ts - duration);
`

/** What flight-recorder's table cannot hold. Times are integer milliseconds, UTC; sizes are bytes. */
const sideTables = `
CREATE TABLE flight_detail (
  flight_id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  source_key TEXT,
  boot_id TEXT,
  begin_boot_ms REAL,
  begin_monotonic_ms REAL,
  last_boot_ms REAL,
  last_monotonic_ms REAL,
  anchor_wall_ms INTEGER,
  anchor_elapsed_ms INTEGER,
  clock_state TEXT NOT NULL,
  interval_ms INTEGER,
  os TEXT,
  version TEXT,
  ended TEXT,
  stop_searched INTEGER NOT NULL DEFAULT 0,
  load1 REAL,
  memory_free INTEGER,
  memory_total INTEGER,
  power TEXT,
  battery REAL
) STRICT;
CREATE INDEX flight_detail_source ON flight_detail (source, source_key);

CREATE TABLE lapse (
  id INTEGER PRIMARY KEY,
  flight_id INTEGER NOT NULL,
  at_elapsed_ms INTEGER NOT NULL,
  length_ms INTEGER NOT NULL CHECK (length_ms > 0),
  kind TEXT NOT NULL CHECK (kind IN ('asleep', 'stalled')),
  seen_by TEXT NOT NULL
) STRICT;
CREATE INDEX lapse_flight ON lapse (flight_id);

CREATE TABLE clock_step (
  id INTEGER PRIMARY KEY,
  flight_id INTEGER NOT NULL,
  at_elapsed_ms INTEGER NOT NULL,
  step_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE stop_evidence (
  id INTEGER PRIMARY KEY,
  flight_id INTEGER NOT NULL,
  source TEXT NOT NULL,
  at_ms INTEGER,
  fact TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX stop_evidence_flight ON stop_evidence (flight_id);

CREATE TABLE gap_note (
  gap TEXT PRIMARY KEY,
  note TEXT NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE imported_flight (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  source_key TEXT NOT NULL,
  begin_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL CHECK (end_ms >= begin_ms),
  asleep_ms INTEGER NOT NULL DEFAULT 0,
  boot_id TEXT,
  os TEXT,
  ended TEXT,
  UNIQUE (source, source_key)
) STRICT;

CREATE TABLE service_event (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  dismissed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
`

export const recorderMigration: Migration = {
  name: 'recorder',
  sql: flightTable + sideTables,
  sideTables,
}
