import type * as Electron from 'electron'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Overview } from '../shared/api/overview.ts'
import type { ServicePlace } from '../shared/shell/service-messages.ts'
import { perform } from './actions.ts'
import { createAutostart, hiddenArgument } from './autostart.ts'
import { createAnswerers } from './answerers.ts'
import type { ShellClock, ShellTimer } from './clock.ts'
import { createEnding } from './ending.ts'
import { errorText } from './error-text.ts'
import { imageLoader, trayIconFile } from './icons.ts'
import { createNotices } from './notices.ts'
import { listenToPower } from './power.ts'
import { askWhatQuittingMeans, askWhetherToOpenAtLogin, type Asking } from './questions.ts'
import { followService, type ServiceClient } from './service-client.ts'
import { placeOf, watchingOf } from './service-state.ts'
import { openSettings } from './settings.ts'
import type { ShellLog } from './shell-log.ts'
import { createSupervisor } from './supervisor.ts'
import { serviceFlags } from './supervision.ts'
import { hasTrayHost } from './tray-host.ts'
import type { TrayAction } from './tray-model.ts'
import { createTrayView } from './tray.ts'
import { createUpdates, type Updater } from './updates.ts'
import { createWindows } from './window.ts'
import { wireApp, wirePages } from './wiring.ts'

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
/** An installer takes the app's place within this (ms), or not at all. */
const installPatienceMs = 60_000

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
        execArgv: [...serviceFlags],
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
      if (ending.state !== 'running' || settings.value.toldThatCloseHides) return
      settings.change({ toldThatCloseHides: true })
      notices.say(
        'Watchkeeper goes on watching',
        isIconVisible()
          ? 'Its icon is in the tray; “Quit…” in its menu ends it.'
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
    image: (icon, style) => image(trayIconFile(files.icons, icon, platform, style)),
    style() {
      if (!settings.value.oneColour) return ''
      return electron.nativeTheme.shouldUseDarkColorsForSystemIntegratedUI ? '-on-dark' : '-on-light'
    },
    create: (icon) => new electron.Tray(icon),
    buildMenu: (template) => electron.Menu.buildFromTemplate(template),
    act,
    onClick() {
      const bounds = tray.bounds()
      if (bounds === null || placeOf(supervisor.state) === null) windows.open('/')
      else windows.togglePanel(bounds)
    },
  })
  const isIconVisible = (): boolean => tray.isThere && hasTray

  function act(action: TrayAction): void {
    switch (action.do) {
      case 'open':
        windows.open(action.path)
        return
      case 'retry':
        supervisor.retry()
        return
      case 'quit':
        ending.take('asked')
        return
      case 'hide-icon':
        hideIcon()
        return
      case 'install-update':
        installUpdate()
        return
      case 'mute':
      case 'unmute':
      case 'pause':
      case 'resume':
      case 'check':
        perform(action, client, clock.wallMs()).then(
          () => fail(null),
          (error: unknown) => fail(errorText(error)),
        )
        return
      default:
        action satisfies never
    }
  }

  const fail = (reason: string | null): void => {
    failing?.cancel()
    failure = reason
    if (failure !== null) {
      log(`not done: ${failure}`)
      failing = clock.after(failureShownMs, () => fail(null))
    }
    tray.render()
  }

  const showIcon = (isShown: boolean): void => {
    settings.change({ iconShown: isShown })
    tray.setShown(isShown)
  }
  const hideIcon = (): void => {
    showIcon(false)
    notices.say(
      'The icon is hidden',
      'Watchkeeper goes on watching. Start it again to see its window; the About page brings the icon back.',
      '/about',
    )
  }

  /** On macOS a dialog without a window stops the whole process until it is answered. */
  const asking = (): Asking => {
    if (platform === 'darwin') windows.open('/')
    return { dialog, parent: platform === 'darwin' ? windows.main : null }
  }

  const installUpdate = (): void =>
    ending.endInto(() => {
      // An installer that is refused, or fails, says nothing; then the app that is there starts again.
      const again = (): void => {
        log('the newer version was not installed')
        app.relaunch(env['APPIMAGE'] ? { execPath: env['APPIMAGE'] } : {})
        app.exit(0)
      }
      clock.after(installPatienceMs, again)
      void updates.install().catch(again)
    })

  const ending = createEnding({
    ask: () => askWhatQuittingMeans(asking(), watchingOf(supervisor.state)),
    hide() {
      windows.closeAll()
      hideIcon()
    },
    stopService(how) {
      client?.close()
      return supervisor.stop(how)
    },
    putAway() {
      log('the app ends')
      tray.setShown(false)
      windows.closeAll()
      sessionWindow?.destroy()
    },
    leave: () => app.quit(),
  })

  const askToOpenAtLogin = async (): Promise<void> => {
    if (settings.value.askedToOpenAtLogin || autostart.state().state !== 'off') return
    const isWanted = await askWhetherToOpenAtLogin(asking())
    settings.change({ askedToOpenAtLogin: true })
    if (isWanted) openAtLogin(true)
  }

  const openAtLogin = (isOn: boolean): void => {
    try {
      autostart.set(isOn)
    } catch (error) {
      log(`open at login could not be changed: ${errorText(error)}`)
      throw new Error('The system did not let that be changed.', { cause: error })
    }
  }

  const answerers = createAnswerers({
    app,
    platform,
    settings,
    autostart,
    updates,
    service: () => supervisor.state,
    openAtLogin,
    showIcon,
    redraw: () => tray.render(),
    showFile: (file) => electron.shell.showItemInFolder(file),
    installUpdate,
    openWindow: (shown) => windows.open(shown),
    closePanel: () => windows.closePanel(),
    quit: () => ending.take('asked'),
    showLog: () => electron.shell.showItemInFolder(parts.log.file),
    retry: () => supervisor.retry(),
  })

  wirePages(electron, { answerers, windows, log, service: () => supervisor.state })
  const { sessionWindow } = listenToPower({
    platform,
    monitor: electron.powerMonitor,
    createHiddenWindow: (options) => new electron.BaseWindow(options),
    tell: (event) => supervisor.power(event),
    endSession: () => ending.endSession(),
  })
  wireApp(electron, windows, ending, platform === 'darwin')
  electron.nativeTheme.on('updated', () => tray.render())

  supervisor.start()
  tray.setShown(settings.value.iconShown)
  updates.setEnabled(settings.value.updateCheck)
  const isHidden = parts.argv.includes(hiddenArgument) || autostart.openedAtLogin()
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

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
