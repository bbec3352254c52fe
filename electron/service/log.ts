import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import pino from 'pino'

export type Log = pino.Logger

/** Levels of `-v`, as flight-recorder names them. */
export const verbosities = ['debug', 'info', 'warn', 'error', 'fatal'] as const
export type Verbosity = (typeof verbosities)[number]

/** Level names as Python's logging prints them, for logs that are read by the same eyes and tools as before. */
const levelNames: Readonly<Record<number, string>> = {
  10: 'DEBUG',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARNING',
  50: 'ERROR',
  60: 'CRITICAL',
}

/** Where log lines go. */
export interface LogTarget {
  write(line: string): void
  close(): void
}

export const stderrTarget: LogTarget = { write: (line) => process.stderr.write(line), close: () => undefined }

/** Returns a target that appends to a file, each line at once. @throws the system's error when it cannot be opened */
export function fileTarget(file: string): LogTarget {
  const handle = openSync(file, 'a', 0o640)
  return {
    write(line) {
      try {
        writeSync(handle, line)
      } catch {
        // A full disk must stop the log, not the recorder.
      }
    },
    close: () => closeSync(handle),
  }
}

/** Returns a target that puts the file aside (`.1`) whenever it has grown beyond `mostBytes`. @throws the system's error */
export function rotatingTarget(file: string, mostBytes: number): LogTarget {
  let target = fileTarget(file)
  let size = statSync(file).size
  return {
    write(line) {
      size += Buffer.byteLength(line)
      if (size > mostBytes) {
        target.close()
        try {
          renameSync(file, `${file}.1`)
        } catch {
          // Somebody else has put it aside, or nobody may: then it grows.
        }
        target = fileTarget(file)
        size = Buffer.byteLength(line)
      }
      target.write(line)
    },
    close: () => target.close(),
  }
}

/** Returns a log whose lines look like flight-recorder's: `YYYY-MM-DD HH:MM:SS LEVEL    NAME: message`, local time. */
export function createLog(verbosity: Verbosity, target: LogTarget, now: () => number): Log {
  return pino(
    { level: verbosity, base: null, timestamp: false },
    { write: (line: string) => target.write(formatLine(line, new Date(now()))) },
  )
}

function formatLine(json: string, at: Date): string {
  const entry = JSON.parse(json) as { level: number; name?: string; msg?: string; err?: { message?: string } }
  const pad = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
  const level = (levelNames[entry.level] ?? 'INFO').padEnd(8)
  const cause = entry.err?.message && !entry.msg?.includes(entry.err.message) ? `: ${entry.err.message}` : ''
  const words = `${entry.msg ?? ''}${cause}`.replace(/[\r\n]+/g, ' ')
  return `${day} ${time} ${level} ${entry.name ?? 'MAIN'}: ${words}\n`
}
