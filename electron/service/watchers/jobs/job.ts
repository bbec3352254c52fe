import type { Schedule, WatcherSource } from '../../../shared/api/watchers.ts'

/** A scheduled job that this machine has already. */
export interface FoundJob {
  readonly name: string
  /** Where it was found, for people. */
  readonly origin: string
  readonly command: string
  readonly schedule: Schedule
  /** How much later than its schedule says (ms) its scheduler may start it. */
  readonly slackMs: number
  /** Where its result can be seen without touching it; null when it has to be wrapped. */
  readonly source: WatcherSource | null
  /** Its line in a crontab, parted before the command; null for other schedulers. */
  readonly line: { readonly before: string; readonly command: string } | null
}

const minuteMs = 60_000
const leastGraceMs = 5 * minuteMs
const mostGraceMs = 2 * 60 * minuteMs

/** Returns a grace (ms) that a job with that time between runs (ms) is worth: a tenth of it, within bounds. */
export function graceOf(betweenMs: number | null, slackMs: number): number {
  const tenth = betweenMs === null ? mostGraceMs : Math.round(betweenMs / 10)
  const grace = Math.min(mostGraceMs, Math.max(leastGraceMs, tenth)) + slackMs
  return Math.ceil(grace / minuteMs) * minuteMs
}

/** Returns a crontab's line with its job wrapped, so that it tells a watcher how it went. */
export function wrappedLine({ before, command }: NonNullable<FoundJob['line']>, slug: string): string {
  // What follows an unescaped % is the command's input, and pipes need a shell.
  const isPlain = !/[|&;<>()`$"'\\%*?]/.test(command)
  const quoted = `'${command.replaceAll("'", `'\\''`)}'`
  return `${before}watchkeeper run ${slug} -- ${isPlain ? command : `sh -c ${quoted}`}`
}
