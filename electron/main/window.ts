import type {
  BaseWindow,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  NativeImage,
  Rectangle,
  Screen,
} from 'electron'
import type { ServicePlace } from '../shared/shell/service-messages.ts'
import type { ShellClock, ShellTimer } from './clock.ts'
import { pageOrigin, statusOrigin, windowPreferences } from './security.ts'
import type { SettingsFile } from './settings.ts'
import { panelBounds, smallest, windowBounds } from './window-rules.ts'

/** The windows: made when asked for, gone when closed, so that a tray at rest has no renderer. */
export interface Windows {
  /** Opens the window at a path of the UI, or brings it forward. */
  open(path: string): void
  /** Opens the panel beside the icon, or closes it. */
  togglePanel(icon: Rectangle): void
  closePanel(): void
  /** The service is somewhere else, or nowhere: what is open shows that. */
  placeChanged(): void
  /** What the status page says has changed. */
  statusChanged(): void
  isOurs(contentsId: number): boolean
  /** True while the focused window shows this path. */
  isLookingAt(path: string): boolean
  /** The window itself, for a dialog that hangs on it; null when it is closed. */
  readonly main: BrowserWindow | null
  closeAll(): void
}

export interface WindowsParts {
  readonly clock: ShellClock
  readonly screen: Pick<Screen, 'getAllDisplays' | 'getDisplayMatching'>
  readonly settings: SettingsFile
  readonly preload: string
  readonly icon: NativeImage | null
  readonly isDark: () => boolean
  create(options: BrowserWindowConstructorOptions): BrowserWindow
  place(): ServicePlace | null
  /** The window was closed by its user. */
  onClosed(): void
  log(line: string): void
}

const retryMs = 1_000
const showAnywayMs = 2_000
/** A press on the icon takes the focus from the panel before it is a click. */
const samePressMs = 300
const keepBoundsMs = 500

export function createWindows(parts: WindowsParts): Windows {
  const { clock, settings, log } = parts
  const windows = new Map<number, { window: BrowserWindow; path: string }>()
  let main: BrowserWindow | null = null
  let panel: BrowserWindow | null = null
  let blurredMs = Number.NEGATIVE_INFINITY

  /** The place in the UI travels in the fragment, which no server sees; the key does not travel in it. */
  const addressOf = (path: string): string => {
    const place = parts.place()
    return place === null ? `${statusOrigin}/` : `${place.origin}/#${path}`
  }
  /** Windows whose latest load was of the status page, whether it has come yet or not. */
  const onStatus = new Set<BrowserWindow>()
  const load = (window: BrowserWindow, path: string): void => {
    if (window.isDestroyed()) return
    const address = addressOf(path)
    if (pageOrigin(address) === statusOrigin) onStatus.add(window)
    else onStatus.delete(window)
    window.loadURL(address).catch(() => {
      // A newer load has taken its place, or `did-fail-load` sees to it.
    })
  }

  const make = (options: BrowserWindowConstructorOptions, path: string): BrowserWindow => {
    const window = parts.create({
      show: false,
      title: 'Watchkeeper',
      autoHideMenuBar: true,
      backgroundColor: parts.isDark() ? '#0f172b' : '#ffffff',
      ...(parts.icon !== null && { icon: parts.icon }),
      webPreferences: windowPreferences(parts.preload),
      ...options,
    })
    const { webContents } = window
    const { id } = webContents
    windows.set(id, { window, path })
    // `ready-to-show` does not come on every Wayland desktop (https://github.com/electron/electron/issues/48859).
    let isShown = false
    const show = (): void => {
      if (isShown || window.isDestroyed()) return
      isShown = true
      window.show()
    }
    window.once('ready-to-show', show)
    webContents.once('did-finish-load', show)
    clock.after(showAnywayMs, show)
    window.on('closed', () => {
      windows.delete(id)
      onStatus.delete(window)
    })
    webContents.on('did-fail-load', (_event, code, description, url, isMainFrame) => {
      // Chromium's -3 says that another load has begun (net_error_list.h, ERR_ABORTED).
      if (!isMainFrame || code === -3 || window.isDestroyed()) return
      log(`the page could not be loaded from ${pageOrigin(url) ?? 'an address that is none'}: ${description}`)
      clock.after(retryMs, () => load(window, pathOf(id)))
    })
    webContents.on('render-process-gone', (_event, { reason }) => {
      log(`the page's process is gone: ${reason}`)
      if (reason !== 'clean-exit') clock.after(retryMs, () => load(window, pathOf(id)))
    })
    webContents.on('did-navigate-in-page', (_event, url, isMainFrame) => {
      const shown = windows.get(id)
      if (shown && isMainFrame) shown.path = fragmentOf(url)
    })
    load(window, path)
    return window
  }
  const pathOf = (id: number): string => windows.get(id)?.path ?? '/'

  const keepBounds = (window: BaseWindow): void => {
    if (window.isDestroyed() || window.isMinimized()) return
    settings.change({ bounds: { ...window.getNormalBounds(), isMaximised: window.isMaximized() } })
  }

  const openMain = (path: string): BrowserWindow => {
    const areas = parts.screen.getAllDisplays().map(({ workArea }) => workArea)
    const window = make(
      { ...windowBounds(settings.value.bounds, areas), minWidth: smallest.width, minHeight: smallest.height },
      path,
    )
    if (settings.value.bounds?.isMaximised) window.maximize()
    let keeping: ShellTimer | null = null
    const keepSoon = (): void => {
      keeping?.cancel()
      keeping = clock.after(keepBoundsMs, () => keepBounds(window))
    }
    window.on('resize', keepSoon)
    window.on('move', keepSoon)
    // Its user's doing; what is destroyed is not asked.
    window.on('close', () => {
      keeping?.cancel()
      keepBounds(window)
      parts.onClosed()
    })
    window.on('closed', () => {
      main = null
    })
    return window
  }

  return {
    open(path) {
      panel?.close()
      if (main === null) {
        main = openMain(path)
        return
      }
      if (path !== '/') {
        const shown = windows.get(main.webContents.id)
        if (shown) shown.path = path
        load(main, path)
      }
      if (main.isMinimized()) main.restore()
      main.show()
      main.focus()
    },
    togglePanel(icon) {
      if (panel !== null) {
        panel.close()
        return
      }
      if (clock.monotonicMs() - blurredMs < samePressMs) return
      const { workArea } = parts.screen.getDisplayMatching(icon)
      panel = make(
        {
          ...panelBounds(icon, workArea),
          frame: false,
          resizable: false,
          minimizable: false,
          maximizable: false,
          fullscreenable: false,
          skipTaskbar: true,
          alwaysOnTop: true,
        },
        '/panel',
      )
      panel.on('blur', () => {
        blurredMs = clock.monotonicMs()
        panel?.close()
      })
      panel.on('closed', () => {
        panel = null
      })
    },
    closePanel: () => panel?.close(),
    placeChanged() {
      for (const [id, { window }] of windows) load(window, pathOf(id))
    },
    statusChanged() {
      for (const [id, { window }] of windows) if (onStatus.has(window)) load(window, pathOf(id))
    },
    isOurs: (id) => windows.has(id),
    isLookingAt: (path) =>
      [...windows.values()].some(
        ({ window, path: shown }) => shown === path && !window.isDestroyed() && window.isFocused(),
      ),
    get main() {
      return main
    },
    closeAll() {
      for (const { window } of windows.values()) window.destroy()
    },
  }
}

/** Returns the path of the UI that an address shows. */
export function fragmentOf(url: string): string {
  const fragment = URL.canParse(url) ? new URL(url).hash.slice(1) : ''
  return fragment === '' ? '/' : (fragment.split('?')[0] ?? '/')
}
