import type { FastifyRequest } from 'fastify'
import { printable, severalLines } from '../../../shared/text.ts'
import { mostBodyBytes } from '../../../shared/watcher-words.ts'
import type { App } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'

/** What requests of every compatible shape share. */

/** Bodies of pings are read to this size (bytes); their end is what is kept. */
const mostReadBytes = 64 * 1_048_576

/** Routes that take any method and any body, whatever its type says. */
export function anyBody(app: App, register: (scope: App) => void): void {
  void app.register((scope, _options, done) => {
    // A type that is none at all would be refused before any parser sees it.
    scope.addHook('onRequest', (request, _reply, next) => {
      if (request.raw.headers['content-type'] !== undefined)
        request.raw.headers['content-type'] = 'application/octet-stream'
      next()
    })
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { bodyLimit: mostReadBytes }, (_request, payload, parsed) => {
      let kept: Buffer[] = []
      let keptBytes = 0
      let readBytes = 0
      payload.on('data', (chunk: Buffer) => {
        readBytes += chunk.length
        kept.push(chunk)
        keptBytes += chunk.length
        if (readBytes > mostReadBytes) payload.destroy(new HttpProblem(413, 'the body is too large'))
        if (keptBytes > 4 * mostBodyBytes) {
          const tail = Buffer.concat(kept).subarray(-mostBodyBytes)
          kept = [Buffer.from(tail)]
          keptBytes = tail.length
        }
      })
      payload.on('error', (error) => parsed(error))
      payload.on('end', () => parsed(null, Buffer.concat(kept)))
    })
    register(scope)
    done()
  })
}

/** A query string as Python's `parse_qs` reads it: `+` is a space, an empty value counts as absent. */
export class Query {
  private readonly values = new Map<string, string[]>()

  constructor(url: string) {
    const at = url.indexOf('?')
    if (at < 0) return
    for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
      if (value === '') continue
      const known = this.values.get(name)
      if (known) known.push(value)
      else this.values.set(name, [value])
    }
  }

  names(): string[] {
    return [...this.values.keys()]
  }

  first(name: string): string | null {
    return this.values.get(name)?.[0] ?? null
  }

  last(name: string): string | null {
    const values = this.values.get(name)
    return values?.[values.length - 1] ?? null
  }

  all(name: string): string[] {
    return this.values.get(name) ?? []
  }
}

/** Where a request came from, for people to read: behind a proxy, what the proxy says. */
export function originOf(request: FastifyRequest): string {
  const forwarded = request.headers['x-forwarded-for']
  if (typeof forwarded === 'string') return printable(forwarded.split(',')[0] ?? '', 60)
  // A socket that listens for both families writes IPv4 addresses in the form of IPv6.
  return request.ip.replace(/^::ffff:(?=[\d.]+$)/, '')
}

/** Returns what program sent a request, for people to read. */
export function agentOf(request: FastifyRequest): string {
  const agent = request.headers['user-agent']
  return agent === undefined ? '' : printable(agent, 200)
}

/** Returns the body of a request; null for none. */
export function bodyOf(request: FastifyRequest): Buffer | null {
  return Buffer.isBuffer(request.body) && request.body.length > 0 ? request.body : null
}

/** A comment keeps its line ends. */
export function commentOf(text: string | null): string {
  return severalLines(text ?? '').slice(0, 2_000)
}

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Returns whether a text is a uuid of any version. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}
