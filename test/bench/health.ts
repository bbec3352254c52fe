// What looking at this machine costs, beside Glances and node_exporter doing the same in the same minutes.
// WATCHKEEPER_BENCH_MINUTES shortens the ten minutes.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Figures } from './support/figures.ts'

const figures = new Figures()
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const command = fileURLToPath(new URL('../../dist/node/watchkeeper.js', import.meta.url))
const hook = fileURLToPath(new URL('./support/watch-spawns.mjs', import.meta.url))
const minutes = Number(process.env['WATCHKEEPER_BENCH_MINUTES'] ?? 10)
const everyMs = 10_000
/** The whole service may take so much of a core (%), of memory (MB) and of writing a day (MB, of which stamps and journals are most). */
const wholeShare = 2
const wholeMegabytes = 250
const wholeMegabytesADay = 700
const settleMs = Math.min(60_000, minutes * 20_000)
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const has = (program: string): boolean => spawnSync('which', [program]).status === 0
const children: ChildProcess[] = []

interface Cost {
  readonly cpuMs: number
  readonly rssBytes: number
  readonly writtenBytes: number
}

/** Returns what a process and the programs that it waited for have taken so far. */
function costOf({ pid = 0 }: ChildProcess): Cost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0)
  const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const written = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
  return { cpuMs: ticks * 10, rssBytes: Number(rss) * 1_024, writtenBytes: Number(written) }
}

async function ours(
  name: string,
  settings: object,
): Promise<{ child: ChildProcess; report: string; origin: string }> {
  const database = path.join(folder, name, 'watchkeeper.db')
  const report = path.join(folder, `${name}.json`)
  const child = spawn(
    process.execPath,
    ['--import', hook, command, 'serve', '-d', database, '--listen', '127.0.0.1:0'],
    {
      env: { ...process.env, HOME: folder, WATCHKEEPER_BENCH_REPORT: report },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  children.push(child)
  const address = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /Open (http\S+)/.exec(chunk.toString())?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  const [origin = '', key = ''] = address.split('/#key=')
  await fetch(`${origin}/api/v1/health/settings`, {
    method: 'PATCH',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })
  return { child, report, origin }
}

function peer(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, [...args], { stdio: 'ignore', env: { ...process.env, HOME: folder } })
  children.push(child)
  return child
}

async function reportOf({
  child,
  report,
}: {
  child: ChildProcess
  report: string
}): Promise<{ started: string[]; stallMs: number }> {
  rmSync(report, { force: true })
  child.kill('SIGUSR2')
  while (!existsSync(report)) await wait(20)
  await wait(50)
  return JSON.parse(readFileSync(report, 'utf8')) as { started: string[]; stallMs: number }
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') {
    console.log('the cost of health is measured on Linux alone')
    return
  }
  const looking = await ours('looking', { enabled: true })
  const blind = await ours('blind', { enabled: false })
  const glances = has('glances')
    ? peer('glances', [
        '--quiet',
        '-t',
        String(everyMs / 1_000),
        '--export',
        'csv',
        '--export-csv-file',
        path.join(folder, 'glances.csv'),
      ])
    : null
  const port = 9_217
  const exporter = has('prometheus-node-exporter')
    ? peer('prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port}`])
    : null
  if (glances === null && exporter === null)
    console.log('NOT COMPARED: neither Glances (Debian: glances) nor prometheus-node-exporter is here')
  await wait(settleMs)
  const all = new Map([
    ['looking', looking.child],
    ['blind', blind.child],
    ...(glances ? [['glances', glances] as const] : []),
    ...(exporter ? [['exporter', exporter] as const] : []),
  ])
  await Promise.all([reportOf(looking), reportOf(blind)])
  const before = new Map([...all].map(([name, child]) => [name, costOf(child)]))
  const peaks = new Map<string, number>()
  const beganMs = performance.now()
  const endMs = beganMs + minutes * 60_000
  while (performance.now() < endMs) {
    await wait(Math.min(everyMs, Math.max(0, endMs - performance.now())))
    if (exporter) await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text())
    for (const [name, child] of all) peaks.set(name, Math.max(peaks.get(name) ?? 0, costOf(child).rssBytes))
  }
  const passedMs = performance.now() - beganMs
  const [lookingReport, blindReport] = await Promise.all([reportOf(looking), reportOf(blind)])
  const share = (name: string): number => {
    const [child, was] = [all.get(name), before.get(name)]
    return child && was ? (100 * (costOf(child).cpuMs - was.cpuMs)) / passedMs : Number.NaN
  }
  const perDay = (name: string): number => {
    const [child, was] = [all.get(name), before.get(name)]
    return child && was
      ? ((costOf(child).writtenBytes - was.writtenBytes) * 86_400_000) / passedMs / 1e6
      : Number.NaN
  }
  const megabytes = (name: string): number => (peaks.get(name) ?? Number.NaN) / 1e6
  const added = share('looking') - share('blind')
  figures.tell('peers', [...all.keys()].slice(2).join(', ') || 'NONE, nothing is compared')
  if (glances) {
    figures.compare('CPU of looking, beside Glances', '% of a core', added, share('glances'), { most: 1 }, 3)
    figures.compare(
      'CPU of the whole service, beside Glances',
      '% of a core',
      share('looking'),
      share('glances'),
      null,
      3,
    )
    figures.compare(
      'memory that looking adds, beside Glances',
      'MB',
      megabytes('looking') - megabytes('blind'),
      megabytes('glances'),
      { most: 1 },
    )
    figures.compare(
      'memory of the whole service, beside Glances',
      'MB',
      megabytes('looking'),
      megabytes('glances'),
      null,
    )
  }
  if (exporter) {
    figures.compare('CPU of looking, beside node_exporter', '% of a core', added, share('exporter'), null, 3)
    figures.compare(
      'memory that looking adds, beside node_exporter',
      'MB',
      megabytes('looking') - megabytes('blind'),
      megabytes('exporter'),
      null,
    )
  }
  figures.compare('CPU of looking, beside one per cent of a core', '% of a core', added, 1, { most: 1 }, 3)
  const own = lookingReport.started.filter((program) => !blindReport.started.includes(program))
  figures.add({
    what: 'programs that looking started',
    ours: String(own.length),
    floor: '0',
    ratio: own.length,
    asked: { most: 0 },
  })
  if (own.length > 0) console.log(`started: ${own.join(', ')}`)
  // Ceilings for the whole service, which hold whether a peer is there or not.
  figures.compare('CPU of the whole service', '% of a core', share('looking'), wholeShare, { most: 1 }, 3)
  figures.compare('memory of the whole service', 'MB', megabytes('looking'), wholeMegabytes, { most: 1 })
  figures.compare('written a day', 'MB', perDay('looking'), wholeMegabytesADay, { most: 1 }, 0)
  figures.tell('written a day without looking', `${perDay('blind').toFixed(0)} MB`)
  figures.compare('longest stall of the event loop', 'ms', lookingReport.stallMs, 50, { most: 1 })
  figures.tell('longest stall without looking', `${blindReport.stallMs.toFixed(1)} ms`)
}

try {
  await main()
} finally {
  for (const child of children) child.kill('SIGTERM')
  await wait(2_000)
  rmSync(folder, { recursive: true, force: true })
}
if (!figures.print(`health, ${minutes} min`)) process.exitCode = 1
