import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runProgram, type CliResult } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bundles = fileURLToPath(new URL('../../dist/main/', import.meta.url))
const hook = fileURLToPath(new URL('./stand-in/hook.mjs', import.meta.url))

describe('the bundle of the desktop app', () => {
  it('brings the updater of the system in a part of its own, which loads', () => {
    const part = readdirSync(bundles).find((name) => /^main-.+\.js$/.test(name)) ?? ''
    const script = `
      const { default: module } = await import(${JSON.stringify(path.join(bundles, part))})
      const { autoUpdater } = module
      console.log(autoUpdater.constructor.name, typeof autoUpdater.checkForUpdates, typeof autoUpdater.quitAndInstall)
      process.exit(0)`
    const said = execFileSync(process.execPath, ['--import', hook, '--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { ...process.env, WATCHKEEPER_TEST_USER_DATA: temporaryFolder() },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(said).toMatch(/^(AppImage|Mac|Nsis)Updater function function$/m)
  })

  it('is the command line as well, with its output, its exit codes and an orderly end', async () => {
    const home = temporaryFolder()
    const cli = (...args: string[]): Promise<CliResult> =>
      runProgram(
        process.execPath,
        ['--import', hook, path.join(bundles, 'main.js'), '--cli', '--', ...args],
        {
          env: { HOME: home, WATCHKEEPER_TEST_USER_DATA: home },
        },
      )
    expect(await cli('--version')).toMatchObject({ code: 0, stderr: '' })
    expect((await cli('status')).code).toBe(3)
    expect(await cli('nonsense')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'nonsense'\n",
    })
    expect((await cli('report', '-d', path.join(home, 'none.db'))).code).toBe(3)
  })
})
