import type { Menu, MenuItemConstructorOptions, NativeImage, Tray } from 'electron'
import { throttle } from '../shared/throttle.ts'
import type { ShellClock } from './clock.ts'
import type { IconStyle } from './icons.ts'
import { trayLook, type TrayAction, type TrayFacts, type TrayIcon, type TrayItem } from './tray-model.ts'
import { errorText } from './error-text.ts'

/** The icon in the tray, drawn from facts; nothing is kept here but what was drawn last. */
export interface TrayView {
  /** Draws what is known now, at most once a second. */
  render(): void
  /** Makes or removes the icon. */
  setShown(isShown: boolean): void
  bounds(): Electron.Rectangle | null
  readonly isThere: boolean
}

export interface TrayParts {
  readonly clock: ShellClock
  readonly platform: NodeJS.Platform
  facts(): TrayFacts
  image(icon: TrayIcon, style: IconStyle): NativeImage
  style(): IconStyle
  /** @throws where the system has no tray */
  create(image: NativeImage): Tray
  buildMenu(template: MenuItemConstructorOptions[]): Menu
  act(action: TrayAction): void
  /** A click on the icon itself. */
  onClick(): void
  log(line: string): void
}

/** The icon changes at most so often (ms): some desktops flicker or leak at each change. */
const redrawMs = 1_000

export function createTrayView(parts: TrayParts): TrayView {
  const { platform, log } = parts
  let tray: Tray | null = null
  let drawn = { icon: '', tooltip: '', menu: '' }
  let menu: Menu | null = null
  let isShown = false

  const make = (image: NativeImage): Tray | null => {
    try {
      const made = parts.create(image)
      made.on('click', parts.onClick)
      // Elsewhere than on Linux the menu is for the right button alone, and the left one is the panel's.
      if (platform !== 'linux') made.on('right-click', () => menu && made.popUpContextMenu(menu))
      return made
    } catch (error) {
      log(`there is no tray: ${errorText(error)}`)
      return null
    }
  }

  const draw = (): void => {
    if (!isShown) return
    const look = trayLook(parts.facts())
    const style = parts.style()
    const icon = `${look.icon}${style}`
    if (tray === null) {
      tray = make(parts.image(look.icon, style))
      drawn = { icon, tooltip: '', menu: '' }
    }
    if (tray === null) return
    if (drawn.icon !== icon) tray.setImage(parts.image(look.icon, style))
    if (drawn.tooltip !== look.tooltip) tray.setToolTip(look.tooltip)
    const menuText = JSON.stringify(look.menu)
    if (drawn.menu !== menuText) {
      menu = parts.buildMenu(look.menu.map((item) => entryOf(item, parts.act)))
      if (platform === 'linux') tray.setContextMenu(menu)
    }
    drawn = { icon, tooltip: look.tooltip, menu: menuText }
  }
  const drawing = throttle(parts.clock, redrawMs, draw)

  return {
    render: drawing.call,
    setShown(next) {
      isShown = next
      if (next) draw()
      else {
        tray?.destroy()
        tray = null
      }
    },
    bounds: () => (platform === 'linux' ? null : (tray?.getBounds() ?? null)),
    get isThere() {
      return tray !== null
    },
  }
}

/** Returns a menu entry as Electron takes it; a single ampersand would mark a letter. */
export function entryOf(item: TrayItem, act: (action: TrayAction) => void): MenuItemConstructorOptions {
  switch (item.kind) {
    case 'separator':
      return { type: 'separator' }
    case 'menu':
      return {
        label: item.label.replaceAll('&', '&&'),
        submenu: item.items.map((inner) => entryOf(inner, act)),
      }
    case 'item': {
      const { action } = item
      return {
        label: item.label.replaceAll('&', '&&'),
        enabled: action !== null,
        ...(action !== null && { click: () => act(action) }),
      }
    }
    default:
      return item satisfies never
  }
}
