import path from 'node:path'
import type { WatcherSource } from '../../../shared/api/watchers.ts'
import { WatcherError } from '../errors.ts'

/** What is understood of a source before anybody looks. Pure. */

/** What a look at a source came to. */
export interface Look {
  /** The newest result; null when there is none yet. */
  readonly found: Found | null
  /** Why nobody can look, such as a folder that may not be read; null when it works. */
  readonly fault: string | null
}

/** A result that a job left behind. */
export interface Found {
  /** The same for the same result, however often it is looked at. */
  readonly key: string
  readonly atMs: number
  readonly kind: 'success' | 'fail'
  readonly exitStatus: number | null
  readonly durationMs: number | null
  readonly comment: string
}

/** Returns a source as it is kept. @throws WatcherError when it names no place that can be looked at */
export function tidySource(source: WatcherSource | null): WatcherSource | null {
  if (source === null) return null
  if (/\p{Cc}/u.test(source.kind === 'file' ? source.path : source.unit))
    throw new WatcherError('bad-setting', 'a source cannot have control characters in its name')
  if (source.kind === 'unit') return { ...source, unit: source.unit.trim() }
  if (!path.isAbsolute(source.path))
    throw new WatcherError('bad-setting', `'${source.path.slice(0, 80)}' is not an absolute path`)
  return { ...source, path: path.normalize(source.path) }
}

/** Returns true for a path that names several files. */
export function isPattern(file: string): boolean {
  return /[*?[\]{}]/.test(file)
}
