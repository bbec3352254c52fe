// Plays somebody who has never heard of Watchkeeper: how much they type and click, how soon they see something, and what it costs a browser.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../support/browser.ts'
import { makeHistory } from '../support/make-history.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const command = path.join(root, 'dist/node/watchkeeper.js')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-newcomer-'))
const failures: string[] = []

interface Served {
  readonly address: string
  readonly origin: string
  readonly key: string
  end(): Promise<void>
}

async function serve(database: string): Promise<Served> {
  const child = spawn(process.execPath, [command, 'serve', '-d', database, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  const address = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Open (http\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    }),
  )
  const { origin, hash } = new URL(address)
  return {
    address,
    origin,
    key: hash.replace('#key=', ''),
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const show = (what: string, value: string | number, bound = ''): void => {
  process.stdout.write(
    `${what.padEnd(58)} ${String(value).padStart(12)}${bound === '' ? '' : `   ${bound}`}\n`,
  )
}
const hold = (isGood: boolean, what: string): void => {
  if (!isGood) failures.push(what)
}

/** Counts clicks, and requests that leave the page's own origin. */
async function opened(
  browser: Browser,
  address: string,
  options: object = {},
): Promise<{ page: Page; foreign: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  const foreign: string[] = []
  const own = new URL(address).origin
  page.on('request', (request) => {
    if (!request.url().startsWith(own) && !/^(?:blob|data):/.test(request.url())) foreign.push(request.url())
  })
  await page.goto(address)
  return { page, foreign }
}

async function firstVisit(browser: Browser): Promise<void> {
  const startedAt = performance.now()
  const served = await serve(path.join(folder, 'fresh.db'))
  const { page, foreign } = await opened(browser, served.address)
  await page.getByTestId('found').waitFor()
  const firstFact = (performance.now() - startedAt) / 1_000
  let clicks = 0
  const click = async (name: string | RegExp): Promise<void> => {
    await page.getByRole('button', { name }).first().click()
    clicks += 1
  }
  await click('Next')
  await click(/^Watch /)
  await page.getByText('watched').first().waitFor()
  const toHost = clicks
  clicks = 0
  await page.goto(`${served.origin}/#/watchers`)
  await click('Add')
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Nightly backup')
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click()
  clicks += 1
  await page.getByRole('heading', { name: 'Nightly backup' }).first().waitFor()
  show('commands typed to install and start', 1, 'npm ci && npm start')
  show('seconds from the start of the service to the first fact', firstFact.toFixed(1))
  show('clicks to the first host', toHost)
  show('clicks to the first watcher, beside its name', clicks)
  show('requests to other origins', foreign.length, 'none')
  hold(foreign.length === 0, `the page asks ${foreign.join(', ')}`)
  await page.close()
  await served.end()
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string | null
    readonly nodes: readonly { readonly target: readonly string[] }[]
  }[]
}

const pages = [
  '/overview',
  '/welcome',
  '/machine',
  '/hosts',
  '/watchers',
  '/telemetry/records',
  '/telemetry/crashes',
  '/health/now',
  '/health/charts',
  '/health/settings',
  '/incidents',
  '/notices',
  '/settings',
]

async function accessibility(browser: Browser, served: Served): Promise<void> {
  let serious = 0
  let all = 0
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 420]) {
      const { page } = await opened(browser, served.address, {
        colorScheme,
        viewport: { width, height: 900 },
      })
      await page.locator('#content').waitFor()
      for (const route of pages) {
        await page.evaluate(`location.hash = ${JSON.stringify(route)}`)
        await page.waitForTimeout(1_200)
        await page.evaluate(axe)
        const { violations } = await page.evaluate<AxeResult>('axe.run({ resultTypes: ["violations"] })')
        all += violations.length
        for (const { id, impact, nodes } of violations.filter(
          (one) => one.impact === 'serious' || one.impact === 'critical',
        )) {
          serious += 1
          failures.push(
            `${route} (${colorScheme}, ${width}): ${impact} ${id}: ${nodes
              .slice(0, 2)
              .map(({ target }) => target.join(' '))
              .join(' | ')}`,
          )
        }
      }
      await page.close()
    }
  show(`accessibility findings of axe-core on ${pages.length} pages, 4 looks each`, all)
  show('of them serious or critical', serious, 'none')
}

/** Milliseconds until the overview and its axis of time are drawn, the best of several. */
async function paint(browser: Browser, served: Served): Promise<number> {
  let best = Infinity
  for (let run = 0; run < 7; run += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await context.newPage()
    const startedAt = performance.now()
    await page.goto(served.address.replace('#', '#/overview?x#'))
    await page.getByTestId('standing').waitFor()
    await page.locator('[data-lane=recorder]').first().waitFor()
    best = Math.min(best, performance.now() - startedAt)
    await context.close()
  }
  return best
}

async function fill(served: Served): Promise<void> {
  const send = async (method: string, route: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${served.origin}/api/v1/${route}`, {
      method,
      headers: { 'x-api-key': served.key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${route}: ${await answer.text()}`)
  }
  const lines = ['hosts:']
  for (let index = 0; index < 1_000; index += 1)
    lines.push(`  - { domain: 127.${1 + (index >> 8)}.${index & 255}.1, name: Host ${index}, interval: 5m }`)
  lines.push('watchers:')
  for (let index = 0; index < 5_000; index += 1) lines.push(`  - { name: Watcher ${index}, every: 1d }`)
  await send('PUT', 'config', { text: lines.join('\n') })
}

process.stdout.write('\nA newcomer\n')
spawnSync(process.execPath, ['--version'])
const browser = await startBrowser()
await firstVisit(browser)

const assets = path.join(root, 'dist/ui/assets')
const scripts = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name))
const bytes = scripts.reduce((sum, name) => sum + statSync(path.join(assets, name)).size, 0)
const packed = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(path.join(assets, name))).length, 0)
show(
  'size of the page’s scripts and styles',
  `${Math.round(bytes / 1e3)} kB`,
  `${Math.round(packed / 1e3)} kB packed`,
)

const empty = await serve(path.join(folder, 'empty.db'))
await fetch(`${empty.origin}/api/v1/setup`, {
  method: 'PUT',
  headers: { 'x-api-key': empty.key, 'content-type': 'application/json' },
  body: '{"done":true}',
})
const emptyMs = await paint(browser, empty)
await accessibility(browser, empty)
await empty.end()

const database = path.join(folder, 'full.db')
const before = await serve(database)
await before.end()
makeHistory(database, { flights: 400, endMs: Date.now() - 60_000, spanMs: 365 * 86_400_000, seed: 5 })
const full = await serve(database)
await fill(full)
const fullMs = await paint(browser, full)
show('overview painted, empty database', `${Math.round(emptyMs)} ms`)
show('with 1,000 hosts, 5,000 watchers, a year', `${Math.round(fullMs)} ms`)
show('ratio', (fullMs / emptyMs).toFixed(2), '≤ 2')
hold(
  fullMs / emptyMs <= 2,
  `the first paint of a full database takes ${(fullMs / emptyMs).toFixed(2)} times that of an empty one`,
)
await accessibility(browser, full)
await full.end()
await browser.close()
rmSync(folder, { recursive: true, force: true })
if (failures.length > 0) {
  process.stdout.write(`\nMissed:\n${[...new Set(failures)].map((line) => `  ${line}`).join('\n')}\n`)
  process.exitCode = 1
}
