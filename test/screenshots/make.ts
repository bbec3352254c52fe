// Makes the pictures of the documents from the real pages: `npm run screenshots`.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../support/browser.ts'
import { makeHistory } from '../support/make-history.ts'

const command = fileURLToPath(new URL('../../dist/node/watchkeeper.js', import.meta.url))
const target = fileURLToPath(new URL('../../docs/', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-pictures-'))
const database = path.join(folder, 'watchkeeper.db')

/** Runs a service until `use` is done with its address. */
async function withService(use: (address: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [command, 'serve', '-d', database, '--listen', '127.0.0.1:0'])
  const ended = new Promise((resolve) => child.on('close', resolve))
  const address = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Open (http\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  await use(address)
  child.kill('SIGTERM')
  await ended
}

/** Makes hosts in every state that can be come by on one machine. */
async function fillHosts(origin: string, key: string): Promise<void> {
  const own = { kind: 'http', url: `${origin}/healthz` }
  const host = (domain: string, name: string, probes: readonly object[], more: object = {}) => ({
    domain,
    name,
    probes,
    intervalMs: 1_000,
    failures: 1,
    ...more,
  })
  const hosts = [
    host('127.0.0.1', 'Router', [own], { group: 'home' }),
    host('127.0.0.2', 'NAS', [own, { ...own, keyword: 'ok' }], {
      group: 'home',
      tags: ['lan', 'storage'],
      parent: '127.0.0.1',
    }),
    host('127.0.0.3', 'Printer', [{ ...own, degradedMs: 0.001 }], { group: 'home', tags: ['lan'] }),
    host('127.0.0.4', 'Old web server', [{ kind: 'tcp', port: 9 }], { group: 'web', tags: ['web'] }),
    host('127.0.0.5', 'Shop', [{ ...own, keyword: 'ok' }], {
      group: 'web',
      tags: ['web'],
    }),
    host('127.0.0.6', 'Mail', [own], { group: 'web' }),
    host('127.0.0.7', 'Camera', [own], { group: 'home', paused: true }),
  ]
  const response = await fetch(`${origin}/api/v1/hosts/config`, {
    method: 'PUT',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ hosts }),
  })
  if (!response.ok) throw new Error(await response.text())
}

/** Makes some watchers in every state that is quickly come by. */
async function fillWatchers(origin: string, key: string): Promise<void> {
  const post = async (route: string, body: unknown): Promise<{ id: string }> => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    const response = await fetch(`${origin}/api/v1/${route}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await response.json()) as { id: string }
  }
  const period = (minutes: number) => ({ kind: 'period', periodMs: minutes * 60_000 })
  const nightly = { kind: 'cron', expression: '0 3 * * *', zone: 'Europe/Berlin' }
  const watchers = [
    {
      name: 'Nightly backup of the database',
      schedule: nightly,
      graceMs: 1_800_000,
      tags: ['db'],
      told: [{ kind: 'start', run: 'a' }, { run: 'a' }],
    },
    { name: 'Mail queue', schedule: period(15), graceMs: 300_000, tags: ['mail'], told: [{ exitStatus: 3 }] },
    {
      name: 'Certificate renewal',
      schedule: { kind: 'calendar', expression: 'Mon 04:00', zone: 'UTC' },
      tags: ['web'],
      told: [{}],
    },
    {
      name: 'Photo import',
      schedule: period(1_440),
      runLimitMs: 7_200_000,
      told: [{ kind: 'start', run: 'b' }],
    },
    { name: 'Heartbeat of the NAS', schedule: period(1), graceMs: 60_000, tags: ['nas'], told: [{}] },
    { name: 'Weekly report', schedule: { kind: 'calendar', expression: 'Fri 17:00', zone: 'UTC' }, told: [] },
  ]
  for (const { told, ...watcher } of watchers) {
    const { id } = await post('watchers', watcher)
    for (const body of told) await post(`watchers/${id}/triggers`, body)
  }
  const { id } = await post('watchers', { name: 'Old export', schedule: period(60) })
  await post(`watchers/${id}/pause`, {})
}

const wide = { light: { width: 1280 }, dark: { width: 1280 }, small: { width: 420 } } as const

/** Takes a page in light and dark, and on a narrow screen, when what `ready` names is there. */
async function shoot(
  browser: Browser,
  address: string,
  route: string,
  height: number,
  ready: string,
): Promise<void> {
  for (const look of ['light', 'dark', 'small'] as const) {
    const page = await browser.newPage({
      colorScheme: look === 'dark' ? 'dark' : 'light',
      viewport: { ...wide[look], height },
    })
    await page.goto(address)
    await page.locator('#content').waitFor()
    await page.evaluate(`location.hash = ${JSON.stringify(route)}`)
    await page.locator(ready).first().waitFor()
    // Charts are drawn a moment after what is around them.
    await page.waitForTimeout(700)
    const name = `${route.split('/')[1] ?? 'page'}-${look}.png`
    await page.screenshot({ path: path.join(target, name), animations: 'disabled' })
    await page.close()
  }
}

mkdirSync(target, { recursive: true })
await withService(() => Promise.resolve())
makeHistory(database, { flights: 700, endMs: Date.now() - 60_000, spanMs: 2 * 365 * 86_400_000, seed: 11 })
await withService(async (address) => {
  const browser = await startBrowser()
  const { origin, hash } = new URL(address)
  const key = hash.replace('#key=', '')
  await shoot(browser, address, '/welcome', 900, '[data-testid=found]')
  await shoot(browser, address, '/machine', 1250, 'tbody tr')
  await fillWatchers(origin, key)
  await shoot(browser, address, '/watchers', 800, 'tbody tr:nth-child(6)')
  await fillHosts(origin, key)
  // The bars and lines fill with time alone.
  await new Promise((resolve) => setTimeout(resolve, 40_000))
  await shoot(browser, address, '/hosts', 900, 'tbody tr:nth-child(5)')
  await shoot(browser, address, '/overview', 1000, '[data-lane=watchers] button')
  await shoot(browser, address, '/incidents', 800, '[data-testid=incidents] li')
  await shoot(browser, address, '/health/now', 1000, 'table')
  await shoot(browser, address, '/settings', 1000, '#health-enabled')
  await browser.close()
})
rmSync(folder, { recursive: true, force: true })
