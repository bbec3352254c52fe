import type { Connection } from '../store/open.ts'
import { pythonDuration, pythonTimestamp } from './python-text.ts'

/** A row of flight-recorder's table; times in seconds. */
export interface ReportRow {
  readonly id: number
  readonly begin: number
  readonly end: number
}

/**
 * Yields the text of flight-recorder's `flight-reports`, byte for byte, in pieces of whole lines. Times are those of the
 * rows, in the process's time zone.
 *
 * @throws RangeError for a time outside the years 1 to 9999, which the format cannot hold
 */
export function* flightReport(rows: readonly ReportRow[]): Generator<string> {
  const opens = inOrder(rows, (row) => row.begin)
  const closes = inOrder(rows, (row) => row.end)
  let previousEnd = -Infinity
  let number = 0
  let next = 0
  let closed = 0
  while (next < opens.length) {
    const flights: ReportRow[] = []
    const first = next
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
    number += 1
    const begin = opens[first]?.begin ?? 0
    yield uptimeText(number, previousEnd, begin, flights)
    previousEnd = flights[flights.length - 1]?.end ?? previousEnd
  }
}

/** Returns the lines of the downtime before an uptime, of the uptime, and of its flights in order of end. */
function uptimeText(
  number: number,
  previousEnd: number,
  begin: number,
  flights: readonly ReportRow[],
): string {
  const end = flights[flights.length - 1]?.end ?? begin
  const beginText = pythonTimestamp(begin)
  const downtime = `${pythonTimestamp(previousEnd)} => ${beginText} (${pythonDuration(previousEnd, begin)})`
  const uptime = `${beginText} => ${pythonTimestamp(end)} (${pythonDuration(begin, end)})`
  let text = `DOWNTIME #${number}: ${downtime}\n\nUPTIME #${number}: ${uptime}\n`
  for (const flight of flights) {
    const isWhole = flight.begin === begin && flight.end === end
    const range = isWhole
      ? uptime
      : `${pythonTimestamp(flight.begin)} => ${pythonTimestamp(flight.end)} (${pythonDuration(flight.begin, flight.end)})`
    text += `\tFLIGHT #${flight.id}: ${range}\n`
  }
  return text
}

/** Returns rows, which come in order of id, in order of a time and of id; mostly they are already. */
function inOrder(rows: readonly ReportRow[], timeOf: (row: ReportRow) => number): readonly ReportRow[] {
  let before = -Infinity
  const isSorted = rows.every((row) => {
    const time = timeOf(row)
    const follows = time >= before
    before = time
    return follows
  })
  return isSorted ? rows : [...rows].sort((a, b) => timeOf(a) - timeOf(b) || a.id - b.id)
}

/** Reads the rows of the report; `begin` is computed by SQLite as flight-reports has it computed. */
export function readReportRows(db: Connection): ReportRow[] {
  return db
    .prepare('SELECT id, last_ts - duration AS begin, last_ts AS "end" FROM flight ORDER BY id')
    .all() as ReportRow[]
}
