import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RecordPage, TelemetrySettings } from '../../electron/shared/api/telemetry.ts'
import { defaultTid } from '../../electron/shared/telemetry-words.ts'
import { sideFiles } from '../../electron/service/store/location.ts'
import { openSpool } from '../../electron/service/telemetry/client/spool.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse, type House } from '../support/browser-house.ts'
import { aRecord } from '../support/records.ts'
import { clientHeaders, eventId } from '../support/telemetry.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

async function post(
  { origin }: House,
  change: Readonly<Record<string, string>>,
  body: string,
  expected = 201,
): Promise<void> {
  const response = await fetch(`${origin}/v2/collector`, {
    method: 'POST',
    headers: {
      ...clientHeaders,
      event_id: eventId(),
      system_name: 'clear-linux-os',
      build: '41000',
      ...change,
    },
    body,
  })
  if (response.status !== expected) throw new Error(await response.text())
}

const backtrace = (...frames: readonly string[]): string =>
  `Process: /usr/bin/app\nPID: 7\nSignal: 6\n\nBacktrace (TID 7):\n${frames.map((frame, index) => `#${index} ${frame}`).join('\n')}\n`

/** Some records for every view. */
async function populate(house: House): Promise<void> {
  const crash = { classification: 'org.clearlinux/crash/clr', severity: '3' }
  for (const build of ['41000', '41010', '41020'])
    for (let index = 0; index < 3; index += 1) {
      await post(
        house,
        { ...crash, build, machine_id: `machine${index}` },
        backtrace('abort() - [libc.so.6]', 'parse() - [app]', 'main() - [app]'),
      )
      await post(
        house,
        { classification: 'org.clearlinux/heartbeat/ping', build, machine_id: `machine${index}` },
        'ping\n',
      )
    }
  await post(house, { ...crash, build: '41020' }, backtrace('draw() - [gpu.so]'))
  await post(
    house,
    { classification: 'org.clearlinux/mce/corrected' },
    'CPU 0 BANK 4\nSTATUS 9c00000000010092 MCGSTATUS 0\n',
  )
  await post(house, { classification: 'org.clearlinux/mce/thermal' }, 'THERMAL\n')
  await post(
    house,
    { classification: 'org.clearlinux/swupd-client/update' },
    'a\nb\ncurrent_version=41000\nserver_version=41010\n',
  )
}

const views = [
  'records',
  'builds',
  'stats',
  'crashes',
  'mce',
  'thermal',
  'population',
  'updates',
  'skip-list',
  'this-machine',
  'settings',
] as const
const go = (page: Page, hash: string): Promise<unknown> =>
  page.evaluate(`location.hash = ${JSON.stringify(hash)}`)

describe('the Telemetry pages', () => {
  it('say what to do where there is nothing yet', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/telemetry')
    const empty: Readonly<Record<(typeof views)[number], string>> = {
      records: 'No records yet',
      builds: 'No builds yet',
      stats: 'Nothing to count yet',
      crashes: 'No crashes in this window',
      mce: 'No machine checks in',
      thermal: 'Nothing was too hot in the last five weeks',
      population: 'No heartbeats yet',
      updates: 'No updates in the last seven days',
      'skip-list': 'No filters found: every frame may be guilty.',
      'this-machine': 'Report what goes wrong on this machine?',
      settings: 'Take records of clients',
    }
    for (const view of views) {
      await go(page, `/telemetry/${view}`)
      await page.getByText(empty[view]).first().waitFor()
    }
    await go(page, '/telemetry/nonsense')
    await page.getByText('There is no view “nonsense”').waitFor()
    expect(complaints).toEqual([])
  })

  it('show every view with records, on wide and narrow screens, in the dark too', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    for (const options of [
      { colorScheme: 'light' as const },
      { colorScheme: 'dark' as const, viewport: { width: 420, height: 900 } },
    ]) {
      const { page, complaints } = await house.open('/telemetry/records', options)
      await page.getByText('22', { exact: true }).first().waitFor()
      const full: Readonly<Partial<Record<(typeof views)[number], string>>> = {
        records: 'swupd-client/update',
        builds: '3 builds in the order of versions',
        stats: '22 records',
        crashes: 'abort() - [libc.so.6]',
        mce: '1 machine check',
        thermal: '1 record',
        population: 'Overall',
        updates: 'from which version (down)',
      }
      for (const [view, text] of Object.entries(full)) {
        await go(page, `/telemetry/${view}`)
        await page.getByText(text).first().waitFor()
        const wide = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect(wide, view).toBe(0)
      }
      expect(complaints).toEqual([])
    }
  })

  it('filter records, open one, refuse a bad pattern with its reason, and stream new ones', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { page, complaints } = await house.open('/telemetry/records')
    const rows = page.locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(22)
    await page.getByRole('button', { name: 'More filters' }).click()
    await page.getByLabel('Payload matches').fill('^#0 draw')
    await expect.poll(() => rows.count()).toBe(1)
    expect(page.url()).toContain('payload=')
    await page.getByRole('button', { name: /^Record \d+$/ }).click()
    const record = page.getByRole('dialog')
    await record.getByText('draw() - [gpu.so]').first().waitFor()
    await record.getByText('Signal: 6').waitFor()
    await page.keyboard.press('Escape')
    await page.getByLabel('Payload matches').fill('(')
    await page.getByText('the pattern cannot be used').first().waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(() => rows.count()).toBe(22)
    await page.getByRole('switch', { name: 'Stream records' }).click()
    await post(house, { classification: 'a/stream/test' }, 'x')
    await page.getByText('a/stream/test').first().waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: 'As CSV' }).click()
    expect((await download).suggestedFilename()).toMatch(/^export-\d+\.csv$/)
    expect(complaints).toEqual([])
  })

  it('skip a frame after showing what moves, undo it, comment and hide', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { page, complaints } = await house.open('/telemetry/crashes')
    await page.getByRole('link', { name: 'abort() - [libc.so.6]' }).click()
    await page.getByText('machine1').first().waitFor()
    await page.getByRole('button', { name: 'Skip this frame…' }).click()
    await page.getByTestId('moves').getByText('moves 9 records').waitFor()
    await page.getByRole('button', { name: 'Skip it' }).click()
    await go(page, '/telemetry/crashes')
    await page.getByRole('link', { name: 'parse() - [app]' }).click()
    await page.getByLabel('Comment').fill('bug 42')
    await page.getByRole('button', { name: 'Keep comment' }).click()
    await page.getByText('Comment kept').first().waitFor()
    await page.getByRole('button', { name: 'Hide', exact: true }).click()
    await go(page, '/telemetry/crashes')
    await page.getByText('draw() - [gpu.so]').waitFor()
    await expect.poll(() => page.getByText('parse() - [app]').count()).toBe(0)
    await page.getByRole('switch', { name: 'Also hidden' }).click()
    await page.getByText('bug 42').waitFor()
    await go(page, '/telemetry/skip-list')
    await page.getByRole('button', { name: 'Undo: skip abort() - [libc.so.6]' }).click()
    await page.getByText('No filters found').waitFor()
    await go(page, '/telemetry/crashes')
    await page.getByRole('link', { name: 'abort() - [libc.so.6]' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('save settings, keep the form, and take the answer of this machine’s user', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/telemetry/settings')
    await page.getByLabel('Days for all others').fill('14')
    await page.keyboard.press('Tab')
    expect(await page.getByRole('button', { name: 'See what would go' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved').first().waitFor()
    expect((await house.api<TelemetrySettings>('GET', 'telemetry/settings')).retention.maxDays).toBe(14)
    await page.getByRole('button', { name: 'See what would go' }).click()
    await page.getByText('Would let go of 0 records').waitFor()
    await go(page, '/telemetry/this-machine')
    await page.getByRole('button', { name: 'Yes, report' }).click()
    await page.getByText('Yes since').waitFor()
    await page.getByRole('button', { name: 'No longer report' }).click()
    await page.getByRole('button', { name: 'Yes, report' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('add a tab for a plug-in', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { database } = await house.api<{ database: string }>('GET', 'service')
    const folder = path.join(path.dirname(database), 'plugins')
    mkdirSync(folder)
    const example = fileURLToPath(new URL('../../resources/plugins/crashes-by-day', import.meta.url))
    cpSync(example, path.join(folder, 'crashes-by-day'), { recursive: true })
    const { page, complaints } = await house.open('/telemetry/records')
    await page.getByRole('link', { name: 'Crashes by day' }).click()
    await page.getByText('10 crashes in the last 30 days.').waitFor()
    expect(complaints).toEqual([])
  })

  it('read, let go and discard what waits to be sent of this machine', async () => {
    const house = await browserHouse(browser)
    const other = await browserHouse(browser)
    const { database } = await house.api<{ database: string }>('GET', 'service')
    await house.api('PATCH', 'telemetry/settings', {
      client: { forward: { url: `${other.origin}/v3/collector`, tid: defaultTid }, sources: [] },
    })
    await house.api('POST', 'telemetry/client/consent', { consent: true })
    const spool = openSpool(sideFiles(database).telemetrySpool)
    for (const [index, classification] of ['org.example/wanted/x', 'org.example/unwanted/x'].entries())
      spool.add({
        id: `${Date.now() + index}-abcdef0${index}`,
        atMs: Date.now(),
        source: 'kernel',
        approved: false,
        refused: null,
        record: aRecord({ classification, payload: `payload of ${classification}\n` }),
      })
    const { page, complaints } = await house.open('/telemetry/this-machine')
    const wanted = page.getByRole('article').filter({ hasText: 'org.example/wanted/x' })
    const unwanted = page.getByRole('article').filter({ hasText: 'org.example/unwanted/x' })
    await wanted.getByRole('button', { name: 'Read' }).click()
    await wanted.getByText('payload of org.example/wanted/x').waitFor()
    await unwanted.getByRole('button', { name: 'Discard' }).click()
    await expect.poll(() => unwanted.count()).toBe(0)
    await wanted.getByRole('button', { name: 'Send' }).click()
    await page.getByText('1 sent').waitFor({ timeout: 20_000 })
    await page.getByText('Nothing waits.').waitFor()
    const { records } = await other.api<RecordPage>('GET', 'telemetry/records')
    expect(records.map(({ classification }) => classification)).toEqual(['org.example/wanted/x'])
    expect(complaints).toEqual([])
  })

  it('show what was kept aside, and name a plug-in that cannot be used', async () => {
    const house = await browserHouse(browser)
    const { database } = await house.api<{ database: string }>('GET', 'service')
    await house.api('PATCH', 'telemetry/settings', { quarantine: true })
    await post(house, { severity: '9' }, 'what was wrong\n', 200)
    const folder = path.join(path.dirname(database), 'plugins', 'broken')
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'manifest.json'), '{')
    const { page, complaints } = await house.open('/telemetry/settings')
    await page.getByText(/: severity value is out of range$/).click()
    await page.getByText('what was wrong').waitFor()
    await page.getByText('could not be loaded: its manifest.json is no JSON').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export what was kept aside' }).click()
    await page.getByRole('menuitem', { name: 'As CSV' }).click()
    expect((await download).suggestedFilename()).toBe('kept-aside.csv')
    expect(complaints).toEqual([])
  })

  it('show backtraces of a frame by build, and crashes that were only counted', async () => {
    const house = await browserHouse(browser)
    await house.api('PATCH', 'telemetry/settings', { stormLimit: 2 })
    const crash = { classification: 'org.clearlinux/crash/clr', severity: '3' }
    const trace = backtrace('abort() - [libc.so.6]', 'parse() - [app] - parse.c:7', 'main() - [app]')
    for (let index = 0; index < 5; index += 1) await post(house, crash, trace, index < 2 ? 201 : 200)
    await post(house, { ...crash, build: '41010' }, backtrace('abort() - [libc.so.6]', 'other() - [app]'))
    const { page, complaints } = await house.open('/telemetry/crashes')
    await page.getByText('3 only counted').first().waitFor()
    await page.getByRole('link', { name: 'abort() - [libc.so.6]' }).click()
    const traces = page.getByRole('article')
    await expect.poll(() => traces.count()).toBe(3)
    await traces.getByText('parse.c:7').first().waitFor()
    await page.getByRole('combobox', { name: 'Build' }).click()
    await page.getByRole('option', { name: '41010' }).click()
    await expect.poll(() => traces.count()).toBe(1)
    await traces.getByText('other()').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export backtraces' }).click()
    await page.getByRole('menuitem', { name: 'As CSV' }).click()
    expect((await download).suggestedFilename()).toBe('guilty-1-backtraces.csv')
    await page.getByRole('button', { name: 'Skip this frame…' }).click()
    await page.getByTestId('moves').getByText('and 3 that were only counted').waitFor()
    await page.getByRole('button', { name: 'Skip it' }).click()
    await go(page, '/telemetry/crashes')
    await page.getByRole('link', { name: 'parse() - [app]' }).waitFor()
    await page.getByText('3 only counted').first().waitFor()
    await expect.poll(() => page.getByText('abort() - [libc.so.6]').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  it('offer the system of records that have none', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const ping = { classification: 'org.clearlinux/heartbeat/ping', system_name: '', build: '7.7' }
    await post(house, ping, 'ping\n')
    const { page, complaints } = await house.open('/telemetry/population')
    await page.getByRole('combobox', { name: 'System' }).click()
    await page.getByRole('option', { name: '(none)' }).click()
    await page.getByText('1 machine', { exact: true }).first().waitFor()
    await go(page, '/telemetry/records')
    const rows = page.locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(23)
    await page.getByRole('button', { name: 'More filters' }).click()
    await page.getByRole('combobox', { name: 'System' }).fill('(no')
    await page.getByRole('option', { name: '(none)', exact: true }).click()
    await expect.poll(() => rows.count()).toBe(1)
    expect(complaints).toEqual([])
  })
})
