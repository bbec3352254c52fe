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

/** Greedy: with two groups of brackets the last one is the module, as the original has it. */
const framePattern = /^(#\d+ )(.+)( - \[(.*)\](.*))$/
/** Longest line that is looked at (characters): a symbol can be long, and a payload is not made of one line. */
const longestLine = 4_000
const longestName = 500

/** Returns the frame that a line holds; null when it is none. */
export function frameOf(line: string): TracedFrame | null {
  if (line.length > longestLine || !line.startsWith('#')) return null
  const match = framePattern.exec(line)
  if (!match) return null
  return {
    function: (match[2] ?? '').slice(0, longestName),
    module: (match[4] ?? '').slice(0, longestName),
    source: (match[5] ?? '').replace(/^ - /, '').slice(0, longestName),
  }
}

/** Returns the first contiguous block of frames: the thread that crashed. The first line is never looked at. */
export function crashingThread(payload: string): TracedFrame[] {
  const frames: TracedFrame[] = []
  for (const line of payload.split('\n').slice(1)) {
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
