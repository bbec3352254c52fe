import { writeFileSync, utimesSync } from 'node:fs'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../electron/shared/api/hosts.ts'
import type { HealthSettings } from '../../electron/shared/api/health.ts'
import type { TelemetrySettings } from '../../electron/shared/api/telemetry.ts'
import type { Watcher, WatcherList } from '../../electron/shared/api/watchers.ts'
import { settingsList } from '../../renderer/pages/settings/settings-list.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse, type House } from '../support/browser-house.ts'
import { clientHeaders } from '../support/telemetry.ts'
import { temporaryFolder } from '../support/temporary.ts'

let browser: Browser
beforeAll(async () => (browser = await startBrowser()), 120_000)
afterAll(() => browser.close())

const hourly = { kind: 'period', periodMs: 3_600_000 }

/** A watcher that fails, a host that is down, and one that is well. */
async function populate(house: House): Promise<void> {
  const { id } = await house.api<Watcher>('POST', 'watchers', { name: 'Mail queue', schedule: hourly })
  await house.api('POST', `watchers/${id}/triggers`, { exitStatus: 3, body: 'queue full' })
  await house.api<Host>('POST', 'hosts', {
    domain: '127.0.0.2',
    name: 'Old web server',
    intervalMs: 1_000,
    failures: 1,
    probes: [{ kind: 'tcp', port: 9 }],
  })
}

describe('the first run', () => {
  it('is three steps that can all be skipped, adds what was chosen, and is not asked again', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/')
    await page.getByRole('heading', { name: 'What this machine can tell already' }).waitFor()
    await page.getByTestId('found').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('Jobs of this machine').waitFor()
    await page
      .getByRole('button', { name: 'Watch 1.1.1.1', exact: true })
      .or(page.getByRole('button', { name: /^Watch / }).first())
      .first()
      .click()
    await page.getByText('watched', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Where do you want to be told?' }).waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByTestId('standing').waitFor()
    const { page: again } = await house.open('/')
    await again.getByTestId('standing').waitFor()
    expect(complaints).toEqual([])
  })

  it('can be left at once', async () => {
    const house = await browserHouse(browser)
    const { page } = await house.open('/')
    await page.getByRole('button', { name: 'Skip all' }).click()
    await page
      .getByTestId('standing')
      .getByText(/^No problems/)
      .waitFor()
    expect(await house.api('GET', 'setup')).toMatchObject({ done: true, hosts: 0, watchers: 0 })
  })
})

describe('the overview', () => {
  it('has problems first in plain words with one action each, and the past of all rooms on one axis', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { page, complaints } = await house.open('/overview')
    await page.getByTestId('standing').getByText('2 problems').waitFor()
    await page.getByText('The last run failed with exit status 3.').waitFor()
    await page.getByText(/^Down for .*: connection refused\./).waitFor()
    await page.getByRole('button', { name: 'Check now: Old web server' }).click()
    await page.getByText('Old web server is being checked').first().waitFor()
    await page.getByLabel('Window of time').click()
    await page.getByRole('option', { name: 'Last hour' }).click()
    const mark = page.locator('[data-lane=hosts]').getByRole('button', { name: /problem: .*Old web server/ })
    await mark.waitFor()
    await page
      .locator('[data-lane=watchers]')
      .getByRole('button', { name: /problem: .*Mail queue/ })
      .waitFor()
    await mark.click()
    await page.getByTestId('sentence').getByText('Down for').waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'See its output: Mail queue' }).click()
    await page.getByRole('heading', { name: 'Mail queue' }).first().waitFor()
    expect(complaints).toEqual([])
  })

  it('follows what happens by itself', async () => {
    const house = await browserHouse(browser)
    const { page } = await house.open('/overview')
    await page
      .getByTestId('standing')
      .getByText(/^No problems/)
      .waitFor()
    await populate(house)
    await page.getByTestId('standing').getByText('2 problems').waitFor({ timeout: 40_000 })
  })
})

describe('the search', () => {
  it('finds hosts, watchers, settings and actions, by the keyboard alone', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { page, complaints } = await house.open('/overview')
    await page.getByTestId('standing').waitFor()
    const input = page.getByPlaceholder('Hosts, watchers, records, settings, actions')
    await page.keyboard.press('Control+k')
    await input.fill('old web')
    await page
      .getByRole('option', { name: /Old web server/ })
      .first()
      .waitFor()
    await page.keyboard.press('Enter')
    await page.getByTestId('sentence').getByText('Down for').waitFor()
    await page.keyboard.press('Control+k')
    await input.fill('anchors')
    await page
      .getByRole('option', { name: /Anchors/ })
      .first()
      .click()
    await page.getByLabel('Search settings').waitFor()
    expect(await page.getByLabel('Search settings').inputValue()).toBe('Anchors')
    await page.keyboard.press('Control+k')
    await input.fill('add a watcher')
    await page.getByRole('option', { name: 'Add a watcher' }).first().click()
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).waitFor()
    expect(complaints).toEqual([])
  })

  it('leads to a record and to an incident, also where its page is open already', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const sent = await fetch(`${house.origin}/v2/collector`, {
      method: 'POST',
      headers: clientHeaders,
      body: 'hello',
    })
    expect(sent.status).toBe(201)
    const { page, complaints } = await house.open('/telemetry/records')
    await page.getByRole('button', { name: 'Record 1' }).waitFor()
    const input = page.getByPlaceholder('Hosts, watchers, records, settings, actions')
    await page.keyboard.press('Control+k')
    await input.fill('1')
    await page
      .getByRole('option', { name: /Record 1/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('Captured').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await input.fill('mail queue')
    await page
      .getByRole('option', { name: /incident.*Mail queue/ })
      .first()
      .click()
    await page.locator('#incident-1').or(page.locator('#incident-2')).first().waitFor()
    expect(complaints).toEqual([])
  })
})

describe('the settings', () => {
  it('name for each what it is usually, which is what a new service has', async () => {
    const house = await browserHouse(browser)
    const all = {
      health: await house.api<HealthSettings>('GET', 'health/settings'),
      telemetry: await house.api<TelemetrySettings>('GET', 'telemetry/settings'),
      anchors: (await house.api<{ anchors: { address: string }[] }>('GET', 'hosts/probing')).anchors.map(
        ({ address }) => address,
      ),
    }
    for (const entry of settingsList) expect([entry.id, entry.read(all)]).toEqual([entry.id, entry.usual])
  })

  it('are found by a word, kept when changed, and brought back to the usual', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/settings')
    await page.getByLabel('Search settings').fill('levels')
    await page.getByText('Ask drives for their health').waitFor({ state: 'detached' })
    await page.getByLabel('Tell of levels from').click()
    await page.getByRole('option', { name: 'critical' }).click()
    await page.getByText('Kept').first().waitFor()
    expect(await house.api('GET', 'health/settings')).toMatchObject({ notifyFrom: 'critical' })
    await page.getByRole('button', { name: 'Tell of levels from: back to the usual' }).click()
    await expect
      .poll(() => house.api<HealthSettings>('GET', 'health/settings'))
      .toMatchObject({ notifyFrom: 'warning' })
    await page.getByLabel('Search settings').fill('nothing of the kind')
    await page.getByText('Nothing fits').waitFor()
    expect(complaints).toEqual([])
  })

  it('take a file: what it would do is shown before it is done, and a bad one is refused in words', async () => {
    const house = await browserHouse(browser)
    const { page } = await house.open('/settings?q=yaml')
    const file = path.join(temporaryFolder(), 'mine.yaml')
    writeFileSync(file, 'watchers:\n  - { name: Backup, every: 1d }\n  - { name: Sync, every: 1h }\n')
    await page.getByLabel('Configuration file').setInputFiles(file)
    await page.getByTestId('plan').getByText('2 added: backup, sync').waitFor()
    expect((await house.api<WatcherList>('GET', 'watchers')).all).toBe(0)
    await page.getByRole('button', { name: 'Apply 2 changes' }).click()
    await page.getByTestId('plan').getByText('mine.yaml was applied').waitFor()
    expect((await house.api<WatcherList>('GET', 'watchers')).all).toBe(2)
    writeFileSync(file, 'watchers:\n  - { name: Backup, every: soon }\n')
    await page.getByLabel('Configuration file').setInputFiles(file)
    await page.getByText('watchers 1: every: "soon" is not a length').waitFor()
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as YAML' }).click(),
    ])
    expect(saved.suggestedFilename()).toBe('watchkeeper.yaml')
  })

  it('make a key, show it once, and remove it; tell what takes room and where it is', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/settings')
    await page.getByLabel('Name of the new key').fill('Grafana')
    await page.getByRole('button', { name: 'Make a key' }).click()
    await page.getByText('The key Grafana is shown only now').waitFor()
    await page.getByRole('button', { name: 'Remove the key Grafana' }).click()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('button', { name: 'Remove the key Grafana' }).waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /Flights and gaps/ }).waitFor()
    await page.getByText('Newest backup').waitFor()
    await page.getByRole('button', { name: 'Copy diagnostics' }).waitFor()
    expect(complaints).toEqual([])
  })
})

describe('a file as a watcher', () => {
  it('is looked at before it is added, and is up as long as it is new', async () => {
    const house = await browserHouse(browser)
    const folder = temporaryFolder()
    const file = path.join(folder, 'dump.sql')
    writeFileSync(file, 'x'.repeat(2_000))
    const { page, complaints } = await house.open('/watchers?add=1')
    const form = page.getByRole('dialog')
    await form.getByLabel('Name', { exact: true }).fill('Dump')
    await form.getByLabel('A file must be new').click()
    await form.getByPlaceholder('/srv/backup/*.tar.gz').fill(path.join(folder, '*.sql'))
    await form.getByRole('button', { name: 'Look' }).click()
    await form
      .getByRole('status')
      .getByText(/dump\.sql/)
      .waitFor()
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    await page
      .getByTestId('sentence')
      .or(page.getByText(/^On time\./))
      .first()
      .waitFor()
    const [watcher] = (await house.api<WatcherList>('GET', 'watchers')).watchers
    expect(watcher).toMatchObject({ state: 'up', source: { kind: 'file', path: path.join(folder, '*.sql') } })
    utimesSync(file, Date.now() / 1_000 - 200_000, Date.now() / 1_000 - 200_000)
    expect(complaints).toEqual([])
  })
})

describe('text at twice its size', () => {
  it.each(['/overview', '/welcome', '/settings', '/hosts', '/watchers'])(
    'fits the window on %s',
    async (route) => {
      const house = await browserHouse(browser)
      await populate(house)
      // A browser at 200 % shows a page of half the width.
      const { page } = await house.open(route, {
        viewport: { width: 640, height: 500 },
        deviceScaleFactor: 2,
      })
      await page.locator('#content h1, #content h2').first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    },
  )
})
