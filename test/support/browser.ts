import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser } from 'playwright-core'

const installed = [process.env['CHROME_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome']

/**
 * Starts the browser that is installed, or the one that npm brought (linux-x64), which needs its own libraries unpacked
 * beside it (https://github.com/Sparticuz/chromium).
 */
export async function startBrowser(): Promise<Browser> {
  const system = process.env['WATCHKEEPER_TEST_NPM_BROWSER']
    ? undefined
    : installed.find((file) => file && existsSync(file))
  const quiet = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
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
