import type { FastifyReply } from 'fastify'
import type { Guilty, RecordsQuery } from '../../../shared/api/telemetry.ts'
import { isoTime, isoTimeOrNull, parseInstant, parseSpan } from '../../../shared/time-text.ts'
import { noSystem, severityWords } from '../../../shared/telemetry-words.ts'
import { HttpProblem, ReaderError } from '../../problem.ts'
import type { GuiltyRow, RecordFilter } from '../schema.ts'
import { csvOf } from '../views/index.ts'

export const tags = ['telemetry']

/** Sends a view as it is, or its rows as a table. */
export function answer<T>(
  reply: FastifyReply,
  format: 'json' | 'csv' | undefined,
  view: T,
  name: string,
  columns: readonly string[],
  rows: () => readonly object[],
): T {
  if (format === 'json') void reply.header('content-disposition', `attachment; filename="${name}.json"`)
  if (format !== 'csv') return view
  // Fastify's types know one answer a route; a table is the other one.
  return sendCsv(reply, name, csvOf(rows(), columns)) as unknown as T
}

/** Sends a table as a file. */
export function sendCsv(reply: FastifyReply, name: string, text: string): FastifyReply {
  return reply
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .type('text/csv; charset=utf-8')
    .serializer((whole: unknown) => String(whole))
    .send(text)
}

/** Returns a guilty frame as the native API shows it. */
export function guiltyView(row: GuiltyRow, firstBuild: string | null): Guilty {
  return {
    id: row.id,
    function: row.function,
    module: row.module,
    comment: row.comment,
    hidden: row.hidden === 1,
    firstSeen: isoTime(row.first_ms),
    lastSeen: isoTime(row.last_ms),
    firstBuild,
    fixed: isoTimeOrNull(row.fixed_ms),
    fixedBuild: row.fixed_build,
    back: isoTimeOrNull(row.back_ms),
  }
}

/** Returns the filter that a query means. @throws HttpProblem 400 */
export function filterOf(query: Omit<RecordsQuery, 'before' | 'limit'>, nowMs: number): RecordFilter {
  const given = (value: string | undefined): string | null =>
    value === undefined || value === '' || value === 'All' ? null : value
  const severity = given(query.severity)
  const source = given(query.source)
  const from = dayOf('from', given(query.from), nowMs)
  const to = dayOf('to', given(query.to), nowMs)
  const received = given(query.received)
  const spanMs = received === null ? null : parseSpan(received)
  if (received !== null && spanMs === null)
    throw new HttpProblem(400, `received: '${received}' is not a span such as 24h, 7d or 1y`)
  const texts = ['classification', 'machine', 'build', 'system', 'event', 'payload', 'notPayload'] as const
  return {
    ...Object.fromEntries(
      texts.flatMap((name) => {
        const value = given(query[name])
        if (value === null) return []
        return [[name, name === 'system' && value === noSystem ? '' : value]]
      }),
    ),
    ...(severity !== null && { severity: severityOf(severity) }),
    ...(source !== null && { external: isExternal(source) }),
    ...(query.guilty !== undefined && { guiltyId: query.guilty }),
    ...(from !== null && { capturedFromS: Math.floor(from / 1_000) }),
    ...(to !== null && { capturedToS: Math.floor(to / 1_000) }),
    ...(spanMs !== null && { receivedAfterMs: nowMs - spanMs }),
  }
}

function severityOf(text: string): number {
  const index = severityWords.findIndex(
    (word, at) => word === text || text === String(at + 1) || text === `${at + 1} - ${word}`,
  )
  if (index < 0) throw new HttpProblem(400, `severity: '${text}' is none of 1, 2, 3, 4, low, med, high, crit`)
  return index + 1
}

function isExternal(text: string): boolean {
  if (text !== 'external' && text !== 'internal')
    throw new HttpProblem(400, `source: '${text}' is neither internal nor external`)
  return text === 'external'
}

function dayOf(name: string, text: string | null, nowMs: number): number | null {
  if (text === null) return null
  const ms = parseInstant(text, nowMs)
  if (ms === null) throw new HttpProblem(400, `${name}: '${text}' is not a day such as 2026-11-21 or a time`)
  return ms
}

/** Turns what the reading thread refuses into an answer. */
export async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ReaderError && error.failure === 'PatternError')
      throw new HttpProblem(400, error.message)
    if (error instanceof ReaderError && error.code === '57014')
      throw new HttpProblem(503, 'the database takes too long for this view; narrow it')
    throw error
  }
}
