import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { hasTrayHost } from '../../electron/main/tray-host.ts'
import { temporaryFolder } from '../support/temporary.ts'

const source = fileURLToPath(new URL('../../electron/main/tray-host.ts', import.meta.url))
const script = `import { hasTrayHost } from ${JSON.stringify(source)}; console.log(await hasTrayHost('linux'))`

/** Asks in a process of its own, which finds only these programs. */
function asked(programs: Readonly<Record<string, string>>): string {
  const folder = path.join(temporaryFolder(), 'bin')
  mkdirSync(folder)
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`)
    chmodSync(path.join(folder, name), 0o755)
  }
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { PATH: folder },
  })
  return stdout.trim()
}

const isWindows = process.platform === 'win32'
if (isWindows) process.stdout.write('skipped: the programs that are asked are made as shell scripts\n')
const tools = ['dbus-run-session', 'gdbus'].filter((name) => spawnSync('which', [name]).status !== 0)
if (tools.length > 0) process.stdout.write(`skipped: ${tools.join(' and ')} missing for a real session bus\n`)

describe.skipIf(isWindows)('whether this desktop draws tray icons', () => {
  it('is believed unless a bus says no', () => {
    expect(asked({})).toBe('true')
    expect(asked({ gdbus: 'echo "(true,)"' })).toBe('true')
    expect(asked({ gdbus: 'echo "(false,)"' })).toBe('false')
    expect(asked({ gdbus: 'exit 1', busctl: 'echo "b false"' })).toBe('false')
    expect(asked({ gdbus: 'exit 1', busctl: 'echo "b true"' })).toBe('true')
    expect(asked({ gdbus: 'exit 1', busctl: 'exit 1' })).toBe('true')
  })

  it.skipIf(tools.length > 0)('is asked of a real session bus', () => {
    const { stdout } = spawnSync(
      'dbus-run-session',
      ['--', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    )
    expect(stdout.trim()).toBe('false')
  })

  it('is no question elsewhere than on Linux', async () => {
    expect(await hasTrayHost('win32')).toBe(true)
    expect(await hasTrayHost('darwin')).toBe(true)
  })
})
