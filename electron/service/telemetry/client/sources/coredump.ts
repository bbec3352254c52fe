import { crashPayload } from '../payloads.ts'
import type { Frame } from '../../schema.ts'

/** Core dumps that systemd-coredump wrote to the journal: https://www.freedesktop.org/software/systemd/man/latest/systemd-coredump.html */

/** Id of its messages (`SD_MESSAGE_COREDUMP` of sd-messages.h). */
export const coredumpMessage = 'fc2e22bc6ee647b6b90729ab34a250b1'

/** `#1  0x000055d0c0ffee main (crashme + 0x1136)`, or `n/a` for a function without a symbol. */
const framePattern = /^\s*#\d+\s+0x[0-9a-f]+\s+(.+?)\s+\((.+?)(?:\s\+\s0x[0-9a-f]+)?\)\s*$/

/** Returns the payload of a core dump's entry in the journal; null when it is none. */
export function coredumpPayload(entry: Readonly<Record<string, unknown>>): string | null {
  const of = (name: string): string | null => {
    const value = entry[name]
    return typeof value === 'string' ? value : null
  }
  const message = of('MESSAGE')
  if (message === null) return null
  return crashPayload({
    program: of('COREDUMP_EXE') ?? of('COREDUMP_COMM'),
    pid: of('COREDUMP_PID'),
    signal: of('COREDUMP_SIGNAL'),
    frames: coredumpFrames(message),
  })
}

/** Returns the frames of the first thread, which is the one that crashed. */
export function coredumpFrames(message: string): Frame[] {
  const lines = message.split('\n')
  const begin = lines.findIndex((line) => /^\s*Stack trace of thread \d+:/.test(line))
  if (begin < 0) return []
  const frames: Frame[] = []
  for (const line of lines.slice(begin + 1)) {
    const match = framePattern.exec(line)
    if (!match) break
    const name = match[1] ?? ''
    frames.push({ function: name === 'n/a' ? '???' : `${name}()`, module: match[2] ?? '' })
  }
  return frames
}
