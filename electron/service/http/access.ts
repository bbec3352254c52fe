import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync, chmodSync } from 'node:fs'
import type { keyScopes } from '../../shared/api/service.ts'
import type { Clock } from '../clock.ts'

/** The access key of a database: 256 random bits as base64url. */
const keyPattern = /^[A-Za-z0-9_-]{43}$/

/** Returns the access key in a file, or null when there is none that is whole. */
export function readKey(file: string): string | null {
  try {
    const key = readFileSync(file, 'utf8').trim()
    return keyPattern.test(key) ? key : null
  } catch {
    return null
  }
}

/**
 * Returns the access key in a file, making one at the first start. The file is readable by its owner alone.
 *
 * @throws the system's error when the file cannot be written
 */
export function ensureKey(file: string): string {
  const existing = readKey(file)
  if (existing !== null) {
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
    return existing
  }
  const key = randomBytes(32).toString('base64url')
  // Written beside and renamed, so that a crash never leaves half a key.
  const partial = `${file}.partial`
  if (existsSync(partial)) chmodSync(partial, 0o600)
  writeFileSync(partial, `${key}\n`, { mode: 0o600 })
  renameSync(partial, file)
  return key
}

/** What a key lets its holder do; `write` includes the others. */
export type Scope = (typeof keyScopes)[number]

/** Keys and what they allow. */
export interface Keyring {
  /** Returns what a key allows; null for a wrong one. */
  scopeOf(given: string): Scope | null
}

/** Returns the hash by which a key made later is known. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/**
 * Returns the keys of a service: the one in the key file allows everything, others are known by their hash. Comparing takes a time that does
 * not depend on where a key differs; of the others only hashes are looked up.
 */
export function createKeyring(key: string, scopeOfHash: (hash: string) => Scope | null): Keyring {
  const expected = createHash('sha256').update(key).digest()
  return {
    scopeOf(given) {
      const hash = createHash('sha256').update(given).digest()
      return timingSafeEqual(hash, expected) ? 'write' : scopeOfHash(hash.toString('hex'))
    },
  }
}

/** Returns whether a scope includes another one. A key for triggers reads nothing; one for reading triggers nothing. */
export function allows(scope: Scope, needed: Scope): boolean {
  return scope === 'write' || scope === needed
}

/** Wrong keys that one address may try in a minute before it has to wait. */
const mostFailures = 20
const failureWindowMs = 60_000
const mostAddresses = 10_000

/** Counts wrong keys by address. A right key always passes: guessing 256 bits is hopeless, the limit only saves work. */
export function failureLimiter(clock: Clock): {
  note(address: string): void
  isBlocked(address: string): boolean
} {
  const failures = new Map<string, { count: number; sinceMs: number }>()
  const current = (address: string): { count: number; sinceMs: number } | null => {
    const entry = failures.get(address)
    if (!entry) return null
    if (clock.glance().monotonicMs - entry.sinceMs <= failureWindowMs) return entry
    failures.delete(address)
    return null
  }
  return {
    note(address) {
      const entry = current(address)
      if (entry) entry.count += 1
      else {
        if (failures.size >= mostAddresses) failures.clear()
        failures.set(address, { count: 1, sinceMs: clock.glance().monotonicMs })
      }
    },
    isBlocked: (address) => (current(address)?.count ?? 0) >= mostFailures,
  }
}

/** Returns the key that a request's headers carry: `Authorization: Bearer` or `X-Api-Key`. */
export function keyOfHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(String(headers['authorization'] ?? ''))?.[1]
  if (bearer !== undefined) return bearer
  const apiKey = headers['x-api-key']
  return typeof apiKey === 'string' && apiKey !== '' ? apiKey : null
}
