import type { BaseWindow, BaseWindowConstructorOptions, PowerMonitor } from 'electron'
import type { PowerEvent } from '../shared/shell/service-messages.ts'

/** What the system says of power and of the session, handed on to the service. */
export interface PowerParts {
  readonly platform: NodeJS.Platform
  readonly monitor: PowerMonitor
  createHiddenWindow(options: BaseWindowConstructorOptions): BaseWindow
  tell(event: PowerEvent): void
  /** The machine or the session ends: the service is to stop now. */
  endSession(): void
}

/** Returns what has to be kept for as long as the app runs. */
export function listenToPower({ platform, monitor, createHiddenWindow, tell, endSession }: PowerParts): {
  readonly sessionWindow: BaseWindow | null
} {
  monitor.on('suspend', () => tell('suspend'))
  monitor.on('resume', () => tell('resume'))
  if (platform !== 'linux') {
    monitor.on('lock-screen', () => tell('lock-screen'))
    monitor.on('unlock-screen', () => tell('unlock-screen'))
    monitor.on('on-battery', () => tell('on-battery'))
    monitor.on('on-ac', () => tell('on-ac'))
  }
  if (platform !== 'win32') {
    monitor.on('shutdown', (event?: { preventDefault?: () => void }) => {
      // Held up until the last stamp is written; the app then leaves by itself.
      event?.preventDefault?.()
      endSession()
    })
    return { sessionWindow: null }
  }
  // Windows tells only windows that the session ends. A base window has no page, and so no renderer.
  const sessionWindow = createHiddenWindow({
    show: false,
    width: 1,
    height: 1,
    skipTaskbar: true,
    focusable: false,
    title: 'Watchkeeper session',
  })
  // Another program may still refuse the end, so the flight goes on after this stamp.
  sessionWindow.on('query-session-end', () => tell('session-ending'))
  sessionWindow.on('session-end', endSession)
  return { sessionWindow }
}
