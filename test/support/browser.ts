import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import net from 'node:net'
import { chromium, type Browser, type BrowserContext } from 'playwright-core'

const installed = [process.env['CHROME_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome']

/**
 * Starts the browser that is installed, or the one that npm brought (linux-x64), which needs its own libraries unpacked
 * beside it (https://github.com/Sparticuz/chromium).
 */
export async function startBrowser(more: readonly string[] = []): Promise<Browser> {
  const system = process.env['WATCHKEEPER_TEST_NPM_BROWSER']
    ? undefined
    : installed.find((file) => file && existsSync(file))
  const quiet = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    ...more,
  ]
  if (system) return chromium.launch({ executablePath: system, args: quiet })
  const cache = fileURLToPath(new URL('../../node_modules/.cache/chromium', import.meta.url))
  mkdirSync(cache, { recursive: true })
  // The package unpacks into the temporary folder, and returns at once when it has done so before.
  const temporary = process.env['TMPDIR']
  process.env['TMPDIR'] = cache
  const { inflate } = await import('@sparticuz/chromium')
  const bin = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')))
  const unpack = (name: string): Promise<string> => inflate(`${bin}${name}`)
  const executablePath = await unpack('chromium.br')
  const libraries = await unpack('al2023.tar.br')
  const fonts = await unpack('fonts.tar.br')
  await unpack('swiftshader.tar.br')
  if (temporary === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = temporary
  // Its own configuration looks for the fonts where another system would have unpacked them.
  const configuration = `${cache}/fonts.conf`
  writeFileSync(
    configuration,
    `<?xml version="1.0"?><fontconfig><dir>${fonts}</dir><cachedir>${cache}/fonts-cache</cachedir></fontconfig>\n`,
  )
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: `${libraries}/lib`,
    FONTCONFIG_FILE: configuration,
  } as Record<string, string>
  return chromium.launch({ executablePath, args: quiet, env })
}

/** A browser that several programs look at. */
export interface SharedBrowser {
  readonly browser: Browser
  /** Where another program connects to it (Chrome DevTools Protocol). */
  readonly endpoint: string
  /** The context that all of them share. */
  readonly context: BrowserContext
}

export async function startSharedBrowser(): Promise<SharedBrowser> {
  const port = await freePort()
  const owner = await startBrowser([`--remote-debugging-port=${port}`])
  const endpoint = `http://127.0.0.1:${port}`
  const browser = await chromium.connectOverCDP(endpoint)
  const [context] = browser.contexts()
  if (!context) throw new Error('the browser has no context')
  owner.on('disconnected', () => void browser.close())
  return { browser: owner, endpoint, context }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
