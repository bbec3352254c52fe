import type { App } from 'electron'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { appId } from '../shared/app-id.ts'
import type { LoginState } from '../shared/shell/bridge.ts'

/** Argument with which the app starts at login: hidden, without a window. */
export const hiddenArgument = '--hidden'
/** Name of the autostart file, which is that of the installed desktop entry. */
export const desktopFile = `${appId}.desktop`

/** Whether the app opens at login. The state is read anew each time: users change it in their system's settings. */
export interface Autostart {
  state(): { readonly state: LoginState; readonly why: string | null }
  /** True when the system says that it has started the app at login; macOS hands no arguments on. */
  openedAtLogin(): boolean
  /** @throws Error with a sentence when the system refuses */
  set(isOn: boolean): void
}

export interface AutostartParts {
  readonly platform: NodeJS.Platform
  readonly app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings' | 'isPackaged'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** The program that runs. */
  readonly execPath: string
}

export function createAutostart(parts: AutostartParts): Autostart {
  switch (parts.platform) {
    case 'win32':
    case 'darwin':
      return loginItem(parts)
    default:
      return autostartFile(parts)
  }
}

function loginItem({ app, platform, env }: AutostartParts): Autostart {
  // A portable program runs from a folder that is gone after it (https://www.electron.build/nsis#portable).
  const portable = env['PORTABLE_EXECUTABLE_FILE']
  // Windows finds an entry again only with the arguments it was made with.
  const options = platform === 'win32' ? { args: [hiddenArgument], ...(portable && { path: portable }) } : {}
  return {
    state() {
      if (!app.isPackaged) return { state: 'unavailable', why: 'Only an installed app can open at login.' }
      const { openAtLogin, status, executableWillLaunchAtLogin } = app.getLoginItemSettings(options)
      if (platform === 'darwin' && status === 'requires-approval')
        return {
          state: 'needs-approval',
          why: 'Allow Watchkeeper in System Settings › General › Login Items.',
        }
      if (platform === 'win32' && openAtLogin && !executableWillLaunchAtLogin)
        return { state: 'needs-approval', why: 'It is switched off in Task Manager › Startup apps.' }
      return { state: openAtLogin ? 'on' : 'off', why: null }
    },
    openedAtLogin: () => platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin,
    set(isOn) {
      app.setLoginItemSettings({
        openAtLogin: isOn,
        ...(platform === 'win32' && { ...options, enabled: isOn }),
      })
    },
  }
}

function autostartFile({ env, home, execPath, app }: AutostartParts): Autostart {
  const file = path.join(env['XDG_CONFIG_HOME'] || path.join(home, '.config'), 'autostart', desktopFile)
  // An AppImage runs from a folder that is gone after it (https://docs.appimage.org/packaging-guide/environment-variables.html).
  const program = env['APPIMAGE'] || execPath
  return {
    state() {
      if (!app.isPackaged && !env['APPIMAGE'])
        return { state: 'unavailable', why: 'Only an installed app can open at login.' }
      const entry = read(file)
      if (entry === null) return { state: 'off', why: null }
      if (isHidden(entry)) return { state: 'off', why: 'It was switched off in the settings of the desktop.' }
      return { state: 'on', why: null }
    },
    openedAtLogin: () => false,
    set(isOn) {
      if (!isOn) {
        rmSync(file, { force: true })
        return
      }
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, autostartEntry(program))
    },
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** Returns whether a desktop's settings have switched an entry off (Desktop Application Autostart Specification). */
export function isHidden(entry: string): boolean {
  return /^Hidden\s*=\s*true\s*$/m.test(entry) || /^X-GNOME-Autostart-enabled\s*=\s*false\s*$/m.test(entry)
}

/** Returns the autostart entry of a program. */
export function autostartEntry(program: string): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Watchkeeper',
    'Comment=Tells you when your machine, your hosts or your scheduled jobs stop',
    `Exec=${quoted(program)} ${hiddenArgument}`,
    'Icon=watchkeeper-app',
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n')
}

/** Quotes a program's path as the Desktop Entry Specification asks (“The Exec key”); a percent sign begins a field code. */
function quoted(program: string): string {
  const escaped = program.replace(/["`$\\]/g, (char) => `\\${char}`).replaceAll('%', '%%')
  // The value of a key is unescaped once more before the quoting is read.
  return `"${escaped.replaceAll('\\', '\\\\')}"`
}
