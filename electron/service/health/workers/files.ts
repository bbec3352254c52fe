import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../clock.ts'

/** The system's own files, below a root that tests may move. */
export interface SystemFiles {
  readonly root: string
  /** Returns a file of `/proc` that the kernel makes from memory; null when it is not there. */
  text(file: string): string | null
  /** Returns a file that a driver or a disk may be slow to give; null when it is not there. */
  slowText(file: string): Promise<string | null>
  /** Returns the names in a folder; none when it is not there. */
  names(folder: string): string[]
}

export function systemFiles(root = '/'): SystemFiles {
  const at = (file: string): string => path.join(root, file)
  return {
    root,
    text(file) {
      try {
        return readFileSync(at(file), 'utf8')
      } catch {
        return null
      }
    },
    async slowText(file) {
      try {
        return await readFile(at(file), 'utf8')
      } catch {
        return null
      }
    },
    names(folder) {
      try {
        return readdirSync(at(folder))
      } catch {
        return []
      }
    },
  }
}

/** Returns the whole number that a file of one number holds; null when it is none. */
export function numberIn(text: string | null): number | null {
  const trimmed = text?.trim() ?? ''
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : null
}

/** Returns how fast a counter grew (a second); null when there is no earlier reading or it began anew. */
export function rate(now: number | undefined, before: number | undefined, seconds: number): number | null {
  if (now === undefined || before === undefined || seconds <= 0 || now < before) return null
  return (now - before) / seconds
}

/** Returns a number to so many digits after the point. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}

export const roundedOrNull = (value: number | null, digits = 2): number | null =>
  value === null ? null : rounded(value, digits)

/** Returns a reading that all functions of one report share: what is younger than `freshMs` is not read again. */
export function shared<T>(clock: Clock, freshMs: number, read: () => T): () => T {
  let last: { readonly atMs: number; readonly value: T } | null = null
  return () => {
    const nowMs = clock.glance().monotonicMs
    if (last === null || nowMs - last.atMs >= freshMs) last = { atMs: nowMs, value: read() }
    return last.value
  }
}
