// Figures of the recorder, each beside a floor or a peer of the same run. `npm run bench` prints them and fails on a miss.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../electron/service/clock.ts'
import { flightReport, readReportRows } from '../../electron/service/recorder/flight-report.ts'
import { machineHistory } from '../../electron/service/recorder/queries.ts'
import { powerReader } from '../../electron/service/recorder/power.ts'
import { machineSampler, systemBuild } from '../../electron/service/recorder/sample.ts'
import { openFlight } from '../../electron/service/recorder/stamps.ts'
import { systemTimeService } from '../../electron/service/recorder/time-service.ts'
import { openReadOnly, openStore, type Connection } from '../../electron/service/store/open.ts'
import { makeHistory } from '../support/make-history.ts'
import { Figures, median } from './support/figures.ts'

const figures = new Figures()
const compare = (what: string, unit: string, ours: number, floor: number, most: number, digits = 1): void =>
  figures.compare(what, unit, ours, floor, { most }, digits)
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const clock = systemClock()
const command = fileURLToPath(new URL('../../dist/node/watchkeeper.js', import.meta.url))

/** CPU time of this process in microseconds, user and system. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes that this process has handed to the system for writing, pages of files included; Linux only. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
}

/** Runs both in turn, several times, and returns the medians, so that the noise of the machine meets both alike. */
function inTurn(rounds: number, ours: () => number, floor: () => number): [number, number] {
  const measured: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    measured[0].push(ours())
    measured[1].push(floor())
  }
  return [median(measured[0]), median(measured[1])]
}

function benchStamps(): void {
  const perRound = 500
  const oursFile = path.join(folder, 'stamps.db')
  const floorFile = path.join(folder, 'floor.db')
  const { db: ours } = openStore(oursFile, clock.read().wallMs)
  const { db: bare } = openStore(floorFile, clock.read().wallMs)
  const timeService = systemTimeService()
  const writer = openFlight(
    {
      db: ours,
      clock,
      sample: machineSampler(
        process.platform,
        powerReader(process.platform, () => performance.now()),
      ),
      synchronised: () => timeService.isSynchronised(),
    },
    { intervalMs: 10_000, os: systemBuild(), version: 'bench' },
  )
  bare.prepare('INSERT INTO flight (duration, last_ts) VALUES (0, 1)').run()
  const update = bare.prepare('UPDATE flight SET duration = ?, last_ts = ? WHERE id = 1')
  const begin = performance.now()
  const bareStamp = (): void => {
    update.run((performance.now() - begin) / 1_000, clock.read().wallMs / 1_000)
  }
  const cost = (measure: () => number, once: () => void) => (): number => {
    const before = measure()
    for (let index = 0; index < perRound; index += 1) once()
    return (measure() - before) / perRound
  }
  cost(cpuMicros, () => writer.stamp())()
  cost(cpuMicros, bareStamp)()
  const [cpu, bareCpu] = inTurn(
    15,
    cost(cpuMicros, () => writer.stamp()),
    cost(cpuMicros, bareStamp),
  )
  compare('CPU per stamp, beside a bare UPDATE', 'µs', cpu, bareCpu, 3)
  const [bytes, bareBytes] = inTurn(
    15,
    cost(writtenBytes, () => writer.stamp()),
    cost(writtenBytes, bareStamp),
  )
  compare('bytes written per stamp, beside a bare UPDATE', 'B', bytes, bareBytes, 3, 0)
  figures.add({
    what: 'bytes written per day at 10 s',
    ours: `${((bytes * 8_640) / 1e6).toFixed(0)} MB`,
    floor: `${((bareBytes * 8_640) / 1e6).toFixed(0)} MB`,
    ratio: null,
    asked: null,
  })
  ours.close()
  bare.close()
}

function timeOf(action: () => void): () => number {
  return () => {
    const startedAt = performance.now()
    action()
    return performance.now() - startedAt
  }
}

function benchReading(): void {
  const file = path.join(folder, 'many.db')
  openStore(file, clock.read().wallMs).db.close()
  makeHistory(file, { flights: 100_000, endMs: clock.read().wallMs - 600_000, spanMs: 10 * 365 * 86_400_000 })
  const selectFlights = (db: Connection): number => db.prepare('SELECT * FROM flight').all().length
  // The page is built from both tables that hold the flights.
  const selectAll = (db: Connection): number =>
    db.prepare('SELECT * FROM flight f LEFT JOIN flight_detail d ON d.flight_id = f.id').all().length
  const withDatabase = (use: (db: Connection) => unknown) => (): void => {
    const db = openReadOnly(file)
    try {
      use(db)
    } finally {
      db.close()
    }
  }
  const floor = timeOf(withDatabase(selectFlights))
  const pageFloor = timeOf(withDatabase(selectAll))
  const report = timeOf(
    withDatabase((db) => {
      let length = 0
      for (const text of flightReport(readReportRows(db))) length += text.length
      return length
    }),
  )
  const now = {
    wallMs: Math.round(clock.read().wallMs),
    bootId: clock.bootId,
    bootMs: null,
    monotonicMs: null,
  }
  const page = (sinceMs: number | null) =>
    timeOf(withDatabase((db) => JSON.stringify(machineHistory(db, { now, sinceMs, untilMs: null })).length))
  for (const warm of [report, page(null), floor, pageFloor]) warm()
  const [reportMs, floorMs] = inTurn(9, report, floor)
  compare('report of 100,000 flights, beside SELECT *', 'ms', reportMs, floorMs, 5)
  const [allMs, floorAgain] = inTurn(9, page(null), pageFloor)
  compare('Machine page (everything) on the same, beside SELECT * of both tables', 'ms', allMs, floorAgain, 5)
  const [monthMs, floorThird] = inTurn(9, page(now.wallMs - 30 * 86_400_000), pageFloor)
  compare('Machine page (30 days) on the same, beside SELECT * of both tables', 'ms', monthMs, floorThird, 5)
  const run = (args: readonly string[]): { ms: number; rss: number } => {
    const startedAt = performance.now()
    const script = `import(${JSON.stringify(command)}).finally(() => setImmediate(() => process.stderr.write('rss ' + process.resourceUsage().maxRSS)))`
    const child = spawnSync(process.execPath, ['-e', script, 'x', ...args], { maxBuffer: 1e9 })
    return {
      ms: performance.now() - startedAt,
      rss: Number(/rss (\d+)/.exec(child.stderr.toString())?.[1] ?? 0) / 1_024,
    }
  }
  const small = path.join(folder, 'small.db')
  openStore(small, clock.read().wallMs).db.close()
  const full = run(['report', '-d', file])
  const empty = run(['report', '-d', small])
  figures.add({
    what: 'peak memory of `report`, 100,000 flights beside none',
    ours: `${full.rss.toFixed(0)} MB`,
    floor: `${empty.rss.toFixed(0)} MB`,
    ratio: full.rss / empty.rss,
    asked: { most: 5 },
  })
}

async function firstStampMs(round: number): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [
    command,
    'serve',
    '-d',
    path.join(folder, `start-${round}.db`),
    '--listen',
    '127.0.0.1:0',
  ])
  const stamped = await new Promise<number>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.includes('Opened flight record')) resolve(performance.now() - startedAt)
    })
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGTERM')
  await closed
  return stamped
}

async function benchStart(): Promise<void> {
  const nothing = timeOf(() => spawnSync(process.execPath, ['-e', '0']))
  const ours: number[] = []
  const floor: number[] = []
  for (let round = 0; round < 11; round += 1) {
    ours.push(await firstStampMs(round))
    floor.push(nothing())
  }
  compare('`watchkeeper serve` to its first stamp, beside `node -e 0`', 'ms', median(ours), median(floor), 12)
}

try {
  benchStamps()
  benchReading()
  await benchStart()
  process.exitCode = figures.print('recorder') ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
