import { isIP } from 'node:net'

/** Hides names, addresses and users in a text that is given to strangers. The same name is hidden by the same word. Pure. */
export interface Masker {
  mask(text: string): string
}

/** What a word that stands for a hidden one begins with. */
export type MaskKind = 'host' | 'user' | 'name' | 'address' | 'mail' | 'device'

/** Words that say nothing of anybody. */
const harmless = new Set(['localhost', 'root', 'localdomain', '127.0.0.1', '0.0.0.0', '::1', '::', 'none'])

const mailPattern = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g
const ip4Pattern = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)/g
const ip6Pattern = /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi
const macPattern = /(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])/gi
/** Folders of users, and what they plugged in; on Windows a name may have blanks. */
const homePattern = /((?:\/(?:var\/)?home|\/Users|(?:\/run)?\/media)\/)([^/\\\s:"'<>]+)/g
const windowsHomePattern = /([A-Za-z]:\\Users\\)([^\\/:*?"<>|\n]+?)(?=\\|$|["'])/g
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
        .replace(interfacePattern, (_, prefix: string, mac: string) => `${prefix}-${wordFor(mac, 'device')}`)
        .replace(macPattern, (mac) => wordFor(mac, 'device'))
        .replace(ip4Pattern, (address) => (isIP(address) === 4 ? wordFor(address, 'address') : address))
        .replace(ip6Pattern, (address) => (isIP(address) === 6 ? wordFor(address, 'address') : address))
    },
  }
}

const isMask = (text: string): boolean => /^[a-z]+-\d+$/.test(text)

function hostKind(host: string): MaskKind {
  return isIP(host.replace(/^\[|\]$/g, '')) === 0 ? 'host' : 'address'
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
