// Figures of the hosts, each beside a floor or a peer of the same run. `npm run bench` prints them and fails on a miss.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createGroupCommit } from '../../electron/service/store/group-commit.ts'
import { openStore, type Connection } from '../../electron/service/store/open.ts'
import { createSeries } from '../../electron/service/store/series/series.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { startBrowser } from '../support/browser.ts'
import { inPrivateNetwork, noPrivateNetwork } from '../support/private-network.ts'
import { Figures, median } from './support/figures.ts'

const figures = new Figures()
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const database = path.join(folder, 'w.db')
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const minute = 60_000
const day = 24 * 60 * minute

interface Measured {
  readonly echoes: number
  readonly lost: number
  readonly seconds: number
  readonly cpuMs: number
  readonly stallMs: number
  readonly rtt: number | null
  readonly skipped?: number
}
type Name =
  | 'burst'
  | 'fpingFast'
  | 'small'
  | 'fpingSmall'
  | 'slow'
  | 'fpingSlow'
  | 'spread'
  | 'spreadSmall'
  | 'spawning'
  | 'room1000'
  | 'room10000'
  | 'room10000Fast'

const perEcho = ({ cpuMs, echoes }: Measured): number => (1_000 * cpuMs) / echoes
const rate = ({ echoes, seconds }: Measured): string => `${Math.round(echoes / seconds)}/s`

async function benchEchoes(): Promise<void> {
  const reason = noPrivateNetwork()
  if (reason !== null) {
    figures.tell('echoes', `not measured: ${reason}`)
    return
  }
  const { stdout, stderr, code } = await inPrivateNetwork(here('./support/host-echoes.ts'))
  if (code !== 0) throw new Error(stderr)
  const all = JSON.parse(stdout) as Record<Name, Measured> & { readonly idleMs: number }
  const { burst, fpingFast, spread, spawning } = all
  figures.tell(
    'CPU of the process at rest, left out of what echoes cost',
    `${(all.idleMs / 10).toFixed(2)} %`,
  )
  for (const [what, ours, peer] of [
    ['10,000 hosts every second', burst, fpingFast],
    ['1,000 hosts every second', all.small, all.fpingSmall],
    ['10,000 hosts every 10 s', all.slow, all.fpingSlow],
  ] as const) {
    figures.compare(`CPU per echo, ${what}, at once; fping -i0`, 'µs', perEcho(ours), perEcho(peer), {
      most: 1,
    })
    figures.tell('  lost', String(ours.lost), String(peer.lost))
  }
  figures.compare(
    'CPU per echo, 10,000 every second, spread; fping -i0',
    'µs',
    perEcho(spread),
    perEcho(fpingFast),
    null,
  )
  figures.compare(
    'CPU per echo, 1,000 every second, spread; fping -i0',
    'µs',
    perEcho(all.spreadSmall),
    perEcho(all.fpingSmall),
    null,
  )
  figures.compare(
    'CPU per echo, 10,000 every second, spread; ping for each',
    'µs',
    perEcho(spread),
    perEcho(spawning),
    { most: 0.01 },
  )
  figures.add({
    what: 'replies lost at 10,000 hosts a second',
    ours: `${burst.lost + spread.lost} of ${burst.echoes + spread.echoes}`,
    floor: 'none',
    ratio: burst.lost + spread.lost,
    asked: { most: 0 },
  })
  figures.tell(
    'median round trip, of the same targets',
    `${((spread.rtt ?? 0) * 1_000).toFixed(1)} µs`,
    `${((fpingFast.rtt ?? 0) * 1_000).toFixed(1)} µs`,
  )
  figures.compare(
    'longest stall of the loop, 10,000 every second; asked',
    'ms',
    Math.max(burst.stallMs, spread.stallMs),
    50,
    { most: 1 },
  )
  for (const [what, one] of [
    ['the whole room, 1,000 every second', all.room1000],
    ['the whole room, 10,000 every 10 s', all.room10000],
    ['the whole room, 10,000 every second', all.room10000Fast],
  ] as const) {
    figures.compare(`CPU per sample, ${what}; ping for each`, 'µs', perEcho(one), perEcho(all.spawning), {
      most: 0.05,
    })
    figures.tell('  samples, lost, left out', `${rate(one)}, ${one.lost}, ${one.skipped ?? 0}`)
    figures.compare('  longest stall of the loop; asked', 'ms', one.stallMs, 50, { most: 1 })
  }
}

/** Writes a year of one host at an echo a minute, as the service keeps it. */
async function writeYear(db: Connection): Promise<{ readonly nowMs: number; readonly points: number }> {
  const clock = fakeClock()
  const series = createSeries(
    db,
    createGroupCommit(db, clock),
    clock,
    () => true,
    (error) => {
      throw error
    },
  )
  let seed = 1
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  let points = 0
  for (let passed = 0; passed < 365 * day; passed += minute) {
    series.add(1, clock.read().wallMs, random() < 0.002 ? Number.NaN : 10 + 5 * random() ** 8 + random())
    points += 1
    clock.advance(minute)
    if (points % 1_440 === 0) {
      let isDone = false
      void series.settle().then(() => (isDone = true))
      while (!isDone) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  series.stop()
  await new Promise((resolve) => setTimeout(resolve, 10))
  return { nowMs: clock.read().wallMs, points }
}

const hostCount = 1_000

async function fill(): Promise<void> {
  const scratch = openStore(path.join(folder, 'year.db'), 0).db
  const { nowMs } = await writeYear(scratch)
  scratch.exec('VACUUM')
  const blockBytes = scratch.prepare('SELECT sum(length(points)) FROM series_block').pluck().get() as number
  const rows = scratch.prepare('SELECT tier, from_ms, to_ms, points FROM series_block').all() as {
    tier: number
    from_ms: number
    to_ms: number
    points: Buffer
  }[]
  scratch.close()
  const { db } = openStore(database, nowMs)
  const shift = Math.floor((performance.timeOrigin + performance.now() - nowMs) / day) * day
  const host = db.prepare(
    `INSERT INTO host (id, domain, name, description, group_name, tags, failures, successes, emails, paused, created_ms, interval_ms)
     VALUES (?, ?, ?, '', ?, ?, 3, 1, '[]', 0, ?, 60000)`,
  )
  const probe = db.prepare(
    `INSERT INTO host_probe (id, host_id, position, settings, verdict, verdict_ms, first_ms, last_ms, last_ok)
     VALUES (@id, @id, 0, '{"kind":"icmp"}', 'up', @at, @first, @at, 1)`,
  )
  const block = db.prepare(
    'INSERT INTO series_block (series, tier, from_ms, to_ms, points) VALUES (?, ?, ?, ?, ?)',
  )
  const incident = db.prepare(
    "INSERT INTO host_incident (host_id, kind, cause, opened_ms, closed_ms) VALUES (?, 'down', 'timeout', ?, ?)",
  )
  const fill = db.transaction(() => {
    for (let id = 1; id <= hostCount; id += 1) {
      const firstMs = nowMs + shift - 365 * day
      host.run(
        id,
        `127.20.${id >> 8}.${id & 255}`,
        `host ${id}`,
        `group ${id % 20}`,
        JSON.stringify([`tag ${id % 7}`]),
        firstMs,
      )
      probe.run({ id, at: nowMs + shift, first: firstMs })
      for (const row of rows) block.run(id, row.tier, row.from_ms + shift, row.to_ms + shift, row.points)
      for (let count = 0; count < 50; count += 1) {
        const openedMs = firstMs + count * 7 * day + (id % 60) * minute
        incident.run(id, openedMs, openedMs + 20 * minute)
      }
    }
    for (const [tier, rolled] of [
      [1, nowMs + shift],
      [2, nowMs + shift],
      [3, nowMs + shift],
    ])
      db.prepare('INSERT INTO setting (name, value) VALUES (?, ?)').run(
        `series-rolled-${tier}`,
        String(Math.floor((rolled ?? 0) / day) * day),
      )
  })
  fill()
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  figures.tell(
    'disk per host and year, an echo a minute',
    `${Math.round(statSync(database).size / hostCount / 1_024)} KiB`,
    `${Math.round(blockBytes / 1_024)} KiB of points`,
  )
}

async function benchHistory(): Promise<void> {
  await fill()
  const child = spawn(
    process.execPath,
    [here('../../dist/node/watchkeeper.js'), 'serve', '--no-auth', '-d', database, '--listen', '127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, HOME: folder } },
  )
  const origin = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Open (http:\S+?)\/?$/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    }),
  )
  const timed = async (route: string): Promise<number> => {
    const began = performance.now()
    const response = await fetch(`${origin}${route}`)
    await response.text()
    if (!response.ok) throw new Error(`${route}: ${response.status}`)
    return performance.now() - began
  }
  const plain = openStore(database.replace('w.db', 'year.db'), 0).db
  const select = (): number => {
    const began = performance.now()
    plain.prepare('SELECT points FROM series_block WHERE series = 1 AND tier = 2 ORDER BY from_ms').all()
    return performance.now() - began
  }
  const repeat = async (work: (index: number) => Promise<number>): Promise<number> => {
    const times: number[] = []
    for (let index = 1; index <= 30; index += 1) times.push(await work(index * 31))
    return median(times)
  }
  await timed('/api/v1/hosts/1/history?last=365d')
  for (const last of ['1h', '24h', '30d', '365d'])
    figures.compare(
      `a host's page, ${last} of ${hostCount} hosts; plain SELECT of the year`,
      'ms',
      await repeat((index) => timed(`/api/v1/hosts/${1 + (index % hostCount)}/history?last=${last}`)),
      median(Array.from({ length: 30 }, select)),
      null,
      2,
    )
  figures.tell(
    'the list of hosts, a page of 50',
    `${(await repeat(() => timed('/api/v1/hosts?limit=50'))).toFixed(1)} ms`,
  )
  figures.tell(
    'the list of hosts, all 1,000',
    `${(await repeat(() => timed('/api/v1/hosts?limit=1000'))).toFixed(1)} ms`,
  )
  plain.close()
  await benchPage(origin)
  child.kill('SIGTERM')
  await new Promise((resolve) => child.on('close', resolve))
}

/** First paint and actions with a thousand hosts, in the browser. */
async function benchPage(origin: string): Promise<void> {
  const browser = await startBrowser()
  const paint = async (): Promise<number> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
    const began = performance.now()
    await page.goto(`${origin}/#/hosts`)
    await page.locator('tbody tr').nth(49).waitFor()
    const passed = performance.now() - began
    await page.close()
    return passed
  }
  await paint()
  figures.compare(
    'the page of 1,000 hosts, until 50 are seen; asked',
    'ms',
    median([await paint(), await paint(), await paint()]),
    1_000,
    { most: 1 },
    0,
  )
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  await page.goto(`${origin}/#/hosts`)
  await page.locator('tbody tr').nth(49).waitFor()
  const acted = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const filter = await acted(async () => {
    await page.getByLabel('Search hosts').fill('host 77')
    await page
      .getByTestId('shown')
      .getByText(/^11 of/)
      .waitFor()
  })
  figures.tell('filtering 1,000 hosts, with 150 ms for typing', `${filter.toFixed(0)} ms`)
  await page.getByLabel('Search hosts').fill('')
  await page
    .getByTestId('shown')
    .getByText(/^1000 of/)
    .waitFor()
  const open = await acted(async () => {
    await page.locator('tbody tr a').first().click()
    await page.getByTestId('latency').waitFor()
  })
  figures.compare("opening a host's page until its chart is there; asked", 'ms', open, 200, null, 0)
  await browser.close()
}

try {
  await benchEchoes()
  await benchHistory()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = figures.print('hosts') ? 0 : 1
