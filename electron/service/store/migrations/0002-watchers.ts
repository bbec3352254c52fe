import type { Migration } from '../migrate.ts'

/**
 * What a user decided stands in `watcher`; what follows from triggers stands in `watcher_state`, a small row that every
 * trigger rewrites. `wake_ms` may lie too early, never too late: a trigger leaves it, and the timer moves it on.
 *
 * Events are only ever appended, and each names the one before it of the same watcher: an index would make every trigger
 * write a page of its own. What is beyond the rule of what is kept is swept away a little at a time.
 */
const sql = `
CREATE TABLE watcher (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  uuid TEXT NOT NULL UNIQUE,
  token TEXT NOT NULL UNIQUE,
  badge_key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  slug TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]',
  schedule TEXT NOT NULL,
  grace_ms INTEGER NOT NULL DEFAULT 0,
  run_limit_ms INTEGER,
  tolerance INTEGER NOT NULL DEFAULT 0,
  paused_policy TEXT NOT NULL DEFAULT 'unpause',
  emails TEXT NOT NULL DEFAULT '[]',
  channels TEXT,
  remind_ms INTEGER,
  filters TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE watcher_state (
  watcher_id INTEGER PRIMARY KEY REFERENCES watcher (id) ON DELETE CASCADE,
  wake_ms INTEGER,
  due_from_ms INTEGER,
  flight_id INTEGER,
  verdict TEXT NOT NULL,
  verdict_ms INTEGER NOT NULL,
  cause TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  runs TEXT NOT NULL DEFAULT '[]',
  last_trigger_ms INTEGER,
  last_success_ms INTEGER,
  last_fail_ms INTEGER,
  last_exit_status INTEGER,
  last_duration_ms INTEGER,
  triggers INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  last_event_id INTEGER
) STRICT;
CREATE INDEX watcher_state_wake ON watcher_state (wake_ms) WHERE wake_ms IS NOT NULL;

CREATE TABLE watcher_event (
  id INTEGER PRIMARY KEY,
  watcher_id INTEGER NOT NULL,
  before_id INTEGER,
  n INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ignored INTEGER NOT NULL DEFAULT 0,
  exit_status INTEGER,
  run TEXT,
  duration_ms INTEGER,
  comment TEXT,
  origin TEXT,
  agent TEXT,
  body_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE watcher_body (
  watcher_id INTEGER NOT NULL REFERENCES watcher (id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (watcher_id, n)
) STRICT;

CREATE TABLE spooled_signal (
  id TEXT PRIMARY KEY,
  taken_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX spooled_signal_taken ON spooled_signal (taken_ms);
`

export const watchersMigration: Migration = { name: 'watchers', sql, sideTables: '' }
