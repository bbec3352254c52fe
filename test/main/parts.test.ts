import type { Notification, NotificationConstructorOptions } from 'electron'
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createAutostart } from '../../electron/main/autostart.ts'
import { throttle } from '../../electron/shared/throttle.ts'
import { trayIconFile } from '../../electron/main/icons.ts'
import { createNotices } from '../../electron/main/notices.ts'
import { statusOrigin } from '../../electron/main/security.ts'
import { openSettings } from '../../electron/main/settings.ts'
import { openShellLog } from '../../electron/main/shell-log.ts'
import { answerStatus, statusPage } from '../../electron/main/status-page.ts'
import { trayIcons } from '../../electron/main/tray-model.ts'
import { createUpdates, type Updater } from '../../electron/main/updates.ts'
import type { ShellNotice } from '../../electron/shared/shell/service-messages.ts'
import { shellClock } from '../support/shell-clock.ts'
import { temporaryFolder } from '../support/temporary.ts'

describe('the settings of the app', () => {
  it('are kept, and begin anew from a damaged file', () => {
    const folder = path.join(temporaryFolder(), 'not', 'there', 'yet')
    openSettings(folder, () => undefined).change({ iconShown: false })
    expect(openSettings(folder, () => undefined).value).toMatchObject({
      iconShown: false,
      updateCheck: false,
    })
    for (const text of ['', '{', '[]', '{"iconShown":"no"}', 'null']) {
      writeFileSync(path.join(folder, 'shell.json'), text)
      expect(openSettings(folder, () => undefined).value.iconShown).toBe(true)
    }
  })

  it('say so when they cannot be kept, and hold for this run', () => {
    const file = path.join(temporaryFolder(), 'a-file')
    writeFileSync(file, '')
    const lines: string[] = []
    const settings = openSettings(path.join(file, 'below'), (line) => lines.push(line))
    settings.change({ iconShown: false })
    expect(settings.value.iconShown).toBe(false)
    expect(lines[0]).toContain('could not be kept')
  })
})

describe('the log of the app', () => {
  it('is one line an entry, and is put aside when it has grown', () => {
    const folder = path.join(temporaryFolder(), 'logs')
    const first = openShellLog(folder, () => Date.UTC(2026, 10, 21, 12))
    first.write('two\nlines')
    expect(readFileSync(first.file, 'utf8')).toBe('2026-11-21 12:00:00 INFO     SHELL: two lines\n')
    writeFileSync(first.file, 'x'.repeat(5_000_001))
    openShellLog(folder, () => 0)
    expect(existsSync(first.file)).toBe(false)
    expect(statSync(`${first.file}.1`).size).toBe(5_000_001)
  })
})

describe('the status page', () => {
  it('shows any reason as text', async () => {
    const page = statusPage({
      kind: 'refused',
      why: 'cannot-start',
      reason: 'cannot open <img src=x onerror=alert(1)> & more',
      database: '/w.db',
    })
    expect(page).toContain('Cannot open &lt;img src=x onerror=alert(1)&gt; &amp; more.')
    const response = answerStatus(`${statusOrigin}/`, { kind: 'starting' })
    expect(await response.text()).toContain('The service is starting')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(answerStatus(`${statusOrigin}/../../etc/passwd`, { kind: 'starting' }).status).toBe(404)
  })
})

describe('redrawing', () => {
  it('happens at once and then at most once a second, the last change never lost', () => {
    const clock = shellClock()
    let asked = 0
    const drawn: number[] = []
    const { call: draw } = throttle(clock, 1_000, () => drawn.push(asked))
    for (let ms = 0; ms < 60_000; ms += 10) {
      asked += 1
      draw()
      clock.advance(10)
    }
    clock.advance(5_000)
    expect(drawn.length).toBeLessThanOrEqual(61)
    expect(drawn[0]).toBe(1)
    expect(drawn.at(-1)).toBe(6_000)
    draw()
    expect(drawn.at(-1)).toBe(6_000)
  })
})

describe('the icons that the build draws', () => {
  const icons = fileURLToPath(new URL('../../dist/icons', import.meta.url))
  const sizesOfIco = (file: string): number[] => {
    const bytes = readFileSync(file)
    return Array.from({ length: bytes.readUInt16LE(4) }, (_, n) => bytes.readUInt8(6 + 16 * n) || 256)
  }
  const sizeOfPng = (file: string): number => readFileSync(file).readUInt32BE(16)

  it.each(trayIcons)('show %s on every system and scale', (icon) => {
    for (const [suffix, size] of [
      ['', 22],
      ['@1.25x', 28],
      ['@1.5x', 33],
      ['@2x', 44],
      ['@3x', 66],
    ] as const)
      expect(sizeOfPng(trayIconFile(icons, icon, 'linux').replace('.png', `${suffix}.png`))).toBe(size)
    for (const style of ['-on-light', '-on-dark'] as const) {
      expect(sizeOfPng(trayIconFile(icons, icon, 'linux', style).replace('.png', '@2x.png'))).toBe(44)
      expect(sizesOfIco(trayIconFile(icons, icon, 'win32', style))).toContain(32)
    }
    expect(sizeOfPng(trayIconFile(icons, icon, 'darwin'))).toBe(16)
    expect(sizeOfPng(trayIconFile(icons, icon, 'darwin').replace('.png', '@2x.png'))).toBe(32)
    expect(sizesOfIco(trayIconFile(icons, icon, 'win32'))).toEqual([16, 20, 24, 32, 40, 48, 64])
  })

  it('differ in shape, not only in colour', () => {
    const shapes = trayIcons.map((icon) =>
      readFileSync(trayIconFile(icons, icon, 'darwin').replace('.png', '@2x.png')).toString('base64'),
    )
    expect(new Set(shapes).size).toBe(trayIcons.length)
  })

  it('bring the app its own in the forms of all systems', () => {
    expect(sizesOfIco(path.join(icons, 'app.ico'))).toContain(256)
    expect(readFileSync(path.join(icons, 'app.icns')).toString('latin1', 0, 4)).toBe('icns')
    expect(sizeOfPng(path.join(icons, 'app', '512x512.png'))).toBe(512)
  })
})

describe('notices by Electron', () => {
  const notice: ShellNotice = {
    kind: 'notice',
    id: 1,
    title: 'Down: nas',
    text: 'no answer',
    replaces: 'watchkeeper-incident-1',
    isUrgent: true,
    path: '/hosts/1',
  }

  function bench(platform: NodeJS.Platform = 'linux') {
    const clock = shellClock()
    const made: (EventEmitter & { options: NotificationConstructorOptions; calls: string[] })[] = []
    const world = { isSupported: true, lookingAt: '', opened: [] as string[] }
    const notices = createNotices({
      clock,
      platform,
      isSupported: () => world.isSupported,
      isLookingAt: (shown) => shown === world.lookingAt,
      open: (shown) => world.opened.push(shown),
      create(options) {
        const calls: string[] = []
        const one = Object.assign(new EventEmitter(), {
          options,
          calls,
          show: () => calls.push('show'),
          close: () => calls.push('close'),
        })
        made.push(one)
        return one as unknown as Notification
      },
    })
    const answers: [string | null, boolean][] = []
    const show = (change: Partial<ShellNotice> = {}): void =>
      notices.show({ ...notice, ...change }, (reason, isUnusable) => answers.push([reason, isUnusable]))
    return { clock, made, world, notices, answers, show }
  }

  it('answer once, whatever the desktop says afterwards', () => {
    const { made, answers, show } = bench()
    show()
    expect(made[0]?.calls).toEqual(['show'])
    expect(answers).toEqual([])
    made[0]?.emit('show', {})
    made[0]?.emit('failed', {}, 'late')
    expect(answers).toEqual([[null, false]])
  })

  it('give up on a desktop that says nothing, and on one that refuses', () => {
    const { clock, made, answers, show } = bench()
    show()
    clock.advance(5_000)
    show()
    made[1]?.emit('failed', {}, 'not allowed')
    expect(answers).toEqual([
      ['the desktop did not show the notice', true],
      ['the desktop refused the notice: not allowed', true],
    ])
  })

  it('keep one a problem: closed first on Linux, replaced by its id elsewhere', () => {
    const linux = bench()
    linux.show()
    linux.show({ title: 'Up: nas' })
    expect(linux.made[0]?.calls).toEqual(['show', 'close'])
    const windows = bench('win32')
    windows.show()
    windows.show({ title: 'Up: nas' })
    expect(windows.made[0]?.calls).toEqual(['show'])
    expect(windows.made.map(({ options }) => options.id)).toEqual([notice.replaces, notice.replaces])
  })

  it('are not shown to who looks at it already, nor where there is no desktop', () => {
    const { made, answers, show, world, notices } = bench()
    world.lookingAt = '/hosts/1'
    show()
    world.isSupported = false
    show({ path: '/hosts/2' })
    notices.say('Hidden', 'text', '/')
    expect(made).toEqual([])
    expect(answers).toEqual([
      [null, false],
      ['this desktop takes no notices from the app', true],
    ])
  })

  it('open their item when they are clicked', () => {
    const { made, show, world } = bench()
    show()
    made[0]?.emit('click', {})
    expect(world.opened).toEqual(['/hosts/1'])
  })
})

describe('updates', () => {
  class FakeUpdater extends EventEmitter implements Updater {
    autoDownload = false
    autoInstallOnAppQuit = true
    checks = 0
    installs = 0
    fails = false
    answer: unknown = {}

    async checkForUpdates(): Promise<unknown> {
      this.checks += 1
      if (this.fails) throw new Error('net::ERR_INTERNET_DISCONNECTED\n  at somewhere')
      return this.answer
    }
    quitAndInstall(): void {
      this.installs += 1
    }
  }

  function bench(isReleased = true) {
    const resources = temporaryFolder()
    if (isReleased) {
      mkdirSync(resources, { recursive: true })
      writeFileSync(path.join(resources, 'app-update.yml'), 'provider: github\n')
    }
    const clock = shellClock()
    const updater = new FakeUpdater()
    const updates = createUpdates({
      clock,
      isPackaged: true,
      resources,
      load: async () => updater,
      onChange: () => undefined,
    })
    return { clock, updater, updates }
  }

  it('ask nobody until the user agrees, then once a day, and never again after a change of mind', async () => {
    const { clock, updater, updates } = bench()
    clock.advance(7 * 86_400_000)
    expect(updates.view.state).toBe('off')
    updates.setEnabled(true)
    clock.advance(5 * 60_000)
    await expect.poll(() => updater.checks).toBe(1)
    updater.emit('update-not-available', { version: '0.1.0' })
    expect(updates.view).toMatchObject({ state: 'current', text: 'Version 0.1.0 is the newest.' })
    clock.advance(86_400_000)
    await expect.poll(() => updater.checks).toBe(2)
    updates.setEnabled(false)
    clock.advance(30 * 86_400_000)
    expect(updater.checks).toBe(2)
    expect(updates.view.state).toBe('off')
  })

  it('do not install by themselves, and say in one line why they failed', async () => {
    const { updater, updates } = bench()
    updater.fails = true
    await updates.check()
    expect(updater.autoInstallOnAppQuit).toBe(false)
    expect(updates.view).toMatchObject({
      state: 'failed',
      text: 'Asking for a newer version failed: net::ERR_INTERNET_DISCONNECTED',
    })
    await expect(updates.install()).rejects.toThrow('no newer version')
    updater.emit('update-downloaded', { version: '0.2.0' })
    expect(updates.view).toMatchObject({ state: 'ready', ready: '0.2.0' })
    await updates.install()
    expect(updater.installs).toBe(1)
  })

  it('say so where the package cannot replace itself', async () => {
    const { updater, updates } = bench()
    updater.answer = null
    await updates.check()
    expect(updates.view).toMatchObject({
      state: 'unavailable',
      text: expect.stringContaining('cannot replace itself') as unknown,
    })
  })

  it('are out of reach in a build that knows no releases', async () => {
    const { updater, updates } = bench(false)
    updates.setEnabled(true)
    await updates.check()
    expect(updates.view.state).toBe('unavailable')
    expect(updater.checks).toBe(0)
  })
})

describe('opening at login by the system', () => {
  const parts = (platform: NodeJS.Platform, env: Record<string, string> = {}) => {
    const asked: unknown[] = []
    const login = createAutostart({
      platform,
      env,
      home: '/home/x',
      execPath: '/app',
      app: {
        isPackaged: true,
        getLoginItemSettings: (options?: unknown) => {
          asked.push(options)
          return {
            openAtLogin: true,
            wasOpenedAtLogin: true,
            status: 'requires-approval',
            executableWillLaunchAtLogin: false,
            launchItems: [],
          }
        },
        setLoginItemSettings: (settings: unknown) => asked.push(settings),
      },
    })
    return { asked, login }
  }

  it('finds the entry again by what it was made with, a portable program by its own file', () => {
    const { asked, login } = parts('win32', { PORTABLE_EXECUTABLE_FILE: 'D:\\W.exe' })
    login.set(true)
    expect(login.state()).toMatchObject({ state: 'needs-approval' })
    expect(asked).toEqual([
      { openAtLogin: true, args: ['--hidden'], path: 'D:\\W.exe', enabled: true },
      { args: ['--hidden'], path: 'D:\\W.exe' },
    ])
    expect(login.openedAtLogin()).toBe(false)
  })

  it('knows on macOS that the system has started it, and what is to be allowed', () => {
    const { login } = parts('darwin')
    expect(login.openedAtLogin()).toBe(true)
    expect(login.state().why).toContain('Login Items')
  })
})
