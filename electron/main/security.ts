import type { BrowserWindowConstructorOptions, Session, WebContents, WebPreferences } from 'electron'

/**
 * What the shell allows its pages: values that a test reads, and the few functions that apply them. The numbers are those of
 * Electron's checklist (https://www.electronjs.org/docs/latest/tutorial/security).
 */

/** Own scheme of the shell's status page: nothing is loaded from files (18). */
export const shellScheme = 'watchkeeper-shell'
export const statusOrigin = `${shellScheme}://status`

/** Privileges of the own scheme. */
export const shellSchemePrivileges = { standard: true, secure: true } as const

/** The status page loads its own style and script, and nothing else (7). */
export const statusPagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The session of all pages: of its own, so that nothing is shared with other uses of the profile. */
export const sessionPartition = 'persist:watchkeeper'

/** Web preferences of every window (2, 3, 4, 6, 8, 9, 10, 11). */
export const webPreferences = {
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  contextIsolation: true,
  sandbox: true,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false,
  safeDialogs: true,
  devTools: false,
  partition: sessionPartition,
} as const satisfies WebPreferences

/** Returns the preferences of a window. */
export function windowPreferences(
  preload: string,
): NonNullable<BrowserWindowConstructorOptions['webPreferences']> {
  return { ...webPreferences, preload }
}

/** Where links of the UI may lead outside (15): it has none, so there is nothing that could be sent there. */
export const allowedLinks: readonly string[] = []

/** Returns whether a link may be opened in the user's browser: below one of the allowed addresses, by HTTPS. */
export function isAllowedLink(url: string, allowed: readonly string[] = allowedLinks): boolean {
  const parsed = parse(url)
  if (parsed === null || parsed.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '')
    return false
  return allowed.some((address) => {
    const { origin, pathname } = new URL(address)
    const folder = pathname.endsWith('/') ? pathname : `${pathname}/`
    return parsed.origin === origin && (parsed.pathname === pathname || parsed.pathname.startsWith(folder))
  })
}

/** Returns whether a page may go there: the service's own origin, or the shell's status page (13). */
export function isOwnPage(url: string, serviceOrigin: string | null): boolean {
  const parsed = parse(url)
  if (parsed === null || parsed.username !== '' || parsed.password !== '') return false
  return originOf(parsed) === statusOrigin || (serviceOrigin !== null && originOf(parsed) === serviceOrigin)
}

/** Returns the origin of a page, also of the own scheme, which the WHATWG parser calls opaque. */
export function pageOrigin(url: string): string | null {
  const parsed = parse(url)
  return parsed === null ? null : originOf(parsed)
}

function originOf(url: URL): string {
  return url.protocol === `${shellScheme}:` ? `${shellScheme}://${url.host}` : url.origin
}

function parse(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null
}

/** Refuses every permission, whether asked for or looked up (5), and every download but those of the service. */
export function lockSession(session: Session, serviceOrigin: () => string | null): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event, item) => {
    // What the UI saves is made by its page from the service's answer.
    const url = item.getURL().replace(/^blob:/, '')
    if (!isOwnPage(url, serviceOrigin())) event.preventDefault()
  })
}

/** What a page may not do is refused here; what is allowed outside goes to the user's browser. */
export interface ContentsParts {
  serviceOrigin(): string | null
  openOutside(url: string): void
  log(line: string): void
}

/** Binds a page to its origin (12, 13, 14). */
export function lockContents(
  contents: WebContents,
  { serviceOrigin, openOutside, log }: ContentsParts,
): void {
  const guard = (event: { preventDefault(): void }, url: string): void => {
    if (isOwnPage(url, serviceOrigin())) return
    event.preventDefault()
    log(`a page was not let go to ${pageOrigin(url) ?? 'an address that is none'}`)
  }
  contents.on('will-navigate', (event) => guard(event, event.url))
  contents.on('will-redirect', (event) => guard(event, event.url))
  contents.on('will-frame-navigate', (event) => guard(event, event.url))
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(({ url }) => {
    if (isAllowedLink(url)) openOutside(url)
    else log('a page was not let open a window')
    return { action: 'deny' }
  })
}
