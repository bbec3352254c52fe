import { existsSync } from 'node:fs'
import path from 'node:path'
import type { ShellInfo } from '../shared/shell/bridge.ts'
import type { ShellClock, ShellTimer } from './clock.ts'
import { errorText } from './error-text.ts'

/** How an update stands. */
export interface UpdateView {
  readonly state: ShellInfo['update']
  readonly text: string
  /** The version that waits to be installed. */
  readonly ready: string | null
}

/** The part of electron-updater that is used: https://www.electron.build/auto-update. */
export interface Updater {
  autoDownload: boolean
  autoInstallOnAppQuit: boolean
  on(
    event: 'update-available' | 'update-not-available',
    listener: (info: { version: string }) => void,
  ): unknown
  on(event: 'update-downloaded', listener: (info: { version: string }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  checkForUpdates(): Promise<unknown>
  quitAndInstall(): void
}

/** Asks for newer versions, if the user has agreed to that. */
export interface Updates {
  readonly view: UpdateView
  /** Follows the user's choice. */
  setEnabled(isOn: boolean): void
  check(): Promise<void>
  /** Replaces the app by the newer version. The service must have stopped. */
  install(): Promise<void>
}

export interface UpdatesParts {
  readonly clock: ShellClock
  readonly isPackaged: boolean
  /** Folder of the app's resources, where a released build keeps the address of its releases. */
  readonly resources: string
  load(): Promise<Updater>
  onChange(): void
}

const firstMs = 5 * 60_000
const everyMs = 24 * 3_600_000

export function createUpdates(parts: UpdatesParts): Updates {
  const { clock } = parts
  const isPossible = parts.isPackaged && existsSync(path.join(parts.resources, 'app-update.yml'))
  let isOn = false
  let timer: ShellTimer | null = null
  let updater: Promise<Updater> | null = null
  let view: UpdateView = isPossible
    ? { state: 'off', text: 'Watchkeeper does not ask for newer versions.', ready: null }
    : { state: 'unavailable', text: 'This build does not know where its releases are.', ready: null }

  const become = (state: UpdateView['state'], text: string, ready: string | null = null): void => {
    view = { state, text, ready }
    parts.onChange()
  }
  const loaded = (): Promise<Updater> => {
    updater ??= parts.load().then((made) => {
      made.autoDownload = true
      // Installing at quit would run while the service still writes.
      made.autoInstallOnAppQuit = false
      made.on('update-available', ({ version }) => become('found', `Version ${version} is being fetched.`))
      made.on('update-not-available', ({ version }) => become('current', `Version ${version} is the newest.`))
      made.on('update-downloaded', ({ version }) =>
        become('ready', `Version ${version} is ready to be installed.`, version),
      )
      made.on('error', ({ message }) =>
        become('failed', `Asking for a newer version failed: ${firstLine(message)}`),
      )
      return made
    })
    return updater
  }
  const check = async (): Promise<void> => {
    if (!isPossible || view.state === 'checking' || view.state === 'ready') return
    become('checking', 'Asking for a newer version…')
    try {
      // A package that cannot replace itself, such as the tar.gz, asks nobody and says nothing.
      if ((await (await loaded()).checkForUpdates()) === null)
        become('unavailable', 'This package cannot replace itself; fetch newer versions from where it came.')
    } catch (error) {
      become('failed', `Asking for a newer version failed: ${firstLine(errorText(error))}`)
    }
  }
  const plan = (delayMs: number): void => {
    timer?.cancel()
    timer = clock.after(delayMs, () => {
      void check()
      plan(everyMs)
    })
  }

  return {
    get view() {
      return view
    },
    setEnabled(next) {
      if (!isPossible || next === isOn) return
      isOn = next
      timer?.cancel()
      if (!isOn) {
        become('off', 'Watchkeeper does not ask for newer versions.')
        return
      }
      become('idle', 'Watchkeeper asks for newer versions once a day.')
      plan(firstMs)
    },
    check,
    async install() {
      if (view.state !== 'ready') throw new Error('there is no newer version to install')
      ;(await loaded()).quitAndInstall()
    },
  }
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 200)
}
