import { Command, Option } from 'commander'
import { systemClock } from '../../service/clock.ts'
import {
  findHistory,
  guessSource,
  importSources,
  readSource,
  refuseSelf,
  type ImportSource,
} from '../../service/recorder/imports/index.ts'
import { countOf, storeFound } from '../../service/recorder/imports/store.ts'
import { ImportError, type Found } from '../../service/recorder/imports/types.ts'
import { StoreError } from '../../service/store/errors.ts'
import { isLocked, takeLock } from '../../service/store/lock.ts'
import { recordRepair } from '../../service/store/repair.ts'
import { makeFolder, openBeside, openStore, type Connection } from '../../service/store/open.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'

interface ImportOptions {
  readonly database?: string
  readonly from?: ImportSource
  readonly dryRun: boolean
}

/** `watchkeeper import`: older history from other tools' records. */
export function importCommand(): Command {
  return new Command('import')
    .description(
      'Import older history. Without a file, looks where other tools keep theirs. Importing again doubles nothing.',
    )
    .argument('[file...]', 'databases or records to read')
    .addOption(databaseOption())
    .addOption(
      new Option('--from <source>', 'what the files are; found out from their content when left out').choices(
        importSources,
      ),
    )
    .option('--dry-run', 'only tell what is there', false)
    .addHelpText(
      'after',
      `
Examples:
  watchkeeper import                                          this machine's own records
  watchkeeper import ~/.flight-recorder/flight-recorder.db    move from flight-recorder
  last -x -F | watchkeeper import --from last /dev/stdin

Exit codes: 0 imported, 1 a file cannot be imported (nothing of it is), 2 bad arguments.`,
    )
    .action(async (files: string[], options: ImportOptions) => {
      const database = databaseOf(options.database)
      if (files.length === 0 && options.from !== undefined) {
        throw new CommandError('--from needs a file', exitCodes.usage)
      }
      const found = await read(database, files, options.from)
      if (found.length === 0) {
        say('Nothing to import was found on this machine.')
        return
      }
      if (options.dryRun) {
        for (const entry of found) say(`${entry.source}: ${countOf(entry)} found, none imported (--dry-run)`)
        return
      }
      withWritable(database, (db) => {
        for (const entry of found) {
          const { source, found: count, added, known } = storeFound(db, entry)
          say(`${source}: ${count} found, ${added} imported, ${known} known already`)
        }
      })
    })
}

async function read(
  database: string,
  files: readonly string[],
  from: ImportSource | undefined,
): Promise<Found[]> {
  const { wallMs: nowMs, bootMs } = systemClock().read()
  const machine = { nowMs, bootedAtMs: bootMs === null ? null : nowMs - bootMs }
  if (files.length === 0) return findHistory(database, machine)
  try {
    return files.map((file) => {
      refuseSelf(database, file)
      const found = readSource(from ?? guessSource(file), file, machine)
      if (countOf(found) === 0) throw new ImportError(`${file} holds nothing to import as ${found.source}`)
      return found
    })
  } catch (error) {
    if (error instanceof ImportError) throw new CommandError(error.message)
    throw error
  }
}

/** Opens the database beside a running service, or as the service would when none runs. */
function withWritable(database: string, use: (db: Connection) => void): void {
  try {
    makeFolder(database)
    if (isLocked(database)) {
      const db = openBeside(database)
      try {
        use(db)
      } finally {
        db.close()
      }
      return
    }
    const lock = takeLock(database)
    try {
      const nowMs = systemClock().read().wallMs
      const { db, repair } = openStore(database, nowMs)
      try {
        if (repair) process.stderr.write(`watchkeeper: ${recordRepair(db, repair, nowMs)}\n`)
        use(db)
      } finally {
        db.close()
      }
    } finally {
      lock.release()
    }
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(error.message)
    throw error
  }
}
