import type { App } from 'electron'
import type { ShellInfo } from '../shared/shell/bridge.ts'
import type { Autostart } from './autostart.ts'
import type { BridgeAnswerers } from './bridge.ts'
import { placeOf, type ServiceState } from './service-state.ts'
import type { SettingsFile } from './settings.ts'
import type { Updates } from './updates.ts'

/** What the answers to the page are made of. */
export interface AnswererParts {
  readonly app: Pick<App, 'getVersion'>
  readonly platform: NodeJS.Platform
  readonly settings: SettingsFile
  readonly autostart: Autostart
  readonly updates: Updates
  service(): ServiceState
  openAtLogin(isOn: boolean): void
  showIcon(isShown: boolean): void
  redraw(): void
  showFile(file: string): void
  installUpdate(): void
  openWindow(path: string): void
  closePanel(): void
  quit(): void
  showLog(): void
  retry(): void
}

/** Returns the answers to everything that the page may ask. */
export function createAnswerers(parts: AnswererParts): BridgeAnswerers {
  const { settings, updates } = parts
  const info = (): ShellInfo => {
    const { state, why } = parts.autostart.state()
    const service = parts.service()
    return {
      version: parts.app.getVersion(),
      electron: process.versions['electron'] ?? '',
      chromium: process.versions['chrome'] ?? '',
      platform: `${parts.platform} ${process.arch}`,
      openAtLogin: state,
      openAtLoginWhy: why,
      iconShown: settings.value.iconShown,
      oneColour: parts.platform === 'darwin' ? null : settings.value.oneColour,
      updateCheck: settings.value.updateCheck,
      update: updates.view.state,
      updateText: updates.view.text,
      service: service.kind === 'attached' ? 'attached' : 'own',
      database: service.kind === 'running' || service.kind === 'attached' ? service.database : null,
    }
  }
  const done = (work: () => void): null => {
    work()
    return null
  }
  return {
    accessKey: () => placeOf(parts.service())?.key ?? null,
    info,
    change({ openAtLogin, iconShown, oneColour, updateCheck }) {
      if (openAtLogin !== undefined) parts.openAtLogin(openAtLogin)
      if (iconShown !== undefined) parts.showIcon(iconShown)
      if (oneColour !== undefined) {
        settings.change({ oneColour })
        parts.redraw()
      }
      if (updateCheck !== undefined) {
        settings.change({ updateCheck })
        updates.setEnabled(updateCheck)
      }
      return info()
    },
    showDatabase() {
      const { database } = info()
      if (database !== null) parts.showFile(database)
      return null
    },
    async checkForUpdate() {
      await updates.check()
      return info()
    },
    installUpdate() {
      if (updates.view.ready === null) throw new Error('There is no newer version to install.')
      return done(parts.installUpdate)
    },
    openWindow: (path) => done(() => parts.openWindow(path)),
    closePanel: () => done(parts.closePanel),
    quit: () => done(parts.quit),
    showLog: () => done(parts.showLog),
    retry: () => done(parts.retry),
  }
}
