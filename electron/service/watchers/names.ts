import { randomBytes, randomInt, randomUUID } from 'node:crypto'

/** Returns a name's slug by Night's Watch's rule: lower case, words joined by `-`, letters and digits of every script kept. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s\-_]+/g, '-')
    .replace(/[^-\p{L}\p{N}]/gu, '')
}

/** Returns whether a text that a user chose can be a slug. */
export function isSlug(text: string): boolean {
  return /^[-_\p{Ll}\p{Lo}\p{Lm}\p{N}]+$/u.test(text)
}

/** Addresses are written into mail headers, so nothing that ends or lists an address may be in one. */
export function isMailAddress(text: string): boolean {
  return /^[^\s\p{Cc}<>(),;:"[\]\\]+$/u.test(text)
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** The secret names of a new watcher. */
export interface SecretNames {
  readonly code: string
  readonly uuid: string
  readonly token: string
  readonly badgeKey: string
}

/** Returns the names of a new watcher, none of which can be guessed. */
export function newSecretNames(): SecretNames {
  return {
    code: Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join(''),
    uuid: randomUUID(),
    token: randomToken(),
    badgeKey: randomToken(),
  }
}

/** 32 letters and digits, as Uptime Kuma's push tokens. */
export function randomToken(): string {
  return randomBytes(24).toString('base64').replaceAll('+', 'A').replaceAll('/', 'B')
}
