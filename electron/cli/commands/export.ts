import { Command, Option } from 'commander'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../../service/clock.ts'
import type { WindowBounds } from '../../shared/window.ts'
import { exportPieces, writeExport, type ExportForm } from '../../service/recorder/export.ts'
import { copyDatabase } from '../../service/store/backup.ts'
import { canonicalPath } from '../../service/store/location.ts'
import type { Connection } from '../../service/store/open.ts'
import { writeConfigFile } from '../../service/configuration/file.ts'
import { readConfiguration } from '../../service/configuration/read.ts'
import { CommandError, databaseOf, exitCodes, say, sayAll } from '../io.ts'
import { databaseOption } from '../options.ts'
import { openForReport, presentOf, requireFlights } from '../reading.ts'
import { windowOf, type WindowOptions } from '../window-option.ts'

const formats = ['db', 'json', 'csv', 'flights-csv'] as const
type Format = (typeof formats)[number]

interface ExportOptions extends WindowOptions {
  readonly database?: string
  readonly format?: Format
  readonly force: boolean
  readonly config: boolean
  readonly secrets: boolean
}

/** `watchkeeper export`: a consistent copy of the database, or the history as JSON or CSV. */
export function exportCommand(): Command {
  return new Command('export')
    .description(
      'Write a consistent copy of the database, or the history as JSON or CSV. The service may run meanwhile.',
    )
    .argument('<file>', 'file to write; - for standard output (not for a database)')
    .addOption(databaseOption())
    .addOption(
      new Option(
        '--format <format>',
        "db, json, csv (gaps) or flights-csv; by the file's ending when left out",
      ).choices(formats),
    )
    .option('--config', 'write what was decided as a YAML file that `watchkeeper apply` takes', false)
    .option('--secrets', 'with --config: passwords too, and the secret names of watchers', false)
    .option('--force', 'replace the file if it is there', false)
    .option('--since <time>', 'begin of the window, not for a database')
    .option('--until <time>', 'end of the window, not for a database')
    .option('--last <span>', 'window that ends now, such as 30d, not for a database')
    .addHelpText(
      'after',
      `
Examples:
  watchkeeper export copy.db
  watchkeeper export history.json --last 1y
  watchkeeper export - --format csv | less
  watchkeeper export --config watchkeeper.yaml

Exit codes: 0 written, 1 could not be written, 2 bad arguments, 3 the database cannot be opened.`,
    )
    .action(async (file: string, options: ExportOptions) => {
      const database = databaseOf(options.database)
      if (options.config) {
        await exportConfig(file, database, options)
        return
      }
      const format = options.format ?? formatOf(file)
      const window = windowOf(options, systemClock().read().wallMs)
      if (format === 'db' && file === '-')
        throw new CommandError('a database cannot be written to standard output', exitCodes.usage)
      if (format === 'db' && (window.sinceMs !== null || window.untilMs !== null || window.lastMs !== null)) {
        throw new CommandError('a window is not for a database, which is copied whole', exitCodes.usage)
      }
      checkTarget(file, database, options.force)
      const db = openForReport(database)
      try {
        requireFlights(db, database)
        if (file === '-')
          await sayAll(
            exportPieces(db, { now: presentOf(systemClock()), form: forms[format] ?? 'gaps.csv', ...window }),
          )
        else {
          await writeFileSafely(db, path.resolve(file), forms[format], window)
          say(`Wrote ${file}`)
        }
      } finally {
        db.close()
      }
    })
}

/** @throws CommandError when a file must not be written to */
function checkTarget(file: string, database: string, force: boolean): void {
  if (file === '') throw new CommandError("argument file: '' is not a path", exitCodes.usage)
  if (file === '-') return
  if (existsSync(file) && !force) throw new CommandError(`${file} is there already; --force replaces it`)
  if (canonicalPath(file) === database) throw new CommandError(`${file} is the database itself`)
}

async function exportConfig(file: string, database: string, options: ExportOptions): Promise<void> {
  const { format, since, until, last, force } = options
  if ([format, since, until, last].some((value) => value !== undefined))
    throw new CommandError('--config goes with neither a format nor a window', exitCodes.usage)
  checkTarget(file, database, force)
  const db = openForReport(database)
  try {
    const text = writeConfigFile(readConfiguration(db, options.secrets, systemClock().read().wallMs))
    if (file === '-') say(text.trimEnd())
    else {
      await writeBeside(file, (partial) => {
        writeFileSync(partial, text)
        return undefined
      })
      say(`Wrote ${file}`)
    }
  } finally {
    db.close()
  }
}

const forms: Readonly<Record<Format, ExportForm | null>> = {
  db: null,
  json: 'history.json',
  csv: 'gaps.csv',
  'flights-csv': 'flights.csv',
}

function formatOf(file: string): Format {
  const ending = path.extname(file).slice(1).toLowerCase()
  if (ending === 'db' || ending === 'sqlite' || ending === 'sqlite3') return 'db'
  if (ending === 'json' || ending === 'csv') return ending
  throw new CommandError(
    `the ending of '${file}' does not tell a format; say which with --format`,
    exitCodes.usage,
  )
}

/** Written beside and renamed, so that a failure leaves neither half a file nor a lost one. */
async function writeFileSafely(
  db: Connection,
  file: string,
  form: ExportForm | null,
  window: WindowBounds,
): Promise<void> {
  await writeBeside(file, (partial) => {
    if (form === null) return copyDatabase(db, partial)
    writeExport(db, { now: presentOf(systemClock()), form, target: partial, ...window })
    return undefined
  })
}

async function writeBeside(
  file: string,
  write: (partial: string) => Promise<void> | undefined,
): Promise<void> {
  const partial = `${file}.partial-${process.pid}`
  try {
    await write(partial)
    renameSync(partial, file)
  } catch (error) {
    rmSync(partial, { force: true })
    throw new CommandError(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
