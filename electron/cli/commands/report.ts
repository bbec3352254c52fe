import { Command, Option } from 'commander'
import type { Connection } from '../../service/store/open.ts'
import { systemClock } from '../../service/clock.ts'
import { exportPieces } from '../../service/recorder/export.ts'
import { flightReport, readReportRows } from '../../service/recorder/flight-report.ts'
import { machineAt } from '../../service/recorder/queries.ts'
import { parseInstant } from '../../shared/time-text.ts'
import { CommandError, databaseOf, exitCodes, say, sayAll } from '../io.ts'
import { databaseOption } from '../options.ts'
import { openForReport, presentOf, requireFlights } from '../reading.ts'
import { windowOf, type WindowOptions } from '../window-option.ts'
import { reportTable } from '../report-table.ts'

interface ReportOptions extends WindowOptions {
  readonly database?: string
  readonly table?: true
  readonly json?: true
  readonly csv?: true
  readonly at?: string
}

/** `watchkeeper report`: what was recorded. */
export function reportCommand(): Command {
  return new Command('report')
    .description(
      "Report flights and downtime. Prints flight-reports' text; --table, --json and --csv tell more.",
    )
    .addOption(databaseOption())
    .addOption(
      new Option('--table', 'a readable table with causes and availability').conflicts(['json', 'csv', 'at']),
    )
    .addOption(new Option('--json', 'the whole history as JSON').conflicts(['csv']))
    .addOption(new Option('--csv', 'the gaps as CSV').conflicts(['at']))
    .option('--since <time>', 'begin of the window, such as 2026-11-21 or 2026-11-21T03:00')
    .option('--until <time>', 'end of the window (default: now)')
    .option('--last <span>', 'window that ends now, such as 24h, 30d or 1y')
    .addOption(new Option('--at <time>', 'was it up then?').conflicts(['since', 'until', 'last']))
    .addHelpText(
      'after',
      `
Times without a zone are local. A window without --json or --csv implies --table.

Examples:
  watchkeeper report                           every flight and downtime, as flight-reports prints them
  watchkeeper report --last 30d                the last 30 days as a table
  watchkeeper report --at '2026-11-21 03:00'   was the machine up then?

Exit codes: 0 reported, 1 not a recorder's database, 2 bad arguments, 3 the database cannot be opened.`,
    )
    .action(async (options: ReportOptions) => {
      const database = databaseOf(options.database)
      const db = openForReport(database)
      try {
        requireFlights(db, database)
        await report(db, options)
      } finally {
        db.close()
      }
    })
}

async function report(db: Connection, options: ReportOptions): Promise<void> {
  const now = presentOf(systemClock())
  if (options.at !== undefined) {
    const atMs = parseInstant(options.at, now.wallMs)
    if (atMs === null) throw new CommandError(`argument --at: '${options.at}' is not a time`, exitCodes.usage)
    const state = machineAt(db, { now, atMs })
    say(options.json ? JSON.stringify(state, null, 2) : state.sentence)
    return
  }
  const window = windowOf(options, now.wallMs)
  const hasWindow = window.sinceMs !== null || window.untilMs !== null || window.lastMs !== null
  if (options.json) await sayAll(exportPieces(db, { now, form: 'history.json', ...window }))
  else if (options.csv) await sayAll(exportPieces(db, { now, form: 'gaps.csv', ...window }))
  else if (options.table || hasWindow) await sayAll(reportTable(db, { now, ...window }))
  else await sayAll(classicText(db))
}

function* classicText(db: Connection): Generator<string> {
  try {
    yield* flightReport(readReportRows(db))
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(error.message)
    throw error
  }
}
