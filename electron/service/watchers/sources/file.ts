import { glob, stat } from 'node:fs/promises'
import type { WatcherSource } from '../../../shared/api/watchers.ts'
import { byteText } from '../../../shared/health-words.ts'
import { isPattern, type Look } from './rules.ts'

/** Files as the results of jobs: the newest one tells when its job ended. */

/** A pattern that names more is too wide to be looked at every minute. */
const mostFiles = 20_000

interface Seen {
  readonly file: string
  readonly atMs: number
  readonly bytes: number
}

/** Returns the newest file of a path or pattern. Folders do not count, unless one is named itself. */
export async function lookAtFiles(source: WatcherSource & { readonly kind: 'file' }): Promise<Look> {
  try {
    const newest = isPattern(source.path) ? await newestOf(source.path) : await seen(source.path, true)
    if (newest === null) return { found: null, fault: null }
    const least = source.leastBytes ?? 0
    const size = byteText(newest.bytes)
    const isSmall = newest.bytes < least
    return {
      found: {
        key: `${newest.file}@${newest.atMs}`,
        atMs: newest.atMs,
        kind: isSmall ? 'fail' : 'success',
        exitStatus: null,
        durationMs: null,
        comment: isSmall
          ? `${newest.file} has ${size}, less than ${byteText(least)}`
          : `${newest.file}, ${size}`,
      },
      fault: null,
    }
  } catch (error) {
    return { found: null, fault: reasonOf(error) }
  }
}

async function newestOf(pattern: string): Promise<Seen | null> {
  let newest: Seen | null = null
  let count = 0
  for await (const file of glob(pattern)) {
    count += 1
    if (count > mostFiles) throw new Error(`the pattern names more than ${mostFiles} files`)
    const one = await seen(file, false)
    if (one !== null && (newest === null || one.atMs > newest.atMs)) newest = one
  }
  return newest
}

async function seen(file: string, takesFolders: boolean): Promise<Seen | null> {
  try {
    const { mtimeMs, size, ...kind } = await stat(file).then((one) => ({
      mtimeMs: one.mtimeMs,
      size: one.size,
      isFile: one.isFile(),
      isFolder: one.isDirectory(),
    }))
    if (!kind.isFile && !(takesFolders && kind.isFolder)) return null
    return { file, atMs: Math.round(mtimeMs), bytes: size }
  } catch (error) {
    // What is not there yet, or goes away while we look, is no fault of the path.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null
    throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not look there'
    case 'ELOOP':
      return 'its links lead in a circle'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
