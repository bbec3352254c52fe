import { spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { _electron, type Page } from 'playwright-core'
import { it } from 'vitest'
import type { Command, DesktopRecord } from '../desktop/stand-in/record.ts'

/** Real Electron, where its binary is. */

const folder = fileURLToPath(new URL('../../node_modules/electron/', import.meta.url))
const wrapper = fileURLToPath(new URL('../desktop/real/main.mjs', import.meta.url))

function findProgram(): string | null {
  const named = path.join(folder, 'path.txt')
  if (!existsSync(named)) return null
  const program = path.join(
    process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? path.join(folder, 'dist'),
    readFileSync(named, 'utf8').trim(),
  )
  return existsSync(program) ? program : null
}
const program = findProgram()

/** Why the specs do not run on real Electron; null when they do. */
export const whyNotReal: string | null =
  program === null
    ? 'the Electron binary is not here (`npx install-electron` fetches it)'
    : process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']
      ? 'there is no display'
      : process.platform === 'linux' && process.getuid?.() === 0
        ? 'Electron does not run as root'
        : null
/** For what no test can bring about on a real desktop: another system, a failing notice, no tray. */
export const onlyStandIn = it.skipIf(whyNotReal === null)
if (whyNotReal === null)
  process.stdout.write('skipped: on real Electron, what only its stand-in can be told to do\n')
else process.stdout.write(`the desktop specs run under the stand-in for Electron: ${whyNotReal}\n`)

/** A running app as a test reaches it. */
export interface RealApp {
  readonly child: ChildProcess
  record(): Promise<DesktopRecord>
  command(command: Command): Promise<void>
  pages(): readonly Page[]
  kill(): void
}

interface Watched {
  readonly watchkeeperTest: { record(): DesktopRecord; command(command: Command): void }
}

/** Starts the app on real Electron. */
export async function launchReal(args: readonly string[], env: NodeJS.ProcessEnv): Promise<RealApp> {
  const app = await _electron.launch({
    executablePath: program ?? '',
    args: [wrapper, ...args],
    chromiumSandbox: true,
    env: env as Record<string, string>,
  })
  return {
    child: app.process(),
    record: () => app.evaluate(() => (globalThis as unknown as Watched).watchkeeperTest.record()),
    command: (command) =>
      app.evaluate((_, given) => (globalThis as unknown as Watched).watchkeeperTest.command(given), command),
    pages: () => app.windows(),
    kill: () => app.process().kill('SIGKILL'),
  }
}

/** Starts the app once more on the same folder and returns its exit code. */
export function runRealAgain(args: readonly string[], env: NodeJS.ProcessEnv): number | null {
  return spawnSync(program ?? '', [wrapper, ...args], { env, timeout: 20_000 }).status
}
