import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** A page that was opened. */
export interface Visit {
  readonly page: Page
  /** Requests to other origins, and errors that the page met. */
  readonly complaints: string[]
}

/** What a browser says of an answer that the page shows to its user: a service that is away, an input that is refused. */
const expected = /ERR_CONNECTION_REFUSED|status of 400/

/** Opens an address in a browser of its own, which is closed after the test. */
export async function visit(
  browser: Browser,
  address: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 1000 },
    acceptDownloads: true,
    ...options,
  })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const complaints: string[] = []
  const origin = new URL(address).origin
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !/^(?:blob|data):/.test(request.url()))
      complaints.push(`request to ${request.url()}`)
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text())
  })
  await page.goto(address)
  return { page, complaints }
}
