// Figures of the watchers, each beside a floor or a peer of the same run. `npm run bench` prints them and fails on a miss.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../electron/service/clock.ts'
import { createLog } from '../../electron/service/log.ts'
import { createObservation } from '../../electron/service/recorder/observation.ts'
import { createGroupCommit } from '../../electron/service/store/group-commit.ts'
import { createMeasurements } from '../../electron/service/store/series/measurements.ts'
import { openStore, type Connection } from '../../electron/service/store/open.ts'
import { createWatchers } from '../../electron/service/watchers/index.ts'
import { openRaw } from '../support/raw-database.ts'
import { Figures, median, quantile } from './support/figures.ts'
import { noConnection } from '../support/no-connection.ts'

const figures = new Figures()
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const clock = systemClock()
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const children: ChildProcess[] = []
const connections = 100
const loadSeconds = 3
const rounds = 5

/** Starts a program and resolves with the first match of its output. */
function started(args: readonly string[], pattern: RegExp): Promise<string> {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = pattern.exec(line)
      if (found) resolve(found[1] ?? line)
    })
  })
}

interface Load {
  readonly answered: number
  readonly refused: number
  readonly broken: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

async function load(port: number, paths: readonly string[]): Promise<Load> {
  const plan = JSON.stringify({ port, connections, seconds: loadSeconds, paths })
  const { stdout } = await promisify(execFile)(process.execPath, [here('./support/http-load.ts'), plan], {
    maxBuffer: 1e7,
  })
  return JSON.parse(stdout) as Load
}

/** Makes watchers by the native API and returns their shortest paths. */
async function makeWatchers(origin: string, key: string, count: number): Promise<string[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
  const make = (index: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = http.request(
        `${origin}/api/v1/watchers`,
        { agent, method: 'POST', headers: { 'x-api-key': key, 'content-type': 'application/json' } },
        (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.on('end', () => resolve(`/${(JSON.parse(text) as { id: string }).id}`))
        },
      )
      request.on('error', reject)
      request.end(JSON.stringify({ name: `w${index}`, schedule: { kind: 'period', periodMs: 3_600_000 } }))
    })
  const paths = await Promise.all(Array.from({ length: count }, (_, index) => make(index)))
  agent.destroy()
  return paths
}

async function benchTriggers(): Promise<void> {
  const watchers = 1_000
  const bare =
    "const s=require('node:http').createServer((q,r)=>r.end('OK')).listen(0,'127.0.0.1',()=>console.log('port '+s.address().port))"
  const floorPort = Number(await started(['-e', bare], /port (\d+)/))
  const peer = JSON.parse(
    await started([here('./support/one-commit-server.ts'), folder, String(watchers)], /^(\{.*)/),
  ) as { port: number; paths: string[] }
  const database = path.join(folder, 'triggers.db')
  const address = await started(
    [
      here('../../dist/node/watchkeeper.js'),
      'serve',
      '-d',
      database,
      '--listen',
      '127.0.0.1:0',
      '-v',
      'error',
    ],
    /Open (\S+)/,
  )
  const { origin, port, hash } = new URL(address)
  const paths = await makeWatchers(origin, hash.replace('#key=', ''), watchers)
  const runs: { ours: Load[]; floor: Load[]; peer: Load[] } = { ours: [], floor: [], peer: [] }
  for (let round = 0; round < rounds; round += 1) {
    runs.floor.push(await load(floorPort, ['/ping']))
    runs.ours.push(await load(Number(port), paths))
    runs.peer.push(await load(peer.port, peer.paths))
  }
  const of = (list: readonly Load[], pick: (run: Load) => number): number => median(list.map(pick))
  const rate = ({ perSecond }: Load): number => perSecond
  const p99 = (run: Load): number => run.p99
  figures.compare(
    `acknowledged triggers a second, ${connections} connections, ${watchers} watchers; bare node:http`,
    '/s',
    of(runs.ours, rate),
    of(runs.floor, rate),
    { least: 0.4 },
    0,
  )
  figures.compare(
    'the same; bare node:http with one commit a request',
    '/s',
    of(runs.ours, rate),
    of(runs.peer, rate),
    null,
    0,
  )
  figures.compare('p99 latency; bare node:http', 'ms', of(runs.ours, p99), of(runs.floor, p99), null)
  figures.compare('p99 latency; one commit a request', 'ms', of(runs.ours, p99), of(runs.peer, p99), null)
  const raw = openRaw(database)
  const written = raw.prepare('SELECT sum(triggers) FROM watcher_state').pluck().get() as number
  raw.close()
  const acknowledged = runs.ours.reduce((sum, { answered }) => sum + answered, 0)
  const failed = runs.ours.reduce((sum, { refused, broken }) => sum + refused + broken, 0)
  if (written < acknowledged || failed > 0)
    throw new Error(`${acknowledged} answered, ${written} written, ${failed} failed`)
  figures.tell('of these acknowledged and found on disk', `${acknowledged} of ${acknowledged}`)
}

/** Writes watchers straight into the tables; `dueInMs` says when each is due. */
function fill(db: Connection, count: number, dueInMs: (index: number) => number): void {
  const nowMs = clock.glance().wallMs
  const periodMs = 3_600_000
  const insert = db.prepare(
    'INSERT INTO watcher (id, code, uuid, token, badge_key, name, slug, schedule, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const insertState = db.prepare(
    "INSERT INTO watcher_state (watcher_id, wake_ms, due_from_ms, verdict, verdict_ms, triggers) VALUES (?, ?, ?, 'ok', ?, 1)",
  )
  const schedule = JSON.stringify({ kind: 'period', periodMs })
  db.transaction(() => {
    for (let index = 0; index < count; index += 1) {
      const dueMs = Math.round(nowMs + dueInMs(index))
      insert.run(
        index + 1,
        `c${index}`,
        randomUUID(),
        `t${index}`,
        `b${index}`,
        `w${index}`,
        `w${index}`,
        schedule,
        nowMs,
      )
      insertState.run(index + 1, dueMs, dueMs - periodMs, nowMs)
    }
  })()
}

/** How late the timer alone is, for the same number of deadlines in the same second. */
async function timerLateness(count: number): Promise<number[]> {
  const late: number[] = []
  await new Promise<void>((resolve) => {
    for (let index = 0; index < count; index += 1) {
      const dueMs = Date.now() + 200 + (index * 1_000) / count
      setTimeout(() => {
        late.push(Date.now() - dueMs)
        if (late.length === count) resolve()
      }, dueMs - Date.now())
    }
  })
  return late
}

async function benchDeadlines(count: number): Promise<void> {
  const due = 1_000
  const { db } = openStore(path.join(folder, `deadlines-${count}.db`), clock.read().wallMs)
  const heapBefore = settledHeap()
  // Settling takes a second; all are due in the second after the next one.
  fill(db, count, (index) => (index < due ? 3_000 + index : 86_400_000))
  const late: number[] = []
  const done = Promise.withResolvers<void>()
  const commits = createGroupCommit(db, clock)
  const watchers = createWatchers({
    version: 'bench',
    databaseFolder: folder,
    db,
    reader: { ask: () => Promise.reject(new Error('nothing is asked')) },
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.glance().wallMs),
    commits,
    series: createMeasurements(db, commits, clock, () => undefined),
    observation: createObservation(db, clock, () => undefined),
    connection: noConnection,
    silences: { maintenance: () => [] },
    transitions: {
      refresh: () => undefined,
      record({ kind, item }) {
        if (kind !== 'problem') return
        late.push(
          clock.glance().wallMs -
            (db
              .prepare('SELECT due_from_ms + 3600000 FROM watcher_state WHERE watcher_id = ?')
              .pluck()
              .get(Number(item.slice(1)) + 1) as number),
        )
        if (late.length === due) done.resolve()
      },
    },
    changed: () => undefined,
  })
  await watchers.start(() => Promise.resolve())
  await done.promise
  const timer = await timerLateness(due)
  const [ours, floor] = [quantile(late, 0.99), quantile(timer, 0.99)]
  figures.add({
    what: `p99 lateness, ${count} watchers, ${due} due in one second; the timer alone, and 50 ms`,
    ours: `${ours.toFixed(1)} ms`,
    floor: `${floor.toFixed(1)} ms`,
    ratio: ours / (floor + 50),
    asked: { most: 1 },
  })
  const restSeconds = 10
  const cpuBefore = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, restSeconds * 1_000))
  const { user, system } = process.cpuUsage(cpuBefore)
  figures.tell(`CPU at rest with ${count} watchers`, `${((user + system) / 1e4 / restSeconds).toFixed(3)} %`)
  figures.tell(
    `memory with ${count} watchers, for 10,000 of them`,
    `${((((settledHeap() - heapBefore) / count) * 1e4) / 1e6).toFixed(2)} MB`,
  )
  watchers.stop()
  db.close()
}

function settledHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

try {
  await benchTriggers()
  for (const child of children) child.kill('SIGTERM')
  for (const count of [10_000, 100_000]) await benchDeadlines(count)
  process.exitCode = figures.print('watchers') ? 0 : 1
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
