import { isIP } from 'node:net'

/** Hides names, addresses and users in a text that is given to strangers. The same name is hidden by the same word. Pure. */
export interface Masker {
  mask(text: string): string
}

/** What a word that stands for a hidden one begins with. */
export type MaskKind = 'host' | 'user' | 'name' | 'address' | 'mail' | 'device'

/** Words that say nothing of anybody. */
const harmless = new Set(['localhost', 'root', 'localdomain', '127.0.0.1', '0.0.0.0', '::1', '::', 'none'])

const mailPattern = /[\p{L}\p{N}_.+-]+@[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+/gu
const ip4Pattern = /(?<![A-Za-z0-9.])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9]|\.\d)/g
/** The widest run of what an address could be made of; how much of it is one is told by trying. */
const ip6Pattern = /(?<![A-Za-z0-9:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,}(?:(?:\.\d{1,3}){3})?/gi
const macPattern = /(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])/gi
/** Folders of users, and what they plugged in; on Windows a name may have blanks. */
const homePattern = /((?:\/(?:var\/)?home|\/Users|(?:\/run)?\/media)\/)([^/\\\s:"'<>]+)/g
const windowsHomePattern = /([A-Za-z]:\\Users\\)([^\\/:*?"<>|\n]+?)(?=\\|$|["'])/g
/** A user's folder below an address of the web, and as shells have it. */
const tildePattern =
  /(?<=\/)~([\p{L}_][\p{L}\p{N}_.-]*)|(?<![\p{L}\p{N}_.~])~([\p{L}_][\p{L}\p{N}_.-]*)(?=\/)/gu
/** What the words of a lookup that failed name. */
const lookupPattern =
  /(\b(?:name not found:|ENOTFOUND|EAI_AGAIN|getaddrinfo E[A-Z_]+|(?:could not|cannot) resolve(?: host)?:?)\s+)([\p{L}\p{N}_-][\p{L}\p{N}_.-]*[\p{L}\p{N}_-]|[\p{L}\p{N}])/giu
const dottedPattern = /(?<![\p{L}\p{N}_.@/\\-])[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+(?![\p{L}\p{N}_@])/gu
/** An interface that is named by its address. */
const interfacePattern = /\b(enx|wlx)([0-9a-f]{12})\b/g
/** Users and passwords go, and so do queries, which may hold keys. */
const urlPattern =
  /(\b[a-z][a-z0-9+.-]*:\/\/)(?:[^\s@"'<>]*@)?(\[[^\]]+\]|[^\s/:?#"'<>]+)([^\s?#"'<>]*)([?#][^\s"'<>]*)?/gi

/** Returns a masker that knows some names; addresses, users in paths and hosts in URLs it finds by itself. */
export function createMasker(names: ReadonlyMap<string, MaskKind>): Masker {
  const given = new Map<string, string>()
  const counts = new Map<MaskKind, number>()
  const wordFor = (text: string, kind: MaskKind): string => {
    const key = text.toLowerCase()
    if (harmless.has(key)) return text
    const known = given.get(key)
    if (known !== undefined) return known
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const word = `${kind}-${count}`
    given.set(key, word)
    return word
  }
  // Long names first, so that none is hidden only in part.
  const known = [...names]
    .filter(([name]) => name.length > 1 && !harmless.has(name.toLowerCase()))
    .sort(([a], [b]) => b.length - a.length)
  const byName = new Map(known.map(([name, kind]) => [name.toLowerCase(), kind]))
  const pattern =
    known.length === 0
      ? null
      : new RegExp(
          `(?<![\\p{L}\\p{N}_])(?:${known.map(([name]) => escaped(name)).join('|')})(?![\\p{L}\\p{N}_])`,
          'giu',
        )
  const isOfKnown = knownDomains(known)
  return {
    mask(text) {
      // Addresses of the web come first, since their users and passwords look like mail addresses.
      let masked = text
        .replace(
          urlPattern,
          (_, scheme: string, host: string, rest: string, query: string | undefined) =>
            `${scheme}${wordFor(host, hostKind(host))}${rest}${query === undefined ? '' : '?…'}`,
        )
        .replace(mailPattern, (mail) => wordFor(mail, 'mail'))
        .replace(lookupPattern, (_, words: string, name: string) => words + wordFor(name, hostKind(name)))
        // A name is hidden whole before a single word of it is: what is left of it would still tell whose it is.
        .replace(dottedPattern, (name) => (isOfKnown(name) ? wordFor(name, 'host') : name))
      if (pattern)
        masked = masked.replace(pattern, (name) => wordFor(name, byName.get(name.toLowerCase()) ?? 'name'))
      return masked
        .replace(
          homePattern,
          (_, folder: string, user: string) => `${folder}${isMask(user) ? user : wordFor(user, 'user')}`,
        )
        .replace(
          windowsHomePattern,
          (_, folder: string, user: string) => `${folder}${isMask(user) ? user : wordFor(user, 'user')}`,
        )
        .replace(tildePattern, (_, below: string | undefined, first: string | undefined) => {
          const user = below ?? first ?? ''
          return `~${isMask(user) ? user : wordFor(user, 'user')}`
        })
        .replace(interfacePattern, (_, prefix: string, mac: string) => `${prefix}-${wordFor(mac, 'device')}`)
        .replace(macPattern, (mac) => wordFor(mac, 'device'))
        .replace(ip6Pattern, (run, at: number, all: string) => {
          const length = addressLength(run, all[at + run.length] ?? '')
          return length === 0 ? run : wordFor(run.slice(0, length), 'address') + run.slice(length)
        })
        .replace(ip4Pattern, (address) => (isIP(address) === 4 ? wordFor(address, 'address') : address))
    },
  }
}

/** Returns whether a dotted name is of a known domain, or of a known machine. */
function knownDomains(known: readonly (readonly [string, MaskKind])[]): (name: string) => boolean {
  const domains = new Set<string>()
  const machines = new Set<string>()
  for (const [name, kind] of known) {
    if (kind !== 'host' || isIP(name) !== 0) continue
    const labels = name.toLowerCase().split('.')
    machines.add(labels[0] ?? '')
    // Two labels at least: one alone, such as “example”, is a whole country's.
    for (let first = 0; first < labels.length - 1; first += 1) domains.add(labels.slice(first).join('.'))
  }
  return (name) => {
    const labels = name.toLowerCase().split('.')
    if (isIP(name) !== 0) return false
    // `nas.service` is a service of that name, `nas.somebody.example` a machine.
    if (labels.length > 2 && machines.has(labels[0] ?? '')) return true
    return labels.some((_, first) => domains.has(labels.slice(first).join('.')))
  }
}

/** Returns how long the address is with which a run of hexadecimal groups begins; 0 where there is none. */
function addressLength(run: string, after: string): number {
  for (let length = run.length; length > 1; length -= 1)
    if (isIP(run.slice(0, length)) === 6 && !/[A-Za-z0-9]/.test(run[length] ?? after)) return length
  return 0
}

const isMask = (text: string): boolean => /^[a-z]+-\d+$/.test(text)

function hostKind(host: string): MaskKind {
  return isIP(host.replace(/^\[|\]$/g, '')) === 0 ? 'host' : 'address'
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
