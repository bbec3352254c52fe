import { Option } from 'commander'
import { parseListen, type ListenAddress } from '../service/http/listen.ts'
import { verbosities, type Verbosity } from '../service/log.ts'
import { isPostgresAddress, withoutPassword } from '../service/store/records/postgres-address.ts'
import { parseSpan } from '../shared/time-text.ts'
import { CommandError, exitCodes } from './io.ts'

/** Python's float() takes these; JavaScript's Number() takes more (hexadecimal) and less (underscores). */
const floatPattern = /^\s*\+?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d+)?\s*$/
/** Longer than this, a timer cannot wait. */
const longestInterval = 2_000_000
/** More often than this, a recorder would do nothing but stamp. */
const shortestInterval = 0.01

function refuse(argument: string, words: string): never {
  throw new CommandError(`argument ${argument}: ${words}`, exitCodes.usage)
}

/** @throws CommandError unless the text is a positive, finite number of seconds */
export function parseInterval(text: string): number {
  const value = floatPattern.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (!(Number.isFinite(value) && value > 0))
    return refuse('-i/--interval', `'${text}' is not valid positive float`)
  if (value > longestInterval) return refuse('-i/--interval', `'${text}' is longer than ${longestInterval} s`)
  return Math.max(value, shortestInterval)
}

/** `crit` is flight-recorder's unlisted name for fatal. @throws CommandError */
export function parseVerbosity(text: string): Verbosity {
  const level = text === 'crit' ? 'fatal' : verbosities.find((name) => name === text)
  return level ?? refuse('-v/--verbosity', `'${text}' is not valid loglevel`)
}

/** @throws CommandError */
export function parseListenOption(text: string): ListenAddress {
  return (
    parseListen(text) ??
    refuse('--listen', `'${text}' is not an address such as 127.0.0.1:8737 or [::1]:8737`)
  )
}

/** Returns a reader for the option of an address of PostgreSQL. */
export const postgresOption =
  (name: string) =>
  (text: string): string =>
    isPostgresAddress(text)
      ? text
      : refuse(name, `'${withoutPassword(text)}' is not an address such as postgres://user@host/name`)

/** The option that every command takes. */
export function databaseOption(): Option {
  return new Option(
    '-d, --database <path>',
    'database path (default: ~/.watchkeeper/watchkeeper.db, or $WATCHKEEPER_DATABASE)',
  )
}

/** Returns a reader for the option of a length such as `90s` or `1d`, in ms; a bare number is seconds, and nought is refused. */
export const length =
  (name: string) =>
  (text: string): number =>
    span(name)(text) || refuse(name, 'a length of nought makes no sense here')

/** Returns a reader for the option of a length that may be nought, in ms. */
export const span =
  (name: string) =>
  (text: string): number => {
    const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : parseSpan(text)
    return ms ?? refuse(name, `'${text}' is not a length such as 90s, 15m, 1h or 7d`)
  }

/** Reads an option that may be repeated. */
export function collect(value: string, values: readonly string[]): string[] {
  return [...values, value]
}

/** Returns a reader for the option of a whole number. */
export const whole =
  (name: string, least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most
      ? value
      : refuse(name, `'${text}' is not a whole number from ${least} to ${most}`)
  }

/** Returns rows as lines with aligned columns, the last one as it is. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: Math.max(0, columns - 1) }, (_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < widths.length ? cell + ' '.repeat((widths[column] ?? 0) - [...cell].length) : cell,
      )
      .join('  ')
      .trimEnd(),
  )
}
