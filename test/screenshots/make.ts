// Makes the pictures of the documents from the real pages: `npm run screenshots`.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
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

mkdirSync(target, { recursive: true })
await withService(() => Promise.resolve())
makeHistory(database, { flights: 700, endMs: Date.now() - 60_000, spanMs: 2 * 365 * 86_400_000, seed: 11 })
await withService(async (address) => {
  const browser = await startBrowser()
  for (const [name, colorScheme, width, height] of [
    ['machine-light', 'light', 1280, 1250],
    ['machine-dark', 'dark', 1280, 1250],
    ['machine-small', 'light', 420, 1100],
  ] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } })
    await page.goto(address)
    await page.locator('[data-share]').first().waitFor()
    await page.locator('tbody tr').first().waitFor()
    await page.screenshot({ path: path.join(target, `${name}.png`), animations: 'disabled' })
    await page.close()
  }
  const { origin, hash } = new URL(address)
  await fillWatchers(origin, hash.replace('#key=', ''))
  for (const [name, colorScheme, width, height] of [
    ['watchers-light', 'light', 1280, 800],
    ['watchers-dark', 'dark', 1280, 800],
    ['watchers-small', 'light', 420, 1000],
  ] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } })
    await page.goto(address)
    await page.locator('[data-share]').first().waitFor()
    await page.evaluate("location.hash = '/watchers'")
    await page.locator('tbody tr').nth(5).waitFor()
    await page.screenshot({ path: path.join(target, `${name}.png`), animations: 'disabled' })
    await page.close()
  }
  await fillHosts(origin, hash.replace('#key=', ''))
  // The bars and lines fill with time alone.
  await new Promise((resolve) => setTimeout(resolve, 40_000))
  for (const [name, route, colorScheme, width, height] of [
    ['hosts-light', '/hosts', 'light', 1280, 900],
    ['hosts-dark', '/hosts', 'dark', 1280, 900],
    ['hosts-small', '/hosts', 'light', 420, 1000],
    ['incidents-light', '/incidents', 'light', 1280, 800],
  ] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } })
    await page.goto(address)
    await page.locator('[data-share]').first().waitFor()
    await page.evaluate(`location.hash = '${route}'`)
    await page
      .getByText('Mail')
      .or(page.getByText('Old web server'))
      .or(page.getByText('NAS'))
      .first()
      .waitFor()
    await page.waitForTimeout(1_500)
    await page.screenshot({ path: path.join(target, `${name}.png`), animations: 'disabled' })
    await page.close()
  }
  await browser.close()
})
rmSync(folder, { recursive: true, force: true })
