import Database from 'better-sqlite3'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { asStoreError, StoreError } from './errors.ts'
import { checkFlightShape, latestVersion, lendSideTables, migrate, newerError, versionOf } from './migrate.ts'
import { repairIfDamaged, type Repair } from './repair.ts'

/** An open database. Rooms prepare their statements on it; nobody outside the store names better-sqlite3. */
export type Connection = Database.Database

/** How long a statement waits for another process's write, as Python's sqlite3 and so flight-recorder does. */
const busyTimeoutMs = 5_000

/** A database open for writing, and what had to be done to open it. */
export interface OpenedStore {
  readonly db: Connection
  readonly repair: Repair | null
  /** The copy made before the first migration of an older file; null when there was nothing to migrate. */
  readonly copyBeforeMigration: string | null
}

/** Makes the folder of a database, with its parents. @throws StoreError `cannot-open` */
export function makeFolder(database: string): void {
  try {
    mkdirSync(path.dirname(database), { recursive: true, mode: 0o755 })
  } catch (error) {
    throw asStoreError(error, database)
  }
}

/**
 * Opens the database for the service: repairs it if it is damaged, brings it to the latest version after a copy, sets
 * write-ahead logging and `synchronous=FULL`. The caller holds the lock of the file.
 *
 * @throws StoreError of any kind but `in-use`
 */
export function openStore(database: string, nowMs: number): OpenedStore {
  const repair = repairIfDamaged(database, nowMs)
  let db: Connection | null = null
  try {
    db = new Database(database, { timeout: busyTimeoutMs })
    const version = versionOf(db)
    if (version > latestVersion) throw newerError(database, version)
    checkFlightShape(db, database)
    const isNew = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
    const copyBeforeMigration = !isNew && version < latestVersion ? copyBefore(db, database, version) : null
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    migrate(db, database)
    return { db, repair, copyBeforeMigration }
  } catch (error) {
    db?.close()
    throw asStoreError(error, database)
  }
}

/**
 * Opens a database for reading only; nothing is created or changed. A file of flight-recorder is readable like our own.
 *
 * @throws StoreError `missing`, `newer`, `wrong-shape`, `not-a-database`, `corrupt`, `cannot-open`
 */
export function openReadOnly(database: string): Connection {
  if (!existsSync(database) || !statSync(database).isFile()) {
    throw new StoreError('missing', 'unable to open database file')
  }
  return prepareForReading(openOrCopy(database), database)
}

/**
 * Opens another program's database for reading only; nothing is created or changed.
 *
 * @throws StoreError `missing`, `not-a-database`, `corrupt`, `cannot-open`
 */
export function openForeign(file: string): Connection {
  if (!existsSync(file)) throw new StoreError('missing', 'unable to open database file')
  return openOrCopy(file)
}

/** Opens the database of a running service for writing from another process, without repairing or migrating it. */
export function openBeside(database: string): Connection {
  const reading = openReadOnly(database)
  const version = versionOf(reading)
  reading.close()
  if (version !== latestVersion)
    throw new StoreError('wrong-shape', `${database} has not been opened by this version's service yet`)
  const db = new Database(database, { timeout: busyTimeoutMs, fileMustExist: true })
  db.pragma('synchronous = FULL')
  return db
}

function prepareForReading(db: Connection, database: string): Connection {
  try {
    const version = versionOf(db)
    if (version > latestVersion) throw newerError(database, version)
    checkFlightShape(db, database)
    lendSideTables(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function openOrCopy(database: string): Connection {
  let db: Connection | null = null
  try {
    db = new Database(database, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    return db
  } catch (error) {
    db?.close()
    const failure = asStoreError(error, database)
    if (failure.kind !== 'cannot-open') throw failure
    return openCopy(database, failure)
  }
}

/**
 * SQLite cannot read a write-ahead-logged file in a folder that it may not write to, for want of the side files
 * (https://www.sqlite.org/wal.html#read_only_databases): a copy of the file and its log is read instead.
 */
function openCopy(database: string, failure: StoreError): Connection {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-'))
  try {
    const copy = path.join(folder, 'copy.db')
    copyFileSync(database, copy)
    if (existsSync(`${database}-wal`)) copyFileSync(`${database}-wal`, `${copy}-wal`)
    const db = new Database(copy, { timeout: busyTimeoutMs })
    db.pragma('journal_mode = MEMORY')
    return db
  } catch {
    throw failure
  } finally {
    removeIfPossible(folder)
  }
}

/** An open handle keeps the data; where a file in use cannot be removed it stays in the temporary folder. */
function removeIfPossible(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Windows refuses while the copy is open.
  }
}

function copyBefore(db: Connection, database: string, version: number): string {
  const copy = `${database}.before-schema-${version + 1}`
  if (existsSync(copy)) return copy
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  db.prepare('VACUUM INTO ?').run(partial)
  copyFileSync(partial, copy)
  rmSync(partial)
  return copy
}
