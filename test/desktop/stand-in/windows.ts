import type * as Electron from 'electron'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { app, nativeTheme, needReady, openWindows } from './app.ts'
import {
  answerScheme,
  browserContext,
  fromBrowser,
  invoke,
  isCarried,
  preloadScript,
  toBrowser,
} from './pages.ts'
import { note, onCommand, record } from './record.ts'

/** Windows, each a real page of Chromium with the real preload bundle. */

let nextId = 1
const live = new Map<number, StandInBrowserWindow>()
let focused: StandInBrowserWindow | null = null

class StandInWebContents
  extends EventEmitter
  implements Pick<Electron.WebContents, 'id' | 'getURL' | 'setWindowOpenHandler'>
{
  readonly id = nextId++
  url = ''
  openHandler: Parameters<Electron.WebContents['setWindowOpenHandler']>[0] | null = null

  getURL(): string {
    return this.url
  }
  setWindowOpenHandler(handler: Parameters<Electron.WebContents['setWindowOpenHandler']>[0]): void {
    this.openHandler = handler
  }
}

/** A window without a page: only its events matter. */
class StandInBaseWindow extends EventEmitter implements Pick<Electron.BaseWindow, 'destroy' | 'isDestroyed'> {
  static last: StandInBaseWindow | null = null
  #isDestroyed = false

  constructor(_options?: Electron.BaseWindowConstructorOptions) {
    super()
    needReady('Cannot create BaseWindow')
    StandInBaseWindow.last = this
    note({ hiddenWindows: record.hiddenWindows + 1 })
  }
  isDestroyed(): boolean {
    return this.#isDestroyed
  }
  destroy(): void {
    this.#isDestroyed = true
  }
}
export { StandInBaseWindow as BaseWindow }
onCommand('session', ({ event }) => StandInBaseWindow.last?.emit(event, { reasons: ['shutdown'] }))

type BrowserWindowPart = Pick<
  Electron.BrowserWindow,
  | 'close'
  | 'destroy'
  | 'focus'
  | 'getNormalBounds'
  | 'isDestroyed'
  | 'isFocused'
  | 'isMaximized'
  | 'isMinimized'
  | 'loadURL'
  | 'maximize'
  | 'restore'
  | 'show'
>

class StandInBrowserWindow extends EventEmitter implements BrowserWindowPart {
  readonly webContents = new StandInWebContents()
  readonly #options: Electron.BrowserWindowConstructorOptions
  readonly #page: Promise<Page>
  #isDestroyed = false
  #isVisible: boolean
  #isShownOnce = false
  #loading = 0
  #isLoading = false

  constructor(options: Electron.BrowserWindowConstructorOptions = {}) {
    super()
    needReady('Cannot create BrowserWindow')
    this.#options = options
    this.#isVisible = options.show !== false
    live.set(this.webContents.id, this)
    openWindows.add(this)
    this.#page = this.#open()
    this.#page.catch((error: unknown) => process.stderr.write(`stand-in window: ${String(error)}\n`))
    app.emit('web-contents-created', {}, this.webContents)
    tellWindows()
  }

  async #open(): Promise<Page> {
    const context = await browserContext()
    const page = await context.newPage()
    const { preload } = this.#options.webPreferences ?? {}
    const { width = 800, height = 600 } = this.#options
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme: nativeTheme.shouldUseDarkColors ? 'dark' : 'light' })
    await page.exposeBinding('__invoke', ({ frame }, channel: string, given: unknown) =>
      invoke(
        {
          sender: this.webContents,
          senderFrame: { url: fromBrowser(frame.url()), parent: frame.parentFrame() ? {} : null },
        } as unknown as Electron.IpcMainInvokeEvent,
        channel,
        given,
      ),
    )
    if (preload !== undefined) await page.addInitScript(preloadScript(readFileSync(preload, 'utf8')))
    await page.route('**/*', async (route) => {
      const request = route.request()
      const url = request.url()
      if (request.isNavigationRequest() && request.frame() === page.mainFrame() && !this.#isLoading) {
        let isHeld = false
        const event = { url: fromBrowser(url), preventDefault: () => (isHeld = true) }
        this.webContents.emit('will-navigate', event)
        // An answer without content leaves the page where it is, as a navigation that was refused does.
        if (isHeld) return route.fulfill({ status: 204 })
      }
      return isCarried(url) ? route.fulfill(await answerScheme(url)) : route.continue()
    })
    page.on('popup', (popup) => {
      const url = popup.url()
      void popup.close()
      this.webContents.openHandler?.({ url } as Electron.HandlerDetails)
    })
    page.on('framenavigated', (frame) => {
      if (frame !== page.mainFrame()) return
      const before = this.webContents.url
      this.webContents.url = fromBrowser(frame.url())
      if (before.split('#')[0] === this.webContents.url.split('#')[0] && before !== this.webContents.url)
        this.webContents.emit('did-navigate-in-page', {}, this.webContents.url, true)
      tellWindows()
    })
    page.on('close', () => this.destroy())
    return page
  }

  async loadURL(url: string): Promise<void> {
    this.#need()
    const turn = ++this.#loading
    const page = await this.#page
    if (turn !== this.#loading || this.#isDestroyed) throw new Error(`ERR_ABORTED (-3) loading '${url}'`)
    this.#isLoading = true
    try {
      await page.goto(toBrowser(url))
    } catch (error) {
      if (!this.#isDestroyed && turn === this.#loading && !/ERR_ABORTED/.test(String(error)))
        this.webContents.emit('did-fail-load', {}, -102, 'ERR_CONNECTION_REFUSED', url, true)
      throw new Error(`ERR_FAILED (-2) loading '${url}'`, { cause: error })
    } finally {
      if (turn === this.#loading) this.#isLoading = false
      if (!this.#isShownOnce && !this.#isDestroyed) {
        this.#isShownOnce = true
        this.emit('ready-to-show')
      }
      tellWindows()
    }
  }
  #need(): void {
    if (this.#isDestroyed) throw new TypeError('Object has been destroyed')
  }
  view(): (typeof record.windows)[number] {
    const { x = 0, y = 0, width = 800, height = 600, frame = true, webPreferences = {} } = this.#options
    return {
      id: this.webContents.id,
      url: this.webContents.url,
      isVisible: this.#isVisible,
      isFocused: focused === this,
      bounds: { x, y, width, height },
      isFramed: frame,
      webPreferences,
    }
  }
  setDark(isDark: boolean): void {
    void this.#page.then((page) => page.emulateMedia({ colorScheme: isDark ? 'dark' : 'light' }))
  }
  show(): void {
    this.#need()
    this.#isVisible = true
    this.focus()
  }
  focus(): void {
    this.#need()
    setFocus(this)
  }
  isFocused(): boolean {
    return focused === this
  }
  close(): void {
    if (this.#isDestroyed) return
    let isHeld = false
    this.emit('close', { preventDefault: () => (isHeld = true) })
    if (!isHeld) this.destroy()
  }
  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    live.delete(this.webContents.id)
    openWindows.delete(this)
    if (focused === this) focused = null
    void this.#page.then((page) => page.close()).catch(() => undefined)
    this.emit('closed')
    tellWindows()
    if (live.size === 0 && app.listenerCount('window-all-closed') === 0) app.quit()
    else if (live.size === 0) app.emit('window-all-closed')
  }
  isDestroyed(): boolean {
    return this.#isDestroyed
  }
  isMinimized(): boolean {
    return false
  }
  isMaximized(): boolean {
    return false
  }
  maximize(): void {}
  restore(): void {}
  getNormalBounds(): Electron.Rectangle {
    this.#need()
    return this.view().bounds
  }
  setTestBounds(bounds: Partial<Electron.Rectangle>): void {
    Object.assign(this.#options, bounds)
    this.emit('resize')
  }
}
export { StandInBrowserWindow as BrowserWindow }

function setFocus(window: StandInBrowserWindow | null): void {
  const before = focused
  focused = window
  if (before !== window) {
    before?.emit('blur')
    window?.emit('focus')
  }
  tellWindows()
}

function tellWindows(): void {
  note({ windows: [...live.values()].map((window) => window.view()) })
}

onCommand('focus', ({ isFocused }) => setFocus(isFocused ? ([...live.values()].at(-1) ?? null) : null))
onCommand('close-window', () => [...live.values()].at(-1)?.close())
onCommand('theme', ({ isDark }) => {
  nativeTheme.shouldUseDarkColors = isDark
  nativeTheme.shouldUseDarkColorsForSystemIntegratedUI = isDark
  for (const window of live.values()) window.setDark(isDark)
  nativeTheme.emit('updated')
})

const display = { workArea: { x: 0, y: 0, width: 1920, height: 1040 } } as Electron.Display
export const screen: Pick<Electron.Screen, 'getAllDisplays' | 'getDisplayMatching'> = {
  getAllDisplays: () => [display],
  getDisplayMatching: () => display,
}
