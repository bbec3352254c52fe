import { once } from 'node:events'
import { homedir } from 'node:os'
import { systemClock } from '../service/clock.ts'
import { existsSync } from 'node:fs'
import { canonicalPath, defaultDatabase } from '../service/store/location.ts'
import { isLocked } from '../service/store/lock.ts'

/** Exit codes of the command, in one place. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The database cannot be opened (as flight-reports) or, for `status`, nothing runs (as the Linux Standard Base has it). */
  notThere: 3,
} as const

/** A command that cannot do what was asked, with its sentence and exit code. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** Returns the present (ms UTC) for a command. */
export function presentMs(): number {
  return systemClock().glance().wallMs
}

/** Writes a line to standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * Writes much text to standard output, waiting whenever the reader is slower. A reader that goes away (`| head`) ends it
 * quietly.
 */
export async function sayAll(texts: Iterable<string>): Promise<void> {
  const out = process.stdout
  let chunk = ''
  const flush = async (): Promise<void> => {
    const text = chunk
    chunk = ''
    if (text === '' || out.destroyed || out.write(text)) return
    const waiting = new AbortController()
    const { signal } = waiting
    await Promise.race([once(out, 'drain', { signal }), once(out, 'close', { signal })]).catch(
      () => undefined,
    )
    waiting.abort()
  }
  for (const text of texts) {
    if (out.destroyed) return
    chunk += text
    if (chunk.length > 65_536) await flush()
  }
  await flush()
}

/** Returns the database that a command means. */
export function databaseOf(option: string | undefined): string {
  if (option === '') throw new CommandError("argument -d/--database: '' is not a path", exitCodes.usage)
  const surroundings = { platform: process.platform, home: homedir(), env: process.env }
  const named = option ?? defaultDatabase(surroundings, existsSync, (file) => isLocked(canonicalPath(file)))
  return canonicalPath(named)
}
