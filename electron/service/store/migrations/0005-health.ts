import type { Migration } from '../migrate.ts'

/**
 * Metrics of this machine with the level each has, and reports that were kept. The ids of metrics are those of their series, and
 * lie beyond those of hosts' probes.
 */
const sql = `
CREATE TABLE health_metric (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  item TEXT NOT NULL,
  level TEXT NOT NULL,
  level_ms INTEGER NOT NULL,
  last_value REAL,
  last_ms INTEGER,
  past TEXT NOT NULL,
  UNIQUE (kind, item)
) STRICT;

CREATE TABLE health_report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  why TEXT NOT NULL,
  packages_id INTEGER,
  report BLOB NOT NULL
) STRICT;
CREATE INDEX health_report_time ON health_report (at_ms);

CREATE TABLE health_packages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  packages BLOB NOT NULL
) STRICT;
`

export const healthMigration: Migration = { name: 'health', sql, sideTables: '' }
