import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Says whether the system's clock is kept by a time service; null where that cannot be told. */
export interface TimeService {
  isSynchronised(): boolean | null
  /** Asks the system again; costs a short-lived program on Linux. */
  refresh(): Promise<void>
}

/** systemd-timesyncd touches this file at every synchronisation: systemd-timesyncd.service(8) */
const timesyncFlag = '/run/systemd/timesync/synchronized'

/** Returns the time service of this machine; only Linux tells without help. */
export function systemTimeService(platform: NodeJS.Platform = process.platform): TimeService {
  if (platform !== 'linux') return { isSynchronised: () => null, refresh: () => Promise.resolve() }
  let told: boolean | null = null
  return {
    isSynchronised: () => (existsSync(timesyncFlag) ? true : told),
    refresh: async () => {
      told = await askTimedatectl()
    },
  }
}

/** The kernel's own flag, whatever program keeps the clock: org.freedesktop.timedate1(5) */
function askTimedatectl(): Promise<boolean | null> {
  return new Promise((resolve) => {
    execFile(
      'timedatectl',
      ['show', '-p', 'NTPSynchronized', '--value'],
      { timeout: 5_000 },
      (error, stdout) => {
        const answer = stdout.trim()
        resolve(error ? null : answer === 'yes' ? true : answer === 'no' ? false : null)
      },
    )
  })
}
