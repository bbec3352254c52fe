import net from 'node:net'
import os from 'node:os'

export const defaultPort = 8737
export const defaultHost = '127.0.0.1'

/** Where the server listens. Port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/**
 * Returns the address that `--listen` names: `host:port`, `[v6]:port`, a host, or a port; null when it is none.
 */
export function parseListen(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*))(?::(\d{1,5}))?$/.exec(text.trim())
  if (!match) return null
  const isPortOnly = match[3] === undefined && /^\d{1,5}$/.test(match[2] ?? '')
  const host = isPortOnly ? '' : (match[1] ?? match[2] ?? '')
  const port = Number(isPortOnly ? match[2] : (match[3] ?? defaultPort))
  if (port > 65_535 || (match[1] !== undefined && !net.isIPv6(match[1]))) return null
  if (!isPortOnly && host === '' && match[3] === undefined) return null
  return { host: host === '' ? defaultHost : host, port }
}

/** Returns true for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Returns `http://host:port` as a browser on this machine reaches it. */
export function originOf({ host, port }: ListenAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${net.isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`
}

/**
 * Returns whether a `Host` header names this server. Names that are not ours are refused, so that no web page can reach us by
 * pointing its own name at this machine (DNS rebinding); an IP address cannot be pointed elsewhere.
 */
export function hostChecker(
  address: ListenAddress,
  extraNames: readonly string[],
): (header: string | undefined) => boolean {
  const names = new Set(extraNames.map((name) => name.toLowerCase()))
  names.add(address.host.toLowerCase())
  if (isLoopback(address.host) || isWildcard(address.host)) {
    for (const name of ['localhost', '127.0.0.1', '::1']) names.add(name)
  }
  if (isWildcard(address.host)) {
    const machine = os.hostname().toLowerCase()
    for (const name of [machine, `${machine}.local`]) names.add(name)
  }
  return (header) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(header ?? '')
    const host = (match?.[1] ?? match?.[2])?.toLowerCase()
    if (host === undefined) return false
    return names.has(host) || (isWildcard(address.host) && net.isIP(host) !== 0)
  }
}

/** @throws the system's error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND`) when nothing can listen there */
export function tryAddress({ host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}
