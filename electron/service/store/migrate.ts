import type { Database } from 'better-sqlite3'
import { StoreError } from './errors.ts'
import { migrations } from './migrations/index.ts'

/** One step of the schema. */
export interface Migration {
  readonly name: string
  readonly sql: string
  /** The part of `sql` that a file of flight-recorder lacks; see {@link lendSideTables}. */
  readonly sideTables: string
}

/** The `user_version` that this build writes. */
export const latestVersion = migrations.length

/** Returns the `user_version` of an open database. */
export function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

/** Returns the error for a database that a newer Watchkeeper wrote. */
export function newerError(path: string, version: number): StoreError {
  return new StoreError(
    'newer',
    `${path} was written by a newer Watchkeeper (schema ${version}, this one knows ${latestVersion}); it was left untouched. Update Watchkeeper, or use another file with -d.`,
  )
}

/**
 * Brings a database to the latest version, each migration in one transaction together with its `user_version`.
 *
 * @throws StoreError `wrong-shape` when a table `flight` is there that is not flight-recorder's
 */
export function migrate(db: Database, path: string): void {
  checkFlightShape(db, path)
  for (let version = versionOf(db); version < latestVersion; version += 1) {
    const migration = migrations[version]
    if (!migration) return
    db.transaction(() => {
      db.exec(migration.sql)
      db.pragma(`user_version = ${version + 1}`)
    }).immediate()
  }
}

/** @throws StoreError `wrong-shape` when a table `flight` is there with other columns than flight-recorder's */
export function checkFlightShape(db: Database, path: string): void {
  const columns = (db.pragma('table_info(flight)') as { name: string }[]).map(({ name }) => name)
  if (columns.length === 0) return
  if (columns.join() !== 'id,duration,last_ts') {
    throw new StoreError(
      'wrong-shape',
      `${path} has a table "flight" that is not flight-recorder's (columns ${columns.join(', ')})`,
    )
  }
}

/**
 * Gives a read-only connection to a file of flight-recorder empty side tables in its temporary schema, so that the same
 * queries serve both. The file itself is not touched.
 */
export function lendSideTables(db: Database): void {
  for (const migration of migrations.slice(versionOf(db))) {
    db.exec(
      migration.sideTables
        .replaceAll('CREATE TABLE ', 'CREATE TEMP TABLE IF NOT EXISTS ')
        .replaceAll('CREATE INDEX ', 'CREATE INDEX IF NOT EXISTS temp.'),
    )
  }
}
