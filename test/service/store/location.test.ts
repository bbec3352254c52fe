import { symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  canonicalPath,
  defaultDatabase,
  desktopDatabase,
  headlessDatabase,
  shellDatabase,
} from '../../../electron/service/store/location.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const linux = { platform: 'linux' as const, home: '/home/ada', env: {} }
const mac = { platform: 'darwin' as const, home: '/Users/ada', env: {} }
const windows = {
  platform: 'win32' as const,
  home: 'C:\\Users\\ada',
  env: { APPDATA: 'C:\\Users\\ada\\AppData\\Roaming' },
}

const has =
  (...files: string[]) =>
  (file: string) =>
    files.includes(file)

describe('where data lives', () => {
  it('is the same folder in the home everywhere when headless', () => {
    expect(headlessDatabase(linux)).toBe('/home/ada/.watchkeeper/watchkeeper.db')
    expect(headlessDatabase(mac)).toBe('/Users/ada/.watchkeeper/watchkeeper.db')
    expect(headlessDatabase(windows)).toBe('C:\\Users\\ada\\.watchkeeper\\watchkeeper.db')
  })
  it('is the platform’s user-data folder for the desktop app', () => {
    expect(desktopDatabase(linux)).toBe('/home/ada/.config/Watchkeeper/watchkeeper.db')
    expect(desktopDatabase({ ...linux, env: { XDG_CONFIG_HOME: '/x' } })).toBe(
      '/x/Watchkeeper/watchkeeper.db',
    )
    expect(desktopDatabase(mac)).toBe('/Users/ada/Library/Application Support/Watchkeeper/watchkeeper.db')
    expect(desktopDatabase(windows)).toBe('C:\\Users\\ada\\AppData\\Roaming\\Watchkeeper\\watchkeeper.db')
  })
  it('is the desktop app’s when there is no headless one, or only its service runs', () => {
    expect(defaultDatabase(linux, has())).toBe(headlessDatabase(linux))
    expect(defaultDatabase(linux, has(desktopDatabase(linux)))).toBe(desktopDatabase(linux))
    expect(defaultDatabase(linux, has(desktopDatabase(linux), headlessDatabase(linux)))).toBe(
      headlessDatabase(linux),
    )
    const both = has(desktopDatabase(linux), headlessDatabase(linux))
    expect(defaultDatabase(linux, both, has(desktopDatabase(linux)))).toBe(desktopDatabase(linux))
    expect(defaultDatabase(linux, both, both)).toBe(headlessDatabase(linux))
    expect(defaultDatabase({ ...linux, env: { WATCHKEEPER_DATABASE: '/srv/w.db' } }, has())).toBe('/srv/w.db')
  })

  it("is the app's own in the desktop app, unless only a headless service has left one", () => {
    const own = '/data/Watchkeeper/watchkeeper.db'
    expect(shellDatabase(linux, '/data/Watchkeeper', has())).toBe(own)
    expect(shellDatabase(linux, '/data/Watchkeeper', has(headlessDatabase(linux)))).toBe(
      headlessDatabase(linux),
    )
    expect(shellDatabase(linux, '/data/Watchkeeper', has(headlessDatabase(linux), own))).toBe(own)
    const named = { ...linux, env: { WATCHKEEPER_DATABASE: '/srv/w.db' } }
    expect(shellDatabase(named, '/data/Watchkeeper', has(own))).toBe('/srv/w.db')
  })
})

describe('canonicalPath', () => {
  it('gives one name to a file that has two', () => {
    const folder = temporaryFolder()
    writeFileSync(path.join(folder, 'a.db'), '')
    symlinkSync(path.join(folder, 'a.db'), path.join(folder, 'b.db'))
    expect(canonicalPath(path.join(folder, 'b.db'))).toBe(canonicalPath(path.join(folder, 'a.db')))
  })
  it('takes a name without a folder for one in the current folder', () => {
    expect(canonicalPath('new.db')).toBe(path.join(process.cwd(), 'new.db'))
  })
})
