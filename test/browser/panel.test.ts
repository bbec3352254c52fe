import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../support/browser.ts'
import { browserHouse } from '../support/browser-house.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

describe('the panel', () => {
  it('shows problems first, then the rooms, mutes, and leads to each, in a browser as well', async () => {
    const { api, open } = await browserHouse(browser)
    const { id } = await api<{ id: string }>('POST', 'watchers', {
      name: `<b>Backup</b> of ${'everything '.repeat(8)}`,
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await api('POST', `watchers/${id}/triggers`, { kind: 'fail', exitStatus: 3 })
    const { page, complaints } = await open('/machine', { viewport: { width: 380, height: 520 } })
    await page.evaluate("location.hash = '/panel'")
    await page.getByRole('heading', { name: '1 problem: 1 failing of 1 watcher' }).waitFor()
    const problems = page.getByRole('list', { name: 'Problems' })
    expect(await problems.getByRole('button').first().innerText()).toContain(
      'The last run failed with exit status 3.',
    )
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(380)
    const rooms = page.getByRole('list', { name: 'Rooms' })
    expect(await rooms.getByRole('button').allInnerTexts()).toEqual([
      'Recorder on',
      'No hosts',
      '1 failing of 1 watcher',
      // Depends on whether the first report was there already.
      expect.stringMatching(/^(?:This machine is well|No report of this machine yet)$/) as string,
    ])
    const act = async (label: string): Promise<void> => {
      await page.getByRole('button', { name: /^What to do about / }).click()
      await page.getByRole('menuitem', { name: label }).click()
    }
    await act('Mute for 8 hours')
    await problems.getByLabel('muted').waitFor()
    await act('Acknowledge')
    await problems.getByLabel('acknowledged').waitFor()
    await act('Unmute')
    await problems.getByLabel('muted').waitFor({ state: 'detached' })
    await api('POST', `watchers/${id}/triggers`, {})
    await page.getByRole('heading', { name: 'No problems: 1 watcher, all well' }).waitFor()
    await page.getByRole('button', { name: 'Mute' }).click()
    await page.getByRole('menuitem', { name: 'For 1 hour' }).click()
    await page.getByRole('button', { name: /^Muted, / }).waitFor()
    await rooms.getByRole('button', { name: '1 watcher, all well' }).click()
    await page.getByRole('heading', { name: 'Watchers' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('says so when the overview cannot be had', async () => {
    const { open } = await browserHouse(browser)
    const { page } = await open('/panel')
    await page.getByRole('button', { name: 'Open Watchkeeper' }).waitFor()
    await page.route('**/api/v1/overview', (route) =>
      route.fulfill({ status: 503, body: '{"error":"busy"}' }),
    )
    await page.reload()
    await page.getByText('The overview could not be loaded').waitFor()
  })
})
