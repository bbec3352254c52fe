import path from 'node:path'
import type { Browser } from 'playwright-core'
import { startServe } from './cli.ts'
import { temporaryFolder } from './temporary.ts'
import { visit, type Visit } from './visit.ts'

/** A service in a process of its own, with its API and its pages. */
export interface House {
  readonly origin: string
  api<T>(method: string, route: string, body?: unknown): Promise<T>
  open(hash: string, options?: Parameters<Browser['newContext']>[0]): Promise<Visit>
}

/** Starts one; it ends with the test. */
export async function browserHouse(browser: Browser): Promise<House> {
  const { origin, key } = await startServe(['-d', path.join(temporaryFolder(), 'w.db')])
  return {
    origin,
    async api<T>(method: string, route: string, body?: unknown): Promise<T> {
      const response = await fetch(`${origin}/api/v1/${route}`, {
        method,
        headers: {
          'x-api-key': key ?? '',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${route}: ${text}`)
      return (text === '' ? null : JSON.parse(text)) as T
    },
    async open(hash, options) {
      const opened = await visit(browser, `${origin}/#key=${key ?? ''}`, options)
      await opened.page.locator('#content').waitFor()
      await opened.page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      return opened
    },
  }
}
