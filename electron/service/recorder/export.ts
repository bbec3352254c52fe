import { closeSync, openSync, writeSync } from 'node:fs'
import type { Flight, Gap } from '../../shared/api/machine.ts'
import type { Connection } from '../store/open.ts'
import type { PresentOfReader } from './history.ts'
import { machineFlights, machineGaps, machineHistory } from './queries.ts'

export const exportForms = ['history.json', 'gaps.csv', 'flights.csv'] as const
export type ExportForm = (typeof exportForms)[number]

export interface ExportArgs {
  readonly now: PresentOfReader
  readonly form: ExportForm
  readonly target: string
  readonly sinceMs: number | null
  readonly untilMs: number | null
  readonly lastMs?: number | null
}

/** Rows are read and written in pages, so that memory stays bounded however long the history is. */
const pageSize = 1_000

/** Writes the whole history of a window to a new file. @throws the system's error when it cannot be written */
export function writeExport(db: Connection, args: ExportArgs): void {
  const handle = openSync(args.target, 'wx', 0o600)
  try {
    for (const piece of exportPieces(db, args)) writeSync(handle, piece)
  } finally {
    closeSync(handle)
  }
}

/** Yields the text of an export piece by piece. */
export function* exportPieces(db: Connection, args: Omit<ExportArgs, 'target'>): Generator<string> {
  switch (args.form) {
    case 'gaps.csv':
      yield csvLine(gapColumns)
      for (const gap of pages((page) => machineGaps(db, { ...args, ...page }).gaps))
        yield csvLine(gapCells(gap))
      return
    case 'flights.csv':
      yield csvLine(flightColumns)
      for (const flight of pages((page) => machineFlights(db, { ...args, ...page }).flights))
        yield csvLine(flightCells(flight))
      return
    case 'history.json': {
      const { segments: _segments, ...summary } = machineHistory(db, args)
      yield `${JSON.stringify(summary, null, 2).slice(0, -2)},\n  "gaps": [`
      yield* jsonItems(pages((page) => machineGaps(db, { ...args, ...page }).gaps))
      yield '],\n  "flights": ['
      yield* jsonItems(pages((page) => machineFlights(db, { ...args, ...page }).flights))
      yield ']\n}\n'
      return
    }
    default: {
      const unknown: never = args.form
      throw new TypeError(`unknown export ${String(unknown)}`)
    }
  }
}

function* pages<T>(read: (page: { limit: number; offset: number }) => readonly T[]): Generator<T> {
  for (let offset = 0; ; offset += pageSize) {
    const page = read({ limit: pageSize, offset })
    yield* page
    if (page.length < pageSize) return
  }
}

function* jsonItems(items: Iterable<unknown>): Generator<string> {
  let separator = '\n    '
  for (const item of items) {
    yield separator + JSON.stringify(item)
    separator = ',\n    '
  }
  yield separator.startsWith(',') ? '\n  ' : ''
}

const gapColumns = [
  'id',
  'from',
  'to',
  'seconds',
  'kind',
  'kind_confidence',
  'cause',
  'cause_confidence',
  'reasons',
  'note',
]

function gapCells(gap: Gap): readonly (string | number | null)[] {
  return [
    gap.id,
    gap.from,
    gap.to,
    gap.durationMs / 1_000,
    gap.kind,
    gap.kindConfidence,
    gap.cause,
    gap.causeConfidence,
    gap.reasons.join('; '),
    gap.note,
  ]
}

const flightColumns = [
  'id',
  'source',
  'begin',
  'end',
  'seconds',
  'asleep_seconds',
  'running',
  'ended',
  'boot_id',
  'os',
  'clock',
  'error_seconds',
]

function flightCells(flight: Flight): readonly (string | number | null)[] {
  return [
    flight.id,
    flight.source,
    flight.begin,
    flight.end,
    flight.durationMs / 1_000,
    flight.asleepMs / 1_000,
    flight.running ? 'yes' : 'no',
    flight.ended,
    flight.bootId,
    flight.os,
    flight.clock,
    flight.errorMs === null ? null : flight.errorMs / 1_000,
  ]
}

/** Returns a line of CSV as RFC 4180 has it, but with the line end of text files here. */
export function csvLine(cells: readonly (string | number | null)[]): string {
  const quoted = cells.map((cell) => {
    const text = cell === null ? '' : String(cell)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  })
  return `${quoted.join(',')}\n`
}
