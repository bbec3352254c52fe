// Figures of telemetry, each beside a floor or a peer of the same run. `npm run bench` prints them and fails on a miss. An argument (`ingest`, `postgres`,
// `views`) names the one part to run.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../electron/service/clock.ts'
import { openRecordStore } from '../../electron/service/telemetry/records/open-store.ts'
import type { RecordStore } from '../../electron/service/telemetry/records/store.ts'
import type { RecordFilter } from '../../electron/service/telemetry/schema.ts'
import { openRaw } from '../support/raw-database.ts'
import { noPostgres, startPostgres } from '../support/postgres.ts'
import { Figures, median, quantile } from './support/figures.ts'
import { fillRecords } from './support/many-records.ts'

const figures = new Figures()
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const clock = systemClock()
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const children: ChildProcess[] = []
const dayMs = 86_400_000
const connections = 100
const loadSeconds = 3
const rounds = 3
const many = { less: 1_000_000, more: 5_000_000 } as const

function started(args: readonly string[], pattern: RegExp): Promise<{ match: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = pattern.exec(line)
      if (found) resolve({ match: found[1] ?? line, child })
    })
  })
}

function serve(database: string, ...more: readonly string[]) {
  return started(
    [
      here('../../dist/node/watchkeeper.js'),
      'serve',
      '-d',
      database,
      '--listen',
      '127.0.0.1:0',
      '-v',
      'error',
      ...more,
    ],
    /Open (\S+)/,
  )
}

interface Load {
  readonly answered: number
  readonly refused: number
  readonly broken: number
  readonly perSecond: number
  readonly p99: number
}

let events = 0
async function load(port: number, plan: object): Promise<Load> {
  events += 10_000_000
  // What one has written must not be flushed by the next.
  await promisify(execFile)('sync')
  const whole = JSON.stringify({ port, connections, seconds: loadSeconds, firstEvent: events, ...plan })
  const { stdout } = await promisify(execFile)(process.execPath, [here('./support/http-load.ts'), whole], {
    maxBuffer: 1e7,
  })
  return JSON.parse(stdout) as Load
}

const records = { paths: ['/v2/collector'], payloadBytes: 1_024 }

async function benchIngest(): Promise<void> {
  const bare =
    "const s=require('node:http').createServer((q,r)=>r.end('OK')).listen(0,'127.0.0.1',()=>console.log('port '+s.address().port))"
  const floorPort = Number((await started(['-e', bare], /port (\d+)/)).match)
  const peer = [here('./support/bare-collector.ts'), path.join(folder, 'bare.db')]
  const peerPort = Number((await started(peer, /port (\d+)/)).match)
  const database = path.join(folder, 'ingest.db')
  const { match } = await serve(database)
  const port = Number(new URL(match).port)
  const runs: Record<'ours' | 'floor' | 'posts' | 'peer', Load[]> = {
    ours: [],
    floor: [],
    posts: [],
    peer: [],
  }
  for (let round = 0; round < rounds; round += 1) {
    runs.floor.push(await load(floorPort, { paths: ['/ping'] }))
    runs.posts.push(await load(floorPort, records))
    runs.peer.push(await load(peerPort, records))
    runs.ours.push(await load(port, records))
  }
  const rate = (list: readonly Load[]): number => median(list.map(({ perSecond }) => perSecond))
  figures.compare(
    `records of 1 kB a second, checked and on disk, ${connections} connections; bare node:http`,
    '/s',
    rate(runs.ours),
    rate(runs.floor),
    { least: 0.3 },
    0,
  )
  figures.compare(
    'the same; bare node:http that takes the same posts',
    '/s',
    rate(runs.ours),
    rate(runs.posts),
    null,
    0,
  )
  figures.compare(
    'the same; bare node:http that writes the same rows and checks nothing',
    '/s',
    rate(runs.ours),
    rate(runs.peer),
    null,
    0,
  )
  figures.tell('p99 of these', `${median(runs.ours.map(({ p99 }) => p99)).toFixed(1)} ms`)
  const raw = openRaw(`${database}.records.db`)
  const stored = raw.prepare('SELECT count(*) FROM record').pluck().get() as number
  raw.close()
  const taken = runs.ours.reduce((sum, { answered }) => sum + answered, 0)
  const failed = runs.ours.reduce((sum, { refused, broken }) => sum + refused + broken, 0)
  if (stored < taken || failed > 0) throw new Error(`${taken} answered, ${stored} stored, ${failed} failed`)
  figures.tell('of these acknowledged and found on disk', `${taken} of ${taken}`)
}

async function benchPostgres(): Promise<void> {
  if (noPostgres !== null) {
    figures.tell('records a second on PostgreSQL', `skipped: ${noPostgres}`)
    return
  }
  const server = await startPostgres()
  try {
    const address = server.database('bench')
    const { match } = await serve(path.join(folder, 'fleet.db'), '--telemetry-database', address)
    const port = Number(new URL(match).port)
    const peer = server.database('peer')
    await (await openRecordStore({ kind: 'postgres', address: peer }, clock)).close()
    const script = path.join(folder, 'insert.sql')
    writeFileSync(
      script,
      `\\set d random(1, 4000000000000000)
BEGIN;
INSERT INTO record (server_ms, client_s, classification_id, build_id, system_id, kernel_id, host_id, platform_id, severity, external, record_version,
  payload_version, payload_bytes, machine, event, digest, crash, guilty_id, revision)
VALUES (1795255672000, 1795255672, 1, 2, 3, 4, 5, 6, 1, 0, 4, 1, 1024, 'a3b8541ac63cbec1d2871ae701ce432b', md5(:d::text), :d, 0, NULL, 1);
INSERT INTO payload (record_id, text) VALUES (currval(pg_get_serial_sequence('record', 'id')), repeat('x', 1024));
COMMIT;
`,
    )
    const bin = globSync('/usr/lib/postgresql/*/bin').at(-1) ?? ''
    const peers: number[] = []
    const ours: Load[] = []
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await load(port, records))
      const { stdout } = await promisify(execFile)(path.join(bin, 'pgbench'), [
        '-n',
        '-c',
        '16',
        '-j',
        '2',
        '-T',
        String(loadSeconds),
        '-f',
        script,
        peer,
      ])
      peers.push(Number(/tps = ([\d.]+)/.exec(stdout)?.[1]))
    }
    figures.compare(
      'the same on PostgreSQL; pgbench -c 16 inserting the same rows',
      '/s',
      median(ours.map(({ perSecond }) => perSecond)),
      median(peers),
      null,
      0,
    )
  } finally {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await server.stop()
  }
}

type Question = (store: RecordStore, count: number) => Promise<unknown>

/** A window (ms) that holds about as many records, however many there are in all. */
const windowMs = (count: number): number => (5_000 / count) * 35 * dayMs

const machine = (104_729).toString(16).padStart(32, '0')
const nowMs = Math.round(clock.glance().wallMs)

/** The seed's REST API as the collector answers it: up to 10,000 records, piece by piece. */
const seed =
  (filter: RecordFilter): Question =>
  async (store) => {
    let before: number | null = null
    let count = 0
    do {
      const piece: { text: string; count: number; before: number | null } = await store.ask('textPiece', {
        filter,
        before,
        limit: 10_000 - count,
        form: 'seed',
      })
      count += piece.count
      before = piece.before
    } while (before !== null && count < 10_000)
    return count
  }
const page =
  (filter: RecordFilter): Question =>
  (store) =>
    store.ask('list', { filter, before: null, limit: 50, withPayload: false, patienceMs: 60_000 })

const lists: Readonly<Record<string, Question>> = {
  'first page': page({}),
  'page by class': page({ classification: 'org.clearlinux/mce/corrected' }),
  'page by class with *': page({ classification: 'org.clearlinux/mce/*' }),
  'page by severity': page({ severity: 4 }),
  'page by machine': page({ machine }),
  'page by build': page({ build: '41100' }),
  'page by source and system': page({ external: true, system: 'clear-linux-os' }),
  'page by guilty frame': page({ guiltyId: 7 }),
  'page by dates': page({
    capturedFromS: nowMs / 1_000 - 20 * 86_400,
    capturedToS: nowMs / 1_000 - 19 * 86_400,
  }),
  'page by payload pattern': page({ payload: 'f12\\(\\)' }),
  'page by payload that is not': page({ notPayload: '^payload' }),
  'page by all together': page({
    classification: 'org.clearlinux/crash/*',
    build: '41100',
    severity: 3,
    external: false,
    payload: 'main',
    notPayload: 'oops',
    capturedFromS: 0,
  }),
  'api/records': seed({}),
  'api/records classification': seed({ classification: 'org.clearlinux/hello/world' }),
  'api/records severity': seed({ severity: 3 }),
  'api/records machine_id': seed({ machine }),
  'api/records build': seed({ build: '41100' }),
  'api/records created_in_days': seed({ receivedAfterMs: nowMs - 7 * dayMs }),
  'api/records created_in_sec': (store, count) =>
    seed({ receivedAfterMs: nowMs - windowMs(count) })(store, count),
  'api/records from_id': seed({ fromId: 900_000 }),
  'api/records ts_capture': (store, count) =>
    seed({ capturedAfterS: Math.floor((nowMs - windowMs(count)) / 1_000) - 30 })(store, count),
}
const aggregates: Readonly<Record<string, Question>> = {
  builds: (store) => store.ask('buildCounts', null),
  stats: (store) => store.ask('shares', null),
  crashes: (store) =>
    store.ask('topCrashes', { sinceMs: nowMs - 7 * dayMs, withHidden: false, most: 10, ownMachines: [] }),
  'guilty details': (store) => store.ask('guiltyDetails', { id: 7 }),
  backtraces: (store) => store.ask('backtraces', { id: 7 }),
  mce: (store) => store.ask('machineChecks', { year: new Date(nowMs).getUTCFullYear() }),
  thermal: (store) => store.ask('thermal', { nowMs }),
  population: (store) => store.ask('population', { nowMs }),
  'update matrix': (store) => store.ask('updateMatrix', { sinceMs: nowMs - 7 * dayMs }),
  summary: (store) => store.ask('summary', null),
}

interface Times {
  readonly p50: number
  readonly p99: number
}

/** Enough runs for a p99; what takes longer than a page is asked less often. */
const runs = { quick: 100, slow: 20, quickMs: 50 } as const

async function timesOf(ask: () => Promise<unknown>): Promise<Times> {
  await ask()
  const taken: number[] = []
  const mostRuns = (): number => (median(taken) < runs.quickMs ? runs.quick : runs.slow)
  while (taken.length < runs.slow || taken.length < mostRuns()) {
    const begun = performance.now()
    await ask()
    taken.push(performance.now() - begun)
  }
  return { p50: median(taken), p99: quantile(taken, 0.99) }
}

/** What finds nothing measures nothing. */
async function checkAnswers(store: RecordStore): Promise<void> {
  const { steps } = await store.ask('updateMatrix', { sinceMs: nowMs - 7 * dayMs })
  if (steps.length === 0) throw new Error('the update matrix is empty')
  const traces = await store.ask('backtraces', { id: 7 })
  if (traces.length === 0 || traces.some(({ frames }) => frames.length === 0))
    throw new Error('there are backtraces without frames')
}

/** Parameters of `/api/records` by what is measured. */
const parameters = (count: number): Readonly<Record<string, string>> => ({
  'limit=1': 'limit=1',
  none: '',
  classification: 'classification=org.clearlinux/hello/world',
  severity: 'severity=3',
  machine_id: `machine_id=${machine}`,
  build: 'build=41100',
  created_in_days: 'created_in_days=7',
  created_in_sec: `created_in_sec=${Math.round(windowMs(count) / 1_000)}`,
  from_id: 'from_id=900000',
  ts_capture: `ts_capture=${Math.floor((nowMs - windowMs(count)) / 1_000) - 30}`,
})

interface Measured {
  readonly lists: Map<string, Times>
  readonly aggregates: Map<string, Times>
  readonly served: Map<string, Times>
}

async function measured(count: number): Promise<Measured> {
  const at = path.join(folder, String(count))
  mkdirSync(at)
  const file = path.join(at, 'records.db')
  fillRecords(file, count, nowMs)
  const store = await openRecordStore({ kind: 'sqlite', file }, clock)
  const results: Measured = { lists: new Map(), aggregates: new Map(), served: new Map() }
  try {
    await checkAnswers(store)
    for (const [name, question] of Object.entries(lists))
      results.lists.set(name, await timesOf(() => question(store, count)))
    for (const [name, question] of Object.entries(aggregates))
      results.aggregates.set(name, await timesOf(() => question(store, count)))
  } finally {
    await store.close()
  }
  const { match, child } = await serve(path.join(at, 'watchkeeper.db'))
  const { origin, hash } = new URL(match)
  const headers = { 'x-api-key': hash.replace('#key=', ''), 'content-type': 'application/json' }
  await benchExport(count, origin, headers, child)
  for (const [name, query] of Object.entries(parameters(count)))
    results.served.set(
      `GET /api/records, ${name}`,
      await timesOf(async () => {
        const response = await fetch(`${origin}/api/records?${query}`, { headers })
        const { records: found } = (await response.json()) as { records: unknown[] }
        if (found.length === 0) throw new Error(`/api/records?${query} finds nothing`)
      }),
    )
  if (count === many.less) await benchRecompute(origin, headers)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  rmSync(at, { recursive: true, force: true })
  return results
}

async function benchViews(): Promise<void> {
  const less = await measured(many.less)
  const more = await measured(many.more)
  for (const kind of ['lists', 'aggregates', 'served'] as const)
    for (const [name, { p50, p99 }] of more[kind]) {
      const before = less[kind].get(name)
      if (!before) continue
      const words = ({ p50: half, p99: most }: Times): string => `${half.toFixed(1)} / ${most.toFixed(1)} ms`
      figures.add({
        what: `${name}, p50 / p99, 5 million records; 1 million`,
        ours: words({ p50, p99 }),
        floor: words(before),
        // Below a few milliseconds a ratio tells of the machine, not of the query.
        ratio: Math.max(p50, 3) / Math.max(before.p50, 3),
        asked: { most: kind === 'aggregates' ? 6 : 1.5 },
      })
    }
}

function peakMemory({ pid }: ChildProcess): number {
  const text = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_024
}

type Headers = Readonly<Record<string, string>>

async function benchExport(
  count: number,
  origin: string,
  headers: Headers,
  child: ChildProcess,
): Promise<void> {
  const before = peakMemory(child)
  const begun = performance.now()
  const response = await fetch(`${origin}/api/v1/telemetry/export/records.csv`, { headers })
  let bytes = 0
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
  const seconds = (performance.now() - begun) / 1_000
  figures.compare(
    `peak memory while ${count / 1e6} million records (${(bytes / 1e6).toFixed(0)} MB) go out as CSV; before`,
    'MB',
    peakMemory(child),
    before,
    { most: 3 },
  )
  figures.tell(`records a second as CSV, of ${count / 1e6} million`, `${Math.round(count / seconds)} /s`)
}

async function benchRecompute(origin: string, headers: Headers): Promise<void> {
  const started = performance.now()
  await fetch(`${origin}/api/v1/telemetry/skip-list`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ add: [{ function: 'f7()', module: 'libapp.so' }] }),
  })
  for (;;) {
    const list = (await (await fetch(`${origin}/api/v1/telemetry/skip-list`, { headers })).json()) as {
      regroups: { done: string | null; moved: number }[]
    }
    const [last] = list.regroups
    if (last?.done) {
      if (last.moved === 0) throw new Error('blaming anew moved nothing')
      figures.tell('crashes that skipping a frame moved', String(last.moved))
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const elapsed = (performance.now() - started) / 1_000
  figures.tell('crashes blamed anew a second, of 100,000', `${Math.round(100_000 / elapsed)} /s`)
}

try {
  const parts = { ingest: benchIngest, postgres: benchPostgres, views: benchViews }
  const [only] = process.argv.slice(2)
  for (const [name, bench] of Object.entries(parts)) if (only === undefined || only === name) await bench()
  if (!figures.print('telemetry')) process.exitCode = 1
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
