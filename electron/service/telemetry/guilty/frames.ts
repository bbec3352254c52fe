import type { Frame } from '../schema.ts'

/** Backtraces as telemetrics' probes write them. Pure. */

/** A frame of a backtrace, with where it stands in the source. */
export interface TracedFrame extends Frame {
  readonly source: string
}

/** What a backtrace tells. */
export interface Backtrace {
  readonly program: string | null
  readonly pid: string | null
  readonly signal: string | null
  readonly frames: readonly TracedFrame[]
}

/** Longest line that is looked at (characters): a symbol can be long, and a payload is not made of one line. */
const longestLine = 4_000
/** Longest name that is kept (characters), so that both together fit an index of PostgreSQL (2,700 bytes). */
export const longestName = 400
/** Lines that are looked at: a thread's frames are 64 at most, after a short head. */
const mostLines = 5_000

/** Returns the frame that a line (`#0 name() - [module] - file:2`) holds; null when it is none. With two groups of brackets the last counts. */
export function frameOf(line: string): TracedFrame | null {
  if (line.length > longestLine) return null
  const head = /^#\d+ /.exec(line)?.[0].length
  if (head === undefined) return null
  const end = line.lastIndexOf(']')
  const at = end < 0 ? -1 : line.lastIndexOf(' - [', end - 4)
  if (at <= head) return null
  return {
    function: nameOf(line.slice(head, at)),
    module: nameOf(line.slice(at + 4, end)),
    source: nameOf(line.slice(end + 1).replace(/^ - /, '')),
  }
}

/** Returns a name as it is kept: not too long, and no half of a pair of surrogates at its end. */
export function nameOf(text: string): string {
  return text.slice(0, longestName).toWellFormed()
}

/** Returns the first contiguous block of frames: the thread that crashed. The first line is never looked at. */
export function crashingThread(payload: string): TracedFrame[] {
  const frames: TracedFrame[] = []
  for (const line of payload.split('\n', mostLines).slice(1)) {
    const frame = frameOf(line.endsWith('\r') ? line.slice(0, -1) : line)
    if (frame) frames.push(frame)
    else if (frames.length > 0) break
  }
  return frames
}

/** Returns what the header and the first thread of a payload tell. */
export function readBacktrace(payload: string): Backtrace {
  const head = payload.slice(0, longestLine)
  const of = (name: string): string | null =>
    new RegExp(`^${name}: *(.+?) *$`, 'm').exec(head)?.[1]?.slice(0, longestName) ?? null
  return {
    program: of('Process'),
    pid: of('PID'),
    signal: of('Signal'),
    frames: crashingThread(payload),
  }
}
