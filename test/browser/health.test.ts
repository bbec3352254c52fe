import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HealthSettings, HealthSummary } from '../../electron/shared/api/health.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse, type House } from '../support/browser-house.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

/** A house whose first report is there. */
async function measuredHouse(): Promise<House> {
  const house = await browserHouse(browser)
  await house.api('POST', 'health/reports')
  return house
}
/** Limits that this machine is surely beyond, so that there is something to see. */
const limits = [{ kind: 'processes', item: null, careful: null, warning: 1, critical: null, sustainS: 0 }]

describe('the Health page', () => {
  it.each([
    ['light', 1_280],
    ['dark', 420],
  ] as const)(
    'shows this machine, %s and %i px wide, without a sideways scroll or a complaint',
    async (colorScheme, width) => {
      const house = await measuredHouse()
      const { page, complaints } = await house.open('/health', {
        colorScheme,
        viewport: { width, height: 900 },
      })
      await page.getByTestId('sentence').getByText('This machine is well').waitFor()
      await page.getByRole('heading', { name: 'Figures' }).waitFor()
      await page.getByText('Workers of the last report').waitFor()
      await page.getByRole('switch', { name: 'Limits' }).click()
      await page.getByText('careful 92 %, warning 96 %, critical 99 %').waitFor()
      for (const [tab, text] of [
        ['history', 'Hatched: nobody looked'],
        ['reports', 'after a start'],
        ['settings', 'Seconds between reports'],
      ] as const) {
        await page.evaluate(`location.hash = '/health/${tab}'`)
        await page.getByText(text).first().waitFor()
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(
          0,
        )
      }
      await page.evaluate("location.hash = '/health/history'")
      await page.getByRole('img', { name: /Processor over time/ }).waitFor()
      expect(complaints).toEqual([])
    },
    60_000,
  )

  it('puts what is wrong first, in the navigation as well, and leads to its chart', async () => {
    const house = await measuredHouse()
    await house.api('PATCH', 'health/settings', { rules: limits })
    await house.api('POST', 'health/reports')
    const { page, complaints } = await house.open('/health/now')
    const problem = page.getByRole('list', { name: 'What needs looking at' }).getByText(/^Processes: \d+$/)
    await problem.waitFor()
    await page
      .getByRole('navigation', { name: 'Rooms' })
      .getByRole('link', { name: /Health\s*1/ })
      .waitFor()
    await page.getByRole('link', { name: 'Chart' }).click()
    await page
      .getByRole('img', { name: /over time/ })
      .first()
      .waitFor()
    expect(await page.getByRole('region').first().getAttribute('aria-label')).toBe('Processes')
    await house.api('PATCH', 'health/settings', { rules: [] })
    await house.api('POST', 'health/reports')
    await page.evaluate("location.hash = '/health/now'")
    await page.getByTestId('sentence').getByText('This machine is well').waitFor()
    expect(complaints).toEqual([])
  }, 60_000)

  it('makes a report, opens one, and says what changed since', async () => {
    const house = await measuredHouse()
    const { page, complaints } = await house.open('/health/reports')
    await page.getByRole('button', { name: 'Report now' }).click()
    await page.getByText('asked for').nth(1).waitFor()
    await page
      .getByRole('button', { name: /^Open the report/ })
      .last()
      .click()
    await page
      .getByText('Nothing changed')
      .or(page.getByRole('heading', { name: 'Ports' }))
      .first()
      .waitFor()
    await page.getByRole('tab', { name: 'Report' }).click()
    await page.getByText(/Daemon report\s+Date:/).waitFor()
    expect(complaints).toEqual([])
  }, 60_000)

  it('saves only what was changed here, and asks before changes are lost', async () => {
    const house = await measuredHouse()
    const { page, complaints } = await house.open('/health/settings')
    const interval = page.getByLabel('Seconds between reports')
    await interval.fill('25')
    await interval.blur()
    await house.api('PATCH', 'health/settings', { notifyFrom: 'critical' })
    const asked: string[] = []
    page.once('dialog', (dialog) => {
      asked.push(dialog.message())
      void dialog.dismiss()
    })
    await page.getByRole('navigation', { name: 'Views of health' }).getByRole('link', { name: 'Now' }).click()
    await expect.poll(() => asked).toEqual(['What you changed here is not saved. Leave it?'])
    await page.getByRole('button', { name: 'Add limits' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    const saved = await house.api<HealthSettings>('GET', 'health/settings')
    expect(saved).toMatchObject({
      intervalS: 25,
      notifyFrom: 'critical',
      rules: [{ kind: 'cpu-busy', item: null, careful: 95 }],
    })
    await interval.fill('')
    await interval.blur()
    await page.getByText('A number is missing.').waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Discard changes' }).click()
    expect(complaints).toEqual([])
  }, 60_000)

  it('gives the page that tells what is wrong, masked', async () => {
    const house = await measuredHouse()
    await house.api('POST', 'hosts', {
      domain: 'vault.alice-corp.invalid',
      name: 'The vault',
      failures: 1,
      intervalMs: 1_000,
      probes: [{ kind: 'tcp', port: 1, timeoutMs: 200 }],
    })
    // What is said of it is in the page, so that there is something to mask.
    await expect
      .poll(async () => JSON.stringify(await house.api('GET', 'overview')), { timeout: 30_000 })
      .toMatch(/The vault is down|name not found/)
    const { page } = await house.open('/health/now')
    if (process.platform === 'linux')
      await page.getByText(/Watchkeeper itself takes .*B written to disks since its start/).waitFor()
    await page.getByRole('button', { name: 'What is wrong?' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'As a web page' }).click()
    expect((await download).suggestedFilename()).toBe('watchkeeper-diagnosis.html')
    const text = readFileSync(await (await download).path(), 'utf8')
    expect(text).toContain('What is wrong with this machine?')
    expect(text).toMatch(/hosts: (?:host|name)-\d/)
    expect(text).not.toMatch(/vault|alice|corp/i)
    if (os.hostname() !== 'localhost')
      expect(text).not.toMatch(new RegExp(`(?<![\\p{L}\\p{N}_])${os.hostname()}(?![\\p{L}\\p{N}_])`, 'iu'))
  }, 60_000)

  it('greys the last values, with their age, when it is switched off', async () => {
    const house = await measuredHouse()
    await house.api('PATCH', 'health/settings', { enabled: false })
    const { page } = await house.open('/health/now')
    await page.getByText('These are the last values that are known').waitFor()
    await page.getByText(/s ago/).first().waitFor()
    const summary = await house.api<HealthSummary>('GET', 'health')
    expect(summary.metrics.every(({ isStale }) => isStale)).toBe(true)
  }, 60_000)
})
