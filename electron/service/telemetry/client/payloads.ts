import type { Frame } from '../schema.ts'

/** Crashes of this machine as payloads of telemetrics' crash probe. Pure. */

/** Longest payload (bytes) that clients of telemetrics send. */
export const mostClientBytes = 8_192
const mostFrames = 64

/** What a system tells of a crash. */
export interface CrashTold {
  readonly program: string | null
  readonly pid: string | null
  readonly signal: string | null
  readonly frames: readonly Frame[]
  /** More lines for the head, such as the reason. */
  readonly more?: readonly string[]
}

/** Returns the payload of a crash. */
export function crashPayload({ program, pid, signal, frames, more = [] }: CrashTold): string {
  const head = [
    ...(program === null ? [] : [`Process: ${program}`]),
    ...(pid === null ? [] : [`PID: ${pid}`]),
    ...(signal === null ? [] : [`Signal: ${signal}`]),
    ...more,
    ...(frames.length > mostFrames ? ['Too many frames. Backtrace truncated.'] : []),
  ]
  const trace = frames
    .slice(0, mostFrames)
    .map(({ function: name, module }, index) => `#${index} ${name} - [${module}]`)
  // The first line is never taken for a frame.
  const lines = [
    ...(head.length > 0 ? head : ['Crash']),
    '',
    ...(pid === null ? [] : [`Backtrace (TID ${pid}):`]),
  ]
  return `${[...lines, ...trace].join('\n')}\n`
}

/** Returns text as clients may send it: printable ASCII, no longer than they may, without the home of whoever runs this. */
export function sendable(payload: string, home: string): string {
  const masked = home.length > 1 ? payload.replaceAll(home, '~') : payload
  const ascii = masked.replace(/[^\x20-\x7e\t\n\r]/gu, '?')
  return ascii.slice(0, mostClientBytes)
}
