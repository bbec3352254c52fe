import { existsSync, mkdirSync } from 'node:fs'
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
  // The package unpacks into the temporary folder that it finds when it is loaded.
  process.env['TMPDIR'] = cache
  const { inflate } = await import('@sparticuz/chromium')
  const bin = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')))
  const unpack = (name: string): Promise<string> => inflate(`${bin}${name}`)
  const [executablePath, libraries, fonts] = [
    await unpack('chromium.br'),
    await unpack('al2023.tar.br'),
    await unpack('fonts.tar.br'),
    await unpack('swiftshader.tar.br'),
  ]
  const env = { ...process.env, LD_LIBRARY_PATH: `${libraries}/lib`, FONTCONFIG_PATH: fonts } as Record<
    string,
    string
  >
  return chromium.launch({ executablePath, args: quiet, env })
}
