import type * as Electron from 'electron'
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { needReady } from './app.ts'
import { menuView, note, onCommand, record } from './record.ts'

/** Tray, menus, notices and dialogs: what the shell puts on the desktop. */

class StandInImage implements Pick<Electron.NativeImage, 'isEmpty' | 'setTemplateImage' | 'getSize'> {
  readonly file: string
  isTemplate = false

  constructor(file: string) {
    this.file = file
  }
  isEmpty(): boolean {
    return !existsSync(this.file) || readFileSync(this.file).length === 0
  }
  setTemplateImage(isTemplate: boolean): void {
    this.isTemplate = isTemplate
  }
  getSize(): Electron.Size {
    return { width: 16, height: 16 }
  }
}

/** A missing file gives an empty image, and no error. */
export const nativeImage = { createFromPath: (file: string) => new StandInImage(file) }

class StandInMenu {
  readonly template: readonly Electron.MenuItemConstructorOptions[]

  constructor(template: readonly Electron.MenuItemConstructorOptions[]) {
    this.template = template
  }
  static buildFromTemplate(template: readonly Electron.MenuItemConstructorOptions[]): StandInMenu {
    for (const { label, type, role } of template)
      if (label === undefined && type !== 'separator' && role === undefined)
        throw new TypeError('Invalid template for MenuItem: must have either label, role or type')
    return new StandInMenu(template)
  }
  static setApplicationMenu(_menu: StandInMenu | null): void {}
}
export { StandInMenu as Menu }

let shownMenu: StandInMenu | null = null

class StandInTray
  extends EventEmitter
  implements Pick<Electron.Tray, 'destroy' | 'isDestroyed' | 'setToolTip' | 'getBounds'>
{
  /** The one on the desktop. */
  static last: StandInTray | null = null
  #isDestroyed = false

  constructor(image: StandInImage) {
    super()
    needReady('Cannot create Tray')
    if (process.env['WATCHKEEPER_TEST_NO_TRAY'] === '1') throw new Error('Failed to create the tray')
    StandInTray.last = this
    note({
      trays: record.trays + 1,
      tray: { icon: path.basename(image.file), isTemplate: image.isTemplate, tooltip: '', menu: [] },
    })
  }
  #change(change: Partial<NonNullable<typeof record.tray>>): void {
    if (this.#isDestroyed) throw new Error('Tray is destroyed')
    if (record.tray) note({ tray: { ...record.tray, ...change }, trayChanges: record.trayChanges + 1 })
  }
  setImage(image: StandInImage): void {
    this.#change({ icon: path.basename(image.file), isTemplate: image.isTemplate })
  }
  setToolTip(tooltip: string): void {
    this.#change({ tooltip })
  }
  setContextMenu(menu: StandInMenu | null): void {
    shownMenu = menu
    this.#change({ menu: menu === null ? [] : menuView(menu.template) })
  }
  popUpContextMenu(menu: StandInMenu): void {
    shownMenu = menu
    this.#change({ menu: menuView(menu.template) })
  }
  getBounds(): Electron.Rectangle {
    return { x: 1_000, y: 0, width: 24, height: 24 }
  }
  isDestroyed(): boolean {
    return this.#isDestroyed
  }
  destroy(): void {
    this.#isDestroyed = true
    StandInTray.last = null
    note({ tray: null })
  }
}
export { StandInTray as Tray }

onCommand('tray-click', () => StandInTray.last?.emit('click', {}, { x: 0, y: 0, width: 0, height: 0 }))
onCommand('menu', ({ path: labels }) => {
  if (process.platform !== 'linux') StandInTray.last?.emit('right-click', {})
  let items = shownMenu?.template ?? []
  for (const [index, label] of labels.entries()) {
    const item = items.find((entry) => entry.label === label)
    if (!item || item.enabled === false)
      throw new Error(`the menu has no entry ${label}, but ${items.map((entry) => entry.label).join(', ')}`)
    if (index === labels.length - 1) item.click?.(item as unknown as Electron.MenuItem, undefined, {})
    items = Array.isArray(item.submenu) ? item.submenu : []
  }
})

let mode: 'show' | 'fail' | 'silent' | 'unsupported' =
  process.env['WATCHKEEPER_TEST_NOTICES'] === 'unsupported' ? 'unsupported' : 'show'
const notices: StandInNotification[] = []
onCommand('notice-mode', (command) => {
  mode = command.mode
})

class StandInNotification
  extends EventEmitter
  implements Pick<Electron.Notification, 'show' | 'close' | 'title' | 'body'>
{
  title: string
  body: string
  readonly #at: number

  constructor(options: Electron.NotificationConstructorOptions = {}) {
    super()
    this.title = options.title ?? ''
    this.body = options.body ?? ''
    this.#at = notices.push(this) - 1
    note({ notices: [...record.notices, { options, state: 'made' }] })
  }
  static isSupported(): boolean {
    return mode !== 'unsupported'
  }
  #become(state: (typeof record.notices)[number]['state']): void {
    note({ notices: record.notices.map((one, at) => (at === this.#at ? { ...one, state } : one)) })
  }
  /** Electron tells of the outcome by events, later. */
  show(): void {
    if (mode === 'silent') return
    const hasFailed = mode === 'fail'
    setImmediate(() => {
      this.#become(hasFailed ? 'failed' : 'shown')
      if (hasFailed) this.emit('failed', {}, 'notifications are not allowed for this application')
      else this.emit('show', {})
    })
  }
  close(): void {
    this.#become('closed')
    this.emit('close', {})
  }
}
export { StandInNotification as Notification }
onCommand('notice-click', ({ at }) => notices.at(at)?.emit('click', {}))

let answer: ((response: number) => void) | null = null
export const dialog = {
  showMessageBox(
    ...given: [Electron.MessageBoxOptions] | [unknown, Electron.MessageBoxOptions]
  ): Promise<Electron.MessageBoxReturnValue> {
    const options = given.length === 1 ? given[0] : given[1]
    const buttons = options.buttons ?? ['OK']
    const at = record.dialogs.length
    note({
      dialogs: [
        ...record.dialogs,
        { message: options.message, detail: options.detail ?? '', buttons, isOpen: true },
      ],
    })
    return new Promise((resolve) => {
      answer = (response) => {
        answer = null
        note({ dialogs: record.dialogs.map((one, n) => (n === at ? { ...one, isOpen: false } : one)) })
        resolve({ response, checkboxChecked: false })
      }
    })
  },
}
onCommand('answer', ({ button }) => {
  const open = record.dialogs.at(-1)
  const at = open?.isOpen ? open.buttons.indexOf(button) : -1
  if (at < 0 || answer === null) throw new Error(`no dialog has the button ${button}`)
  answer(at)
})

export const shell = {
  showItemInFolder: (file: string): void => note({ shownFolders: [...record.shownFolders, file] }),
  openExternal: async (url: string): Promise<void> => note({ openedOutside: [...record.openedOutside, url] }),
}
