import { isIP } from 'node:net'

/** Names of machines that stand in settings. Pure. */

/** Settings that hold a name or an address of a machine, with or without a port. */
const hostKeys = new Set(['host', 'server', 'domain', 'name', 'expect'])

/** Returns the names and addresses of machines in settings: the hosts of their URLs, and what names a machine itself. */
export function hostsIn(settings: unknown, key = ''): string[] {
  if (typeof settings === 'string') return hostsOf(settings, key)
  if (typeof settings !== 'object' || settings === null) return []
  return Object.entries(settings).flatMap(([name, value]) =>
    hostsIn(value, Array.isArray(settings) ? key : name.toLowerCase()),
  )
}

function hostsOf(text: string, key: string): string[] {
  const urls = [...text.matchAll(/[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi)].flatMap(
    ([url]) => hostOfUrl(url) ?? [],
  )
  if (!hostKeys.has(key) || urls.length > 0) return urls
  const name = bare(text)
  return /^[\p{L}\p{N}_.:-]+$/u.test(name) && (name.includes('.') || name.includes(':') || key === 'host')
    ? [name]
    : []
}

/** Returns the host of a URL as people write it, not as it is sent. */
function hostOfUrl(url: string): string | null {
  const authority = /^[^:]+:\/\/(?:[^@/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? ''
  const name = bare(authority)
  return name === '' ? null : name
}

/** Takes away a port, the brackets of an address and the root's dot. */
function bare(text: string): string {
  const trimmed = text.trim()
  const inBrackets = /^\[([^\]]+)\]/.exec(trimmed)?.[1]
  if (inBrackets !== undefined) return inBrackets
  return (isIP(trimmed) === 6 ? trimmed : trimmed.replace(/:\d*$/, '')).replace(/\.$/, '')
}

/** Returns the domains in which a system looks for short names: resolv.conf(5). */
export function searchDomains(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*(?:search|domain)\s+(.+)$/.exec(line)?.[1]?.split(/\s+/) ?? [])
    .filter((name) => name.includes('.'))
    .map(bare)
}
