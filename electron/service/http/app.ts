import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { App } from '../context.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { HttpProblem, ReaderError } from '../problem.ts'
import { allows, failureLimiter, keyOfHeaders, type Keyring, type Scope } from './access.ts'
import { isForeign, securityHeaders } from './headers.ts'
import { buildSerializer, compileValidator } from './late-schemas.ts'
import { refusalWords } from './schema-words.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `open` needs no access key; `secret` neither, since its path or its handler asks for another secret, but it has effects and so refuses
     * other sites; every other route needs the key.
     */
    readonly access?: 'open' | 'secret' | 'key'
    /** What a key must allow; by default `read` for GET and `write` for the rest. */
    readonly scope?: Scope
  }
  interface FastifyRequest {
    /** Returns what the request's key allows: in its headers, or the one given. @throws HttpProblem 429 after too many wrong ones */
    scopeOfKey(given: string | null): Scope | null
  }
}

/** What the guards of the server need to know. */
export interface Guards {
  readonly clock: Clock
  readonly log: Log
  /** The access keys; null with `--no-auth`. */
  readonly keyring: Keyring | null
  readonly isOurHost: (header: string | undefined) => boolean
}

/** Largest body of the native API, in bytes; ingestion routes set their own. */
const bodyLimit = 262_144

/** Returns a server with the guards, limits and one shape of error that every route shares. */
export function createApp(guards: Guards): App {
  const app = Fastify({
    bodyLimit,
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    return503OnClosing: true,
    schemaController: { compilersFactory: { buildSerializer } },
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, _request, reply) => {
      reply.raw.writeHead(error.statusCode ?? 400, { 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify({ error: error.message }))
    },
    clientErrorHandler(error, socket) {
      if (socket.destroyed || !socket.writable) return
      const status =
        error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
      const body = JSON.stringify({ error: `${STATUS_CODES[status] ?? 'Bad Request'}.` })
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as App

  app.setValidatorCompiler(compileValidator)
  // Many clients name a type even where they send nothing.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, body as string, done)
  })
  guard(app, guards)
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { status, message } = explain(error)
    if (status >= 500 && status !== 503) guards.log.error({ err: error }, 'A request failed')
    if (status === 503) void reply.header('retry-after', '1')
    return reply.status(status).send({ error: message })
  })
  app.setNotFoundHandler((request, reply) =>
    reply.status(404).send({
      error: `there is nothing at ${request.method} ${request.url.slice(0, 200).split('?')[0] ?? ''}`,
    }),
  )
  return app
}

function guard(app: App, { clock, keyring, isOurHost }: Guards): void {
  const limiter = failureLimiter(clock)
  app.decorateRequest('scopeOfKey', function (given) {
    if (keyring === null) return 'write'
    const key = given ?? keyOfHeaders(this.headers)
    const scope = key === null ? null : keyring.scopeOf(key)
    if (scope !== null) return scope
    if (limiter.isBlocked(this.ip)) throw new HttpProblem(429, 'too many wrong access keys; wait a minute')
    if (key !== null) limiter.note(this.ip)
    return null
  })
  app.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    // What ingestion answers is never a page.
    if (config.access === 'secret') void reply.header('x-content-type-options', 'nosniff')
    else void reply.headers(securityHeaders)
    if (request.url.startsWith('/api/')) void reply.header('cache-control', 'no-store')
    if (!isOurHost(request.headers.host)) {
      done(new HttpProblem(403, 'this Host is not one that Watchkeeper answers to; add it with --allow-host'))
      return
    }
    if (request.is404 || config.access === 'open') {
      done()
      return
    }
    if (isForeign(request.headers, isOurHost)) {
      done(new HttpProblem(403, 'requests from other sites are refused'))
      return
    }
    if (config.access === 'secret') {
      done()
      return
    }
    done(problemOfKey(request, reply))
  })
}

function problemOfKey(request: FastifyRequest, reply: FastifyReply): HttpProblem | undefined {
  const needed = request.routeOptions.config.scope ?? (isReading(request.method) ? 'read' : 'write')
  let scope: Scope | null
  try {
    scope = request.scopeOfKey(null)
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error
    void reply.header('retry-after', '60')
    return error
  }
  if (scope !== null && allows(scope, needed)) return undefined
  if (scope !== null) return new HttpProblem(403, `this key is for '${scope}'; '${needed}' is needed here`)
  void reply.header('www-authenticate', 'Bearer')
  const has = keyOfHeaders(request.headers) !== null
  return new HttpProblem(
    401,
    has ? 'the access key is wrong' : 'an access key is needed: see `watchkeeper key`',
  )
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Trouble that passes or that the owner can mend, by the code of SQLite or of the system. */
const passingTrouble: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_BUSY/, 'the database is busy with another program; try again'],
  [/^(?:SQLITE_FULL|ENOSPC|EDQUOT)/, 'the disk is full'],
  [/^(?:SQLITE_READONLY|EROFS|EACCES|EPERM)/, 'the service may not write there'],
  [/^(?:SQLITE_IOERR|EIO)/, 'the disk does not answer as it should'],
]

function explain(error: FastifyError): { status: number; message: string } {
  const code = typeof error.code === 'string' ? error.code : ''
  const trouble = passingTrouble.find(([pattern]) => pattern.test(code))
  if (trouble) return { status: 503, message: trouble[1] }
  if (error instanceof ReaderError && error.failure === 'Stopped')
    return { status: 503, message: error.message }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return { status, message: refusalWords(error) }
  if (error instanceof HttpProblem) return { status, message: error.message }
  return { status: 500, message: 'something went wrong here; the log says what' }
}
