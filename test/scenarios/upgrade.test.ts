import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { latestVersion } from '../../electron/service/store/migrate.ts'
import { startBrowser } from '../support/browser.ts'
import { runCli, startServe } from '../support/cli.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { visit } from '../support/visit.ts'

const fixture = new URL('../fixtures/database-of-schema-4.sql', import.meta.url)

let browser: Browser
beforeAll(async () => (browser = await startBrowser()))
afterAll(() => browser.close())

describe('a database of an earlier Watchkeeper', () => {
  it('is taken over with everything in it, after a copy, and asks no first run', async () => {
    const database = path.join(temporaryFolder(), 'watchkeeper.db')
    const before = openRaw(database)
    before.exec(readFileSync(fixture, 'utf8'))
    const secrets = before.prepare('SELECT code, uuid, token FROM watcher ORDER BY id').all()
    before.close()
    const service = await startServe(['-d', database])
    const { page, complaints } = await visit(browser, `${service.origin}/#key=${service.key ?? ''}`)
    // Who has hosts and watchers already is not asked what to watch.
    await page.getByTestId('standing').waitFor()
    expect(new URL(page.url()).hash).not.toContain('welcome')
    await page.getByRole('link', { name: 'Hosts' }).first().click()
    await page.getByText('Old web server').waitFor()
    await page.getByRole('link', { name: 'Watchers' }).first().click()
    await page.getByText('Nightly backup').waitFor()
    expect(complaints).toEqual([])
    await service.end('SIGTERM')
    const after = openRaw(database)
    expect(after.pragma('user_version', { simple: true })).toBe(latestVersion)
    expect(after.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(after.prepare('SELECT code, uuid, token FROM watcher ORDER BY id').all()).toEqual(secrets)
    expect(after.prepare("SELECT count(*) FROM watcher_event WHERE kind <> 'created'").pluck().get()).toBe(3)
    expect(after.prepare('SELECT count(*) FROM access_key').pluck().get()).toBe(1)
    expect(
      after.prepare("SELECT settings ->> '$.token' FROM channel WHERE name = 'Phone'").pluck().get(),
    ).toBe('secret')
    expect(after.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(3)
    after.close()
    const copy = openRaw(`${database}.before-schema-5`)
    expect(copy.pragma('user_version', { simple: true })).toBe(4)
    copy.close()
    const { stdout } = await runCli(['report', '-d', database])
    expect(stdout).toContain('FLIGHT #1')
  }, 60_000)
})
