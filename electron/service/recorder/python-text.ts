/** Times and durations as Python prints them, which is how flight-reports prints them. */

const twoDigits = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'))
const pad = (value: number): string => twoDigits[value] ?? String(value)

/**
 * Returns Unix seconds as Python's `datetime.fromtimestamp(…).strftime('%Y-%m-%d %H:%M:%S')` does: rounded to microseconds,
 * half to even, then cut to seconds, in the process's time zone; `-INF` for minus infinity.
 *
 * @throws RangeError for a time outside the years 1 to 9999, which the format cannot hold
 */
export function pythonTimestamp(seconds: number): string {
  if (seconds === -Infinity) return '-INF'
  const utc = Math.floor(microseconds(seconds) / 1e6)
  const local = utc - zoneOffset(utc)
  const day = Math.floor(local / 86_400)
  const rest = local - day * 86_400
  const hours = Math.floor(rest / 3_600)
  const minutes = Math.floor((rest - hours * 3_600) / 60)
  return `${dayText(day, seconds)} ${pad(hours)}:${pad(minutes)}:${pad(rest - hours * 3_600 - minutes * 60)}`
}

let lastDay = Number.NaN
let lastDayText = ''

/** Neighbouring lines of a report mostly fall on one day. */
function dayText(day: number, seconds: number): string {
  if (day !== lastDay) {
    const date = new Date(day * 86_400_000)
    const year = date.getUTCFullYear()
    if (!(year >= 1 && year <= 9_999)) throw new RangeError(`time ${seconds} is outside the years 1 to 9999`)
    lastDayText = date.toISOString().slice(0, 10)
    lastDay = day
  }
  return lastDayText
}

/** In which a zone that has the same offset at both ends is taken to have it throughout, in seconds. */
const steadySpan = 2 * 86_400

let steadyFrom = Number.NaN
let steadyOffset: number | null = null

/** Returns how many seconds local time is behind UTC. */
function zoneOffset(utc: number): number {
  if (!(utc >= steadyFrom && utc < steadyFrom + steadySpan)) {
    steadyFrom = Math.floor(utc / steadySpan) * steadySpan
    const offset = readOffset(steadyFrom)
    steadyOffset = readOffset(steadyFrom + steadySpan) === offset ? offset : null
  }
  return steadyOffset ?? readOffset(utc)
}

/** getTimezoneOffset() drops the seconds that zones had before they were standardised, so the fields are compared. */
function readOffset(utc: number): number {
  const date = new Date(utc * 1_000)
  const asUtc = new Date(0)
  asUtc.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate())
  asUtc.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds())
  return utc - asUtc.getTime() / 1_000
}

/** Returns the time between as Python's `str(timedelta)` prints it, or `INF`. */
export function pythonDuration(begin: number, end: number): string {
  if (begin === -Infinity) return 'INF'
  const micros = microseconds(end - begin)
  const days = Math.floor(micros / 86_400e6)
  const rest = micros - days * 86_400e6
  const seconds = Math.floor(rest / 1e6)
  const fraction = rest - seconds * 1e6
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds - hours * 3_600) / 60)
  const clock = `${hours}:${pad(minutes)}:${pad(seconds - hours * 3_600 - minutes * 60)}`
  const dayPart = days === 0 ? '' : `${days} ${Math.abs(days) === 1 ? 'day' : 'days'}, `
  return fraction === 0 ? dayPart + clock : `${dayPart}${clock}.${String(fraction).padStart(6, '0')}`
}

/** Python rounds only the fraction to microseconds, so that a large whole part costs no precision. */
function microseconds(seconds: number): number {
  const whole = Math.floor(seconds)
  return whole * 1e6 + roundHalfEven((seconds - whole) * 1e6)
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
