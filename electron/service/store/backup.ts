import Database from 'better-sqlite3'
import { existsSync, mkdirSync, openSync, closeSync, fsyncSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { clockFloorMs } from '../../shared/clock-floor.ts'
import type { Connection } from './open.ts'
import { StoreError } from './errors.ts'
import { sideFiles } from './location.ts'
import { backupName, findDamage, listBackups } from './repair.ts'

const backupsKept = 7

/**
 * Returns true when the day of `nowMs` has no backup yet. While the clock is surely wrong none is due: its name would lie.
 */
export function isBackupDue(database: string, nowMs: number): boolean {
  return nowMs >= clockFloorMs && !existsSync(path.join(sideFiles(database).backups, backupName(nowMs)))
}

/**
 * Writes the day's backup with `VACUUM INTO`, checks it, puts it in place in one step, and removes all but the newest
 * seven. Takes a while on a large database: run it off the event loop. Returns the backup's path.
 *
 * @throws StoreError `corrupt` when the copy is not whole; the earlier backups are then kept as they are
 */
export function writeBackup(db: Connection, database: string, nowMs: number): string {
  const folder = sideFiles(database).backups
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const target = path.join(folder, backupName(nowMs))
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  try {
    db.prepare('VACUUM INTO ?').run(partial)
    const damage = findDamage(partial)
    if (damage !== null) throw new StoreError('corrupt', `the backup is not whole: ${damage}`)
    flushFile(partial)
    renameSync(partial, target)
  } finally {
    rmSync(partial, { force: true })
  }
  for (const old of listBackups(database, nowMs).slice(backupsKept)) rmSync(old, { force: true })
  return target
}

/**
 * Writes a consistent copy of a database that may be in use to `target`, by SQLite's online backup.
 * The target must not exist.
 */
export async function copyDatabase(db: Connection, target: string): Promise<void> {
  await db.backup(target)
  // The copy should be one file that any tool opens, so its write-ahead log mode is taken off.
  const copy = new Database(target)
  copy.pragma('journal_mode = DELETE')
  copy.close()
}

function flushFile(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
