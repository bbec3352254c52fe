import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { machineFlights, machineHistory } from '../../../../electron/service/recorder/queries.ts'
import {
  findHistory,
  guessSource,
  readSource,
  refuseSelf,
} from '../../../../electron/service/recorder/imports/index.ts'
import { storeFound } from '../../../../electron/service/recorder/imports/store.ts'
import {
  runsFromJournalBoots,
  runsFromLast,
  runsFromUptimed,
  runsFromWtmp,
} from '../../../../electron/service/recorder/imports/text-records.ts'
import { ImportError } from '../../../../electron/service/recorder/imports/types.ts'
import { openStore } from '../../../../electron/service/store/open.ts'
import { parseWtmp } from '../../../../electron/service/recorder/evidence/wtmp.ts'
import { makeFlightRecorderDatabase, openRaw } from '../../../support/raw-database.ts'
import { temporaryFolder } from '../../../support/temporary.ts'
import { wtmpRecord } from '../../../support/wtmp-record.ts'

const now = Date.UTC(2026, 10, 21, 12)
const hour = 3_600_000
const machine = { nowMs: now, bootedAtMs: now - hour }
const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8')
const present = { wallMs: now, bootId: null, bootMs: null, monotonicMs: null }
const everything = { now: present, sinceMs: null, untilMs: null, limit: 100, offset: 0 }

function makeTuptime(file: string): void {
  const db = openRaw(file)
  db.exec(
    'CREATE TABLE tuptime (bootid text, btime integer, uptime integer, rntime integer, slptime integer, offbtime integer, endst integer, downtime integer, kernel text)',
  )
  const insert = db.prepare('INSERT INTO tuptime VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  insert.run(
    '9b77c9db-df31-42f1-918a-5cc9efd020d3',
    1_790_000_000,
    7_200,
    3_600,
    3_600,
    1_790_007_200,
    1,
    600,
    'Linux-6.1',
  )
  insert.run('x', 1_790_007_800, 3_600, 3_600, 0, 1_790_011_400, 0, 600, 'Linux-6.1')
  insert.run('', 1_790_012_000, 60, 60, 0, -1, 0, -1, 'Linux-6.2')
  db.close()
}

describe('the records of other tools', () => {
  it('uptimed’s are read, and lines that are not its are passed over', () => {
    expect(runsFromUptimed('3600:1790000000:Linux 6.1.0\nrubbish\n')).toEqual([
      {
        key: '1790000000',
        beginMs: 1_790_000_000_000,
        endMs: 1_790_003_600_000,
        asleepMs: 0,
        bootId: null,
        os: 'Linux 6.1.0',
        ended: null,
      },
    ])
  })

  it('tuptime’s tell sleep, boot id and how each run ended', () => {
    const file = path.join(temporaryFolder(), 'tuptime.db')
    makeTuptime(file)
    const found = readSource('tuptime', file, machine)
    expect(found).toMatchObject({
      runs: [
        { ended: 'clean', asleepMs: hour, bootId: '9b77c9db-df31-42f1-918a-5cc9efd020d3' },
        { ended: 'unclean', bootId: null },
        { ended: null, endMs: 1_790_012_060_000 },
      ],
    })
  })

  it('wtmp’s runs go from boot to shutdown, or to the last sign of life', () => {
    const file = Buffer.concat([
      wtmpRecord('narrow', 2, 'reboot', now - 10 * hour, 'a'),
      wtmpRecord('narrow', 1, 'shutdown', now - 9 * hour, 'a'),
      wtmpRecord('narrow', 2, 'reboot', now - 8 * hour, 'a'),
      wtmpRecord('narrow', 7, 'ada', now - 7 * hour, ''),
      wtmpRecord('narrow', 2, 'reboot', now - hour, 'b'),
    ])
    expect(
      runsFromWtmp(parseWtmp(file), machine).map(({ beginMs, endMs, ended }) => [
        beginMs - now,
        endMs - now,
        ended,
      ]),
    ).toEqual([
      [-10 * hour, -9 * hour, 'clean'],
      [-8 * hour, -7 * hour, 'unclean'],
      [-hour, 0, null],
    ])
  })

  it('`last -x -F` of Linux is read, a crash apart from a shutdown', () => {
    const at = (day: number, hours: number): number => new Date(2026, 10, day, hours).getTime()
    expect(
      runsFromLast(fixture('linux-last.txt'), { nowMs: at(21, 12), bootedAtMs: at(21, 8) }).map(
        ({ beginMs, endMs, ended }) => [beginMs, endMs, ended],
      ),
    ).toEqual([
      [at(20, 8), at(20, 22), 'clean'],
      [at(21, 8), at(21, 12), null],
    ])
  })

  it('macOS’ `last` is read, its years counted back', () => {
    const runs = runsFromLast(fixture('mac-last.txt'), {
      nowMs: new Date(2026, 10, 21, 12).getTime(),
      bootedAtMs: new Date(2026, 10, 21, 8, 12).getTime(),
    })
    expect(runs.map(({ beginMs }) => new Date(beginMs).getFullYear())).toEqual([2026, 2026])
    expect(runs[0]).toMatchObject({ ended: 'clean', endMs: new Date(2026, 10, 20, 23, 1).getTime() })
  })

  it('the journal’s boots are read with their ids', () => {
    const boots = [
      {
        index: -1,
        boot_id: '9b77c9dbdf3142f1918a5cc9efd020d3',
        first_entry: 1_790_000_000_000_000,
        last_entry: 1_790_003_600_000_000,
      },
      { index: 0, boot_id: 'broken', first_entry: 1, last_entry: 2 },
    ]
    expect(runsFromJournalBoots(JSON.stringify(boots))).toMatchObject([
      { bootId: '9b77c9db-df31-42f1-918a-5cc9efd020d3', beginMs: 1_790_000_000_000 },
    ])
    expect(runsFromJournalBoots('No journal files were found.')).toEqual([])
  })
})

describe('guessSource', () => {
  it('tells the sources from their content', () => {
    const folder = temporaryFolder()
    const file = (name: string, content: string | Buffer): string => {
      writeFileSync(path.join(folder, name), content)
      return path.join(folder, name)
    }
    const flights = path.join(folder, 'flights.db')
    const tuptime = path.join(folder, 'tuptime.db')
    makeFlightRecorderDatabase(flights, [[1, 1_790_000_000]])
    makeTuptime(tuptime)
    expect(guessSource(flights)).toBe('flight-recorder')
    expect(guessSource(tuptime)).toBe('tuptime')
    expect(guessSource(file('records', '3600:1790000000:Linux\n'))).toBe('uptimed')
    expect(guessSource(file('last', fixture('linux-last.txt')))).toBe('last')
    expect(guessSource(file('wtmp', wtmpRecord('narrow', 2, 'reboot', now, 'a')))).toBe('wtmp')
    expect(guessSource(file('boots', '[{"boot_id":"x"}]'))).toBe('journal')
    expect(() => guessSource(file('other', 'hello'))).toThrow(ImportError)
    expect(() => guessSource(path.join(folder, 'missing'))).toThrow('does not exist')
    expect(() => guessSource(folder)).toThrow('is a folder')
  })
})

describe('importing', () => {
  it('adds flight-recorder’s flights once, brings a grown one up to date, and marks them', () => {
    const folder = temporaryFolder()
    const theirs = path.join(folder, 'theirs.db')
    makeFlightRecorderDatabase(theirs, [
      [100, 1_790_000_100],
      [50, 1_790_001_000],
    ])
    const { db } = openStore(path.join(folder, 'ours.db'), now)
    expect(storeFound(db, readSource('flight-recorder', theirs, machine))).toMatchObject({
      found: 2,
      added: 2,
      known: 0,
    })
    const grown = openRaw(theirs)
    grown.exec('UPDATE flight SET duration = 150, last_ts = 1790001100 WHERE id = 2')
    grown.close()
    expect(storeFound(db, readSource('flight-recorder', theirs, machine))).toMatchObject({
      found: 2,
      added: 0,
      known: 2,
    })
    expect(db.prepare('SELECT duration, last_ts FROM flight ORDER BY id').raw().all()).toEqual([
      [100, 1_790_000_100],
      [150, 1_790_001_100],
    ])
    expect(machineFlights(db, everything).flights.map(({ source }) => source)).toEqual([
      'flight-recorder',
      'flight-recorder',
    ])
    db.close()
  })

  it('never counts a run twice, however many tools recorded it', () => {
    const { db } = openStore(path.join(temporaryFolder(), 'ours.db'), now)
    const run = {
      key: '1',
      beginMs: now - 10 * hour,
      endMs: now - 8 * hour,
      asleepMs: hour,
      bootId: null,
      os: null,
      ended: 'clean' as const,
    }
    for (let times = 0; times < 2; times += 1) {
      storeFound(db, { source: 'tuptime', runs: [run] })
      storeFound(db, {
        source: 'wtmp',
        runs: [{ ...run, asleepMs: 0, beginMs: run.beginMs + 2_000, endMs: run.endMs + 1_000 }],
      })
      storeFound(db, {
        source: 'uptimed',
        runs: [{ ...run, asleepMs: 0, ended: null, endMs: run.endMs - 60_000 }],
      })
    }
    const { figures } = machineHistory(db, {
      ...everything,
      sinceMs: now - 10 * hour,
      untilMs: now - 8 * hour,
    })
    expect(figures.ms).toMatchObject({ up: hour, asleep: hour })
    expect(figures.flights).toBe(1)
    db.close()
  })

  it('reads a real home’s usual places, and a broken file there stops nothing', async () => {
    const home = temporaryFolder()
    mkdirSync(path.join(home, '.flight-recorder'))
    writeFileSync(path.join(home, '.flight-recorder', 'flight-recorder.db'), 'broken')
    const found = await findHistory(path.join(home, 'w.db'), machine, home, () => Promise.resolve(''))
    expect(found.filter(({ source }) => source === 'flight-recorder')).toEqual([])
  })

  it('passes over the database itself in a usual place, and refuses a copy of our own', async () => {
    const home = temporaryFolder()
    mkdirSync(path.join(home, '.flight-recorder'))
    const database = path.join(home, '.flight-recorder', 'flight-recorder.db')
    const { db } = openStore(database, now)
    storeFound(db, { source: 'flight-recorder', flights: [{ id: 1, duration: 10, lastTs: 1_790_000_000 }] })
    db.close()
    const found = await findHistory(database, machine, home, () => Promise.resolve(''))
    expect(found.filter(({ source }) => source === 'flight-recorder')).toEqual([])
    expect(() => readSource('flight-recorder', database, machine)).toThrow('is a database of Watchkeeper')
  })

  it('leaves out runs that a clock in 1970 began, and ends an old file’s last run where its records end', () => {
    const records = [
      wtmpRecord('narrow', 2, 'reboot', 5_000, 'a'),
      wtmpRecord('narrow', 1, 'shutdown', now - 90 * 24 * hour, 'a'),
      wtmpRecord('narrow', 2, 'reboot', now - 60 * 24 * hour, 'a'),
      wtmpRecord('narrow', 7, 'ada', now - 59 * 24 * hour, ''),
    ]
    const file = path.join(temporaryFolder(), 'wtmp.1')
    writeFileSync(file, Buffer.concat(records))
    expect(readSource('wtmp', file, machine)).toMatchObject({
      runs: [{ beginMs: now - 60 * 24 * hour, endMs: now - 59 * 24 * hour, ended: null }],
    })
  })

  it('counts a run of the machine and the flights in it as the flights alone', () => {
    const { db } = openStore(path.join(temporaryFolder(), 'ours.db'), now)
    storeFound(db, {
      source: 'flight-recorder',
      flights: [{ id: 1, duration: 7_000, lastTs: (now - 8 * hour) / 1_000 }],
    })
    const run = {
      key: '1',
      beginMs: now - 10 * hour,
      endMs: now - 8 * hour,
      asleepMs: 0,
      bootId: null,
      os: null,
    }
    storeFound(db, { source: 'wtmp', runs: [{ ...run, ended: 'clean' }] })
    const { figures } = machineHistory(db, { ...everything, untilMs: now - 8 * hour })
    expect([figures.flights, figures.ms.up]).toEqual([1, 2 * hour])
    expect(machineFlights(db, everything).total).toBe(1)
    db.close()
  })

  it('knows a running flight again whose begin was moved by its clock', () => {
    const { db } = openStore(path.join(temporaryFolder(), 'ours.db'), now)
    const first = { id: 7, duration: 100, lastTs: 1_790_000_100 }
    storeFound(db, { source: 'flight-recorder', flights: [first] })
    const moved = { id: 7, duration: 200, lastTs: 1_790_003_800 }
    expect(storeFound(db, { source: 'flight-recorder', flights: [moved] })).toMatchObject({
      added: 0,
      known: 1,
    })
    expect(db.prepare('SELECT duration, last_ts FROM flight').raw().all()).toEqual([[200, 1_790_003_800]])
    db.close()
  })

  it('refuses the database itself', () => {
    const file = path.join(temporaryFolder(), 'ours.db')
    openStore(file, now).db.close()
    expect(() => refuseSelf(file, `${path.dirname(file)}/./ours.db`)).toThrow('is the database itself')
  })
})
