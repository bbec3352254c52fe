import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, startServe, type ServeProcess } from '../support/cli.ts'
import { startBrowser } from '../support/browser.ts'
import { visit as visitBy, type Visit } from '../support/visit.ts'
import { makeHistory } from '../support/make-history.ts'
import { temporaryFolder } from '../support/temporary.ts'

const day = 86_400_000
let browser: Browser

/** Opens an address and goes on to the Machine page. */
async function visit(address: string, options?: Parameters<Browser['newContext']>[0]): Promise<Visit> {
  const opened = await visitBy(browser, address, options)
  await toMachine(opened.page)
  return opened
}

const toMachine = (page: Page): Promise<string> => page.evaluate(() => (location.hash = '/machine'))

beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

/** Starts a service on a file with a made-up past. */
async function serveHistory(
  flights: number,
  days: number,
): Promise<ServeProcess & { database: string; address: string }> {
  const database = path.join(temporaryFolder(), 'w.db')
  const first = await startServe(['-d', database])
  await first.end('SIGTERM')
  makeHistory(database, { flights, endMs: Date.now() - 600_000, spanMs: days * day })
  const serve = await startServe(['-d', database, '-i', '1'])
  return { ...serve, database, address: `${serve.origin}/#key=${serve.key}` }
}

const sharesOf = async (page: Page): Promise<number> => {
  const shares = await page.locator('[data-share]').allTextContents()
  return Math.round(shares.reduce((sum, share) => sum + Number.parseFloat(share), 0) * 100)
}

describe('the Machine page', () => {
  it('shows what was recorded: state, figures that add up to 100 %, timeline, calendar, gaps and flights', async () => {
    const { address } = await serveHistory(60, 60)
    const { page, complaints } = await visit(address)
    await page.getByText(/^Up, .*flight #\d+/).waitFor()
    expect(await page.evaluate(() => location.href)).not.toContain('key')
    await page.locator('[data-share]').first().waitFor()
    expect(await sharesOf(page)).toBe(10_000)
    await page.getByRole('img', { name: /Timeline of the machine/ }).waitFor()
    await page.getByRole('grid', { name: /Days of the year/ }).waitFor()
    const rows = page.getByRole('tabpanel').getByRole('row')
    await expect.poll(() => rows.count()).toBeGreaterThan(10)
    await page.getByRole('tab', { name: 'Flights' }).click()
    await page.getByText('still running').waitFor()
    await page.getByText('00000000').first().waitFor()
    await page.getByText('Linux 6.12.9-amd64').first().waitFor()
    expect(complaints).toEqual([])
  })

  it('lets the user write a note on a gap, which is there after a reload and in the terminal', async () => {
    const { address, database } = await serveHistory(10, 20)
    const { page, complaints } = await visit(address)
    await page.locator('tbody tr').first().getByRole('button').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Why it is judged so').waitFor()
    await dialog.getByLabel('Note').fill('power cut in the street')
    await dialog.getByRole('button', { name: 'Keep note' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('cell', { name: 'power cut in the street' }).waitFor()
    await page.reload()
    await page.getByRole('cell', { name: 'power cut in the street' }).waitFor()
    expect((await runCli(['report', '--table', '-d', database])).stdout).toContain(
      '— power cut in the street',
    )
    expect(complaints).toEqual([])
  })

  it('filters gaps, changes the window, and zooms by dragging over the timeline', async () => {
    const { address } = await serveHistory(120, 30)
    const { page } = await visit(address)
    await page.getByLabel('Which gaps').click()
    await page.getByRole('option', { name: 'crashed or lost power' }).click()
    await expect
      .poll(
        async () =>
          new Set(await page.getByRole('tabpanel').locator('tbody tr td:nth-child(3)').allInnerTexts()),
      )
      .toEqual(new Set(['crashed or lost power']))
    await page.getByLabel('Window of time').click()
    await page.getByRole('option', { name: 'Last 7 days' }).click()
    await expect.poll(() => sharesOf(page)).toBe(10_000)
    const box = await page.getByRole('img', { name: /Timeline/ }).boundingBox()
    if (!box) throw new Error('no timeline')
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 5 })
    await page.mouse.up()
    await page.getByRole('button', { name: 'Back' }).waitFor()
    expect(await sharesOf(page)).toBe(10_000)
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByLabel('Window of time').getByText('Last 7 days').waitFor()
  })

  it('opens a day of the calendar by keyboard', async () => {
    const { address } = await serveHistory(60, 60)
    const { page } = await visit(address, { timezoneId: 'America/New_York' })
    const january = page.locator(`[data-day="${new Date().getFullYear()}-01-01"]`)
    await january.focus()
    await page.keyboard.press('ArrowRight')
    expect(
      await page.evaluate(
        () => (document.activeElement as unknown as { dataset: Record<string, string> }).dataset['day'],
      ),
    ).toMatch(/-01-02$/)
    await page.keyboard.press('Enter')
    await page.getByLabel('Window of time').getByText(/Jan 2/).waitFor()
    await expect.poll(() => sharesOf(page)).toBe(10_000)
  })

  it('exports the database, CSV and JSON', async () => {
    const { address } = await serveHistory(20, 20)
    const { page } = await visit(address)
    for (const [item, name, start] of [
      ['Database (everything)', 'watchkeeper.db', 'SQLite format 3'],
      ['Gaps as CSV', 'watchkeeper-gaps.csv', 'id,from,to'],
      ['History as JSON', 'watchkeeper-history.json', '{\n  "since"'],
    ] as const) {
      await page.getByRole('button', { name: 'Export' }).click()
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: item }).click(),
      ])
      expect(download.suggestedFilename()).toBe(name)
      expect(
        readFileSync(await download.path())
          .subarray(0, start.length)
          .toString(),
      ).toBe(start)
    }
  })

  it('stays fluent with ten years of history', async () => {
    const { address, origin, key } = await serveHistory(20_000, 3_650)
    const { page } = await visit(address)
    await page.locator('[data-share]').first().waitFor()
    await page.getByLabel('Window of time').click()
    await page.getByRole('option', { name: 'Everything' }).click()
    await page
      .getByText(/20\d\d/)
      .first()
      .waitFor()
    await expect.poll(() => sharesOf(page)).toBe(10_000)
    const { segments } = (await (
      await fetch(`${origin}/api/v1/machine`, { headers: { 'x-api-key': key ?? '' } })
    ).json()) as { segments: unknown[] }
    expect(segments.length).toBeLessThanOrEqual(4_000)
    // A reload is measured against the page itself with nothing to show, so that the machine's own speed cancels out.
    const timeToFigures = async (url: string): Promise<number> => {
      const { page: fresh } = await visit(url)
      return fresh.evaluate(
        () =>
          new Promise<number>((resolve) => {
            const look = (): void => {
              if (document.querySelector('[data-share]')) resolve(performance.now())
              else requestAnimationFrame(look)
            }
            look()
          }),
      )
    }
    const small = await serveHistory(2, 2)
    const empty = Math.min(await timeToFigures(small.address), await timeToFigures(small.address))
    const full = Math.min(await timeToFigures(address), await timeToFigures(address))
    expect(full / empty).toBeLessThan(6)
  })
})

describe('the page and the service', () => {
  it('find each other again by themselves after a restart', async () => {
    const { address, database, end, origin } = await serveHistory(5, 5)
    const { page } = await visit(address)
    await page.getByText(/^Up, /).waitFor()
    const before = await page.getByTestId('sentence').textContent()
    await end('SIGTERM')
    const banner = page.getByRole('status').filter({ hasText: 'The service does not answer since' })
    await banner.waitFor()
    expect(await banner.evaluate((element) => element.scrollHeight <= element.clientHeight)).toBe(true)
    expect(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight)).toBe(true)
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('Newest backup').waitFor()
    await page.getByRole('link', { name: 'Machine', exact: true }).click()
    await startServe(['-d', database, '-i', '1', '--listen', new URL(origin).host])
    await page.getByText(/The service does not answer/).waitFor({ state: 'detached' })
    await expect.poll(() => page.getByTestId('sentence').textContent()).toMatch(/^Up, .*flight #\d+/)
    expect(await page.getByTestId('sentence').textContent()).not.toBe(before)
  })

  it('ask for the key where there is none, refuse a wrong one, and remember the right one', async () => {
    const { origin, key } = await serveHistory(5, 5)
    const { page } = await visit(origin)
    await page.getByLabel('Access key').fill('wrong')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('That access key is not the right one').waitFor()
    await page.getByLabel('Access key').fill(key ?? '')
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText(/^Up, /).waitFor()
    await page.reload()
    await page.getByText(/^Up, /).waitFor()
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('Newest backup').waitFor()
    await page.getByRole('button', { name: 'Forget the access key here' }).click()
    await page.getByLabel('Access key').waitFor()
  })

  it('take the key of an address that is opened in a tab that asks for it', async () => {
    const { origin, key } = await serveHistory(5, 5)
    const { page } = await visit(origin)
    await page.getByLabel('Access key').waitFor()
    await page.goto(`${origin}/#key=${key}`)
    await page.locator('#content').waitFor()
    await toMachine(page)
    await page.getByText(/^Up, /).waitFor()
    expect(await page.evaluate(() => location.href)).not.toContain('key')
  })

  it('show a new flight’s stamps as they are written', async () => {
    const { address } = await serveHistory(3, 3)
    const { page } = await visit(address)
    await page.getByText(/^Up, /).waitFor()
    const first = await page.getByTestId('sentence').textContent()
    await expect.poll(() => page.getByTestId('sentence').textContent(), { timeout: 10_000 }).not.toBe(first)
  })
})

describe.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 420],
  ['dark', 420],
] as const)('in %s at %d px', (colorScheme, width) => {
  it('fits the window and keeps text apart from its ground', async () => {
    const { address } = await serveHistory(40, 40)
    const { page, complaints } = await visit(address, { colorScheme, viewport: { width, height: 900 } })
    await page.locator('[data-share]').first().waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    const [ink, ground] = await page.evaluate(() => {
      const paint = (colour: string): number => {
        const canvas = document.createElement('canvas').getContext('2d')
        if (!canvas) return 0
        canvas.fillStyle = colour
        canvas.fillRect(0, 0, 1, 1)
        const [r = 0, g = 0, b = 0] = canvas.getImageData(0, 0, 1, 1).data
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const sentence = document.querySelector('[data-testid=sentence]') ?? document.body
      return [paint(getComputedStyle(sentence).color), paint(getComputedStyle(document.body).backgroundColor)]
    })
    expect(Math.abs((ink ?? 0) - (ground ?? 0))).toBeGreaterThan(150)
    expect((ground ?? 0) > 128).toBe(colorScheme === 'light')
    expect(complaints).toEqual([])
  })
})
