import type * as Electron from 'electron'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Overview } from '../shared/api/overview.ts'
import type { ShellInfo } from '../shared/shell/bridge.ts'
import type { ServicePlace } from '../shared/shell/service-messages.ts'
import { perform } from './actions.ts'
import { createAutostart, hiddenArgument } from './autostart.ts'
import { listenToPages, type BridgeAnswerers } from './bridge.ts'
import type { ShellClock, ShellTimer } from './clock.ts'
import { imageLoader, trayIconFile } from './icons.ts'
import { createNotices } from './notices.ts'
import { listenToPower } from './power.ts'
import { nextQuit, quitQuestion, type QuitEvent, type QuitState } from './quit.ts'
import { lockContents, lockSession, sessionPartition, shellScheme } from './security.ts'
import { followService, type ServiceClient } from './service-client.ts'
import { placeOf } from './service-state.ts'
import { openSettings } from './settings.ts'
import type { ShellLog } from './shell-log.ts'
import { answerStatus } from './status-page.ts'
import { createSupervisor } from './supervisor.ts'
import { hasTrayHost } from './tray-host.ts'
import type { TrayAction } from './tray-model.ts'
import { createTrayView } from './tray.ts'
import { createUpdates, type Updater } from './updates.ts'
import { createWindows } from './window.ts'

/** The parts of Electron that the shell uses, by parameter. */
export type ShellElectron = Pick<
  typeof Electron,
  | 'app'
  | 'BaseWindow'
  | 'BrowserWindow'
  | 'dialog'
  | 'ipcMain'
  | 'Menu'
  | 'nativeImage'
  | 'nativeTheme'
  | 'Notification'
  | 'powerMonitor'
  | 'screen'
  | 'session'
  | 'shell'
  | 'Tray'
  | 'utilityProcess'
>

export interface ShellParts {
  readonly electron: ShellElectron
  readonly clock: ShellClock
  readonly platform: NodeJS.Platform
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: ShellLog
  /** Files that the build has put beside this bundle. */
  readonly files: { readonly service: string; readonly preload: string; readonly icons: string }
  loadUpdater(): Promise<Updater>
}

/** A failure of an action from the menu is shown this long (ms). */
const failureShownMs = 60_000

/** Puts the shell together and starts the service. To be called when Electron is ready. */
export async function startShell(parts: ShellParts): Promise<void> {
  const { electron, clock, platform, env, files } = parts
  const { app, dialog } = electron
  const log = (line: string): void => parts.log.write(line)
  const userData = app.getPath('userData')
  const settings = openSettings(userData, log)
  const image = imageLoader((file) => electron.nativeImage.createFromPath(file), log)
  const autostart = createAutostart({ platform, app, env, home: homedir(), execPath: process.execPath })
  let client: ServiceClient | null = null
  let followed: ServicePlace | null = null
  let overview: Overview | null = null
  let failure: string | null = null
  let failing: ShellTimer | null = null
  let quitState: QuitState = 'running'
  let leave: () => void = () => app.quit()
  let stopReason: 'quit' | 'shutdown' = 'quit'
  let hasTray = true

  const supervisor = createSupervisor({
    clock,
    userData,
    canNotify: electron.Notification.isSupported(),
    log,
    fork: () =>
      electron.utilityProcess.fork(files.service, [], {
        serviceName: 'Watchkeeper service',
        stdio: 'inherit',
        env: { ...definedOnly(env), WATCHKEEPER_LOG: parts.log.file },
      }),
    forceEnd(pid) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has gone by itself.
      }
    },
    onState() {
      const place = placeOf(supervisor.state)
      if (place?.origin !== followed?.origin || place?.key !== followed?.key) follow(place)
      else windows.statusChanged()
      tray.render()
    },
    onNotice: (notice, answer) => notices.show(notice, answer),
  })

  const follow = (place: ServicePlace | null): void => {
    client?.close()
    client = null
    followed = place
    overview = null
    if (place !== null)
      client = followService({
        clock,
        place,
        onOverview(next) {
          overview = next
          tray.render()
        },
        onLost: () => supervisor.attachedLost(),
      })
    windows.placeChanged()
  }

  const windows = createWindows({
    clock,
    screen: electron.screen,
    settings,
    preload: files.preload,
    icon: platform === 'linux' ? image(path.join(files.icons, 'app', '256x256.png')) : null,
    isDark: () => electron.nativeTheme.shouldUseDarkColors,
    create: (options) => new electron.BrowserWindow(options),
    place: () => placeOf(supervisor.state),
    log,
    onClosed() {
      if (quitState !== 'running' || settings.value.toldThatCloseHides) return
      settings.change({ toldThatCloseHides: true })
      notices.say(
        'Watchkeeper goes on watching',
        isIconVisible()
          ? 'Its icon is in the tray; “Quit” in its menu ends it.'
          : 'Start Watchkeeper again to see its window.',
        '/',
      )
    },
  })
  const notices = createNotices({
    clock,
    platform,
    isSupported: () => electron.Notification.isSupported(),
    create: (options) => new electron.Notification(options),
    isLookingAt: (shown) => windows.isLookingAt(shown),
    open: (shown) => windows.open(shown),
  })
  const updates = createUpdates({
    clock,
    isPackaged: app.isPackaged,
    resources: process.resourcesPath ?? '',
    load: parts.loadUpdater,
    onChange: () => tray.render(),
  })
  const tray = createTrayView({
    clock,
    platform,
    log,
    facts: () => ({
      service: supervisor.state,
      overview,
      nowMs: clock.wallMs(),
      isMac: platform === 'darwin',
      failure,
      update: updates.view.ready,
    }),
    image: (icon) => image(trayIconFile(files.icons, icon, platform)),
    create: (icon) => new electron.Tray(icon),
    buildMenu: (template) => electron.Menu.buildFromTemplate(template),
    act,
    onClick() {
      const bounds = tray.bounds()
      if (bounds === null || placeOf(supervisor.state) === null) windows.open('/')
      else windows.togglePanel(bounds)
    },
  })
  const isIconVisible = (): boolean => settings.value.iconShown && hasTray

  function act(action: TrayAction): void {
    switch (action.do) {
      case 'open':
        windows.open(action.path)
        return
      case 'retry':
        supervisor.retry()
        return
      case 'quit':
        quit('asked')
        return
      case 'hide-icon':
        showIcon(false)
        return
      case 'install-update':
        installUpdate()
        return
      case 'mute':
      case 'unmute':
      case 'pause':
      case 'resume':
      case 'check':
        perform(action, client, clock.wallMs()).then(() => fail(null), fail)
        return
      default:
        action satisfies never
    }
  }

  const fail = (error: unknown): void => {
    failing?.cancel()
    failure = error === null ? null : error instanceof Error ? error.message : String(error)
    if (failure !== null) {
      log(`not done: ${failure}`)
      failing = clock.after(failureShownMs, () => fail(null))
    }
    tray.render()
  }

  const showIcon = (isShown: boolean): void => {
    settings.change({ iconShown: isShown })
    tray.setShown(isShown)
    if (!isShown)
      notices.say(
        'The icon is hidden',
        'Watchkeeper goes on watching. Start it again to see its window.',
        '/about',
      )
  }

  const installUpdate = (): void => {
    leave = () => void updates.install().catch(() => app.quit())
    quit('system')
  }

  const quit = (event: QuitEvent): void => {
    const { state, effect } = nextQuit(quitState, event)
    quitState = state
    switch (effect) {
      case 'none':
        return
      case 'ask':
        void askToQuit()
        return
      case 'hide':
        windows.closeAll()
        showIcon(false)
        return
      case 'stop':
        client?.close()
        void supervisor.stop(stopReason).then(() => quit('service-gone'))
        return
      case 'leave':
        log('the app ends')
        tray.setShown(false)
        windows.closeAll()
        leave()
        return
      default:
        effect satisfies never
    }
  }

  const askToQuit = async (): Promise<void> => {
    const { message, detail, buttons, events } = quitQuestion(supervisor.state.kind === 'attached')
    const { response } = await dialog.showMessageBox({
      type: 'question',
      title: 'Watchkeeper',
      message,
      detail,
      buttons: [...buttons],
      defaultId: 0,
      cancelId: buttons.length - 1,
      noLink: true,
    })
    quit(events[response] ?? 'answered-stay')
  }

  const askToOpenAtLogin = async (): Promise<void> => {
    if (settings.value.askedToOpenAtLogin || autostart.state().state !== 'off') return
    const { response } = await dialog.showMessageBox({
      type: 'question',
      title: 'Watchkeeper',
      message: 'Start Watchkeeper when you log in?',
      detail:
        'It starts hidden and records while you are logged in. This can be changed on the About page at any time.',
      buttons: ['Start at login', 'Not now'],
      defaultId: 0,
      cancelId: 1,
      noLink: true,
    })
    settings.change({ askedToOpenAtLogin: true })
    if (response === 0) openAtLogin(true)
  }

  const openAtLogin = (isOn: boolean): void => {
    try {
      autostart.set(isOn)
    } catch (error) {
      log(`open at login could not be changed: ${error instanceof Error ? error.message : String(error)}`)
      throw new Error('The system did not let that be changed.', { cause: error })
    }
  }

  const info = (): ShellInfo => {
    const { state, why } = autostart.state()
    const service = supervisor.state
    return {
      version: app.getVersion(),
      electron: process.versions['electron'] ?? '',
      chromium: process.versions['chrome'] ?? '',
      platform: `${platform} ${process.arch}`,
      openAtLogin: state,
      openAtLoginWhy: why,
      iconShown: settings.value.iconShown,
      updateCheck: settings.value.updateCheck,
      update: updates.view.state,
      updateText: updates.view.text,
      service: service.kind === 'attached' ? 'attached' : 'own',
      database: service.kind === 'running' || service.kind === 'attached' ? service.database : null,
    }
  }
  const answerers: BridgeAnswerers = {
    accessKey: () => placeOf(supervisor.state)?.key ?? null,
    info,
    change(change) {
      if (change.openAtLogin !== undefined) openAtLogin(change.openAtLogin)
      if (change.iconShown !== undefined) {
        settings.change({ iconShown: change.iconShown })
        tray.setShown(change.iconShown)
      }
      if (change.updateCheck !== undefined) {
        settings.change({ updateCheck: change.updateCheck })
        updates.setEnabled(change.updateCheck)
      }
      return info()
    },
    showDatabase() {
      const { database } = info()
      if (database !== null) electron.shell.showItemInFolder(database)
      return null
    },
    async checkForUpdate() {
      await updates.check()
      return info()
    },
    installUpdate() {
      if (updates.view.ready === null) throw new Error('There is no newer version to install.')
      installUpdate()
      return null
    },
    openWindow(shown) {
      windows.open(shown)
      return null
    },
    quit() {
      quit('asked')
      return null
    },
    retry() {
      supervisor.retry()
      return null
    },
  }

  const serviceOrigin = (): string | null => placeOf(supervisor.state)?.origin ?? null
  const pages = electron.session.fromPartition(sessionPartition)
  pages.protocol.handle(shellScheme, ({ url }) => answerStatus(url, supervisor.state))
  lockSession(pages, serviceOrigin)
  app.on('web-contents-created', (_event, contents) =>
    lockContents(contents, {
      serviceOrigin,
      log,
      openOutside: (url) => void electron.shell.openExternal(url),
    }),
  )
  listenToPages({
    ipcMain: electron.ipcMain,
    answerers,
    serviceOrigin,
    log,
    isOurs: (id) => windows.isOurs(id),
  })
  const { sessionWindow } = listenToPower({
    platform,
    monitor: electron.powerMonitor,
    createHiddenWindow: (options) => new electron.BaseWindow(options),
    tell: (event) => supervisor.power(event),
    endSession() {
      stopReason = 'shutdown'
      quit('system')
    },
  })
  // Without a listener Electron ends when the last window is closed.
  app.on('window-all-closed', () => undefined)
  app.on('activate', () => windows.open('/'))
  app.on('second-instance', (_event, argv) => {
    if (!argv.includes(hiddenArgument)) windows.open('/')
  })
  app.on('before-quit', (event) => {
    if (quitState === 'gone') return
    event.preventDefault()
    quit('system')
  })
  app.on('will-quit', () => sessionWindow?.destroy())
  electron.nativeTheme.on('updated', () => tray.render())
  electron.Menu.setApplicationMenu(platform === 'darwin' ? macMenu(electron, () => quit('asked')) : null)

  supervisor.start()
  tray.setShown(settings.value.iconShown)
  updates.setEnabled(settings.value.updateCheck)
  const isHidden = parts.argv.includes(hiddenArgument)
  if (!isHidden) windows.open('/')
  hasTray = await hasTrayHost(platform)
  if (!hasTray && !settings.value.toldThatNoTray) {
    settings.change({ toldThatNoTray: true })
    notices.say(
      'This desktop shows no tray icons',
      'Watchkeeper watches all the same. Start it again to open its window; on GNOME the AppIndicator extension brings the icon.',
      '/',
    )
  }
  if (!isHidden) await askToOpenAtLogin()
}

/** macOS takes copy, paste and the like from the application's menu. */
function macMenu({ Menu }: ShellElectron, quit: () => void): Electron.Menu {
  return Menu.buildFromTemplate([
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

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
