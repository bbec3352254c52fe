import { spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const script = fileURLToPath(new URL('../../build/start.mjs', import.meta.url))

/** Runs `npm start`'s script until it has said `enough`, and returns what it said. */
function start(
  env: Readonly<Record<string, string>>,
  enough: RegExp,
  args: readonly string[] = [],
): Promise<string> {
  const child = spawn(process.execPath, [script, ...args], {
    env: { PATH: process.env['PATH'], HOME: temporaryFolder(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (enough.test(text)) resolve(text)
    })
    void ended.then(() => reject(new Error(`start ended after: ${text}`)))
  })
}

/** A folder with an Electron that only tells how it was started. */
function electron(): string {
  const folder = temporaryFolder()
  const program = path.join(folder, 'electron')
  writeFileSync(program, '#!/bin/sh\necho "electron $*"\nsleep 30\n')
  chmodSync(program, 0o755)
  return folder
}

const isLinux = process.platform === 'linux'
if (!isLinux)
  process.stdout.write('skipped: npm start is tried with a script that stands in for Electron on Linux\n')

describe.skipIf(!isLinux)('npm start', () => {
  const listen = ['--listen', '127.0.0.1:0']

  it('starts headless without the Electron binary, and says so', async () => {
    const said = await start({ ELECTRON_OVERRIDE_DIST_PATH: '/nowhere', DISPLAY: ':0' }, /since .*\n/)
    expect(said).toContain('Starting headless, since the Electron binary is not here')
  })

  it('starts headless without a display, and says so', async () => {
    const said = await start({ ELECTRON_OVERRIDE_DIST_PATH: electron() }, /since .*\n/)
    expect(said).toContain('Starting headless, since there is no display.')
  })

  it('starts headless when it is given options of the service', async () => {
    const said = await start({ ELECTRON_OVERRIDE_DIST_PATH: electron(), DISPLAY: ':0' }, /Open http/, listen)
    expect(said).toContain('Starting headless, since options of `serve` were given.')
  })

  it('starts the desktop app with the binary and a display, but never as root', async () => {
    const said = await start(
      { ELECTRON_OVERRIDE_DIST_PATH: electron(), DISPLAY: ':0' },
      /(since|electron ).*\n/,
    )
    if (process.getuid?.() === 0) expect(said).toContain('since Electron does not run as root')
    else expect(said).toMatch(/Starting the desktop app.*\nelectron \/.*\n/)
  })
})
