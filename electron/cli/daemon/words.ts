/** What system-health-daemon says, word for word. */

export const alreadyRuns = (pidfile: string): string =>
  `pidfile ${pidfile} already exist. Daemon already running?`
export const doesNotRun = (pidfile: string): string =>
  `pidfile ${pidfile} does not exist. Daemon not running?`
