import Database from 'better-sqlite3'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { asStoreError, sqliteCode, StoreError } from '../errors.ts'
import type { Connection } from '../open.ts'
import { versionOf } from '../migrate.ts'
import { recordMigrations, sqliteWords } from './tables.ts'
import type { Row, Step, Value } from './work.ts'

/** The file of telemetry records: opening it, and running statements on it. */

const busyTimeoutMs = 5_000

/** The file of records that is open, and what had to be done for it. */
export interface OpenedRecords {
  readonly db: Connection
  /** Where a damaged file was moved; null when there was none. */
  readonly movedTo: string | null
}

/** Marks a file that was found damaged while it was in use; it is moved aside at the next start. */
function markOf(file: string): string {
  return `${file}.damaged`
}

/** Returns whether an error says that the file is damaged, and remembers it for the next start. */
export function noteDamage(file: string, error: unknown): boolean {
  const code = sqliteCode(error)
  if (code === null || !/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) return false
  try {
    writeFileSync(markOf(file), `${code}\n`)
  } catch {
    // The next start finds it by itself, if it is as bad as that.
  }
  return true
}

/**
 * Opens the file of records, making it if need be. It is a file of its own so that a flood, a purge or a damaged page never touches the rest; it
 * has no backups, and a damaged one is moved aside and begun anew.
 *
 * @throws StoreError `newer`, `cannot-open`, `full`
 */
export function openRecords(file: string, nowMs: number): OpenedRecords {
  let movedTo: string | null = null
  if (existsSync(markOf(file))) {
    movedTo = moveAside(file, nowMs)
    rmSync(markOf(file), { force: true })
  }
  try {
    return { db: openAndMigrate(file), movedTo }
  } catch (error) {
    const failure = asStoreError(error, file)
    if (failure.kind !== 'corrupt' && failure.kind !== 'not-a-database') throw failure
    movedTo = moveAside(file, nowMs)
    return { db: openAndMigrate(file), movedTo }
  }
}

/** What every connection that writes is set to. */
function setForWriting(db: Connection): void {
  db.pragma('synchronous = FULL')
  db.pragma('cache_size = -32000')
  // Pages of indexes are written again and again; a longer log (32 MB) brings each of them into the file once.
  db.pragma('wal_autocheckpoint = 8000')
}

/** Opens a file of records that is there already, for one more connection that writes. @throws SQLite's error, whose code crosses threads */
export function openRecordsForWriting(file: string): Connection {
  const db = new Database(file, { fileMustExist: true, timeout: busyTimeoutMs })
  setForWriting(db)
  return db
}

function openAndMigrate(file: string): Connection {
  const db = new Database(file, { timeout: busyTimeoutMs })
  try {
    const version = versionOf(db)
    if (version > recordMigrations.length)
      throw new StoreError(
        'newer',
        `${file} was written by a newer Watchkeeper (schema ${version}, this one knows ${recordMigrations.length}); it was left untouched. Update Watchkeeper.`,
      )
    // Only a file without tables takes it: pages of purged records go back to the disk a little at a time.
    if (version === 0) db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    setForWriting(db)
    for (let step = version; step < recordMigrations.length; step += 1) {
      const migration = recordMigrations[step]
      if (!migration) break
      db.transaction(() => {
        db.exec(sqliteWords(migration.sql))
        db.pragma(`user_version = ${step + 1}`)
      }).immediate()
    }
    db.prepare('SELECT count(*) FROM state').get()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens the file of records for reading only. @throws StoreError */
export function openRecordsReadOnly(file: string): Connection {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs })
    // What is counted is read once from end to end, and the system keeps the file's pages too, so a small machine is better off with little.
    db.pragma('cache_size = -16000')
    return db
  } catch (error) {
    throw asStoreError(error, file)
  }
}

function moveAside(file: string, nowMs: number): string {
  const target = `${file}.corrupt-${new Date(nowMs).toISOString().replaceAll(':', '').slice(0, 17)}`
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix)
  return target
}

/** Returns what runs statements on a connection; each text is prepared once. */
export function sqliteRunner(db: Connection): (step: Step) => readonly Row[] {
  const prepared = new Map<string, Database.Statement>()
  const prepare = (sql: string): Database.Statement => {
    let statement = prepared.get(sql)
    if (!statement) {
      // Statements with lists of values come in many lengths.
      if (prepared.size > 500) prepared.clear()
      statement = db.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement
  }
  const run = (sql: string, values: readonly Value[]): readonly Row[] => {
    const statement = prepare(sql)
    if (statement.reader) return statement.all(...values) as Row[]
    const { changes } = statement.run(...values)
    return changes === 0 ? [] : [{ changes }]
  }
  return (step) => {
    if ('sql' in step) return run(step.sql, step.values)
    const { into, columns, rows, then = '', idsBy } = step
    const sql = `INSERT INTO ${into} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ${then}`
    if (idsBy === undefined) return rows.flatMap((row) => run(sql, row))
    const key = columns.indexOf(idsBy)
    const statement = prepare(sql)
    const added: Row[] = []
    for (const row of rows) {
      const { changes, lastInsertRowid } = statement.run(...row)
      if (changes === 1) added.push({ id: Number(lastInsertRowid), [idsBy]: row[key] ?? null })
    }
    return added
  }
}
