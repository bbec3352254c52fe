import { fork, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { Command, DesktopRecord, MenuView } from '../desktop/stand-in/record.ts'
import { startSharedBrowser, type SharedBrowser } from './browser.ts'
import { launchReal, runRealAgain, whyNotReal } from './real-electron.ts'
import { temporaryFolder } from './temporary.ts'

/** The desktop app with its desktop: the stand-in for Electron, or Electron itself where it is. */

const bundle = fileURLToPath(new URL('../../dist/main/main.js', import.meta.url))
const hook = fileURLToPath(new URL('../desktop/stand-in/hook.mjs', import.meta.url))

export interface DesktopOptions {
  /** Folder of the app; a new one unless given. */
  readonly userData?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The desktop app, with what it did to its desktop. */
export interface DesktopApp {
  readonly child: ChildProcess
  readonly userData: string
  readonly env: NodeJS.ProcessEnv
  /** What it had done when it was last asked. */
  record(): DesktopRecord
  /** Resolves with the record as soon as it fits. */
  until(what: string, fits: (record: DesktopRecord) => boolean): Promise<DesktopRecord>
  command(command: Command): Promise<void>
  /** Resolves with the page of the window, when it has one. */
  page(): Promise<Page>
  /** Asks the service's API as the app does. */
  api<T>(method: string, route: string, body?: unknown): Promise<T>
  readonly ended: Promise<number | null>
  log(): string
}

/** What differs between the stand-in and Electron. */
interface Desktop {
  readonly child: ChildProcess
  record(): Promise<DesktopRecord>
  command(command: Command): Promise<void>
  pages(): readonly Page[]
  /** Calls back whenever the record may have changed. */
  onNews(listener: () => void): void
}

const patienceMs = 20_000

/** The browser that draws the windows under the stand-in; real Electron draws its own. */
export async function desktopBrowser(): Promise<SharedBrowser | null> {
  return whyNotReal === null ? null : startSharedBrowser()
}

/** Returns the file of a tray icon on this desktop. */
export function trayFile(icon: string): string {
  const platform = whyNotReal === null ? process.platform : 'linux'
  return platform === 'win32' ? `${icon}.ico` : platform === 'darwin' ? `${icon}Template.png` : `${icon}.png`
}

/** Returns the entries of a menu by their words. */
export function labels(menu: readonly MenuView[] | undefined): string[] {
  return (menu ?? []).map(({ label }) => label)
}

const pollMs = 100

/** Starts the app; it ends with the test. */
export async function startDesktop(
  shared: SharedBrowser | null,
  options: DesktopOptions = {},
): Promise<DesktopApp> {
  const userData = options.userData ?? path.join(temporaryFolder(), 'Watchkeeper')
  const home = temporaryFolder()
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    WATCHKEEPER_LISTEN: '127.0.0.1:0',
    WATCHKEEPER_TEST_USER_DATA: userData,
    ...(shared !== null && { DBUS_SESSION_BUS_ADDRESS: '', WATCHKEEPER_TEST_BROWSER: shared.endpoint }),
    ...options.env,
  }
  const args = options.args ?? []
  if (shared === null) {
    // A test session draws no tray icons, and the word about that would be in the way.
    mkdirSync(userData, { recursive: true })
    writeFileSync(path.join(userData, 'shell.json'), '{"toldThatNoTray":true}')
  }
  const desktop = shared === null ? await real(args, env) : standIn(shared, args, env)
  const { child } = desktop
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let record: DesktopRecord | null = null
  const refresh = async (): Promise<DesktopRecord> => {
    record = await desktop.record()
    return record
  }
  onTestFinished(async () => {
    const pids = record?.servicePids ?? []
    // Playwright starts Electron through a shell on Windows.
    for (const pid of [record?.pid, child.pid])
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
    await ended
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await Promise.all((shared?.context.pages() ?? []).map((page) => page.close().catch(() => undefined)))
  })
  return {
    child,
    userData,
    env,
    ended,
    record() {
      if (record === null) throw new Error('the app has done nothing yet')
      return record
    },
    until: (what, fits) =>
      new Promise((resolve, reject) => {
        let isDone = false
        const look = (): void => {
          if (isDone) return
          refresh().then((news) => {
            if (isDone || !fits(news)) return
            isDone = true
            clearTimeout(patience)
            resolve(news)
          }, reject)
        }
        const patience = setTimeout(() => {
          isDone = true
          reject(new Error(`${what} has not come about: ${JSON.stringify(record, null, 1)}`))
        }, patienceMs)
        desktop.onNews(look)
        look()
      }),
    async command(command) {
      await desktop.command(command)
      // The app may leave by what it is told.
      await refresh().catch(() => undefined)
    },
    async page() {
      const find = (): Page | undefined => {
        const shown = (record?.windows ?? []).map(({ url }) => carried(url)).filter((url) => url !== '')
        const pages = desktop.pages().filter((page) => shown.includes(page.url()))
        // The page of a window that was closed goes a moment later than its window.
        return pages.length === shown.length ? pages.at(-1) : undefined
      }
      await expect
        .poll(() => refresh().then(find), { timeout: patienceMs, message: 'a window with a page' })
        .toBeDefined()
      const page = find()
      if (!page) throw new Error('the page has gone again')
      page.setDefaultTimeout(15_000)
      return page
    },
    async api<T>(method: string, route: string, body?: unknown): Promise<T> {
      const database = path.join(userData, 'watchkeeper.db')
      const { origin } = JSON.parse(readFileSync(`${database}.service.json`, 'utf8')) as { origin: string }
      const response = await fetch(`${origin}/api/v1/${route}`, {
        method,
        headers: {
          'x-api-key': readFileSync(`${database}.key`, 'utf8').trim(),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${route}: ${text}`)
      return (text === '' ? null : JSON.parse(text)) as T
    },
    log() {
      const file = path.join(userData, 'logs', 'watchkeeper.log')
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    },
  }
}

/** Starts the app once more while it runs, and returns the exit code of the second. */
export async function startAgain(
  shared: SharedBrowser | null,
  app: DesktopApp,
  args: readonly string[] = [],
): Promise<number | null> {
  if (shared === null) return runRealAgain(args, app.env)
  const { child } = standIn(shared, args, { ...app.env, WATCHKEEPER_TEST_SECOND: '1' })
  return new Promise((resolve) => child.once('exit', resolve))
}

async function real(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Desktop> {
  const { kill: _kill, ...app } = await launchReal(args, env)
  return {
    ...app,
    onNews(listener) {
      const timer = setInterval(listener, pollMs)
      app.child.once('exit', () => clearInterval(timer))
      onTestFinished(() => clearInterval(timer))
    },
  }
}

function standIn({ context }: SharedBrowser, args: readonly string[], env: NodeJS.ProcessEnv): Desktop {
  const child = fork(bundle, [...args], {
    execArgv: ['--import', hook],
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let record: DesktopRecord | null = null
  let nextId = 1
  const listeners = new Set<() => void>()
  const answers = new Map<number, (error: string | null) => void>()
  child.on(
    'message',
    (message: { changed?: DesktopRecord; id?: number; error?: string | null; record?: DesktopRecord }) => {
      record = message.changed ?? message.record ?? record
      for (const listener of [...listeners]) listener()
      if (message.id !== undefined) answers.get(message.id)?.(message.error ?? null)
    },
  )
  return {
    child,
    record: () =>
      record !== null
        ? Promise.resolve(record)
        : new Promise((resolve) =>
            child.once('message', () => {
              if (record !== null) resolve(record)
            }),
          ),
    command(command) {
      const id = nextId++
      return new Promise((resolve, reject) => {
        answers.set(id, (error) => (error === null ? resolve() : reject(new Error(error))))
        child.send({ id, command })
      })
    },
    pages: () => context.pages(),
    onNews: (listener) => void listeners.add(listener),
  }
}

/** Chromium knows the shell's own scheme by another name under the stand-in. */
function carried(url: string): string {
  return whyNotReal === null
    ? url
    : url.replace(/^watchkeeper-shell:\/\/status/, 'http://status.watchkeeper-shell.test')
}

/** A process that has ended and that nobody has asked about (a zombie) does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
