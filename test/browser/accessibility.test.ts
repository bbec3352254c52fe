import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import { startBrowser } from '../support/browser.ts'
import { browserHouse } from '../support/browser-house.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const pages = [
  '/overview',
  '/welcome',
  '/machine',
  '/hosts',
  '/watchers',
  '/telemetry/records',
  '/health/now',
  '/health/settings',
  '/incidents',
  '/notices',
  '/settings',
]

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: readonly string[] }[]
  }[]
}

let browser: Browser
beforeAll(async () => (browser = await startBrowser()), 120_000)
afterAll(() => browser.close())

describe.each(['light', 'dark'] as const)('every page in %s', (colorScheme) => {
  it('has nothing that axe-core complains of', async () => {
    const house = await browserHouse(browser)
    const { id } = await house.api<Watcher>('POST', 'watchers', {
      name: 'Mail queue',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await house.api('POST', `watchers/${id}/triggers`, { exitStatus: 3 })
    await house.api('POST', 'hosts', { domain: '127.0.0.1', name: 'Self', intervalMs: 1_000 })
    const { page } = await house.open('/overview', { colorScheme })
    await page.getByText('The last run failed').waitFor()
    const found: string[] = []
    for (const route of pages) {
      await page.evaluate(`location.hash = ${JSON.stringify(route)}`)
      await page.locator('#content h1').first().waitFor()
      // What is still a grey place is looked at when it is there.
      await expect.poll(() => page.locator('#content .animate-pulse').count(), { timeout: 15_000 }).toBe(0)
      await page.evaluate(axe)
      const { violations } = await page.evaluate<AxeResult>('axe.run()')
      for (const { id: rule, nodes } of violations)
        found.push(
          `${route}: ${rule} at ${nodes
            .map(({ target }) => target.join(' '))
            .slice(0, 2)
            .join(', ')}`,
        )
    }
    expect(found).toEqual([])
  }, 120_000)
})
