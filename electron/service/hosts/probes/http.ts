import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ProbeOf } from '../../../shared/api/probes.ts'
import { problemOfAnswer, tlsProblem } from './http-rules.ts'
import type { NotFound } from './resolver.ts'
import {
  connectionFailure,
  sampleOf,
  timeoutOf,
  type ProbeTools,
  type Run,
  type Sample,
  type ShownCertificate,
} from './probe.ts'

/** More of a body than this is not looked at (bytes). */
const mostBody = 1_048_576
const defaultRedirects = 5

/** Returns the address that a probe asks for. */
export function urlOf(domain: string, { url }: ProbeOf<'http'>): string {
  return url ?? `https://${isIP(domain) === 6 ? `[${domain}]` : domain}/`
}

/** Asks a web server, follows its redirects, and looks at the answer. The time limit is for all of it. */
export const runHttp: Run<ProbeOf<'http'>> = (domain, settings, tools, done) => {
  const { clock, resolver } = tools
  const atMs = Math.round(clock.glance().wallMs)
  const beginMs = clock.glance().monotonicMs
  const address = urlOf(domain, settings)
  const first = URL.canParse(address) ? new URL(address) : null
  const state: { asked: ClientRequest | null; isOver: boolean; seen: Seen } = {
    asked: null,
    isOver: false,
    seen: { address: null, certificate: null },
  }
  const end = (result: Parameters<typeof sampleOf>[1]): void => {
    if (state.isOver) return
    state.isOver = true
    timer.cancel()
    state.asked?.destroy()
    if (!('ms' in result) && first) resolver.forget(first.hostname)
    done(sampleOf(atMs, result, state.seen))
  }
  const timer = clock.after(timeoutOf(settings), () =>
    end({ cause: { kind: 'timeout', text: `no complete answer within ${timeoutOf(settings) / 1_000} s` } }),
  )
  const follow = (url: URL, asking: Asking, redirects: number): void => {
    const ears: Ears = {
      seen: (seen) => {
        state.seen = { ...state.seen, ...seen }
      },
      failed: (error) => end(failureOf(error)),
      answered: (message) => {
        const status = message.statusCode ?? 0
        const to = message.headers.location
        if (
          status >= 300 &&
          status < 400 &&
          to !== undefined &&
          (settings.redirects ?? defaultRedirects) > 0
        ) {
          message.destroy()
          if (redirects >= (settings.redirects ?? defaultRedirects))
            end({ cause: { kind: 'status', text: `more than ${redirects} redirects` } })
          else redirect(to, url, nextAsking(asking, status), redirects)
          return
        }
        readBody(message, (body) => {
          const problem = problemOfAnswer(settings, status, body)
          end(problem ? { cause: problem } : { ms: clock.glance().monotonicMs - beginMs })
        })
        message.on('error', (error) => end(failureOf(error)))
        message.on('aborted', () => end({ cause: { kind: 'reset', text: 'the answer broke off' } }))
      },
    }
    try {
      state.asked = ask(url, asking, settings, tools, ears)
    } catch (error) {
      // Node refuses what some addresses and headers hold only here.
      const text = `it cannot be asked: ${error instanceof Error ? error.message : 'it failed'}`
      setImmediate(() => end({ cause: { kind: 'error', text } }))
    }
  }
  const redirect = (to: string, from: URL, asking: Asking, redirects: number): void => {
    const next = URL.canParse(to, from.href) ? new URL(to, from) : null
    if (next && /^https?:$/.test(next.protocol))
      follow(next, next.origin === from.origin ? asking : withoutSecrets(asking), redirects + 1)
    else end({ cause: { kind: 'status', text: 'redirected to no web address' } })
  }
  if (first === null) {
    setImmediate(() => end({ cause: { kind: 'error', text: 'it has no web address' } }))
    return
  }
  const { method = 'GET', headers = {}, body } = settings
  follow(first, { method, headers, body: body ?? null }, 0)
}

/** What is asked for, which redirects may change. */
interface Asking {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** After a POST, most redirects are followed by GET (RFC 9110, 15.4). */
function nextAsking(asking: Asking, status: number): Asking {
  const isSame = status === 307 || status === 308 || asking.method !== 'POST'
  return isSame ? asking : { ...asking, method: 'GET', body: null }
}

/** What was meant for one server is not for another. */
function withoutSecrets(asking: Asking): Asking {
  const kept = Object.entries(asking.headers).filter(
    ([name]) => !/^(?:host|authorization|cookie|proxy-authorization)$/i.test(name),
  )
  return { ...asking, headers: Object.fromEntries(kept), body: null }
}

type Seen = Pick<Sample, 'address' | 'certificate'>

interface Ears {
  seen(seen: Partial<Seen>): void
  failed(error: unknown): void
  answered(message: IncomingMessage): void
}

/** What our own resolver found, passed through the request. */
class NameFailure extends Error {
  readonly found: NotFound

  constructor(found: NotFound) {
    super('fault' in found ? found.fault : found.cause.text)
    this.found = found
  }
}

function ask(
  url: URL,
  { method, headers, body }: Asking,
  settings: ProbeOf<'http'>,
  { resolver }: ProbeTools,
  ears: Ears,
): ClientRequest {
  const lookup: LookupFunction = (name, options, callback) => {
    resolver.find(name, settings.family ?? 'any', (found) => {
      if (!('address' in found)) callback(new NameFailure(found), '', 0)
      else if (options.all === true) callback(null, [{ address: found.address, family: isIP(found.address) }])
      else callback(null, found.address, isIP(found.address))
    })
  }
  const isSecure = url.protocol === 'https:'
  const sent = (isSecure ? httpsRequest : httpRequest)(url, {
    method,
    headers: {
      'user-agent': 'Watchkeeper',
      accept: '*/*',
      ...headers,
      ...(body !== null && { 'content-length': String(Buffer.byteLength(body)) }),
    },
    lookup,
    // A connection of its own each time: what is probed is the whole way.
    agent: false,
    ...(isSecure && { rejectUnauthorized: settings.verifyCertificate ?? true }),
  })
  sent.on('socket', (socket) => {
    socket.once('connect', () => ears.seen({ address: socket.remoteAddress ?? null }))
    socket.once('secureConnect', () => ears.seen({ certificate: certificateOf(socket as TLSSocket) }))
  })
  sent.on('error', ears.failed)
  sent.on('response', ears.answered)
  sent.end(body ?? undefined)
  return sent
}

function certificateOf(socket: TLSSocket): ShownCertificate | null {
  const { valid_to, subject, issuer } = socket.getPeerCertificate()
  const expiresMs = Date.parse(valid_to)
  if (Number.isNaN(expiresMs)) return null
  const nameOf = (one: { CN?: string | string[]; O?: string | string[] } | undefined): string =>
    [one?.CN ?? one?.O ?? ''].flat().join(', ')
  return { subject: nameOf(subject), issuer: nameOf(issuer), expiresMs }
}

function readBody(message: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  message.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length <= mostBody) return
    done(Buffer.concat(chunks).toString('utf8', 0, mostBody))
    message.destroy()
  })
  message.on('end', () => done(Buffer.concat(chunks).toString('utf8')))
}

function failureOf(error: unknown): ReturnType<typeof connectionFailure> {
  if (error instanceof NameFailure) return error.found
  const tls = tlsProblem(error)
  return tls ? { cause: tls } : connectionFailure(error)
}
