import type { Migration } from '../migrate.ts'

/**
 * The pipeline of alerts: a transition is written with the change of state itself, a notice says what is to be told, and a
 * delivery is one notice on its way to one channel.
 */
const sql = `
CREATE TABLE transition (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  room TEXT NOT NULL,
  item TEXT NOT NULL,
  kind TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  facts TEXT NOT NULL,
  claimed_ms INTEGER
) STRICT;
CREATE INDEX transition_waiting ON transition (id) WHERE claimed_ms IS NULL;
CREATE INDEX transition_item ON transition (room, item, id);

CREATE TABLE incident (
  id INTEGER PRIMARY KEY,
  room TEXT NOT NULL,
  item TEXT NOT NULL,
  name TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  acknowledged_ms INTEGER,
  reminders INTEGER NOT NULL DEFAULT 0,
  remind_at_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (room, item) WHERE closed_ms IS NULL;
CREATE INDEX incident_remind ON incident (remind_at_ms) WHERE remind_at_ms IS NOT NULL;

CREATE TABLE notice (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  room TEXT NOT NULL,
  item TEXT,
  incident_id INTEGER,
  facts TEXT NOT NULL
) STRICT;
CREATE INDEX notice_item ON notice (room, item, id);

CREATE TABLE channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL DEFAULT 1,
  settings TEXT NOT NULL,
  quiet TEXT,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY,
  notice_id INTEGER NOT NULL REFERENCES notice (id) ON DELETE CASCADE,
  channel_id INTEGER,
  channel_name TEXT NOT NULL,
  recipients TEXT,
  state TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER,
  done_ms INTEGER
) STRICT;
CREATE INDEX delivery_waiting ON delivery (next_ms) WHERE state IN ('waiting', 'quiet');
CREATE INDEX delivery_notice ON delivery (notice_id);

CREATE TABLE mute (
  id INTEGER PRIMARY KEY,
  room TEXT,
  item TEXT,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  note TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE maintenance (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  room TEXT,
  item TEXT,
  tag TEXT,
  begin_ms INTEGER,
  end_ms INTEGER,
  schedule TEXT,
  length_ms INTEGER
) STRICT;

CREATE TABLE access_key (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL
) STRICT;
`

export const alertsMigration: Migration = { name: 'alerts', sql, sideTables: '' }
