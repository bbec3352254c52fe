import type { Migration } from '../migrate.ts'

/**
 * Where a watcher looks by itself (`source`), how far away its last trigger came from (`reach`, null for this machine), and
 * when this machine had no connection.
 */
const sql = `
ALTER TABLE watcher ADD COLUMN source TEXT;
ALTER TABLE watcher_state ADD COLUMN reach TEXT;
CREATE INDEX watcher_state_reach ON watcher_state (reach) WHERE reach IS NOT NULL;

CREATE TABLE outage (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER,
  flight_id INTEGER
) STRICT;
CREATE INDEX outage_time ON outage (to_ms);
`

export const sourcesMigration: Migration = { name: 'sources', sql, sideTables: '' }
