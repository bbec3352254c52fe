import { globSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** libfaketime's library for threaded programs, or null where it is not installed (Debian: apt-get install faketime). */
export const faketimeLibrary: string | null = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0] ?? null

/** A wall clock of a process that can be moved while it runs; its monotonic clock and timers stay true. */
export interface FakedWallClock {
  readonly env: Readonly<Record<string, string>>
  /** Sets how far the wall clock is off, in seconds. */
  set(offsetSeconds: number): void
}

export function fakedWallClock(folder: string, library: string): FakedWallClock {
  const file = path.join(folder, 'faketime')
  const set = (offset: number): void => writeFileSync(file, `${offset < 0 ? '' : '+'}${offset}\n`)
  set(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
  }
}
