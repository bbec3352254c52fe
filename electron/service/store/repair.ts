import Database from 'better-sqlite3'
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { asStoreError, StoreError } from './errors.ts'
import { sideFiles } from './location.ts'
import { latestVersion, newerError } from './migrate.ts'

/** What was done to a damaged database, for its user to know. */
export interface Repair {
  /** Where the damaged file was moved. */
  readonly movedTo: string
  /** The backup that took its place; null when there was none that is whole. */
  readonly restoredFrom: string | null
  readonly reason: string
}

const sqliteHeader = 'SQLite format 3\u0000'
/** Offset of `user_version` in the file's header: https://www.sqlite.org/fileformat.html#user_version_number */
const userVersionOffset = 60
/** No Watchkeeper will ever have this many migrations: a larger number in the header is damage. */
const plausibleVersion = 10_000

/**
 * Makes sure that the file at `database` can be opened: a damaged one is moved aside, and the newest whole backup is put
 * in its place. Returns what was done, or null when the file was whole or not there.
 *
 * @throws StoreError `newer` (the file is then untouched), `not-a-database` when the file never was ours, `cannot-open`
 */
export function repairIfDamaged(database: string, nowMs: number): Repair | null {
  if (!existsSync(database)) return null
  const backups = listBackups(database, nowMs)
  if (statSync(database).size === 0 && backups.length === 0) return null
  const header = readHeader(database)
  const isDatabase = header.subarray(0, sqliteHeader.length).toString('latin1') === sqliteHeader
  if (isDatabase && header.length >= userVersionOffset + 4) {
    const version = header.readInt32BE(userVersionOffset)
    if (version > latestVersion && version < plausibleVersion) throw newerError(database, version)
  }
  const damage = isDatabase
    ? findDamage(database)
    : header.length === 0
      ? 'it is empty'
      : 'it is not a database'
  if (damage === null) return null
  if (!isDatabase && backups.length === 0) {
    throw new StoreError('not-a-database', `${database} is not a database; name another file with -d`)
  }
  const movedTo = moveAside(database, nowMs)
  const restoredFrom = backups.find((backup) => findDamage(backup) === null) ?? null
  if (restoredFrom !== null) copyFileSync(restoredFrom, database)
  return { movedTo, restoredFrom, reason: damage }
}

/** Writes down what was done to a damaged database, for its user to be told, and returns it in words. */
export function recordRepair(db: Database.Database, repair: Repair, nowMs: number): string {
  const restored = repair.restoredFrom
    ? `the backup ${repair.restoredFrom} took its place`
    : 'there was no backup, so a new one was begun'
  const text = `The database was damaged (${repair.reason}). It was moved to ${repair.movedTo}, and ${restored}.`
  db.prepare("INSERT INTO service_event (at_ms, kind, text) VALUES (?, 'database-restored', ?)").run(
    Math.round(nowMs),
    text,
  )
  return text
}

/** Returns what `quick_check` finds wrong with a database file, in a sentence, or null when it is whole. */
export function findDamage(file: string): string | null {
  let db: Database.Database | null = null
  try {
    db = new Database(file, { fileMustExist: true, timeout: 5_000 })
    const result = String(db.pragma('quick_check(1)', { simple: true }))
    return result === 'ok' ? null : result
  } catch (error) {
    const failure = asStoreError(error, file)
    if (failure.kind === 'corrupt' || failure.kind === 'not-a-database') return failure.message
    throw failure
  } finally {
    db?.close()
  }
}

/** Returns the name of a day's backup; the day is UTC so that a change of zone never makes two of one day. */
export function backupName(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 10)}.db`
}

/**
 * Returns the daily backups of a database, newest first. Those of days to come were written by a clock that ran ahead, so
 * nobody knows their age: they come last.
 */
export function listBackups(database: string, nowMs: number): string[] {
  const folder = sideFiles(database).backups
  if (!existsSync(folder)) return []
  const today = backupName(nowMs)
  const names = readdirSync(folder)
    .filter((name) => /^\d{4}-\d{2}-\d{2}\.db$/.test(name))
    .sort()
    .reverse()
  return [...names.filter((name) => name <= today), ...names.filter((name) => name > today)].map((name) =>
    path.join(folder, name),
  )
}

function moveAside(database: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(':', '').slice(0, 17)
  let target = `${database}.corrupt-${stamp}`
  for (let attempt = 2; existsSync(target); attempt += 1) target = `${database}.corrupt-${stamp}-${attempt}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(database + suffix)) renameSync(database + suffix, target + suffix)
  }
  return target
}

function readHeader(file: string): Buffer {
  try {
    const buffer = Buffer.alloc(100)
    const handle = openSync(file, 'r')
    try {
      return buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, 0))
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    throw asStoreError(error, file)
  }
}
