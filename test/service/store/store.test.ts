import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { flightReport, readReportRows } from '../../../electron/service/recorder/flight-report.ts'
import { copyDatabase, isBackupDue, writeBackup } from '../../../electron/service/store/backup.ts'
import { StoreError } from '../../../electron/service/store/errors.ts'
import { isLocked, readServiceAddress, takeLock } from '../../../electron/service/store/lock.ts'
import { latestVersion, versionOf } from '../../../electron/service/store/migrate.ts'
import { openReadOnly, openStore } from '../../../electron/service/store/open.ts'
import { findDamage, listBackups } from '../../../electron/service/store/repair.ts'
import { flightRecorderSchema, makeFlightRecorderDatabase, openRaw } from '../../support/raw-database.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const now = Date.UTC(2026, 10, 21, 12)
const newFile = (): string => path.join(temporaryFolder(), 'watchkeeper.db')
const kindOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof StoreError) return error.kind
    throw error
  }
  return 'no error'
}

/** Overwrites the middle of a file, as a failing disk would. */
function damage(file: string): void {
  const handle = openSync(file, 'r+')
  for (let page = 1; page < 12; page += 1)
    writeSync(handle, Buffer.alloc(2_000, 0xa5), 0, 2_000, page * 4_096 + 8)
  closeSync(handle)
}

function makeStore(file: string, flights = 200): void {
  const { db } = openStore(file, now)
  const insert = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (?, ?)')
  db.transaction(() => {
    for (let index = 0; index < flights; index += 1) insert.run(10, 1_600_000_000 + index * 100)
  })()
  db.close()
}

describe('a new database', () => {
  it('has flight-recorder’s table to the letter, write-ahead logging and full synchronisation', () => {
    const file = newFile()
    const { db, repair, copyBeforeMigration } = openStore(file, now)
    const theirs = openRaw(':memory:')
    for (const statement of flightRecorderSchema) theirs.exec(statement)
    const schema =
      "SELECT name, replace(replace(sql, char(10), ' '), 'IF NOT EXISTS ', '') AS sql FROM sqlite_schema WHERE tbl_name = 'flight' ORDER BY name"
    const normal = (rows: unknown[]) =>
      (rows as { name: string; sql: string }[]).map(({ name, sql }) => [
        name,
        sql.replace(/\s+/g, ' ').trim(),
      ])
    expect(normal(db.prepare(schema).all())).toEqual(normal(theirs.prepare(schema).all()))
    expect(db.pragma('table_info(flight)')).toEqual(theirs.pragma('table_info(flight)'))
    expect(() => db.prepare('INSERT INTO flight (duration, last_ts) VALUES (-1, 0)').run()).toThrow(
      'positive_duration',
    )
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('synchronous', { simple: true })).toBe(2)
    expect(versionOf(db)).toBe(latestVersion)
    expect({ repair, copyBeforeMigration }).toEqual({ repair: null, copyBeforeMigration: null })
    db.close()
  })
})

describe('a database of flight-recorder', () => {
  it('is taken over with its rows, after a copy, and stays readable for flight-reports’ own query', () => {
    const file = newFile()
    makeFlightRecorderDatabase(file, [
      [100, 1_600_000_100],
      [150, 1_600_000_400],
    ])
    const { db, copyBeforeMigration } = openStore(file, now)
    expect(copyBeforeMigration).toBe(`${file}.before-schema-1`)
    const copy = openRaw(copyBeforeMigration ?? '')
    expect(copy.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(2)
    expect(versionOf(copy)).toBe(0)
    copy.close()
    db.prepare('INSERT INTO flight (duration, last_ts) VALUES (1, 1700000000)').run()
    const events = db
      .prepare(
        'SELECT id, TRUE, last_ts - duration AS ts FROM flight UNION ALL SELECT id, FALSE, last_ts FROM flight ORDER BY ts',
      )
      .all()
    expect(events).toHaveLength(6)
    db.close()
  })

  it('can be reported on without being changed', () => {
    const file = newFile()
    makeFlightRecorderDatabase(file, [[100, 1_600_000_100]])
    const before = readFileSync(file)
    const db = openReadOnly(file)
    expect([...flightReport(readReportRows(db))].join('').split('\n')).toHaveLength(5)
    db.close()
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  it('of another shape is refused', () => {
    const file = newFile()
    const db = openRaw(file)
    db.exec('CREATE TABLE flight (id INTEGER PRIMARY KEY, interval REAL, updated REAL)')
    db.close()
    expect(kindOf(() => openStore(file, now))).toBe('wrong-shape')
    expect(kindOf(() => openReadOnly(file))).toBe('wrong-shape')
  })
})

describe('a newer database', () => {
  it('is refused and not touched', () => {
    const file = newFile()
    makeStore(file)
    const raw = openRaw(file)
    raw.pragma(`user_version = ${latestVersion + 1}`)
    raw.pragma('wal_checkpoint(TRUNCATE)')
    raw.close()
    const before = readFileSync(file)
    expect(kindOf(() => openStore(file, now))).toBe('newer')
    expect(kindOf(() => openReadOnly(file))).toBe('newer')
    expect(readFileSync(file).equals(before)).toBe(true)
  })
})

describe('a damaged database', () => {
  it('is moved aside, and the newest whole backup takes its place', () => {
    const file = newFile()
    makeStore(file, 3_000)
    const { db } = openStore(file, now)
    writeBackup(db, file, now - 2 * 86_400_000)
    writeBackup(db, file, now - 86_400_000)
    db.close()
    damage(listBackups(file, now + 30 * 86_400_000)[0] ?? '')
    damage(file)
    expect(findDamage(file)).not.toBeNull()
    const opened = openStore(file, now)
    expect(opened.repair).toMatchObject({
      restoredFrom: expect.stringContaining('2026-11-19.db') as string,
      movedTo: expect.stringContaining('.corrupt-2026-11-21T') as string,
    })
    expect(existsSync(opened.repair?.movedTo ?? '')).toBe(true)
    expect(opened.db.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(3_000)
    opened.db.close()
  })

  it('is begun anew when no backup is whole', () => {
    const file = newFile()
    makeStore(file, 3_000)
    damage(file)
    const { db, repair } = openStore(file, now)
    expect(repair?.restoredFrom).toBeNull()
    expect(db.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(0)
    db.close()
  })

  it('whose header is gone is restored when there is a backup', () => {
    const file = newFile()
    makeStore(file)
    const { db } = openStore(file, now)
    writeBackup(db, file, now)
    db.close()
    writeFileSync(file, 'garbage')
    const opened = openStore(file, now)
    expect(opened.repair?.restoredFrom).not.toBeNull()
    opened.db.close()
  })
})

describe('a file that never was a database', () => {
  it('is refused and left alone', () => {
    const file = newFile()
    writeFileSync(file, 'dear diary')
    expect(kindOf(() => openStore(file, now))).toBe('not-a-database')
    expect(kindOf(() => openReadOnly(file))).toBe('not-a-database')
    expect(readFileSync(file, 'utf8')).toBe('dear diary')
  })
  it('is not made by reading', () => {
    const file = newFile()
    expect(kindOf(() => openReadOnly(file))).toBe('missing')
    expect(existsSync(file)).toBe(false)
  })
})

describe('backups', () => {
  it('are made once a day, seven are kept, and no half one is left', () => {
    const file = newFile()
    makeStore(file)
    const { db } = openStore(file, now)
    for (let day = 0; day < 10; day += 1) {
      expect(isBackupDue(file, now + day * 86_400_000)).toBe(true)
      writeBackup(db, file, now + day * 86_400_000)
      expect(isBackupDue(file, now + day * 86_400_000 + 3_600_000)).toBe(false)
    }
    db.close()
    expect(listBackups(file, now + 30 * 86_400_000)).toHaveLength(7)
    expect(readdirSync(`${file}.backups`).filter((name) => name.includes('partial'))).toEqual([])
    expect(listBackups(file, now + 30 * 86_400_000).map(findDamage)).toEqual(Array(7).fill(null))
  })
})

describe('backups under a clock that is wrong', () => {
  it('are not made in 1970, and one from the future neither counts as today’s nor pushes a true one out', () => {
    const file = newFile()
    makeStore(file)
    const { db } = openStore(file, now)
    expect(isBackupDue(file, 5_000)).toBe(false)
    for (let day = 0; day < 8; day += 1) writeBackup(db, file, now + (3_650 + day) * 86_400_000)
    expect(isBackupDue(file, now)).toBe(true)
    const written = writeBackup(db, file, now)
    expect(isBackupDue(file, now)).toBe(false)
    expect(listBackups(file, now)[0]).toBe(written)
    expect(listBackups(file, now)).toHaveLength(7)
    db.close()
  })
})

describe('an empty file', () => {
  it('is damage when there are backups, and a new database when there are none', () => {
    const file = newFile()
    writeFileSync(file, '')
    expect(openStore(file, now)).toMatchObject({ repair: null })
    const other = newFile()
    makeStore(other)
    const { db } = openStore(other, now)
    writeBackup(db, other, now)
    db.close()
    writeFileSync(other, '')
    const opened = openStore(other, now)
    expect(opened.repair?.restoredFrom).toContain('2026-11-21.db')
    expect(opened.db.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(200)
    opened.db.close()
  })
})

describe('a copy of a database in use', () => {
  it('is one whole file with everything that was committed', async () => {
    const file = newFile()
    makeStore(file, 500)
    const { db } = openStore(file, now)
    db.prepare('INSERT INTO flight (duration, last_ts) VALUES (1, 1)').run()
    const reading = openReadOnly(file)
    const target = path.join(path.dirname(file), 'copy.db')
    await copyDatabase(reading, target)
    reading.close()
    db.close()
    expect(findDamage(target)).toBeNull()
    const copy = openRaw(target)
    expect(copy.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(501)
    expect(copy.pragma('journal_mode', { simple: true })).toBe('delete')
    copy.close()
  })
})

describe('the lock', () => {
  it('lets one service in and tells the second where the first is', () => {
    const file = newFile()
    expect(isLocked(file)).toBe(false)
    const lock = takeLock(file)
    expect(isLocked(file)).toBe(true)
    expect(() => takeLock(file)).toThrow('just starting or stopping')
    lock.announce({ pid: 42, origin: 'http://127.0.0.1:1', needsKey: true })
    expect(() => takeLock(file)).toThrow('it is at http://127.0.0.1:1 (process 42)')
    expect(kindOf(() => takeLock(file))).toBe('in-use')
    lock.release()
    expect(isLocked(file)).toBe(false)
    expect(readServiceAddress(file)).toBeNull()
    takeLock(file).release()
  })
})
