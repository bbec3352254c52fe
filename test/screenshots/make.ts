// Makes the pictures of the documents from the real pages: `npm run screenshots`.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startBrowser } from '../support/browser.ts'
import { makeHistory } from '../support/make-history.ts'

const command = fileURLToPath(new URL('../../dist/node/watchkeeper.js', import.meta.url))
const target = fileURLToPath(new URL('../../docs/', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-pictures-'))
const database = path.join(folder, 'watchkeeper.db')

/** Runs a service until `use` is done with its address. */
async function withService(use: (address: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [command, 'serve', '-d', database, '--listen', '127.0.0.1:0'])
  const ended = new Promise((resolve) => child.on('close', resolve))
  const address = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Open (http\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  await use(address)
  child.kill('SIGTERM')
  await ended
}

mkdirSync(target, { recursive: true })
await withService(() => Promise.resolve())
makeHistory(database, { flights: 700, endMs: Date.now() - 60_000, spanMs: 2 * 365 * 86_400_000, seed: 11 })
await withService(async (address) => {
  const browser = await startBrowser()
  for (const [name, colorScheme, width, height] of [
    ['machine-light', 'light', 1280, 1250],
    ['machine-dark', 'dark', 1280, 1250],
    ['machine-small', 'light', 420, 1100],
  ] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } })
    await page.goto(address)
    await page.locator('[data-share]').first().waitFor()
    await page.locator('tbody tr').first().waitFor()
    await page.screenshot({ path: path.join(target, `${name}.png`), animations: 'disabled' })
    await page.close()
  }
  await browser.close()
})
rmSync(folder, { recursive: true, force: true })
