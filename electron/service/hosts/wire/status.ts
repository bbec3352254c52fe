import type { FastifyReply } from 'fastify'
import type { App } from '../../context.ts'
import { printable } from '../../../shared/text.ts'
import type { Hosts } from '../index.ts'
import type { IncidentRecord } from '../schema.ts'
import type { WatchedHost } from '../watched.ts'

/** The API of Status: what its README names and what its program sends, both. */

/** Go's zero time, as Status sends it for a host that was never probed. */
const never = '0001-01-01T00:00:00Z'

/** Returns a time as Status writes it: RFC 3339, UTC, whole seconds. */
function statusTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** Returns whether the latest probe was answered; null before the first. */
function latestOk({ probes }: WatchedHost): boolean | null {
  const known = probes.flatMap(({ lastOk }) => (lastOk === null ? [] : [lastOk]))
  return known.length === 0 ? null : known.every(Boolean)
}

function checkOf(host: WatchedHost) {
  const times = host.probes.flatMap(({ lastMs }) => (lastMs === null ? [] : [lastMs]))
  const at = times.length === 0 ? never : statusTime(Math.max(...times))
  return {
    id: host.record.id,
    domain: host.record.domain,
    last_performed: at,
    tested_at: at,
    status: latestOk(host) ?? false,
  }
}

function incidentOf({ id, hostId, cause, openedMs, closedMs }: IncidentRecord) {
  const start = statusTime(openedMs)
  const end = closedMs === null ? null : statusTime(closedMs)
  return {
    id,
    check_id: hostId,
    description: cause,
    down_detection: start,
    up_detection: end,
    downtime_started: start,
    downtime_finished: end,
  }
}

/** Adds Status' four addresses. */
export function statusRoutes(app: App, hosts: Hosts): void {
  const options = { schema: { hide: true } } as const
  const all = (): WatchedHost[] => [...hosts.watched.values()].sort((a, b) => a.record.id - b.record.id)
  const byDomain = (domain: string): WatchedHost | undefined =>
    all().find(({ record }) => record.domain.toLowerCase() === domain.toLowerCase())
  const unknown = (reply: FastifyReply, domain: string): FastifyReply =>
    reply.status(404).send({ error: `there is no service '${printable(domain, 80)}'` })

  app.get('/status', options, () => all().map(checkOf))
  app.get('/status/down', options, () =>
    all()
      .filter((host) => latestOk(host) === false)
      .map(checkOf),
  )
  app.get('/status/service/:domain', options, (request, reply) => {
    const { domain } = request.params as { domain: string }
    const host = byDomain(domain)
    return host ? checkOf(host) : unknown(reply, domain)
  })
  app.get('/status/service/:domain/incidents', options, (request, reply) => {
    const { domain } = request.params as { domain: string }
    const host = byDomain(domain)
    if (!host) return unknown(reply, domain)
    return hosts.store
      .incidents(host.record.id)
      .filter(({ kind }) => kind === 'down')
      .sort((a, b) => a.id - b.id)
      .map(incidentOf)
  })
  for (const url of [
    '/status',
    '/status/down',
    '/status/service/:domain',
    '/status/service/:domain/incidents',
  ])
    app.route({
      method: ['POST', 'PUT', 'PATCH', 'DELETE'],
      url,
      config: { scope: 'read' },
      schema: { hide: true },
      handler: (_request, reply) => reply.status(405).send(),
    })
  // Its router knows no address that ends with a slash.
  app.get('/status/*', options, (_request, reply) =>
    reply.status(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
  )
}
