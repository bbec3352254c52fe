import Database from 'better-sqlite3'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { asStoreError, sqliteCode, StoreError } from './errors.ts'
import { sideFiles } from './location.ts'

/** What a running service says of itself in the file beside its database. */
export interface ServiceAddress {
  readonly pid: number
  readonly origin: string
  /** False with `--no-auth`. */
  readonly needsKey: boolean
}

/** The right to be the one service on a database. */
export interface ServiceLock {
  /** Writes down where this service can be reached, for the CLI and for a second service that is refused. */
  announce(address: ServiceAddress): void
  release(): void
}

/**
 * Takes the lock of a database for one service. The lock is an exclusive SQLite transaction on a file of its own, which
 * the system gives back when the process ends in whatever way, so that no stale lock can be left.
 *
 * @throws StoreError `in-use` with the other service's address, or `cannot-open`
 */
export function takeLock(database: string): ServiceLock {
  const files = sideFiles(database)
  let holder: Database.Database
  try {
    holder = new Database(files.lock, { timeout: 0 })
  } catch (error) {
    throw asStoreError(error, files.lock)
  }
  try {
    holder.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    holder.close()
    if (!sqliteCode(error)?.startsWith('SQLITE_BUSY')) throw asStoreError(error, files.lock)
    const other = readServiceAddress(database)
    const where = other
      ? `it is at ${other.origin} (process ${other.pid})`
      : 'it is just starting or stopping'
    throw new StoreError('in-use', `another Watchkeeper already uses ${database}: ${where}`, { cause: error })
  }
  rmSync(files.service, { force: true })
  return {
    announce: (address) => writeFileSync(files.service, `${JSON.stringify(address)}\n`, { mode: 0o644 }),
    release() {
      rmSync(files.service, { force: true })
      holder.close()
    },
  }
}

/** Returns true when a service holds the lock of this database now. */
export function isLocked(database: string): boolean {
  try {
    const probe = new Database(sideFiles(database).lock, { readonly: true, fileMustExist: true, timeout: 0 })
    try {
      probe.prepare('SELECT count(*) FROM sqlite_schema').get()
      return false
    } finally {
      probe.close()
    }
  } catch (error) {
    return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
  }
}

/** Returns where the service of this database says it can be reached, or null. It may be gone: see {@link isLocked}. */
export function readServiceAddress(database: string): ServiceAddress | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(sideFiles(database).service, 'utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('pid' in parsed) || !('origin' in parsed))
      return null
    const { pid, origin } = parsed
    const needsKey = !('needsKey' in parsed) || parsed.needsKey !== false
    return typeof pid === 'number' && typeof origin === 'string' ? { pid, origin, needsKey } : null
  } catch {
    return null
  }
}
