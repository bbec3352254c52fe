import type { Work } from '../../store/records/work.ts'
import type { RecordFilter, StoredRecord } from '../schema.ts'
import { asciiJson, seedRecord } from '../wire/seed-json.ts'
import { listRecords, type ReadEnv } from './list.ts'
import { recordView } from './record-view.ts'

/** Records as text, a piece at a time, so that a list of any length needs the memory of a piece. */

export type PieceForm = 'seed' | 'csv' | 'json'

export interface TextPiece {
  readonly text: string
  readonly count: number
  /** Where the next piece begins; null at the end. */
  readonly before: number | null
}

/** Columns of the CSV, as telemetrics has it. */
export const csvHeader = 'id,external,server_timestamp,severity,classification,build,machine_id,payload'

const pieceSize = 250

/** Returns the next records of a list as text: lines of CSV, or JSON objects parted by commas. */
export function* textPiece(
  {
    filter,
    before,
    limit,
    form,
  }: {
    readonly filter: RecordFilter
    readonly before: number | null
    readonly limit: number
    readonly form: PieceForm
  },
  env: ReadEnv,
): Work<TextPiece> {
  const piece = yield* listRecords(
    { filter, before, limit: Math.min(limit, pieceSize), withPayload: true, patienceMs: 1_000 },
    env,
  )
  const records = piece.records.map((record): StoredRecord => ({ ...record, payload: record.payload ?? '' }))
  return { text: textOf(records, form), count: records.length, before: piece.before }
}

function textOf(records: readonly StoredRecord[], form: PieceForm): string {
  switch (form) {
    case 'csv':
      return records.map((record) => `${csvLine(record)}\n`).join('')
    case 'seed':
      return records.map((record) => asciiJson(seedRecord(record))).join(',')
    case 'json':
      return records
        .map((record) => JSON.stringify({ ...recordView(record), payload: record.payload }))
        .join(',\n')
    default:
      return form satisfies never
  }
}

/** Returns a record as one line: values quoted, quotes doubled, and what is no printable ASCII escaped as Python does. */
export function csvLine(record: StoredRecord): string {
  const values = [
    String(record.id),
    record.external ? 'True' : 'False',
    (record.serverMs / 1_000).toFixed(3),
    String(record.severity),
    record.classification,
    record.build,
    record.machine,
    record.payload,
  ]
  return pythonEscaped(values.map((value) => `"${value.replaceAll('"', '""')}"`).join(','))
}

const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** Returns text as Python's `unicode_escape` writes it: https://docs.python.org/3/library/codecs.html#text-encodings */
export function pythonEscaped(text: string): string {
  return text.replace(/[\\\t\n\r]|[^\x20-\x7e]/gu, (character) => {
    const known = named[character]
    if (known !== undefined) return known
    const code = character.codePointAt(0) ?? 0
    const hex = code.toString(16)
    if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
  })
}
