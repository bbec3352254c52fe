import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import { startBrowser } from '../support/browser.ts'
import { runCli, startServe } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { visit } from '../support/visit.ts'

let browser: Browser
beforeAll(async () => (browser = await startBrowser()))
afterAll(() => browser.close())

describe('two browsers and the command line that change the same watcher', () => {
  it('keep each other’s changes, are told where they clash, and see what the others did', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const service = await startServe(['-d', database])
    const headers = { 'x-api-key': service.key ?? '', 'content-type': 'application/json' }
    const api = async <T>(method: string, route: string, body?: unknown): Promise<T> =>
      (await (
        await fetch(`${service.origin}/api/v1/${route}`, {
          method,
          headers,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
      ).json()) as T
    const { id } = await api<Watcher>('POST', 'watchers', {
      name: 'Backup',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    const now = () => api<Watcher>('GET', `watchers/${id}`)
    const edit = async (): Promise<Page> => {
      const { page } = await visit(browser, `${service.origin}/#key=${service.key ?? ''}`)
      await page.locator('#content').waitFor()
      await page.evaluate(`location.hash = '/watchers/${id}'`)
      await page.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Change' }).click()
      await page.getByRole('dialog').getByLabel('Name', { exact: true }).waitFor()
      return page
    }
    const keep = (page: Page) =>
      page.getByRole('dialog').getByRole('button', { name: 'Keep changes' }).click()
    const [ann, bob] = [await edit(), await edit()]

    // Different settings: both stay.
    await ann.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Nightly backup')
    await bob.getByRole('dialog').getByLabel('Description').fill('Of the NAS')
    await keep(ann)
    await ann.getByRole('dialog').waitFor({ state: 'detached' })
    await keep(bob)
    await bob.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await now()).toMatchObject({ name: 'Nightly backup', description: 'Of the NAS' })
    await ann.getByText('Of the NAS').waitFor()

    // The command line pauses it, and both pages say so by themselves.
    expect((await runCli(['watcher', 'pause', 'backup', '-d', database])).code).toBe(0)
    await ann.getByText('Paused: nothing is expected.').waitFor()
    await bob.getByText('Paused: nothing is expected.').waitFor()

    // The same setting: the second is told, loses nothing, and decides.
    for (const page of [ann, bob]) {
      await page.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Change' }).click()
    }
    await ann.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Ann’s name')
    await bob.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Bob’s name')
    await keep(ann)
    await ann.getByRole('dialog').waitFor({ state: 'detached' })
    await keep(bob)
    await bob.getByRole('alert').getByText('Somebody else changed this meanwhile: name').waitFor()
    expect((await now()).name).toBe('Ann’s name')
    expect(await bob.getByRole('dialog').getByLabel('Name', { exact: true }).inputValue()).toBe('Bob’s name')
    await keep(bob)
    await bob.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await now()).toMatchObject({ name: 'Bob’s name', paused: true, description: 'Of the NAS' })

    // Removed under their eyes.
    expect((await runCli(['watcher', 'remove', 'backup', '-d', database])).stderr).toBe('')
    await ann.getByText('There is no such watcher').first().waitFor({ timeout: 30_000 })
  }, 120_000)
})
