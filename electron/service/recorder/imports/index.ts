import { existsSync, readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Source } from '../../../shared/vocabulary.ts'
import { canonicalPath } from '../../store/location.ts'
import { openForeign, type Connection } from '../../store/open.ts'
import { runProgram, type RunProgram } from '../evidence/collect.ts'
import { parseWtmp } from '../evidence/wtmp.ts'
import { flightsFromFlightRecorder, runsFromTuptime } from './databases.ts'
import { runsFromJournalBoots, runsFromLast, runsFromUptimed, runsFromWtmp } from './text-records.ts'
import { ImportError, type Found, type FoundFlight, type FoundRun } from './types.ts'

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
export function readSource(source: ImportSource, file: string, nowMs: number): Found {
  if (!existsSync(file)) throw new ImportError(`${file} does not exist`)
  if (!statSync(file).isFile()) throw new ImportError(`${file} is not a file`)
  switch (source) {
    case 'flight-recorder':
      return { source, flights: flightsFromFlightRecorder(file) }
    case 'tuptime':
      return { source, runs: runsFromTuptime(file) }
    case 'uptimed':
      return { source, runs: runsFromUptimed(readText(file)) }
    case 'wtmp':
      return { source, runs: runsFromWtmp(parseWtmp(readBytes(file)), nowMs) }
    case 'last':
      return { source, runs: runsFromLast(readText(file), nowMs) }
    case 'journal':
      return { source, runs: runsFromJournalBoots(readText(file)) }
    default: {
      const unknown: never = source
      throw new ImportError(`unknown source ${String(unknown)}`)
    }
  }
}

/**
 * Returns which source a file looks like, from its content.
 *
 * @throws ImportError when it looks like none
 */
export function guessSource(file: string): ImportSource {
  if (!existsSync(file)) throw new ImportError(`${file} does not exist`)
  if (!statSync(file).isFile()) throw new ImportError(`${file} is not a file`)
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

/** Reads everything that this machine can already tell of its past. What cannot be read is left out. */
export async function findHistory(
  nowMs: number,
  home?: string,
  run: RunProgram = runProgram,
): Promise<Found[]> {
  const found: Found[] = []
  for (const { source, file } of usualPlaces(home)) {
    if (!existsSync(file)) continue
    try {
      found.push(readSource(source, file, nowMs))
    } catch (error) {
      if (!(error instanceof ImportError)) throw error
    }
  }
  if (process.platform === 'linux') {
    const boots = await run('journalctl', ['--list-boots', '-o', 'json', '--no-pager', '-q'])
    found.push({ source: 'journal', runs: runsFromJournalBoots(boots) })
  }
  if (process.platform === 'darwin') {
    found.push({
      source: 'last',
      runs: runsFromLast(await run('/usr/bin/last', ['reboot', 'shutdown']), nowMs),
    })
  }
  return found.filter((entry) => countOf(entry) > 0)
}

/** How many flights a source held. */
export function countOf(found: Found): number {
  return found.source === 'flight-recorder' ? found.flights.length : found.runs.length
}

/** What an import did. */
export interface ImportResult {
  readonly source: Source
  readonly found: number
  readonly added: number
  /** Already there, brought up to date or left as they were. */
  readonly known: number
}

/** Writes what was found, in one transaction; what is already there is brought up to date, never doubled. */
export function storeFound(db: Connection, found: Found): ImportResult {
  return db
    .transaction((): ImportResult => {
      const added =
        found.source === 'flight-recorder'
          ? storeFlights(db, found.flights)
          : storeRuns(db, found.source, found.runs)
      return { source: found.source, found: countOf(found), added, known: countOf(found) - added }
    })
    .immediate()
}

/** The begin of a running flight moves by this much when its clock is slewed. */
const sameBeginSeconds = 2

function storeFlights(db: Connection, flights: readonly FoundFlight[]): number {
  const known = db.prepare(
    `SELECT f.id, f.duration FROM flight_detail d JOIN flight f ON f.id = d.flight_id
     WHERE d.source = 'flight-recorder' AND d.source_key = ? AND abs(f.last_ts - f.duration - ?) <= ${sameBeginSeconds}`,
  )
  const lengthen = db.prepare('UPDATE flight SET duration = ?, last_ts = ? WHERE id = ? AND duration < ?')
  const insert = db.prepare('INSERT INTO flight (duration, last_ts) VALUES (?, ?)')
  const mark = db.prepare(
    `INSERT INTO flight_detail (flight_id, source, source_key, clock_state) VALUES (?, 'flight-recorder', ?, 'plausible')`,
  )
  let added = 0
  for (const { id, duration, lastTs } of flights) {
    const row = known.get(String(id), lastTs - duration) as { id: number; duration: number } | undefined
    if (row) {
      lengthen.run(duration, lastTs, row.id, duration)
      continue
    }
    mark.run(insert.run(duration, lastTs).lastInsertRowid, String(id))
    added += 1
  }
  return added
}

function storeRuns(db: Connection, source: Source, runs: readonly FoundRun[]): number {
  const has = db.prepare('SELECT 1 FROM imported_flight WHERE source = ? AND source_key = ?')
  const upsert = db.prepare(
    `INSERT INTO imported_flight (source, source_key, begin_ms, end_ms, asleep_ms, boot_id, os, ended)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (source, source_key) DO UPDATE SET end_ms = max(end_ms, excluded.end_ms), asleep_ms = excluded.asleep_ms,
       ended = coalesce(excluded.ended, ended)`,
  )
  let added = 0
  for (const { key, beginMs, endMs, asleepMs, bootId, os: build, ended } of runs) {
    if (!has.get(source, key)) added += 1
    upsert.run(source, key, Math.round(beginMs), Math.round(endMs), asleepMs, bootId, build, ended)
  }
  return added
}

/** @throws ImportError when a file is the database itself */
export function refuseSelf(database: string, file: string): void {
  if (canonicalPath(file) === canonicalPath(database)) throw new ImportError(`${file} is the database itself`)
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
