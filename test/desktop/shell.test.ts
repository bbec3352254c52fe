import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SharedBrowser } from '../support/browser.ts'
import {
  desktopBrowser,
  labels,
  startAgain,
  startDesktop,
  trayFile,
  type DesktopApp,
} from '../support/desktop-app.ts'
import { onlyStandIn, whyNotReal } from '../support/real-electron.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** Only a session bus can be given a notification service of its own. */
const hasNoDbus = whyNotReal === null && process.platform !== 'linux'
if (hasNoDbus) process.stdout.write('skipped: the notices of this desktop cannot be looked at by a test\n')
const onDbus = it.skipIf(hasNoDbus)

let shared: SharedBrowser | null
beforeAll(async () => {
  shared = await desktopBrowser()
}, 120_000)
afterAll(() => shared?.browser.close())

const ready = (app: DesktopApp) =>
  app.until('a tray with the rooms', ({ tray }) => labels(tray?.menu).includes('Recorder on'))
/** How the first notice was delivered. */
async function firstDelivery(app: DesktopApp): Promise<string | undefined> {
  const { notices } = await app.api<{ notices: { deliveries: { state: string }[] }[] }>('GET', 'notices')
  return notices[0]?.deliveries[0]?.state
}

describe('the desktop app', () => {
  it('starts its service, shows how it stands in the tray, and opens a window that is locked down', async () => {
    const app = await startDesktop(shared)
    const { tray, windows, isSandboxed, permissionsRefused } = await ready(app)
    expect(tray?.icon).toBe(trayFile('up'))
    expect(labels(tray?.menu)).toEqual([
      'No problems',
      'Recorder on',
      // Depends on whether the first report was there already.
      expect.stringMatching(/^(?:This machine is well|No report of this machine yet)$/) as string,
      'Open Watchkeeper',
      'Mute notices',
      'Pause watching',
      'Hide this icon',
      'Quit…',
    ])
    await app.until('a tooltip in words', (record) =>
      (record.tray?.tooltip ?? '').includes('No problems: recorder on'),
    )
    expect(windows).toHaveLength(1)
    expect(windows[0]?.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
    })
    expect(isSandboxed).toBe(true)
    expect(permissionsRefused).toBe(true)
  })

  it('gives its page the key in memory alone: not in the address, not in the browser, not in a log', async () => {
    const app = await startDesktop(shared)
    const complaints: string[] = []
    shared?.context.once('page', (page) => {
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    })
    await ready(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    const key = readFileSync(path.join(app.userData, 'watchkeeper.db.key'), 'utf8').trim()
    const kept = await page.evaluate(
      '[JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href].join()',
    )
    expect(kept).not.toContain(key)
    expect(app.child.spawnargs.join(' ')).not.toContain(key)
    expect(app.log()).toContain('the service is at http://127.0.0.1:')
    expect(app.log()).not.toContain(key)
    for (const file of readdirSync(app.userData, { recursive: true, encoding: 'utf8' })) {
      const full = path.join(app.userData, file)
      if (file.endsWith('.key') || !statSync(full).isFile()) continue
      expect(readFileSync(full, 'latin1').includes(key), file).toBe(false)
    }
    expect(complaints).toEqual([])
  })

  it('goes on when its window is closed, says so once, and shows where it was when opened again', async () => {
    const app = await startDesktop(shared)
    await ready(app)
    await app.command({ do: 'close-window' })
    const { notices } = await app.until('a word on what closing does', ({ notices }) => notices.length === 1)
    expect(notices[0]?.options.title).toBe('Watchkeeper goes on watching')
    await app.command({ do: 'menu', path: ['Open Watchkeeper'] })
    await app.until('the window again', ({ windows }) => windows.length === 1)
    await app.command({ do: 'close-window' })
    await app.command({ do: 'menu', path: ['Recorder on'] })
    const page = await app.page()
    await page.getByRole('heading', { name: 'Machine' }).waitFor()
    expect(app.record().notices).toHaveLength(1)
    const kept = JSON.parse(readFileSync(path.join(app.userData, 'shell.json'), 'utf8')) as {
      bounds: { width: number }
    }
    expect(kept.bounds.width).toBe(1_180)
  })

  it('starts hidden at login, and a second start opens the window of the first', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    const { windows } = await ready(app)
    expect(windows).toEqual([])
    expect(await startAgain(shared, app)).toBe(0)
    await app.until('the window', ({ windows: all }) => all.length === 1)
    expect(await startAgain(shared, app, ['--hidden'])).toBe(0)
    expect(app.record().servicePids).toHaveLength(1)
  })

  onDbus('brings an alert to the tray and to one live notice, whose click opens the item', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    await ready(app)
    const watcher = await app.api<{ id: string }>('POST', 'watchers', {
      name: 'Backup & sync',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await app.api('POST', `watchers/${watcher.id}/triggers`, { kind: 'fail', exitStatus: 2 })
    const { notices, tray } = await app.until(
      'the notice and the icon',
      (record) =>
        labels(record.tray?.menu)[0] === 'Backup && sync: failing' &&
        record.notices.some(({ state }) => state === 'shown'),
    )
    expect(notices).toHaveLength(1)
    expect(notices[0]?.options).toMatchObject({ silent: true, urgency: 'critical', timeoutType: 'never' })
    expect(notices[0]?.options.title).toContain('Backup & sync')
    expect(tray?.icon).toBe(trayFile('problem'))
    await expect.poll(() => firstDelivery(app)).toBe('sent')

    await app.command({ do: 'notice-click', at: 0 })
    const page = await app.page()
    await page.getByRole('heading', { name: 'Backup & sync' }).first().waitFor()
    expect(page.url()).toContain(`#/watchers/${watcher.id}`)

    await app.command({ do: 'focus', isFocused: false })
    await app.api('POST', `watchers/${watcher.id}/triggers`, {})
    const after = await app.until(
      'the recovery in its place',
      (record) => record.tray?.icon === trayFile('up') && record.notices[1]?.state === 'shown',
    )
    expect(after.notices.map(({ state }) => state)).toEqual(['closed', 'shown'])
    expect(after.notices[1]?.options).toMatchObject({ urgency: 'normal' })
  })

  onlyStandIn(
    'shows no notice of what the focused window shows, and tells the outbox of one that failed',
    async () => {
      const app = await startDesktop(shared)
      await ready(app)
      const { id } = await app.api<{ id: string }>('POST', 'watchers', {
        name: 'Nightly',
        schedule: { kind: 'period', periodMs: 3_600_000 },
      })
      const page = await app.page()
      await page.locator('#content').waitFor()
      await page.evaluate(`location.hash = '#/watchers/${id}'`)
      await app.until('the page of the watcher', ({ windows }) => (windows[0]?.url ?? '').endsWith(id))
      await app.api('POST', `watchers/${id}/triggers`, { kind: 'fail' })
      await app.until('the icon', ({ tray }) => tray?.icon === trayFile('problem'))
      await expect
        .poll(async () => {
          const { notices } = await app.api<{ notices: { deliveries: { state: string }[] }[] }>(
            'GET',
            'notices',
          )
          return notices[0]?.deliveries[0]?.state
        })
        .toBe('sent')
      expect(app.record().notices).toEqual([])

      await app.command({ do: 'focus', isFocused: false })
      await app.command({ do: 'notice-mode', mode: 'fail' })
      const [channel] = await app.api<{ id: number }[]>('GET', 'channels')
      const answer = await app.api<{ sent: boolean; reason: string }>(
        'POST',
        `channels/${channel?.id ?? 0}/test`,
      )
      expect(answer.sent).toBe(false)
      expect(answer.reason).toContain('the desktop refused the notice: notifications are not allowed')
      await app.command({ do: 'notice-mode', mode: 'show' })
      const second = await app.api<{ sent: boolean }>('POST', `channels/${channel?.id ?? 0}/test`)
      expect(second.sent).toBe(true)
    },
  )

  it('mutes and pauses from the menu with the time that remains, and undoes both', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    await ready(app)
    await app.command({ do: 'menu', path: ['Mute notices', 'Mute for 4 hours'] })
    await app.until('the remaining time', ({ tray }) => labels(tray?.menu).includes('Muted, 4 h left'))
    expect((await app.api<unknown[]>('GET', 'mutes')).length).toBe(1)
    await app.command({ do: 'menu', path: ['Muted, 4 h left', 'Mute for 1 hour'] })
    await app.until('the shorter time', ({ tray }) => labels(tray?.menu).includes('Muted, 1 h left'))
    expect((await app.api<unknown[]>('GET', 'mutes')).length).toBe(1)
    await app.command({ do: 'menu', path: ['Muted, 1 h left', 'Unmute'] })
    await app.until('no mute', ({ tray }) => labels(tray?.menu).includes('Mute notices'))
    await app.command({ do: 'menu', path: ['Pause watching', 'Pause for 1 hour'] })
    await app.until('the pause', ({ tray }) => labels(tray?.menu).includes('Paused, 1 h left'))
    expect(app.record().tray?.icon).toBe(trayFile('paused'))
    await app.command({ do: 'menu', path: ['Paused, 1 h left', 'Watch again'] })
    await app.until('the end of the pause', (record) => record.tray?.icon === trayFile('up'))
    await app.api('POST', 'hosts', { domain: '127.0.0.1', probes: [{ kind: 'tcp', port: 9 }] })
    await app.until('the hosts', ({ tray }) => labels(tray?.menu).includes('Check all hosts now'))
    await app.command({ do: 'menu', path: ['Check all hosts now'] })
  })

  it('hides its icon on demand, and shows it again from the page', async () => {
    const app = await startDesktop(shared)
    await ready(app)
    await app.command({ do: 'menu', path: ['Hide this icon'] })
    await app.until('no icon', ({ tray }) => tray === null)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    await page.evaluate("location.hash = '#/about'")
    const toggle = page.getByRole('switch', { name: 'Show the icon in the tray' })
    expect(await toggle.isChecked()).toBe(false)
    await toggle.click()
    await app.until('the icon', ({ tray }) => tray?.icon === trayFile('up'))
  })

  onlyStandIn('asks once whether to open at login, and writes the entry that the desktop reads', async () => {
    const config = temporaryFolder()
    const userData = path.join(config, 'Watchkeeper')
    const env = {
      WATCHKEEPER_TEST_PACKAGED: '1',
      XDG_CONFIG_HOME: config,
      APPIMAGE: '/opt/my apps/W.AppImage',
    }
    const app = await startDesktop(shared, { userData, env })
    await app.until('the question', ({ dialogs }) => dialogs.at(-1)?.isOpen === true)
    expect(app.record().dialogs[0]?.message).toBe('Start Watchkeeper when you log in?')
    await app.command({ do: 'answer', button: 'Start at login' })
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    const entry = path.join(config, 'autostart', 'io.github.watchkeeper.Watchkeeper.desktop')
    await expect.poll(() => readFileSync(entry, 'utf8')).toContain('Exec="/opt/my apps/W.AppImage" --hidden')
    await page.evaluate("location.hash = '#/about'")
    const toggle = page.getByRole('switch', { name: 'Start when I log in' })
    await toggle.waitFor()
    expect(await toggle.isChecked()).toBe(true)
    await toggle.click()
    await expect.poll(() => readdirSync(path.dirname(entry))).toEqual([])
    app.child.kill('SIGTERM')
    await app.ended
    const again = await startDesktop(shared, { userData, env })
    await ready(again)
    expect(again.record().dialogs).toEqual([])
  })

  onlyStandIn('shows a panel beside the icon where the platform tells where that is', async () => {
    const app = await startDesktop(shared, {
      args: ['--hidden'],
      env: { WATCHKEEPER_TEST_PLATFORM: 'win32' },
    })
    await app.until('the icon', ({ tray }) => tray?.icon === 'up.ico')
    expect(app.record().appUserModelId).toBe('io.github.watchkeeper.Watchkeeper')
    await app.command({ do: 'tray-click' })
    const { windows } = await app.until('the panel', (record) =>
      (record.windows[0]?.url ?? '').endsWith('#/panel'),
    )
    expect(windows[0]).toMatchObject({ isFramed: false, bounds: { x: 822, y: 24, width: 380, height: 520 } })
    const first = await app.page()
    await first.getByRole('button', { name: 'Mute' }).click()
    await first.keyboard.press('Escape')
    await first.getByRole('menu').waitFor({ state: 'detached' })
    // The page may be gone before the key is up.
    await first.keyboard.press('Escape').catch(() => undefined)
    await app.until('no panel', (record) => record.windows.length === 0)
    await app.command({ do: 'tray-click' })
    const page = await app.page()
    await page.getByRole('button', { name: 'Open Watchkeeper' }).waitFor()
    await page.getByRole('button', { name: 'Recorder on' }).click()
    const after = await app.until('the window instead', (record) =>
      (record.windows[0]?.url ?? '').endsWith('#/machine'),
    )
    expect(after.windows).toHaveLength(1)
  })

  onlyStandIn('uses a template image on macOS', async () => {
    const app = await startDesktop(shared, {
      args: ['--hidden'],
      env: { WATCHKEEPER_TEST_PLATFORM: 'darwin' },
    })
    const { tray } = await app.until('the icon', (record) => record.tray?.icon === 'upTemplate.png')
    expect(tray?.isTemplate).toBe(true)
  })

  it('follows the theme of the system', async () => {
    const app = await startDesktop(shared)
    await ready(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    const isDark = (): Promise<boolean> =>
      page.evaluate("document.documentElement.classList.contains('dark')")
    expect(await isDark()).toBe(false)
    await app.command({ do: 'theme', isDark: true })
    await expect.poll(isDark).toBe(true)
  })

  onlyStandIn('draws its icon in one colour on demand, and follows the bar', async () => {
    const app = await startDesktop(shared)
    await ready(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    await page.evaluate("location.hash = '#/about'")
    await page.getByRole('switch', { name: 'One-coloured icon' }).click()
    await app.until('the dark icon', ({ tray }) => tray?.icon === trayFile('up-on-light'))
    await app.command({ do: 'theme', isDark: true })
    await app.until('the light icon', ({ tray }) => tray?.icon === trayFile('up-on-dark'))
  })

  it('keeps its page on its own origin and opens nothing for it', async () => {
    const app = await startDesktop(shared)
    await ready(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    const address = page.url()
    await page.evaluate("location.href = 'http://127.0.0.1:9/elsewhere'")
    await expect.poll(() => app.log()).toContain('a page was not let go to http://127.0.0.1:9')
    expect(page.url()).toBe(address)
    expect(app.record().openedOutside).toEqual([])
    const refused = await page.evaluate(
      "window.watchkeeper.change({ openAtLogin: 'yes' }).then(() => 'taken', (error) => error.message)",
    )
    expect(refused).toContain('that is not what it takes')
  })

  onlyStandIn('works where there is no tray', async () => {
    const app = await startDesktop(shared, { env: { WATCHKEEPER_TEST_NO_TRAY: '1' } })
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    expect(app.record().tray).toBeNull()
    expect(app.log()).toContain('there is no tray')
  })
})
