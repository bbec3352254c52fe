import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { ProbeOf } from '../../../shared/api/probes.ts'
import { sampleOf, timeoutOf, type Run } from './probe.ts'

/** Asks a name server for a record, past the system's hosts file and caches. */
export const runDns: Run<ProbeOf<'dns'>> = (domain, settings, { clock }, done) => {
  const atMs = Math.round(clock.glance().wallMs)
  const beginMs = clock.glance().monotonicMs
  const name = settings.name ?? domain
  const resolver = new dns.Resolver({ timeout: timeoutOf(settings), tries: 1 })
  let isOver = false
  const end = (result: Parameters<typeof sampleOf>[1]): void => {
    if (isOver) return
    isOver = true
    timer.cancel()
    resolver.cancel()
    done(sampleOf(atMs, result, { address: settings.server ?? null }))
  }
  const timer = clock.after(timeoutOf(settings), () =>
    end({ cause: { kind: 'timeout', text: 'the name server does not answer' } }),
  )
  if (settings.server !== undefined) {
    try {
      resolver.setServers([serverAddress(settings.server)])
    } catch {
      setImmediate(() =>
        end({ cause: { kind: 'error', text: `'${settings.server ?? ''}' is not an address` } }),
      )
      return
    }
  }
  resolver.resolve(name, settings.record).then(
    (answer: unknown) => {
      const texts = textsOf(answer)
      const { expect } = settings
      const isRight = expect === undefined || texts.some((text) => same(text, expect))
      end(
        isRight
          ? { ms: clock.glance().monotonicMs - beginMs }
          : { cause: { kind: 'answer', text: `answered ${texts.join(', ').slice(0, 150)}, not ${expect}` } },
      )
    },
    (error: unknown) => end({ cause: causeOf(error, name, settings.record) }),
  )
}

/** Returns an address with a port as the resolver takes it. */
export function serverAddress(text: string): string {
  return isIP(text) === 6 ? `[${text}]:53` : text
}

function same(a: string, b: string): boolean {
  const bare = (text: string): string => text.trim().replace(/\.$/, '').toLowerCase()
  return bare(a) === bare(b)
}

/** Returns the answers of any record type as texts, in the form of zone files. */
export function textsOf(answer: unknown): string[] {
  const list: unknown[] = Array.isArray(answer) ? answer : [answer]
  return list.map((one) => {
    if (typeof one === 'string') return one
    // A TXT record may come in pieces that belong together.
    if (Array.isArray(one)) return one.join('')
    if (typeof one !== 'object' || one === null) return String(one)
    const record = one as Readonly<Record<string, unknown>>
    const names = [
      'priority',
      'weight',
      'critical',
      'issue',
      'iodef',
      'port',
      'exchange',
      'name',
      'nsname',
      'serial',
    ]
    return names.flatMap((name) => (name in record ? [String(record[name])] : [])).join(' ')
  })
}

function causeOf(error: unknown, name: string, record: string): ProbeCause {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  switch (code) {
    case 'ENOTFOUND':
      return { kind: 'name-not-found', text: `name not found: ${name.slice(0, 100)}` }
    case 'ENODATA':
      return { kind: 'answer', text: `${name.slice(0, 100)} has no ${record} record` }
    case 'ETIMEOUT':
    case 'ECANCELLED':
      return { kind: 'timeout', text: 'the name server does not answer' }
    // The library says so of a server that it cannot reach at all, too.
    case 'ECONNREFUSED':
      return { kind: 'unreachable', text: 'the name server cannot be reached' }
    case 'EREFUSED':
      return { kind: 'answer', text: 'the name server refuses to answer' }
    case 'ESERVFAIL':
      return { kind: 'answer', text: 'the name server failed (SERVFAIL)' }
    default:
      return { kind: 'error', text: error instanceof Error ? error.message.slice(0, 200) : String(error) }
  }
}
