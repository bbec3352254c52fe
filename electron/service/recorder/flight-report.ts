import type { Connection } from '../store/open.ts'

/** A row of flight-recorder's table; times in seconds. */
export interface ReportRow {
  readonly id: number
  readonly begin: number
  readonly end: number
}

/**
 * Yields the lines of flight-recorder's `flight-reports`, byte for byte, without their line ends. Times are those of the
 * rows, in the process's time zone.
 *
 * @throws RangeError for a time outside the years 1 to 9999, which the format cannot hold
 */
export function* flightReport(rows: readonly ReportRow[]): Generator<string> {
  const opens = [...rows].sort((a, b) => a.begin - b.begin || a.id - b.id)
  const closes = [...rows].sort((a, b) => a.end - b.end || a.id - b.id)
  let previousEnd = -Infinity
  let downtimes = 0
  let uptimes = 0
  let next = 0
  let closed = 0
  while (next < opens.length) {
    const first = opens[next]
    if (!first) return
    downtimes += 1
    yield `DOWNTIME #${downtimes}: ${range(previousEnd, first.begin)}`
    const flights: ReportRow[] = []
    // At equal times opens come before closes, so touching flights share an uptime.
    for (let open = 0; open > 0 || flights.length === 0;) {
      const opening = opens[next]
      const closing = closes[closed]
      if (opening && closing && opening.begin <= closing.end) {
        next += 1
        open += 1
      } else if (closing) {
        closed += 1
        open -= 1
        flights.push(closing)
      } else {
        return
      }
    }
    const begin = flights.reduce((least, flight) => Math.min(least, flight.begin), Infinity)
    const end = flights.reduce((most, flight) => Math.max(most, flight.end), -Infinity)
    uptimes += 1
    yield ''
    yield `UPTIME #${uptimes}: ${range(begin, end)}`
    for (const flight of flights) yield `\tFLIGHT #${flight.id}: ${range(flight.begin, flight.end)}`
    previousEnd = flights[flights.length - 1]?.end ?? previousEnd
  }
}

/** Reads the rows of the report; `begin` is computed by SQLite as flight-reports has it computed. */
export function readReportRows(db: Connection): ReportRow[] {
  return db
    .prepare('SELECT id, last_ts - duration AS begin, last_ts AS "end" FROM flight')
    .all() as ReportRow[]
}

function range(begin: number, end: number): string {
  return `${pythonTimestamp(begin)} => ${pythonTimestamp(end)} (${pythonDuration(begin, end)})`
}

/**
 * Returns Unix seconds as Python's `datetime.fromtimestamp(…).strftime('%Y-%m-%d %H:%M:%S')` does: rounded to microseconds, half
 * to even, then cut to seconds; `-INF` for minus infinity.
 */
export function pythonTimestamp(seconds: number): string {
  if (seconds === -Infinity) return '-INF'
  const utcMs = Math.floor(microseconds(seconds) / 1e6) * 1_000
  const local = new Date(utcMs - zoneOffsetMs(utcMs))
  const year = local.getUTCFullYear()
  if (!(year >= 1 && year <= 9_999)) throw new RangeError(`time ${seconds} is outside the years 1 to 9999`)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

const zoneCache = new Map<number, number>()
/** No zone changes its offset more often than at whole quarters of an hour. */
const zoneStepMs = 15 * 60_000

function zoneOffsetMs(utcMs: number): number {
  const key = Math.floor(utcMs / zoneStepMs)
  let offset = zoneCache.get(key)
  if (offset === undefined) {
    // getTimezoneOffset() drops the seconds that zones had before they were standardised, so the fields are compared.
    const date = new Date(utcMs)
    const asUtc = new Date(0)
    asUtc.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate())
    asUtc.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds())
    offset = utcMs - asUtc.getTime()
    if (zoneCache.size > 100_000) zoneCache.clear()
    zoneCache.set(key, offset)
  }
  return offset
}

/** Returns the time between as Python's `str(timedelta)` prints it, or `INF`. */
export function pythonDuration(begin: number, end: number): string {
  if (begin === -Infinity) return 'INF'
  const micros = microseconds(end - begin)
  const days = Math.floor(micros / 86_400e6)
  const rest = micros - days * 86_400e6
  const seconds = Math.floor(rest / 1e6)
  const fraction = rest - seconds * 1e6
  const pad = (value: number): string => String(value).padStart(2, '0')
  const clock = `${Math.floor(seconds / 3_600)}:${pad(Math.floor((seconds % 3_600) / 60))}:${pad(seconds % 60)}`
  const dayPart = days === 0 ? '' : `${days} ${Math.abs(days) === 1 ? 'day' : 'days'}, `
  return `${dayPart}${clock}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}`
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
