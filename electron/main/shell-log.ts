import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'

/** A log that has grown beyond this (bytes) is put aside when the app starts; one of the past is kept. */
const mostBytes = 5_000_000

/** The log of the app: one file, which the service appends to as well. */
export interface ShellLog {
  readonly file: string
  write(line: string): void
}

/** Opens the log in a folder. What cannot be written goes to standard error. */
export function openShellLog(folder: string, nowMs: () => number): ShellLog {
  const file = path.join(folder, 'watchkeeper.log')
  try {
    mkdirSync(folder, { recursive: true })
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > mostBytes) renameSync(file, `${file}.1`)
  } catch {
    // Then each line finds out for itself.
  }
  return {
    file,
    write(line) {
      const text = `${localStamp(new Date(nowMs()))} INFO     SHELL: ${line.replace(/[\r\n]+/g, ' ')}\n`
      try {
        appendFileSync(file, text, { mode: 0o600 })
      } catch {
        process.stderr.write(text)
      }
    },
  }
}

/** The service's own log begins its lines in the same way. */
function localStamp(at: Date): string {
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
}
