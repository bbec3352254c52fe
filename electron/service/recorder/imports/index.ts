import { existsSync, readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { canonicalPath } from '../../store/location.ts'
import { openForeign } from '../../store/open.ts'
import { runProgram, type RunProgram } from '../evidence/collect.ts'
import { parseWtmp } from '../evidence/wtmp.ts'
import { flightsFromFlightRecorder, runsFromTuptime } from './databases.ts'
import { runsFromJournalBoots, runsFromLast, runsFromUptimed, runsFromWtmp } from './text-records.ts'
import { countOf } from './store.ts'
import { ImportError, type Found, type FoundRun, type PresentMachine } from './types.ts'

/** The sources that can be imported from. */
export const importSources = ['flight-recorder', 'tuptime', 'uptimed', 'wtmp', 'last', 'journal'] as const
export type ImportSource = (typeof importSources)[number]

/** Where older tools keep their records by default. */
export function usualPlaces(home: string = os.homedir()): readonly { source: ImportSource; file: string }[] {
  return [
    { source: 'flight-recorder', file: path.join(home, '.flight-recorder', 'flight-recorder.db') },
    { source: 'flight-recorder', file: '/var/lib/flight-recorder/flight.db' },
    { source: 'tuptime', file: '/var/lib/tuptime/tuptime.db' },
    { source: 'uptimed', file: '/var/spool/uptimed/records' },
    { source: 'uptimed', file: '/var/lib/uptimed/records' },
    { source: 'wtmp', file: '/var/log/wtmp' },
  ]
}

/** Reads one file as a source. @throws ImportError with a sentence when it cannot be read as that */
export function readSource(source: ImportSource, file: string, machine: PresentMachine): Found {
  checkFile(file)
  switch (source) {
    case 'flight-recorder':
      return { source, flights: flightsFromFlightRecorder(file) }
    case 'tuptime':
      return { source, runs: plausible(runsFromTuptime(file), machine) }
    case 'uptimed':
      return { source, runs: plausible(runsFromUptimed(readText(file)), machine) }
    case 'wtmp':
      return { source, runs: plausible(runsFromWtmp(parseWtmp(readBytes(file)), machine), machine) }
    case 'last':
      return { source, runs: plausible(runsFromLast(readText(file), machine), machine) }
    case 'journal':
      return { source, runs: plausible(runsFromJournalBoots(readText(file)), machine) }
    default: {
      const unknown: never = source
      throw new ImportError(`unknown source ${String(unknown)}`)
    }
  }
}

/** A board without a clock of its own begins its runs in 1970 or thereabouts. */
const earliestBeginMs = Date.UTC(2000, 0, 1)

/** Leaves out the runs whose begin was told by a clock that was not set, and cuts those that reach into the future. */
function plausible(runs: readonly FoundRun[], { nowMs }: PresentMachine): FoundRun[] {
  return runs
    .filter(({ beginMs }) => beginMs >= earliestBeginMs && beginMs < nowMs)
    .map((run) =>
      run.endMs <= nowMs
        ? run
        : { ...run, endMs: nowMs, asleepMs: Math.min(run.asleepMs, nowMs - run.beginMs) },
    )
}

function checkFile(file: string): void {
  if (!existsSync(file)) throw new ImportError(`${file} does not exist`)
  if (statSync(file).isDirectory()) throw new ImportError(`${file} is a folder`)
}

/**
 * Returns which source a file looks like, from its content.
 *
 * @throws ImportError when it looks like none
 */
export function guessSource(file: string): ImportSource {
  checkFile(file)
  if (!statSync(file).isFile())
    throw new ImportError(`${file} can be read only once; say with --from what it is`)
  const bytes = readBytes(file)
  if (bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3') return guessDatabase(file)
  const text = bytes.subarray(0, 4_096).toString('utf8')
  if (/^\s*\[/.test(text) && text.includes('boot_id')) return 'journal'
  if (/^\d+:\d+:/m.test(text)) return 'uptimed'
  if (/^(?:reboot|shutdown)\s/m.test(text)) return 'last'
  if (parseWtmp(bytes).length > 0) return 'wtmp'
  throw new ImportError(`${file} is none of ${importSources.join(', ')}; say which with --from`)
}

function guessDatabase(file: string): ImportSource {
  const db = openForeign(file)
  try {
    const has = db.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?").pluck()
    if (has.get('flight') === 1) return 'flight-recorder'
    if (has.get('tuptime') === 1) return 'tuptime'
  } catch {
    // A database that cannot be read is none of them.
  } finally {
    db.close()
  }
  throw new ImportError(`${file} is a database, but neither flight-recorder's nor tuptime's`)
}

/**
 * Reads everything that this machine can already tell of its past. What cannot be read is left out, and so is the database
 * itself when it lies in one of the usual places.
 */
export async function findHistory(
  database: string,
  machine: PresentMachine,
  home?: string,
  run: RunProgram = runProgram,
): Promise<Found[]> {
  const found: Found[] = []
  for (const { source, file } of usualPlaces(home)) {
    if (!existsSync(file) || isSelf(database, file)) continue
    try {
      found.push(readSource(source, file, machine))
    } catch (error) {
      if (!(error instanceof ImportError)) throw error
    }
  }
  if (process.platform === 'linux') {
    const boots = await run('journalctl', ['--list-boots', '-o', 'json', '--no-pager', '-q'])
    found.push({ source: 'journal', runs: plausible(runsFromJournalBoots(boots), machine) })
  }
  if (process.platform === 'darwin') {
    const text = await run('/usr/bin/last', ['reboot', 'shutdown'])
    found.push({ source: 'last', runs: plausible(runsFromLast(text, machine), machine) })
  }
  return found.filter((entry) => countOf(entry) > 0)
}

/** @throws ImportError when a file is the database itself */
export function refuseSelf(database: string, file: string): void {
  if (isSelf(database, file)) throw new ImportError(`${file} is the database itself`)
}

function isSelf(database: string, file: string): boolean {
  return canonicalPath(file) === canonicalPath(database)
}

function readText(file: string): string {
  return readBytes(file).toString('utf8')
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ImportError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}
