import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SharedBrowser } from '../support/browser.ts'
import { startServe } from '../support/cli.ts'
import {
  isAlive,
  desktopBrowser,
  labels,
  startAgain,
  startDesktop,
  trayFile,
  type DesktopApp,
} from '../support/desktop-app.ts'
import { onlyStandIn } from '../support/real-electron.ts'
import { lastEnding, openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { DesktopRecord } from './stand-in/record.ts'

const isWindows = process.platform === 'win32'
if (isWindows) process.stdout.write('skipped: Windows has no signals that ask a program to end\n')

let shared: SharedBrowser | null
beforeAll(async () => {
  shared = await desktopBrowser()
}, 120_000)
afterAll(() => shared?.browser.close())

const isServing = ({ tray }: DesktopRecord): boolean => labels(tray?.menu).includes('Recorder on')
const serving = (app: DesktopApp) => app.until('a tray with the rooms', isServing)
const newestService = ({ servicePids }: DesktopRecord): number => servicePids.at(-1) ?? 0

describe('the desktop app and its service', () => {
  it('starts the service again after a kill, says so, and has lost nothing', async () => {
    const app = await startDesktop(shared)
    await serving(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    const { id } = await app.api<{ id: string }>('POST', 'watchers', {
      name: 'Kept',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await app.api('POST', `watchers/${id}/triggers`, {})
    process.kill(newestService(app.record()), 'SIGKILL')
    await app.until('another service', ({ servicePids }) => servicePids.length === 2)
    await app.until('a tray that says so', (record) =>
      labels(record.tray?.menu).some((label) =>
        /^Service restarted at \d\d:\d\d \(exit code \d+(, SIGKILL)?\)$/.test(label),
      ),
    )
    await app.until('the rooms again', isServing)
    expect(app.log()).toContain('the service ended unexpectedly: exit code ')
    const kept = await app.api<{ name: string; triggers: number }>('GET', `watchers/${id}`)
    expect(kept).toMatchObject({ name: 'Kept', triggers: 1 })
    const { events } = await app.api<{ events: { kind: string; text: string }[] }>('GET', 'service')
    expect(events[0]?.kind).toBe('service-restarted')
    expect(events[0]?.text).toContain('It stopped unexpectedly (exit code ')
    await (await app.page()).getByText('The service was started again').waitFor()
  })

  it('gives up after five quick crashes, says so, and tries again when told to', async () => {
    const folder = temporaryFolder()
    const userData = path.join(folder, 'Watchkeeper')
    const app = await startDesktop(shared, { userData, args: ['--hidden'] })
    await serving(app)
    for (let crash = 1; crash <= 5; crash += 1) {
      const { servicePids } = await app.until(
        `service ${crash}`,
        (record) => record.servicePids.length === crash,
      )
      process.kill(servicePids.at(-1) ?? 0, 'SIGKILL')
    }
    const { tray } = await app.until('the word that it gave up', (record) =>
      labels(record.tray?.menu).includes('Try again'),
    )
    expect(tray?.icon).toBe(trayFile('stopped'))
    expect(tray?.tooltip).toContain('cannot be kept running')
    await app.command({ do: 'menu', path: ['Open Watchkeeper'] })
    const page = await app.page()
    await page.getByRole('status').getByText('The service cannot be kept running').waitFor()
    await page.getByText(/stopped 5 times within five minutes/).waitFor()
    expect(app.record().servicePids).toHaveLength(5)
    await page.getByRole('button', { name: 'Try again' }).click()
    await app.until('the rooms', isServing)
    await (await app.page()).getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
  })

  it('shows another service that has the database, and takes over when that one goes', async () => {
    const folder = path.join(temporaryFolder(), 'Watchkeeper')
    mkdirSync(folder)
    const database = path.join(folder, 'watchkeeper.db')
    const other = await startServe(['-d', database])
    const app = await startDesktop(shared, { userData: folder })
    await serving(app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    expect(new URL(page.url()).origin).toBe(other.origin)
    await page.evaluate("location.hash = '#/about'")
    await page.getByText('It shows another Watchkeeper that serves on this machine.').waitFor()
    await other.end('SIGTERM')
    await app.until('a service of its own', ({ servicePids }) => servicePids.length === 2)
    await app.until('the rooms', isServing)
    await expect.poll(() => new URL(page.url()).origin).not.toBe(other.origin)
    expect(isAlive(newestService(app.record()))).toBe(true)
  })

  it('says what to do when it cannot read the key of another service', async () => {
    const folder = path.join(temporaryFolder(), 'Watchkeeper')
    mkdirSync(folder)
    const database = path.join(folder, 'watchkeeper.db')
    await startServe(['-d', database])
    writeFileSync(`${database}.key`, 'not a key\n')
    const app = await startDesktop(shared, { userData: folder })
    const page = await app.page()
    await page.getByText('Another Watchkeeper uses the database').waitFor()
    await page.getByText(/Its access key cannot be read by this user/).waitFor()
    await app.until('the tray', ({ tray }) => tray?.icon === trayFile('stopped'))
  })

  it('says why a service cannot start', async () => {
    const folder = temporaryFolder()
    const database = path.join(folder, 'newer.db')
    const db = openRaw(database)
    db.pragma('user_version = 999')
    db.close()
    const app = await startDesktop(shared, { env: { WATCHKEEPER_DATABASE: database } })
    const page = await app.page()
    await page.getByText('The service cannot start').waitFor()
    await page.getByText(/newer/).waitFor()
    expect(await page.evaluate("document.querySelector('button').textContent")).toBe('Try again')
    expect(readFileSync(database).length).toBeGreaterThan(0)
    chmodSync(database, 0o600)
  })

  it('hands suspend and resume to the recorder', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    await serving(app)
    const stamp = async (): Promise<string> =>
      (await app.api<{ lastStamp: string }>('GET', 'machine/now')).lastStamp
    for (const event of ['suspend', 'resume']) {
      const before = await stamp()
      await app.command({ do: 'power', event })
      await expect.poll(stamp, { interval: 20, timeout: 5_000 }).not.toBe(before)
    }
  })

  it('lets the service write its last stamp at the end of the session', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    const pid = newestService(await serving(app))
    await app.command({ do: 'power', event: 'shutdown' })
    expect(await app.ended).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(lastEnding(path.join(app.userData, 'watchkeeper.db'))).toBe('shutdown')
  })

  onlyStandIn('hears the end of a Windows session in a window without a page', async () => {
    const app = await startDesktop(shared, {
      args: ['--hidden'],
      env: { WATCHKEEPER_TEST_PLATFORM: 'win32' },
    })
    await app.until('the service', ({ tray }) => tray?.icon === 'up.ico')
    expect(app.record().hiddenWindows).toBe(1)
    expect(app.record().windows).toEqual([])
    const before = (await app.api<{ lastStamp: string }>('GET', 'machine/now')).lastStamp
    await app.command({ do: 'session', event: 'query-session-end' })
    await expect
      .poll(async () => (await app.api<{ lastStamp: string }>('GET', 'machine/now')).lastStamp, {
        interval: 20,
      })
      .not.toBe(before)
    await app.command({ do: 'session', event: 'session-end' })
    expect(await app.ended).toBe(0)
    expect(lastEnding(path.join(app.userData, 'watchkeeper.db'))).toBe('shutdown')
  })

  it('asks what quitting means, goes on hidden, and stops the service first when told to', async () => {
    const app = await startDesktop(shared)
    const pid = newestService(await serving(app))
    await app.command({ do: 'menu', path: ['Quit…'] })
    await app.until('the question', ({ dialogs }) => dialogs.length === 1)
    expect(app.record().dialogs[0]?.buttons).toEqual([
      'Keep watching, hide the icon',
      'Stop watching and quit',
      'Cancel',
    ])
    await app.command({ do: 'answer', button: 'Cancel' })
    await app.command({ do: 'menu', path: ['Quit…'] })
    await app.until('the second question', ({ dialogs }) => dialogs.length === 2)
    await app.command({ do: 'answer', button: 'Keep watching, hide the icon' })
    await app.until('neither icon nor window', ({ tray, windows }) => tray === null && windows.length === 0)
    expect(isAlive(pid)).toBe(true)
    await startAgain(shared, app)
    const page = await app.page()
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    await page.evaluate("location.hash = '#/about'")
    await page.getByRole('button', { name: 'Quit…' }).click()
    await app.until('the third question', ({ dialogs }) => dialogs.length === 3)
    await app.command({ do: 'answer', button: 'Stop watching and quit' })
    expect(await app.ended).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(lastEnding(path.join(app.userData, 'watchkeeper.db'))).toBe('quit')
  })

  it.skipIf(isWindows)('stops the service in order when a signal ends the app', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    const pid = newestService(await serving(app))
    app.child.kill('SIGTERM')
    expect(await app.ended).toBe(0)
    expect(isAlive(pid)).toBe(false)
    expect(lastEnding(path.join(app.userData, 'watchkeeper.db'))).not.toBeNull()
  })

  it('loses nothing when the app itself is killed', async () => {
    const app = await startDesktop(shared, { args: ['--hidden'] })
    const pid = newestService(await serving(app))
    const { id } = await app.api<{ id: string }>('POST', 'watchers', {
      name: 'Survivor',
      schedule: { kind: 'period', periodMs: 3_600_000 },
    })
    await app.api('POST', `watchers/${id}/triggers`, {})
    process.kill(app.record().pid, 'SIGKILL')
    await app.ended
    await expect.poll(() => isAlive(pid)).toBe(false)
    const again = await startDesktop(shared, { userData: app.userData, args: ['--hidden'] })
    await serving(again)
    expect(await again.api('GET', `watchers/${id}`)).toMatchObject({ name: 'Survivor', triggers: 1 })
  })
})
