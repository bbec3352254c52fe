import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
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
  /** Opens the file anew, after somebody else put it aside. */
  reopen(): void
  close(): void
}

export const stderrTarget: LogTarget = {
  write: (line) => process.stderr.write(line),
  reopen: () => undefined,
  close: () => undefined,
}

/** When a log file is put aside, and how many of them are kept. */
export interface Rotation {
  /** The file is put aside before it would grow beyond this (bytes); 0 never. */
  readonly mostBytes: number
  /** Files that were put aside, `.1` the newest; 0 never puts one aside. */
  readonly backups: number
}

/** What Night's Watch configures: Python's RotatingFileHandler with `max_size` and `backup_count`. */
export const usualRotation: Rotation = { mostBytes: 1_048_576, backups: 5 }

/** Returns a target that appends to a file, each line at once. @throws the system's error when it cannot be opened */
export function fileTarget(file: string, { mostBytes, backups }: Rotation = usualRotation): LogTarget {
  const open = (): number => openSync(file, 'a', 0o640)
  let handle = open()
  let size = statSync(file).size
  // A device such as /dev/stdout is nobody's to put aside.
  const canRotate = mostBytes > 0 && backups > 0 && fstatSync(handle).isFile()
  const reopen = (): void => {
    try {
      const next = open()
      closeSync(handle)
      handle = next
      size = statSync(file).size
    } catch {
      // Its folder is gone, or the disk is full: the old file is better than none.
    }
  }
  const putAside = (): void => {
    for (let index = backups; index >= 1; index -= 1) {
      try {
        renameSync(index === 1 ? file : `${file}.${index - 1}`, `${file}.${index}`)
      } catch {
        // It is not there yet, or nobody may: then it grows.
      }
    }
    reopen()
  }
  return {
    write(line) {
      const length = Buffer.byteLength(line)
      if (canRotate && size > 0 && size + length >= mostBytes) putAside()
      try {
        writeSync(handle, line)
        size += length
      } catch {
        // A full disk must stop the log, not the recorder.
      }
    },
    reopen,
    close: () => closeSync(handle),
  }
}

/** Returns a log whose lines look like flight-recorder's: `YYYY-MM-DD HH:MM:SS LEVEL    NAME: message`, local time. */
export function createLog(
  verbosity: Verbosity,
  target: Pick<LogTarget, 'write'> & Partial<LogTarget>,
  now: () => number,
): Log {
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
