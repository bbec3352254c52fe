import { readFileSync, writeFileSync } from 'node:fs'
import { readingFault } from './pidfile.ts'

/** How a daemon was started last, so that it can be found and started again in the same way. */
export interface LastStart {
  /** Where its process id is, whatever has become of its configuration. */
  readonly pidfile: string | null
  /** Places that were named. */
  readonly named: { readonly config?: string; readonly pidfile?: string; readonly log?: string }
  /** Options of `watchkeeper serve`. */
  readonly serve: readonly string[]
}

const nothing: LastStart = { pidfile: null, named: {}, serve: [] }
const fileOf = (database: string): string => `${database}.daemon.json`

/** Returns how the daemon of a database was started last; without anything when that is not known. */
export function readLastStart(database: string): LastStart {
  try {
    const kept: unknown = JSON.parse(readFileSync(fileOf(database), 'utf8'))
    // Earlier versions kept the options alone.
    if (isWords(kept)) return { ...nothing, serve: kept }
    const { pidfile, named, serve } = kept as Record<string, unknown>
    return {
      pidfile: typeof pidfile === 'string' ? pidfile : null,
      named: Object.fromEntries(
        Object.entries(named ?? {}).filter(
          ([name, value]) => ['config', 'pidfile', 'log'].includes(name) && typeof value === 'string',
        ),
      ),
      serve: isWords(serve) ? serve : [],
    }
  } catch {
    return nothing
  }
}

/** Returns why it cannot be told how the daemon of a database was started last, as a sentence; null when it can. */
export function lastStartFault(database: string): string | null {
  return readingFault(fileOf(database))
}

/** @throws the system's error */
export function writeLastStart(database: string, start: LastStart): void {
  writeFileSync(fileOf(database), `${JSON.stringify(start)}\n`, { mode: 0o600 })
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string')
}
