import { Option } from 'commander'
import { parseListen, type ListenAddress } from '../service/http/listen.ts'
import { verbosities, type Verbosity } from '../service/log.ts'
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

/** The option that every command takes. */
export function databaseOption(): Option {
  return new Option(
    '-d, --database <path>',
    'database path (default: ~/.watchkeeper/watchkeeper.db, or $WATCHKEEPER_DATABASE)',
  )
}
