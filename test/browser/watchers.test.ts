import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse } from '../support/browser-house.ts'
import type { Visit } from '../support/visit.ts'
import { httpReceiver } from '../support/receivers.ts'

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, 120_000)
afterAll(() => browser.close())

const house = () => browserHouse(browser)
const hourly = { schedule: { kind: 'period', periodMs: 3_600_000 } }

describe('the Watchers page', () => {
  it('tells what to do when there is none, adds one with a preview of its due times, and shows it', async () => {
    const { open } = await house()
    const { page, complaints } = await open('/watchers')
    await page.getByText('No watchers yet').waitFor()
    await page.getByRole('button', { name: 'Add' }).first().click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('Nightly backup')
    await form.getByLabel('Kind of schedule').click()
    await page.getByRole('option', { name: 'Cron expression' }).click()
    await form.getByLabel('Expression').fill('99 * * * *')
    await form.getByText(/is not a cron expression/).waitFor()
    expect(await form.getByRole('button', { name: 'Add' }).isDisabled()).toBe(true)
    await form.getByLabel('Expression').fill('0 3 * * *')
    await expect.poll(() => form.getByTestId('preview').getByRole('listitem').count()).toBe(5)
    await form.getByLabel('Grace').fill('nonsense')
    await form.getByText('A length such as 90s').waitFor()
    await form.getByLabel('Grace').fill('30m')
    await form.getByRole('button', { name: 'Add' }).click()
    await page.getByTestId('sentence').getByText('Waiting for its first trigger').waitFor()
    await page.getByRole('tab', { name: 'How to call it' }).click()
    await page.getByText(/watchkeeper run http/).waitFor()
    expect(complaints).toEqual([])
  })

  it('puts problems first, filters, and does things to many at once', async () => {
    const { open, api } = await house()
    for (const name of ['a fine one', 'b fine one', 'z broken'])
      await api('POST', 'watchers', { name, ...hourly, tags: [name.slice(0, 1)] })
    await api('POST', 'watchers/a-fine-one/triggers', {})
    await api('POST', 'watchers/z-broken/triggers', { exitStatus: 3, body: 'it said no' })
    const { page, complaints } = await open('/watchers')
    const rows = page.locator('tbody tr')
    await rows.first().getByText('z broken').waitFor()
    await page.getByLabel('Search watchers').fill('fine')
    await expect.poll(() => rows.count()).toBe(2)
    await page.getByLabel('Select all on this page').click()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await expect.poll(() => page.getByRole('cell', { name: 'paused', exact: true }).count()).toBe(2)
    await page.getByLabel('Search watchers').fill('nothing like it')
    await page.getByText('Nothing fits the filter').waitFor()
    expect(complaints).toEqual([])
  })

  it('shows the output of a run, pauses and removes', async () => {
    const { open, api } = await house()
    const { id } = await api<Watcher>('POST', 'watchers', { name: 'job', ...hourly })
    await api('POST', `watchers/${id}/triggers`, { kind: 'start', run: 'r1' })
    await api('POST', `watchers/${id}/triggers`, { exitStatus: 2, run: 'r1', body: '<b>the output</b>' })
    const { page, complaints } = await open(`/watchers/${id}`)
    await page.getByText('The last run failed with exit status 2.').first().waitFor()
    await page.getByRole('button', { name: /^Output/ }).click()
    await page.getByRole('dialog').getByText('<b>the output</b>').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused: nothing is expected.').waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No watchers yet').waitFor()
    expect(complaints).toEqual([])
  })

  it('is followed live by two browsers', async () => {
    const { open, api } = await house()
    const { id } = await api<Watcher>('POST', 'watchers', { name: 'shared', ...hourly })
    const [first, second] = await Promise.all([
      open('/watchers'),
      open('/watchers', { viewport: { width: 420, height: 900 } }),
    ])
    const stateIn = ({ page }: Visit) => page.locator('tbody tr').first().locator('td').nth(1)
    for (const visited of [first, second]) await stateIn(visited).getByText('new').waitFor()
    await api('POST', `watchers/${id}/triggers`, {})
    for (const visited of [first, second]) await stateIn(visited).getByText('up').waitFor()
    await first.page.getByLabel('Select shared').click()
    await first.page.getByRole('button', { name: 'Pause', exact: true }).click()
    for (const visited of [first, second]) await stateIn(visited).getByText('paused').waitFor()
    await second.page.getByRole('link', { name: 'shared' }).click()
    await second.page.getByRole('button', { name: 'Unpause' }).click()
    await stateIn(first).getByText('up').waitFor()
    expect([...first.complaints, ...second.complaints]).toEqual([])
  })

  it('stays fluent with 5,000 watchers', async () => {
    const { open, api } = await house()
    const names = Array.from({ length: 5_000 }, (_, index) => `watcher ${String(index).padStart(4, '0')}`)
    for (let from = 0; from < names.length; from += 500)
      await Promise.all(
        names.slice(from, from + 500).map((name) => api('POST', 'watchers', { name, ...hourly })),
      )
    const { page, complaints } = await open('/watchers')
    await page.getByTestId('shown').getByText('5000 of 5000').waitFor()
    expect(await page.locator('tbody tr').count()).toBe(50)
    await page.getByLabel('Search watchers').fill('watcher 4321')
    await page.getByTestId('shown').getByText('1 of 5000').waitFor()
    // While the list works, the page draws: no frame waits for long beside one without the list.
    const slowest = await page.evaluate(async () => {
      let last = performance.now()
      let worst = 0
      for (let frame = 0; frame < 60; frame += 1) {
        await new Promise(requestAnimationFrame)
        worst = Math.max(worst, performance.now() - last)
        last = performance.now()
      }
      return worst
    })
    expect(slowest).toBeLessThan(1_000)
    expect(complaints).toEqual([])
  }, 90_000)
})

describe('the Notices page', () => {
  it('adds a channel, tests it and names the fault, and shows what became of each notice', async () => {
    const { open, api } = await house()
    const receiver = await httpReceiver()
    const { page, complaints } = await open('/notices')
    await page.getByText('No notices').waitFor()
    await page.getByRole('tab', { name: 'Channels' }).click()
    await page.getByText('No channel yet').waitFor()
    await page.getByRole('button', { name: 'Add a channel' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Kind').click()
    await page.getByRole('option', { name: 'Slack' }).click()
    await form.getByLabel('Webhook address').fill('nonsense')
    await form.getByRole('button', { name: 'Add' }).click()
    await form.getByRole('alert').waitFor()
    await form.getByLabel('Webhook address').fill(`${receiver.url}/hook`)
    await form.getByRole('button', { name: 'Add' }).click()
    receiver.answers.push({ status: 403, body: 'invalid_token' })
    await page.getByRole('button', { name: 'Send a test notice by Slack' }).click()
    await page.getByText(/answered 403: invalid_token/).waitFor()
    await page.getByRole('button', { name: 'Send a test notice by Slack' }).click()
    await page.getByText('The test notice was taken').waitFor()
    const { id } = await api<Watcher>('POST', 'watchers', { name: 'job', ...hourly })
    await api('POST', `watchers/${id}/triggers`, { kind: 'fail' })
    await page.getByRole('tab', { name: 'Notices' }).click()
    await page.getByText('Failed: job has failed').waitFor()
    await page.getByText('sent', { exact: true }).waitFor()
    expect(complaints).toEqual([])
  })

  it('keeps a number that was changed, and the secret that was not', async () => {
    const { open, api } = await house()
    await api('POST', 'channels', {
      kind: 'ntfy',
      name: 'Phone',
      settings: { url: 'http://127.0.0.1:1', topic: 'x', token: 'secret' },
    })
    const { page, complaints } = await open('/notices')
    await page.getByRole('tab', { name: 'Channels' }).click()
    await page.getByRole('button', { name: 'Change Phone' }).click()
    await page.getByRole('dialog').getByLabel('Priority (1–5)').fill('5')
    await page.getByRole('dialog').getByRole('button', { name: 'Keep changes' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const [channel] = await api<{ settings: unknown; hasSecret: boolean }[]>('GET', 'channels')
    expect(channel).toMatchObject({ hasSecret: true, settings: { priority: 5, topic: 'x' } })
    expect(complaints).toEqual([])
  })

  it('mutes for hours, adds a maintenance window, and ends both', async () => {
    const { open } = await house()
    const { page, complaints } = await open('/notices')
    await page.getByRole('button', { name: 'Mute' }).click()
    await page.getByRole('menuitem', { name: 'For 4 hours' }).click()
    await page.getByRole('button', { name: /^Muted, (4 h|3 h \d+ min) left/ }).waitFor()
    await page.getByRole('tab', { name: /Mutes/ }).click()
    await page.getByRole('button', { name: 'Unmute' }).click()
    await page.getByText('Nothing is muted.').waitFor()
    await page.getByRole('button', { name: 'Add a window' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('Updates')
    await form.getByText('Again and again').click()
    await form.getByRole('button', { name: 'Add' }).click()
    await page.getByText('cron 0 2 * * sun').waitFor()
    await page.getByRole('button', { name: 'Remove Updates' }).click()
    await page.getByText('No maintenance windows').waitFor()
    expect(complaints).toEqual([])
  })
})
