import { fork, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { Command, DesktopRecord } from '../desktop/stand-in/record.ts'
import type { SharedBrowser } from './browser.ts'
import { openRaw } from './raw-database.ts'
import { temporaryFolder } from './temporary.ts'

/** The bundled main process, as Electron would run it. */
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

/** Starts the app under the stand-in for Electron; it ends with the test. */
export function startDesktop({ context, endpoint }: SharedBrowser, options: DesktopOptions = {}): DesktopApp {
  const userData = options.userData ?? path.join(temporaryFolder(), 'Watchkeeper')
  const home = temporaryFolder()
  const child = fork(bundle, [...(options.args ?? [])], {
    execArgv: ['--import', hook],
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: path.join(home, '.config'),
      DBUS_SESSION_BUS_ADDRESS: '',
      WATCHKEEPER_LISTEN: '127.0.0.1:0',
      WATCHKEEPER_TEST_BROWSER: endpoint,
      WATCHKEEPER_TEST_USER_DATA: userData,
      ...options.env,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let record: DesktopRecord | null = null
  let nextId = 1
  const waiting = new Set<(record: DesktopRecord) => void>()
  const answers = new Map<number, (error: string | null) => void>()
  child.on(
    'message',
    (message: { changed?: DesktopRecord; id?: number; error?: string | null; record?: DesktopRecord }) => {
      const news = message.changed ?? message.record
      if (news) {
        record = news
        for (const look of [...waiting]) look(news)
      }
      if (message.id !== undefined) answers.get(message.id)?.(message.error ?? null)
    },
  )
  onTestFinished(async () => {
    const pids = record?.servicePids ?? []
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await Promise.all(context.pages().map((page) => page.close().catch(() => undefined)))
  })
  const current = (): DesktopRecord => {
    if (record === null) throw new Error('the app has done nothing yet')
    return record
  }
  const until: DesktopApp['until'] = (what, fits) =>
    new Promise((resolve, reject) => {
      const look = (news: DesktopRecord): void => {
        if (!fits(news)) return
        clearTimeout(patience)
        waiting.delete(look)
        resolve(news)
      }
      const patience = setTimeout(() => {
        waiting.delete(look)
        reject(new Error(`${what} has not come about: ${JSON.stringify(record, null, 1)}`))
      }, 20_000)
      waiting.add(look)
      if (record !== null) look(record)
    })
  return {
    child,
    userData,
    ended,
    record: current,
    until,
    command(command) {
      const id = nextId++
      return new Promise((resolve, reject) => {
        answers.set(id, (error) => (error === null ? resolve() : reject(new Error(error))))
        child.send({ id, command })
      })
    },
    async page() {
      const find = (): Page | undefined => {
        const shown = (record?.windows ?? []).map(({ url }) => carried(url))
        return context.pages().find((page) => shown.includes(page.url()))
      }
      await expect.poll(find, { timeout: 20_000, message: 'a window with a page' }).toBeDefined()
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

/** The browser knows the shell's own scheme by another name. */
function carried(url: string): string {
  return url.replace(/^watchkeeper-shell:\/\/status/, 'http://status.watchkeeper-shell.test')
}

/** A process that has ended and that nobody has asked about (a zombie) does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Returns how the last flight of a database ended, as the recorder wrote it down. */
export function lastEnding(database: string): string | null {
  const db = openRaw(database)
  try {
    return db.prepare('SELECT ended FROM flight_detail ORDER BY flight_id DESC LIMIT 1').pluck().get() as
      string | null
  } finally {
    db.close()
  }
}
