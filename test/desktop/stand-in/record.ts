import type { MenuItemConstructorOptions, NotificationConstructorOptions, WebPreferences } from 'electron'
import process from 'node:process'

/** What the stand-in was told, in one record that the test reads, and what the test tells it. */

export interface MenuView {
  readonly label: string
  readonly enabled: boolean
  readonly items: readonly MenuView[]
}

export interface NoticeView {
  readonly options: NotificationConstructorOptions
  readonly state: 'made' | 'shown' | 'failed' | 'closed'
}

export interface WindowView {
  readonly id: number
  readonly url: string
  readonly isVisible: boolean
  readonly isFocused: boolean
  readonly bounds: { x: number; y: number; width: number; height: number }
  readonly isFramed: boolean
  readonly webPreferences: WebPreferences
}

export interface DialogView {
  readonly message: string
  readonly detail: string
  readonly buttons: readonly string[]
  readonly isOpen: boolean
}

/** Everything the app did to its desktop. */
export interface DesktopRecord {
  pid: number
  isReady: boolean
  trays: number
  tray: { icon: string; isTemplate: boolean; tooltip: string; menu: readonly MenuView[] } | null
  trayChanges: number
  notices: readonly NoticeView[]
  windows: readonly WindowView[]
  hiddenWindows: number
  dialogs: readonly DialogView[]
  servicePids: readonly number[]
  shownFolders: readonly string[]
  openedOutside: readonly string[]
  permissionsRefused: boolean
  appUserModelId: string | null
  isSandboxed: boolean
}

/** What a test does to the desktop. */
export type Command =
  | { readonly do: 'menu'; readonly path: readonly string[] }
  | { readonly do: 'tray-click' }
  | { readonly do: 'notice-click'; readonly at: number }
  | { readonly do: 'notice-mode'; readonly mode: 'show' | 'fail' | 'silent' | 'unsupported' }
  | { readonly do: 'answer'; readonly button: string }
  | { readonly do: 'power'; readonly event: string }
  | { readonly do: 'session'; readonly event: 'query-session-end' | 'session-end' }
  | { readonly do: 'theme'; readonly isDark: boolean }
  | { readonly do: 'focus'; readonly isFocused: boolean }
  | { readonly do: 'close-window' }
  | { readonly do: 'quit' }

export const record: DesktopRecord = {
  pid: process.pid,
  isReady: false,
  trays: 0,
  tray: null,
  trayChanges: 0,
  notices: [],
  windows: [],
  hiddenWindows: 0,
  dialogs: [],
  servicePids: [],
  shownFolders: [],
  openedOutside: [],
  permissionsRefused: false,
  appUserModelId: null,
  isSandboxed: false,
}

/** Changes the record and wakes whoever waits for that. */
export function note(change: Partial<DesktopRecord>): void {
  Object.assign(record, change)
  if (process.connected) process.send?.({ changed: record })
}

type Handlers = { [Name in Command['do']]?: (command: Extract<Command, { do: Name }>) => void }
const handlers: Handlers = {}

/** Says what becomes of a command. */
export function onCommand<Name extends Command['do']>(
  name: Name,
  handler: (command: Extract<Command, { do: Name }>) => void,
): void {
  Object.assign(handlers, { [name]: handler })
}

process.on('message', (message: { readonly id: number; readonly command: Command }) => {
  const { id, command } = message
  let error: string | null = null
  try {
    const handler = handlers[command.do] as ((command: Command) => void) | undefined
    if (!handler) throw new Error(`nothing takes the command ${command.do}`)
    handler(command)
  } catch (caught) {
    error = caught instanceof Error ? caught.message : String(caught)
  }
  process.send?.({ id, error, record })
})

/** Returns a menu as a test reads it. */
export function menuView(template: readonly MenuItemConstructorOptions[]): MenuView[] {
  return template
    .filter(({ type }) => type !== 'separator')
    .map(({ label = '', enabled = true, submenu }) => ({
      label,
      enabled,
      items: Array.isArray(submenu) ? menuView(submenu) : [],
    }))
}
