import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, statSync, writeFileSync, chmodSync } from 'node:fs'
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

/** Returns whether a key is the right one, in a time that does not depend on where it differs. */
export function keyChecker(key: string): (given: string) => boolean {
  const expected = createHash('sha256').update(key).digest()
  return (given) => timingSafeEqual(createHash('sha256').update(given).digest(), expected)
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
    if (clock.read().monotonicMs - entry.sinceMs <= failureWindowMs) return entry
    failures.delete(address)
    return null
  }
  return {
    note(address) {
      const entry = current(address)
      if (entry) entry.count += 1
      else {
        if (failures.size >= mostAddresses) failures.clear()
        failures.set(address, { count: 1, sinceMs: clock.read().monotonicMs })
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
