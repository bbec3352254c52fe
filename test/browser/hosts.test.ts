import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host, HostList } from '../../electron/shared/api/hosts.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse, type House } from '../support/browser-house.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

/** Adds a host whose closed port makes it down, and one that the service itself keeps up. */
async function populate({ api, origin }: House): Promise<void> {
  const port = Number(new URL(origin).port)
  const every = { intervalMs: 1_000, failures: 1 }
  await api('POST', 'hosts', {
    ...every,
    domain: '127.0.0.1',
    name: 'Fine one',
    tags: ['a'],
    probes: [{ kind: 'tcp', port }],
  })
  await api('POST', 'hosts', {
    ...every,
    domain: '127.0.0.2',
    name: 'Broken one',
    group: 'g',
    probes: [{ kind: 'tcp', port: 9 }],
  })
  await expect
    .poll(async () => (await api<HostList>('GET', 'hosts?state=down')).total, { timeout: 15_000 })
    .toBe(1)
}

const row = (page: Page, name: string) => page.locator('tbody tr').filter({ hasText: name })

describe('the Hosts page', () => {
  it('proposes what is near and probes nothing unasked, and adds a host that was tried first', async () => {
    const house = await browserHouse(browser)
    const { page, complaints } = await house.open('/hosts')
    await page.getByText('No hosts yet').waitFor()
    await page.getByText('Near this machine').waitFor()
    expect((await house.api<HostList>('GET', 'hosts')).all).toBe(0)
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const form = page.getByRole('dialog')
    expect(await form.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true)
    await form.getByLabel('Name or address').fill('127.0.0.1')
    await form.getByLabel('Shown as').fill('This machine')
    await form.getByLabel('Kind of probe 1').click()
    await page.getByRole('option', { name: 'TCP connection' }).click()
    await form.getByLabel('Port').fill(new URL(house.origin).port)
    await form.getByRole('button', { name: 'Another probe' }).click()
    await form.getByLabel('Port').nth(1).fill('9')
    await form.getByRole('button', { name: 'Try now' }).click()
    await form
      .getByTestId('tried')
      .getByText(/answered in/)
      .waitFor()
    await form
      .getByTestId('tried')
      .getByText(/connection refused/)
      .waitFor()
    await form.getByRole('button', { name: 'Remove probe 2' }).click()
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    await page
      .getByTestId('sentence')
      .getByText(/Up for/)
      .waitFor()
    await page.getByRole('heading', { name: 'Latency' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('says why the service refuses, and keeps what was typed', async () => {
    const house = await browserHouse(browser)
    const { page } = await house.open('/hosts')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name or address').fill('not a host')
    await form.getByRole('button', { name: 'Add', exact: true }).click()
    await form.getByText(/is not a host name or an IP address/).waitFor()
    expect(await form.getByLabel('Name or address').inputValue()).toBe('not a host')
  })

  it('puts problems first, filters, and does things to many at once', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { page, complaints } = await house.open('/hosts')
    await page.locator('tbody tr').nth(1).waitFor()
    expect(await page.locator('tbody tr').first().textContent()).toContain('Broken one')
    await row(page, 'Broken one').getByText('connection refused').waitFor()
    await page.getByLabel('Search hosts').fill('fine')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    await page.getByLabel('Search hosts').fill('')
    await page.getByLabel('State', { exact: true }).click()
    await page.getByRole('option', { name: 'Problems' }).click()
    await expect.poll(() => page.getByTestId('shown').textContent()).toBe('1 of 2')
    await page.getByLabel('State', { exact: true }).click()
    await page.getByRole('option', { name: 'All states' }).click()
    await page.getByLabel('Select all on this page').click()
    await page.getByLabel('Tag or group').fill('night')
    await page.getByRole('button', { name: 'Tag', exact: true }).click()
    await row(page, 'Fine one').getByText('night').waitFor()
    await page.getByLabel('Select Fine one').click()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await row(page, 'Fine one').getByText('paused', { exact: true }).waitFor()
    expect(complaints).toEqual([])
  })

  it('tells how hosts are probed, and takes other anchors', async () => {
    const house = await browserHouse(browser)
    const { page } = await house.open('/hosts')
    await page.getByRole('button', { name: 'How hosts are probed' }).click()
    const panel = page.getByRole('dialog')
    await panel.getByText('1.1.1.1: has not answered yet').waitFor()
    await panel.getByPlaceholder('1.1.1.1').fill('192.0.2.77')
    await panel.getByPlaceholder('1.1.1.1').press('Enter')
    await panel.getByRole('button', { name: 'Keep anchors' }).click()
    await panel.getByText('192.0.2.77: has not answered yet').waitFor()
  })
})

describe('a host’s page', () => {
  it('shows the state in words, figures, chart and incidents; pauses, changes and removes', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { id } = await house.api<Host>('GET', 'hosts/127.0.0.2')
    const { page, complaints } = await house.open(`/hosts/${id}`)
    await page
      .getByTestId('sentence')
      .getByText(/^Down for .*: connection refused\.$/)
      .waitFor()
    await page.getByText('Last 24 hours').first().waitFor()
    await page.getByRole('heading', { name: 'Incidents', exact: true }).waitFor()
    await page.locator('tbody tr').getByText('connection refused').waitFor()
    await page.getByText(/lost \(100\.00 %\)/).waitFor({ timeout: 30_000 })
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page
      .getByTestId('sentence')
      .getByText(/^Paused for/)
      .waitFor()
    await page.getByRole('button', { name: 'Unpause' }).click()
    await page
      .getByTestId('sentence')
      .getByText(/^Down for|Not answered/)
      .waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Change' }).click()
    await page.getByRole('dialog').getByLabel('Shown as').fill('Renamed')
    await page.getByRole('dialog').getByRole('button', { name: 'Keep changes' }).click()
    await page.getByText('Renamed', { exact: true }).first().waitFor()
    const wanted = page.waitForEvent('download')
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Incidents as CSV' }).click()
    expect((await wanted).suggestedFilename()).toBe('127.0.0.2-incidents.csv')
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('1 of 1').waitFor()
    await house.open(`/hosts/${id}`).then((gone) => gone.page.getByText('There is no such host').waitFor())
    expect(complaints).toEqual([])
  })
})

describe('the Incidents page', () => {
  it('has all rooms on one axis of time, with notes and acknowledgements', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const watcher = await house.api<{ id: string }>('POST', 'watchers', {
      name: 'Backup job',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await house.api('POST', `watchers/${watcher.id}/triggers`, { exitStatus: 3 })
    await expect
      .poll(async () => (await house.api<unknown[]>('GET', 'incidents')).length, { timeout: 15_000 })
      .toBe(2)
    const { page, complaints } = await house.open('/incidents')
    const list = page.getByTestId('incidents')
    await list.getByText('Broken one', { exact: true }).waitFor()
    await list.getByText('Backup job', { exact: true }).waitFor()
    expect(await page.getByLabel(/^Broken one: lasts for/).count()).toBe(1)
    const item = list.getByRole('listitem').filter({ hasText: 'Broken one' }).first()
    await item.getByRole('button', { name: 'Note' }).click()
    await item.getByLabel('Note').fill('the cable was loose')
    await item.getByRole('button', { name: 'Keep' }).click()
    await item.getByText('the cable was loose').waitFor()
    await item.getByRole('button', { name: 'Acknowledge' }).click()
    await item.getByText('acknowledged', { exact: true }).waitFor()
    await page.getByLabel('Search incidents').fill('backup')
    await expect.poll(() => list.getByText('Broken one', { exact: true }).count()).toBe(0)
    expect(complaints).toEqual([])
  })
})

describe.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 420],
  ['dark', 420],
] as const)('in %s at %d px', (colorScheme, width) => {
  it('the pages of hosts and incidents fit the window and meet no error', async () => {
    const house = await browserHouse(browser)
    await populate(house)
    const { id } = await house.api<Host>('GET', 'hosts/127.0.0.2')
    const { page, complaints } = await house.open('/hosts', { colorScheme, viewport: { width, height: 900 } })
    for (const [route, words] of [
      ['/hosts', 'Broken one'],
      [`/hosts/${id}`, 'Latency'],
      ['/incidents', 'In this window'],
    ] as const) {
      await page.evaluate(`location.hash = ${JSON.stringify(route)}`)
      await page.getByText(words).first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), route).toBe(true)
    }
    expect(complaints).toEqual([])
  })
})
