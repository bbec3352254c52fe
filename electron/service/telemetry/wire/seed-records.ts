import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { mostSeedRecords } from '../../../shared/telemetry-words.ts'
import type { App, RoomContext } from '../../context.ts'
import type { Telemetry } from '../index.ts'
import type { PieceForm, TextPiece } from '../records/pieces.ts'
import type { RecordFilter } from '../schema.ts'
import { asked } from '../routes/parts.ts'
import { say } from './collector.ts'

/** `GET /api/records`, as telemetrics' README has it. */

/** Windows reach back this far at most (s), as in every version of the original. */
const longestWindowS = 30 * 86_400
/** Longest class and build that may be asked for (characters): the README's limits. */
const longestClass = 140
const longestBuild = 256

/** A parameter that is refused, in the original's words. Pure. */
class QueryRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'QueryRefusal'
  }
}

/** Returns what a query asks for; `limit` 0 asks for nothing. @throws QueryRefusal */
export function readSeedQuery(
  query: URLSearchParams,
  nowMs: number,
): { readonly filter: RecordFilter; readonly limit: number } {
  const of = (name: string): string | null => query.get(name)
  const classification = of('classification')
  if (classification !== null && classification.length > longestClass)
    throw new QueryRefusal('Classification string too long')
  if (classification !== null && classification.split('/').length !== 3)
    throw new QueryRefusal('Classification value is invalid')
  const severity = of('severity')
  if (severity !== null && !/^[1-4]$/.test(severity))
    throw new QueryRefusal('Severity should be a numeric value')
  const machine = of('machine_id')
  if (machine !== null && [...machine].length > 32) throw new QueryRefusal('Machine id value is invalid')
  const build = of('build')?.replace(/["']/g, '') ?? null
  if (build !== null && build.length > longestBuild) throw new QueryRefusal('Build string too long')
  if (build !== null && !/^[\x20-\x7e]*$/.test(build)) throw new QueryRefusal('Build value is invalid')
  const days = digits(of('created_in_days'), 'Created (in days) value is invalid')
  const seconds = digits(of('created_in_sec'), 'Created (in seconds) value is invalid')
  const windowS = days === null ? seconds : days * 86_400
  const fromId = digits(of('from_id'), 'Provided record id value is invalid')
  const capturedAfterS = digits(of('ts_capture'), 'Time stamp from record capture')
  const limit = digits(of('limit'), 'Record limit value is invalid')
  return {
    filter: {
      ...(classification !== null && { classification: literal(classification) }),
      ...(severity !== null && { severity: Number(severity) }),
      ...(machine !== null && { machine }),
      ...(build !== null && { build }),
      ...(windowS !== null && { receivedAfterMs: nowMs - Math.min(windowS, longestWindowS) * 1_000 }),
      ...(fromId !== null && { fromId }),
      ...(capturedAfterS !== null && { capturedAfterS }),
    },
    limit: Math.min(limit ?? mostSeedRecords, mostSeedRecords),
  }
}

/** There are no wildcards here: a class with one is no class that is stored as such. */
function literal(classification: string): string {
  return /[*%]/.test(classification) ? '\n' : classification
}

function digits(text: string | null, message: string): number | null {
  if (text === null) return null
  if (!/^\d+$/.test(text)) throw new QueryRefusal(message)
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

/** Adds the seed's way to read records; it needs a key, as every reading does. */
export function seedRecordRoutes(app: App, telemetry: Telemetry, { clock }: RoomContext): void {
  app.get('/api/records', { schema: { hide: true } }, async (request, reply) => {
    const at = request.url.indexOf('?')
    try {
      const query = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
      const { filter, limit } = readSeedQuery(query, clock.glance().wallMs)
      return await asked(
        sendRecords(reply.type('application/json'), telemetry, filter, limit, 'seed', {
          head: '{"records":[',
          between: ',',
          tail: ']}\n',
        }),
      )
    } catch (error) {
      if (error instanceof QueryRefusal) return say(reply, 400, error.message)
      throw error
    }
  })
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/api/records',
    schema: { hide: true },
    handler: (_request, reply) => say(reply.header('allow', 'GET, HEAD'), 405, 'Method Not Allowed'),
  })
}

/** Sends records a piece at a time, so that a list of any length needs the memory of a piece. */
export async function sendRecords(
  reply: FastifyReply,
  telemetry: Telemetry,
  filter: RecordFilter,
  limit: number,
  form: PieceForm,
  frame: { readonly head: string; readonly between: string; readonly tail: string },
): Promise<FastifyReply> {
  const store = telemetry.store()
  const piece = (before: number | null, most: number): Promise<TextPiece> =>
    store.ask('textPiece', { filter, before, limit: most, form })
  // What is wrong with the question shows before anything is sent.
  const first = limit === 0 ? { text: '', count: 0, before: null } : await piece(null, limit)
  const texts = async function* (): AsyncGenerator<string> {
    let sent = first.count
    yield frame.head + first.text
    let { before } = first
    while (before !== null && sent < limit) {
      const next: TextPiece = await piece(before, limit - sent)
      if (next.count > 0) yield (sent > 0 ? frame.between : '') + next.text
      sent += next.count
      before = next.before
    }
    yield frame.tail
  }
  return reply.send(Readable.from(texts()))
}
