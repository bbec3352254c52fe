/** Response headers that bind the browser; each is a value that a test reads. */

/** The UI loads only what this server sends; Nuxt UI writes its colour tokens into a style element. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Returns whether a browser says that another site made this request. */
export function isForeign(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  isOurHost: (host: string | undefined) => boolean,
): boolean {
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') return true
  const origin = headers['origin']
  if (origin === undefined) return false
  if (typeof origin !== 'string' || !/^https?:\/\//.test(origin)) return true
  const originHost = origin.replace(/^https?:\/\//, '')
  return !isOurHost(originHost) || originHost !== headers['host']
}
