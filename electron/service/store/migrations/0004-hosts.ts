import type { Migration } from '../migrate.ts'

/**
 * Hosts, the probes of each, incidents, the stretches in which nothing is counted, and series of measurements. A point of a
 * series is first in the journal (`series_recent`, one row for all points of a moment), later in packed blocks of its series.
 */
const sql = `
CREATE TABLE host (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  group_name TEXT NOT NULL,
  tags TEXT NOT NULL,
  parent_id INTEGER REFERENCES host (id) ON DELETE SET NULL,
  interval_ms INTEGER,
  retry_ms INTEGER,
  failures INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  emails TEXT NOT NULL,
  channels TEXT,
  remind_ms INTEGER,
  paused INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE host_probe (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  settings TEXT NOT NULL,
  verdict TEXT NOT NULL,
  verdict_ms INTEGER NOT NULL,
  cause TEXT,
  first_ms INTEGER,
  last_ms INTEGER,
  last_ok INTEGER,
  certificate TEXT
) STRICT;
CREATE INDEX host_probe_host ON host_probe (host_id, position);

CREATE TABLE host_incident (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  behind TEXT,
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  flight_id INTEGER
) STRICT;
CREATE INDEX host_incident_host ON host_incident (host_id, opened_ms);
CREATE INDEX host_incident_closed ON host_incident (closed_ms);
CREATE UNIQUE INDEX host_incident_open ON host_incident (host_id) WHERE closed_ms IS NULL;

CREATE TABLE host_span (
  id INTEGER PRIMARY KEY,
  host_id INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER,
  flight_id INTEGER
) STRICT;
CREATE INDEX host_span_host ON host_span (host_id, from_ms);
CREATE INDEX host_span_to ON host_span (to_ms);
CREATE UNIQUE INDEX host_span_open ON host_span (host_id, kind) WHERE to_ms IS NULL;

CREATE TABLE series_recent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  points BLOB NOT NULL
) STRICT;

CREATE TABLE series_block (
  series INTEGER NOT NULL,
  tier INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  points BLOB NOT NULL,
  PRIMARY KEY (series, tier, from_ms)
) STRICT, WITHOUT ROWID;

ALTER TABLE incident ADD COLUMN text TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN affected TEXT NOT NULL DEFAULT '[]';
ALTER TABLE incident ADD COLUMN path TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_time ON incident (opened_ms);

CREATE TABLE incident_note (
  id INTEGER PRIMARY KEY,
  incident_id INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX incident_note_incident ON incident_note (incident_id);
`

export const hostsMigration: Migration = { name: 'hosts', sql, sideTables: '' }
