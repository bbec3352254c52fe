import { readdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs'
import path from 'node:path'
import { parseSpooled, type SpooledSignal } from '../../shared/spooled-signal.ts'
import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import { sqliteCode } from '../store/errors.ts'
import { WatcherError } from './errors.ts'
import type { Watchers } from './index.ts'

/** Takes in triggers that `watchkeeper run` left while it could not reach the service. */
export interface SpoolCollector {
  collect(): Promise<void>
  start(): void
  stop(): void
}

const everyMs = 15_000

/**
 * Returns the collector of a folder of files, one trigger each. A file is removed only after its trigger is on disk, and its
 * name keeps it from counting twice. What cannot be used is put aside under another name, never lost.
 */
export function spoolCollector(context: RoomContext, watchers: Watchers, folder: string): SpoolCollector {
  const log = context.log.child({ name: 'WATCHERS' })
  let timer: Timer | null = null
  let isRunning = false

  const putAside = (file: string, why: string): void => {
    log.warn(`The spooled trigger ${path.basename(file)} cannot be used and was put aside: ${why}`)
    try {
      renameSync(file, `${file}.refused`)
    } catch {
      // It stays where it is, and is looked at again.
    }
  }
  const take = async (file: string): Promise<void> => {
    let signal: SpooledSignal | null
    try {
      signal = parseSpooled(readFileSync(file, 'utf8'))
    } catch (error) {
      // A file that cannot be read now may be read later; one that is no JSON will never be.
      if (!(error instanceof SyntaxError)) throw error
      putAside(file, error.message)
      return
    }
    if (signal === null) {
      putAside(file, 'it is not a trigger')
      return
    }
    const watcher = watchers.resolve(signal.watcher)
    if (!watcher) {
      putAside(file, `there is no watcher '${signal.watcher}'`)
      return
    }
    const nowMs = Math.round(context.clock.glance().wallMs)
    try {
      await watchers.signal(
        watcher.id,
        {
          kind: signal.kind,
          atMs: Math.min(signal.atMs, nowMs),
          exitStatus: signal.exitStatus,
          run: signal.run,
          comment: signal.comment,
          origin: 'spool',
          agent: 'watchkeeper run',
          body: signal.body === '' ? null : Buffer.from(signal.body, 'utf8'),
        },
        signal.id,
      )
    } catch (error) {
      if (!(error instanceof WatcherError)) throw error
      putAside(file, error.message)
      return
    }
    unlinkSync(file)
  }
  const collect = async (): Promise<void> => {
    let names: string[]
    try {
      names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT'
      if (isThere) log.warn({ err: error }, 'The folder of spooled triggers cannot be read')
      return
    }
    // Names begin with the time, so that a start comes before its end.
    for (const name of names.sort()) {
      const file = path.join(folder, name)
      try {
        await take(file)
      } catch (error) {
        // One file that cannot be taken keeps no other from it; it is tried again.
        log.warn({ err: error }, `The spooled trigger ${name} could not be taken in`)
        if (sqliteCode(error) !== null) return
      }
    }
  }
  const again = async (): Promise<void> => {
    try {
      await collect()
    } catch (error) {
      if (isRunning) log.error({ err: error }, 'Taking in spooled triggers failed; it is tried again')
    }
    if (isRunning) timer = context.clock.after(everyMs, () => void again())
  }

  return {
    async collect() {
      try {
        await collect()
      } catch (error) {
        log.error({ err: error }, 'Taking in spooled triggers failed; it is tried again')
      }
    },
    start() {
      isRunning = true
      timer = context.clock.after(everyMs, () => void again())
    },
    stop() {
      isRunning = false
      timer?.cancel()
    },
  }
}
