import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { NewRecord } from '../schema.ts'

/** Records of this machine that wait to be sent to another collector: a file each, readable by their owner alone. */

/** A record that waits. */
export interface Waiting {
  readonly id: string
  readonly atMs: number
  readonly source: string
  readonly approved: boolean
  /** Why the collector refused it; null when it has not. */
  readonly refused: string | null
  readonly record: NewRecord
}

/** Rules of telemetrics' client. */
export const spoolRules = {
  /** Records older than this (ms) are let go of: `record_expiry`. */
  expiryMs: 1_200 * 60_000,
  /** `spool_max_size` in bytes. */
  mostBytes: 5_120 * 1_024,
  /** `record_burst_limit` per `record_window_length`. */
  burst: 1_000,
  burstWindowMs: 15 * 60_000,
  /** `spool_process_time`. */
  scanMs: 120_000,
  mostSent: 50,
  /** Nothing is sent for so long (ms) after a failure. */
  pauseMs: 300_000,
} as const

export interface Spool {
  /** Adds a record; false when the spool is full. */
  add(waiting: Waiting): boolean
  /** Returns what waits, oldest first. */
  list(): readonly Waiting[]
  ids(): readonly string[]
  read(id: string): Waiting | null
  write(waiting: Waiting): void
  approve(id: string): boolean
  remove(id: string): boolean
  /** Lets go of everything. */
  clear(): void
}

const namePattern = /^\d{1,15}-[a-z0-9-]+\.json$/

/** Returns the spool in a folder; nothing is made before the first record. */
export function openSpool(folder: string): Spool {
  const names = (): string[] => {
    try {
      return readdirSync(folder)
        .filter((name) => namePattern.test(name))
        .sort()
    } catch {
      return []
    }
  }
  /** What the files take; null when it must be looked up. */
  let bytes: number | null = null
  const fileOf = (id: string): string => path.join(folder, `${id}.json`)
  const write = (waiting: Waiting): void => {
    const file = fileOf(waiting.id)
    writeFileSync(`${file}.partial`, JSON.stringify(waiting), { mode: 0o600 })
    renameSync(`${file}.partial`, file)
  }
  const read = (name: string): Waiting | null => {
    try {
      const waiting = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Partial<Waiting> | null
      return typeof waiting?.record?.payload === 'string' && typeof waiting.atMs === 'number'
        ? (waiting as Waiting)
        : null
    } catch {
      return null
    }
  }
  const known = (id: string): boolean => names().includes(`${id}.json`)
  return {
    add(waiting) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      if (process.platform !== 'win32') chmodSync(folder, 0o700)
      bytes ??= names().reduce((sum, name) => sum + sizeOf(path.join(folder, name)), 0)
      const added = Buffer.byteLength(JSON.stringify(waiting))
      if (bytes + added > spoolRules.mostBytes) return false
      write(waiting)
      bytes += added
      return true
    },
    list: () => names().flatMap((name) => read(name) ?? []),
    ids: () => names().map((name) => name.slice(0, -'.json'.length)),
    read: (id) => (known(id) ? read(`${id}.json`) : null),
    write(waiting) {
      if (known(waiting.id)) write(waiting)
    },
    approve(id) {
      const waiting = known(id) ? read(`${id}.json`) : null
      if (!waiting) return false
      write({ ...waiting, approved: true, refused: null })
      return true
    },
    remove(id) {
      if (!known(id)) return false
      bytes = null
      rmSync(fileOf(id), { force: true })
      return true
    },
    clear() {
      // Also what a stop in the midst of writing left.
      bytes = null
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}
