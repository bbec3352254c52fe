import type * as Electron from 'electron'
import { EventEmitter } from 'node:events'
import { env } from 'node:process'
import { chromium, type BrowserContext } from 'playwright-core'
import { note } from './record.ts'

/** Sessions, the protocol of the shell's own scheme, and the channel between pages and the app. */

/** Chromium cannot be given another scheme from outside, so the shell's own is carried by this name. */
const carrier = 'http://status.watchkeeper-shell.test'
const scheme = 'watchkeeper-shell://status'

export const toBrowser = (url: string): string =>
  url.startsWith(scheme) ? carrier + url.slice(scheme.length) : url
export const fromBrowser = (url: string): string =>
  url.startsWith(carrier) ? scheme + url.slice(carrier.length) : url
export const isCarried = (url: string): boolean => url.startsWith(carrier)

type SchemeHandler = Parameters<Electron.Protocol['handle']>[1]
const schemes = new Map<string, SchemeHandler>()

/** Answers a request to the shell's own scheme as its handler does. */
export async function answerScheme(
  url: string,
): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const handler = schemes.get(new URL(fromBrowser(url)).protocol.slice(0, -1))
  if (!handler) return { status: 404, headers: {}, body: '' }
  const response = await handler({ url: fromBrowser(url) } as Electron.ProtocolRequest as never)
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers.entries()),
    body: await response.text(),
  }
}

class StandInSession
  extends EventEmitter
  implements
    Pick<
      Electron.Session,
      'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'
    >
{
  readonly protocol: Pick<Electron.Protocol, 'handle'> = {
    handle(name, handler) {
      if (schemes.has(name)) throw new Error(`Failed to register protocol: ${name}`)
      schemes.set(name, handler)
    },
  }
  setPermissionRequestHandler(handler: Parameters<Electron.Session['setPermissionRequestHandler']>[0]): void {
    handler?.(
      {} as Electron.WebContents,
      'geolocation',
      (isGranted) => note({ permissionsRefused: !isGranted }),
      {
        isMainFrame: true,
        requestingUrl: '',
      },
    )
  }
  setPermissionCheckHandler(_handler: Parameters<Electron.Session['setPermissionCheckHandler']>[0]): void {}
  setDevicePermissionHandler(_handler: Parameters<Electron.Session['setDevicePermissionHandler']>[0]): void {}
}
const sessions = new Map<string, StandInSession>()
export const session = {
  fromPartition(partition: string): StandInSession {
    const known = sessions.get(partition) ?? new StandInSession()
    sessions.set(partition, known)
    return known
  },
}

let isPrivileged = false
export const protocol = {
  registerSchemesAsPrivileged(_schemes: Electron.CustomScheme[]): void {
    if (isPrivileged) throw new Error('registerSchemesAsPrivileged may be called only once')
    isPrivileged = true
  },
}

type InvokeHandler = Parameters<Electron.IpcMain['handle']>[1]
const handlers = new Map<string, InvokeHandler>()
export const ipcMain: Pick<Electron.IpcMain, 'handle'> = {
  handle(channel, handler) {
    if (handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    handlers.set(channel, handler)
  },
}

/** Hands a page's call to the app; what passes is cloned, as between processes. */
export async function invoke(
  event: Electron.IpcMainInvokeEvent,
  channel: string,
  given: unknown,
): Promise<unknown> {
  const handler = handlers.get(channel)
  if (!handler) throw new Error(`No handler registered for '${channel}'`)
  return structuredClone(await (handler(event, given) as Promise<unknown>))
}

let context: Promise<BrowserContext> | null = null

/** The browser that draws all windows; the test looks at the same one. */
export function browserContext(): Promise<BrowserContext> {
  context ??= chromium.connectOverCDP(env['WATCHKEEPER_TEST_BROWSER'] ?? '').then((browser) => {
    const [first] = browser.contexts()
    if (!first) throw new Error('the browser has no context')
    return first
  })
  return context
}

/** What a page is given by its preload, run in the page itself: the real bundle with Electron's three functions. */
export function preloadScript(bundle: string): string {
  return `(() => {
    if (window.top !== window) return
    const electron = {
      contextBridge: { exposeInMainWorld: (name, api) => Object.defineProperty(window, name, { value: Object.freeze(api), configurable: true }) },
      ipcRenderer: { invoke: (channel, given) => window.__invoke(channel, given) },
    }
    const module = { exports: {} }
    ;(function (require, module, exports) {${bundle}
    })((name) => { if (name !== 'electron') throw new Error('a sandboxed preload cannot load ' + name); return electron }, module, module.exports)
  })()`
}
