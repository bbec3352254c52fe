import type * as Electron from 'electron'
import { hiddenArgument } from './autostart.ts'
import { listenToPages, type BridgeAnswerers } from './bridge.ts'
import type { Ending } from './ending.ts'
import { lockContents, lockSession, sessionPartition, shellScheme } from './security.ts'
import { placeOf, type ServiceState } from './service-state.ts'
import type { ShellElectron } from './shell.ts'
import { answerStatus } from './status-page.ts'
import type { Windows } from './window.ts'

/** What pages may do, before there is one. */
export function wirePages(
  { app, ipcMain, session, shell }: ShellElectron,
  parts: {
    readonly answerers: BridgeAnswerers
    readonly windows: Windows
    service(): ServiceState
    log(line: string): void
  },
): void {
  const { log } = parts
  const serviceOrigin = (): string | null => placeOf(parts.service())?.origin ?? null
  const pages = session.fromPartition(sessionPartition)
  pages.protocol.handle(shellScheme, ({ url }) => answerStatus(url, parts.service()))
  lockSession(pages, serviceOrigin)
  app.on('web-contents-created', (_event, contents) =>
    lockContents(contents, { serviceOrigin, log, openOutside: (url) => void shell.openExternal(url) }),
  )
  listenToPages({
    ipcMain,
    answerers: parts.answerers,
    serviceOrigin,
    log,
    isOurs: (id) => parts.windows.isOurs(id),
  })
}

/** What the app does when the system asks something of it. */
export function wireApp(
  { app, Menu }: ShellElectron,
  windows: Windows,
  ending: Ending,
  isMac: boolean,
): void {
  // Without a listener Electron ends when the last window is closed.
  app.on('window-all-closed', () => undefined)
  app.on('activate', () => windows.open('/'))
  app.on('second-instance', (_event, argv) => {
    if (!argv.includes(hiddenArgument)) windows.open('/')
  })
  app.on('before-quit', (event) => {
    if (ending.state === 'gone') return
    event.preventDefault()
    ending.take('system')
  })
  Menu.setApplicationMenu(isMac ? macMenu(Menu, () => ending.take('asked')) : null)
}

/** macOS takes copy, paste and the like from the application's menu. */
function macMenu(menu: typeof Electron.Menu, quit: () => void): Electron.Menu {
  return menu.buildFromTemplate([
    {
      label: 'Watchkeeper',
      submenu: [
        { role: 'hide' },
        { type: 'separator' },
        { label: 'Quit…', accelerator: 'Cmd+Q', click: quit },
      ],
    },
    { role: 'editMenu' },
    { role: 'windowMenu' },
  ])
}
