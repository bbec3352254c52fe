import type { FastifyReply, FastifyRequest } from 'fastify'
import { mostPayloadBytes } from '../../../shared/telemetry-words.ts'
import type { App } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import type { Outcome } from '../collector.ts'
import type { Telemetry } from '../index.ts'
import { fieldsOfHeaders } from '../record-rules.ts'
import { asciiJson, seedRecord } from './seed-json.ts'

/** Where clients of telemetrics deliver: metadata in headers (to v2.3), or everything as JSON (from v2.4). */

/** JSON escapes can make a payload six times as long, and the metadata needs a little more. */
const mostBodyBytes = mostPayloadBytes * 6 + 65_536
const uiPath = '/#/telemetry/records'

/** Adds the addresses of the collector. */
export function collectorRoutes(app: App, telemetry: Telemetry): void {
  void app.register((scope, _options, done) => {
    // The type says nothing: clients send `application/text`, and one that is no type at all is no reason to refuse a record.
    scope.addHook('onRequest', (request, _reply, next) => {
      request.raw.headers['content-type'] = 'application/octet-stream'
      next()
    })
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: mostBodyBytes },
      (_request, body, parsed) => parsed(null, body),
    )
    scope.setErrorHandler((error: Error & { statusCode?: number; code?: unknown }, _request, reply) => {
      const code = typeof error.code === 'string' ? error.code : ''
      if (error.statusCode !== undefined && error.statusCode < 500)
        telemetry.collector.noteRefusal(error.message)
      if (error.statusCode === 413)
        return say(reply, 413, `The payload is larger than ${mostPayloadBytes} bytes`)
      if (error instanceof HttpProblem && error.statusCode === 503) {
        void reply.header('retry-after', '10')
        return say(reply, 503, error.message)
      }
      if (error.statusCode !== undefined && error.statusCode < 500)
        return say(reply, error.statusCode, error.message)
      telemetry.log.error({ err: error }, 'A record could not be stored')
      void reply.header('retry-after', '10')
      return say(reply, 503, code === 'SQLITE_FULL' ? 'the disk is full' : 'The record could not be stored')
    })
    const options = { config: { access: 'secret' }, schema: { hide: true } } as const
    const open = { config: { access: 'open' }, schema: { hide: true } } as const
    scope.post('/', options, (request, reply) => takeHeaders(telemetry, request, reply))
    scope.post('/v2/collector', options, (request, reply) => takeHeaders(telemetry, request, reply))
    scope.post('/v3/collector', options, (request, reply) => takeJson(telemetry, request, reply))
    for (const path of ['/', '/v2/collector', '/v3/collector']) {
      if (path !== '/') scope.get(path, open, (_request, reply) => reply.redirect(uiPath, 302))
      scope.route({
        method: ['PUT', 'PATCH', 'DELETE', 'OPTIONS'],
        url: path,
        ...options,
        handler: (_request, reply) =>
          say(reply.header('allow', 'GET, HEAD, POST'), 405, 'Method Not Allowed'),
      })
    }
    for (const path of ['/telemetryui', '/telemetryui/*'])
      scope.get(path, open, (_request, reply) => reply.redirect(uiPath, 302))
    done()
  })
}

const bodyOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0))

async function takeHeaders(
  { collector }: Telemetry,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return told(reply, await collector.take(fieldsOfHeaders(request.raw.rawHeaders), bodyOf(request)))
}

async function takeJson(
  { collector }: Telemetry,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return told(reply, await collector.takeJson(fieldsOfHeaders(request.raw.rawHeaders), bodyOf(request)))
}

function told(reply: FastifyReply, outcome: Outcome): FastifyReply {
  switch (outcome.kind) {
    case 'refused':
      return say(reply, 400, outcome.reason)
    case 'quarantined':
      // A client blocks its queue behind a record that is refused, so this one is taken as far as it can tell.
      return say(reply, 200, `Kept aside: ${outcome.reason}`)
    case 'accepted':
      return answer(reply, outcome.accepted.outcome === 'counted' ? 200 : 201, seedRecord(outcome.record))
    default:
      return outcome satisfies never
  }
}

/** Answers in the one shape of the collector's messages. */
export function say(reply: FastifyReply, status: number, message: string): FastifyReply {
  return answer(reply, status, { message })
}

function answer(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'application/json')
    .send(`${asciiJson(value)}\n`)
}
