import { ask, marks, type Row, type Value, type Work } from '../../store/records/work.ts'
import type { ListedRecord, RecordFilter } from '../schema.ts'
import { blockBits } from './blocks.ts'
import { compile, matching } from './patterns.ts'
import { classIds, findTerm, textsOf, type TermCache } from './terms.ts'

/** Lists of records, newest first, in pieces: no list counts what it does not show. */

/** Which piece of a list is asked for. */
export interface PieceAsked {
  readonly filter: RecordFilter
  /** Only records with a smaller id; null for the newest. */
  readonly before: number | null
  readonly limit: number
  readonly withPayload: boolean
  /** How long to look (ms); what was found by then is returned. */
  readonly patienceMs: number
}

/** A piece of a list. */
export interface Piece {
  readonly records: readonly ListedRecord[]
  /** Where the next piece begins; null when there is nothing more. */
  readonly before: number | null
  /** False when time ran out before the piece was full: older records have not been looked at. */
  readonly isComplete: boolean
}

/** What reading remembers between questions. */
export interface ReadEnv {
  readonly terms: TermCache
  /** SQLite has no figures on its indexes, so it is told which of them to use. */
  readonly choosesIndex: boolean
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsedMs: () => number
}

const columns = `r.id, r.server_ms, r.client_s, r.classification_id, r.build_id, r.system_id, r.kernel_id, r.host_id, r.platform_id,
  r.severity, r.external, r.record_version, r.payload_version, r.payload_bytes, r.machine, r.event, r.guilty_id`
/** Ids that are looked through in one statement, at first and at most. */
const firstSpan = 8_192
const widestSpan = 2 ** 20
const mostRows = 10_000
/** Payloads are long, so fewer of them are read at once: so many, and so many bytes. */
const mostPayloads = 250
const mostBytes = 1_048_576

/** Returns a piece of the list of records that fit a filter. @throws PatternError */
export function* listRecords(asked: PieceAsked, env: ReadEnv): Work<Piece> {
  const empty: Piece = { records: [], before: null, isComplete: true }
  const patterns = compile(asked.filter)
  const where = yield* conditions(asked.filter, env)
  if (where === null || asked.limit === 0) return empty
  const [bounds] = yield* ask<{ low: number | null; high: number | null }>(
    // Asked together, SQLite would look at every record.
    'SELECT (SELECT min(id) FROM record) AS low, (SELECT max(id) FROM record) AS high',
  )
  if (!bounds || bounds.low === null || bounds.high === null) return empty
  const window = yield* idWindow(asked.filter)
  if (window === null) return empty
  const low = Math.max(bounds.low, window.low, asked.filter.fromId ?? 0)
  let below = Math.min(bounds.high + 1, window.high, asked.before ?? Number.MAX_SAFE_INTEGER)
  const begunMs = env.elapsedMs()
  const needsPayload = asked.withPayload || patterns.length > 0
  const found: ListedRecord[] = []
  let foundBytes = 0
  let span = firstSpan
  while (below > low) {
    const floor = Math.max(low, below - span)
    const most = needsPayload ? mostPayloads : Math.min(asked.limit - found.length, mostRows)
    const rows = yield* ask(
      `SELECT ${columns} FROM record r
       WHERE ${[...where.parts, 'r.id >= ?', 'r.id < ?'].join(' AND ')} ORDER BY r.id DESC LIMIT ?`,
      ...where.values,
      floor,
      below,
      most,
    )
    const some = needsPayload ? untilBytes(rows) : rows
    const whole = needsPayload ? yield* withPayloads(some) : some
    const fitting = patterns.length === 0 ? whole : matching(whole, patterns)
    for (const record of yield* recordsOf(fitting.slice(0, asked.limit - found.length), env.terms)) {
      found.push(asked.withPayload ? record : { ...record, payload: null })
      if (asked.withPayload) foundBytes += record.payload?.length ?? 0
    }
    const isFull = found.length === asked.limit || foundBytes >= mostBytes
    if (isFull) {
      const last = found.at(-1)?.id ?? low
      return { records: found, before: last > low ? last : null, isComplete: true }
    }
    const isSpanDone = rows.length < most && some.length === rows.length
    below = isSpanDone ? floor : Number(some.at(-1)?.['id'] ?? floor)
    if (isSpanDone) span = Math.min(span * 2, widestSpan)
    if (env.elapsedMs() - begunMs > asked.patienceMs)
      return { records: found, before: below > low ? below : null, isComplete: below <= low }
  }
  return { records: found, before: null, isComplete: true }
}

/** Returns the first rows whose payloads together are not too long, and one at least. */
function untilBytes(rows: readonly Row[]): readonly Row[] {
  let bytes = 0
  const end = rows.findIndex((row) => {
    bytes += Number(row['payload_bytes'])
    return bytes > mostBytes
  })
  return end < 0 ? rows : rows.slice(0, Math.max(end, 1))
}

function* withPayloads(rows: readonly Row[]): Work<readonly Row[]> {
  if (rows.length === 0) return rows
  const ids = rows.map((row) => row['id'] ?? null)
  const payloads = yield* ask<{ record_id: number; text: string }>(
    `SELECT record_id, text FROM payload WHERE record_id IN (${marks(ids)})`,
    ...ids,
  )
  const texts = new Map(payloads.map(({ record_id, text }) => [record_id, text]))
  return rows.map((row) => ({ ...row, text: texts.get(Number(row['id'])) ?? '' }))
}

/** Returns one record with its payload; null when there is none. */
export function* oneRecord(id: number, terms: TermCache): Work<ListedRecord | null> {
  const rows = yield* ask(
    `SELECT ${columns}, p.text FROM record r JOIN payload p ON p.record_id = r.id WHERE r.id = ?`,
    id,
  )
  const [record] = yield* recordsOf(rows, terms)
  return record ?? null
}

interface Conditions {
  readonly parts: readonly string[]
  readonly values: readonly Value[]
}

/** Returns what a filter means in SQL; null when nothing can fit it. */
export function* conditions(filter: RecordFilter, env: ReadEnv): Work<Conditions | null> {
  // No stored text has a NUL, and PostgreSQL would take the question amiss.
  if (Object.values(filter).some((value) => typeof value === 'string' && value.includes('\u0000')))
    return null
  const classes = filter.classification === undefined ? null : yield* classIds(filter.classification)
  const build = filter.build === undefined ? null : yield* findTerm('build', filter.build)
  const system = filter.system === undefined ? null : yield* findTerm('system', filter.system)
  if (
    classes?.length === 0 ||
    (filter.build !== undefined && build === null) ||
    (filter.system !== undefined && system === null)
  )
    return null
  const parts: string[] = []
  const values: Value[] = []
  const free = env.choosesIndex ? '+' : ''
  let isChosen = false
  /** The first of these, the most telling, is looked up; the others are only compared. */
  const indexed = (column: string, test: string, ...given: readonly Value[]): void => {
    parts.push(`${isChosen ? free : ''}${column} ${test}`)
    values.push(...given)
    isChosen = true
  }
  if (filter.machine !== undefined) indexed('r.machine', '= ?', filter.machine)
  if (filter.guiltyId !== undefined) {
    parts.push('r.crash = 1')
    parts.push(`${free}r.guilty_id = ?`)
    values.push(filter.guiltyId)
  }
  if (build !== null) indexed('r.build_id', '= ?', build)
  if (classes !== null) {
    // Many classes are nearly all records: those are sooner found one after the other.
    if (classes.length > 20) isChosen = true
    indexed('r.classification_id', `IN (${classes.map(() => '?').join(', ')})`, ...classes)
  }
  if (filter.severity !== undefined) indexed('r.severity', '= ?', filter.severity)
  const compared = (test: string, value: Value | undefined): void => {
    if (value === undefined) return
    parts.push(test)
    values.push(value)
  }
  compared('r.system_id = ?', system ?? undefined)
  compared('r.external = ?', filter.external === undefined ? undefined : filter.external ? 1 : 0)
  compared('r.event = ?', filter.event)
  compared('r.server_ms > ?', filter.receivedAfterMs)
  compared('r.server_ms < ?', filter.receivedBeforeMs)
  compared('r.client_s > ?', filter.capturedAfterS)
  compared('r.client_s >= ?', filter.capturedFromS)
  compared('r.client_s < ?', filter.capturedToS)
  return { parts, values }
}

/** Returns the ids among which a window of time lies; null when no record can be in it. */
export function* idWindow(filter: RecordFilter): Work<{ low: number; high: number } | null> {
  const parts: string[] = []
  const values: Value[] = []
  const bound = (test: string, value: number | undefined): void => {
    if (value === undefined) return
    parts.push(test)
    values.push(value)
  }
  bound('max_server_ms > ?', filter.receivedAfterMs)
  bound('min_server_ms < ?', filter.receivedBeforeMs)
  bound('max_client_s > ?', filter.capturedAfterS)
  bound('max_client_s >= ?', filter.capturedFromS)
  bound('min_client_s < ?', filter.capturedToS)
  if (parts.length === 0) return { low: 0, high: Number.MAX_SAFE_INTEGER }
  const [row] = yield* ask<{ low: number | null; high: number | null }>(
    `SELECT min(block) AS low, max(block) AS high FROM record_block WHERE ${parts.join(' AND ')}`,
    ...values,
  )
  if (!row || row.low === null || row.high === null) return null
  return { low: row.low * 2 ** blockBits, high: (row.high + 1) * 2 ** blockBits }
}

/** Returns rows as records. */
export function* recordsOf(rows: readonly Row[], terms: TermCache): Work<readonly ListedRecord[]> {
  const texts = yield* textsOf(
    terms,
    rows.flatMap((row) => termColumns.map((column) => Number(row[column]))),
  )
  const text = (row: Row, column: (typeof termColumns)[number]): string =>
    texts.get(Number(row[column])) ?? ''
  return rows.map((row) => {
    const [arch = '', board = '', cpu = '', bios = ''] = JSON.parse(
      text(row, 'platform_id') || '[]',
    ) as string[]
    return {
      id: Number(row['id']),
      serverMs: Number(row['server_ms']),
      clientS: Number(row['client_s']),
      classification: text(row, 'classification_id'),
      build: text(row, 'build_id'),
      system: text(row, 'system_id'),
      kernel: text(row, 'kernel_id'),
      hostType: text(row, 'host_id'),
      arch,
      board,
      cpu,
      bios,
      severity: Number(row['severity']),
      external: row['external'] === 1,
      recordVersion: Number(row['record_version']),
      payloadVersion: Number(row['payload_version']),
      machine: String(row['machine']),
      event: String(row['event']),
      guiltyId: row['guilty_id'] === null || row['guilty_id'] === undefined ? null : Number(row['guilty_id']),
      payload: typeof row['text'] === 'string' ? row['text'] : null,
    }
  })
}

/** Columns of a record that name terms. */
export const termColumns = [
  'classification_id',
  'build_id',
  'system_id',
  'kernel_id',
  'host_id',
  'platform_id',
] as const
