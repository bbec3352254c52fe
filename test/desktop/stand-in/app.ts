import type * as Electron from 'electron'
import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import process, { argv, env } from 'node:process'
import { note, onCommand, record } from './record.ts'

/** `electron.app` as far as the shell uses it. */

type AppPart = Pick<
  Electron.App,
  | 'isPackaged'
  | 'name'
  | 'enableSandbox'
  | 'exit'
  | 'getLoginItemSettings'
  | 'getPath'
  | 'getVersion'
  | 'isReady'
  | 'quit'
  | 'requestSingleInstanceLock'
  | 'setAppUserModelId'
  | 'setLoginItemSettings'
  | 'whenReady'
>

const userData = env['WATCHKEEPER_TEST_USER_DATA'] ?? ''
/** Windows that still have a say when the app quits. */
export const openWindows = new Set<{ close(): void; isDestroyed(): boolean }>()
let isQuitting = false
let login: Electron.Settings = {}

class StandInApp extends EventEmitter implements AppPart {
  readonly isPackaged = env['WATCHKEEPER_TEST_PACKAGED'] === '1'
  readonly name = 'Watchkeeper'
  readonly #ready = new Promise<void>((resolve) => {
    setImmediate(() => {
      note({ isReady: true })
      this.emit('ready')
      resolve()
    })
  })

  enableSandbox(): void {
    if (record.isReady) throw new Error('app.enableSandbox() can only be called before app is ready')
    note({ isSandboxed: true })
  }
  exit(code = 0): void {
    process.exit(code)
  }
  getLoginItemSettings(): Electron.LoginItemSettings {
    const openAtLogin = login.openAtLogin ?? false
    return {
      openAtLogin,
      wasOpenedAtLogin: false,
      status: openAtLogin ? 'enabled' : 'not-registered',
      executableWillLaunchAtLogin: openAtLogin,
      launchItems: [],
    }
  }
  getPath(name: Parameters<Electron.App['getPath']>[0]): string {
    mkdirSync(userData, { recursive: true })
    return name === 'logs' ? path.join(userData, 'logs') : userData
  }
  getVersion(): string {
    return env['WATCHKEEPER_TEST_VERSION'] ?? '0.1.0'
  }
  isReady(): boolean {
    return record.isReady
  }
  /** As documented: `before-quit`, then every window is closed, then `will-quit` and the end; each may be held up. */
  quit(): void {
    if (isQuitting) return
    let isHeld = false
    const event = { preventDefault: () => (isHeld = true), defaultPrevented: false }
    this.emit('before-quit', event)
    if (isHeld) return
    isQuitting = true
    for (const window of openWindows) if (!window.isDestroyed()) window.close()
    this.emit('will-quit', { preventDefault: () => undefined })
    setImmediate(() => process.exit(0))
  }
  /** The lock is per user-data folder, and its holder hears of every start after it. */
  requestSingleInstanceLock(): boolean {
    const socket = path.join(userData, 'singleton')
    if (existsSync(socket)) {
      const isHeld = env['WATCHKEEPER_TEST_SECOND'] === '1'
      if (isHeld) {
        net.connect(socket).end(JSON.stringify(argv))
        return false
      }
      rmSync(socket, { force: true })
    }
    mkdirSync(userData, { recursive: true })
    net
      .createServer((connection) => {
        let text = ''
        connection.on('data', (chunk) => (text += chunk.toString()))
        connection.on('end', () =>
          this.emit('second-instance', {}, JSON.parse(text) as string[], process.cwd(), {}),
        )
      })
      .listen(socket)
      .unref()
    return true
  }
  setAppUserModelId(id: string): void {
    note({ appUserModelId: id })
  }
  setLoginItemSettings(settings: Electron.Settings): void {
    login = settings
  }
  whenReady(): Promise<void> {
    return this.#ready
  }
}

export const app = new StandInApp()
onCommand('quit', () => app.quit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())

class StandInPowerMonitor extends EventEmitter {}
export const powerMonitor = new StandInPowerMonitor()
onCommand('power', ({ event }) => {
  let isHeld = false
  powerMonitor.emit(event, { preventDefault: () => (isHeld = true) })
  if (event === 'shutdown' && !isHeld) process.exit(0)
})

class StandInTheme
  extends EventEmitter
  implements Pick<Electron.NativeTheme, 'shouldUseDarkColors' | 'shouldUseDarkColorsForSystemIntegratedUI'>
{
  shouldUseDarkColors = false
  shouldUseDarkColorsForSystemIntegratedUI = false
}
export const nativeTheme = new StandInTheme()

/** Throws what Electron throws when something is used too early. */
export function needReady(what: string): void {
  if (!record.isReady) throw new Error(`${what} before app is ready`)
}
