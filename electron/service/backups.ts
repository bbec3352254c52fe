import type { Clock, Timer } from './clock.ts'
import type { Log } from './log.ts'
import type { ThreadReader } from './reader/thread.ts'
import { isBackupDue } from './store/backup.ts'

const backupCheckMs = 10 * 60_000

/** Makes the day's backup at the start and when a new day has begun. */
export function startBackups(
  database: string,
  clock: Clock,
  log: Log,
  reader: ThreadReader,
): { first: Promise<void>; stop(): void } {
  let timer: Timer | null = null
  let isStopped = false
  const run = async (): Promise<void> => {
    try {
      const nowMs = clock.read().wallMs
      if (isBackupDue(database, nowMs)) await reader.ask('writeBackup', { database, nowMs })
    } catch (error) {
      if (!isStopped) log.error({ err: error }, 'The daily backup failed')
    }
    if (!isStopped) timer = clock.after(backupCheckMs, () => void run())
  }
  return {
    first: run(),
    stop() {
      isStopped = true
      timer?.cancel()
    },
  }
}
