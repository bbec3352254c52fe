import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSharedBrowser, type SharedBrowser } from '../support/browser.ts'
import { startDesktop } from '../support/desktop-app.ts'

let shared: SharedBrowser
beforeAll(async () => {
  shared = await startSharedBrowser()
})
afterAll(() => shared.browser.close())

describe('the desktop app', () => {
  it('starts its service, shows how it stands in the tray and opens its window', async () => {
    const app = startDesktop(shared)
    const record = await app.until('the icon of a quiet machine', ({ tray }) => tray?.icon === 'up.png')
    console.log(JSON.stringify(record, null, 1))
    const page = await app.page()
    await page.getByRole('heading', { name: 'Machine' }).waitFor()
    expect(1).toBe(1)
  })
})
