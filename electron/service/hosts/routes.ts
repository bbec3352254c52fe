import {
  HistoryQuery,
  Host,
  HostExportParams,
  HostHistory,
  HostList,
  HostParams,
  HostQuery,
  HostsConfig,
  HostUptime,
  ProbingInfo,
  Proposals,
} from '../../shared/api/hosts.ts'
import type { WindowQuery } from '../../shared/api/common.ts'
import { hostStates } from '../../shared/host-words.ts'
import { printable } from '../../shared/text.ts'
import { dayMs, isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import { parseWindow, WindowError } from '../../shared/window.ts'
import { csvCell } from '../../shared/text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { configOf } from './config.ts'
import type { Hosts } from './index.ts'
import { proposalsOf } from './proposals.ts'
import { channelNames, findIn, tags, viewIn } from './route-parts.ts'
import type { WatchedHost } from './watched.ts'
import { hostBadgeRoutes } from './wire/badges.ts'
import { statusRoutes } from './wire/status.ts'
import { writeRoutes } from './write-routes.ts'

const usualPoints = 600

/** Adds the hosts' part of the native API, Status' API, and badges. */
export function hostRoutes(app: App, hosts: Hosts, context: RoomContext): void {
  statusRoutes(app, hosts)
  hostBadgeRoutes(app, hosts, context)
  readRoutes(app, hosts, context)
  writeRoutes(app, hosts, context)
}

function readRoutes(app: App, hosts: Hosts, { clock, reader, observation, db }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)
  const windowOf = (query: WindowQuery, usualMs: number): { sinceMs: number; untilMs: number } => {
    try {
      const { sinceMs, untilMs, lastMs } = parseWindow(query, now())
      const end = Math.min(untilMs ?? now(), now())
      const begin = Math.max(0, sinceMs ?? end - (lastMs ?? usualMs))
      if (begin >= end) throw new WindowError('the window is empty')
      return { sinceMs: begin, untilMs: end }
    } catch (error) {
      if (error instanceof WindowError) throw new HttpProblem(400, error.message)
      throw error
    }
  }
  const probeIn = (host: WatchedHost, id: number | undefined): number => {
    const probe = id === undefined ? host.probes[0] : host.probes.find((one) => one.id === id)
    if (!probe) throw new HttpProblem(404, `${host.record.name} has no probe ${id ?? ''}`)
    return probe.id
  }

  app.get(
    '/api/v1/hosts',
    {
      schema: { tags, summary: 'Hosts, problems first', querystring: HostQuery, response: { 200: HostList } },
    },
    ({ query }) => {
      const unknown = (query.state?.split(',') ?? []).find(
        (word) => word !== '' && word !== 'problem' && !(hostStates as readonly string[]).includes(word),
      )
      if (unknown !== undefined)
        throw new HttpProblem(400, `'${printable(unknown, 40)}' is not a state of hosts`)
      return hosts.list(query)
    },
  )
  app.get(
    '/api/v1/hosts/probing',
    {
      schema: {
        tags,
        summary: 'How this machine probes, and its own connection',
        response: { 200: ProbingInfo },
      },
    },
    () => hosts.probing(),
  )
  app.get(
    '/api/v1/hosts/proposals',
    {
      schema: {
        tags,
        summary: 'What near could be watched; nothing is probed',
        response: { 200: Proposals },
      },
    },
    () =>
      proposalsOf(hosts.network, clock, (domain) =>
        [...hosts.watched.values()].some(({ record }) => record.domain === domain),
      ),
  )
  app.get(
    '/api/v1/hosts/config',
    {
      config: { scope: 'write' },
      schema: { tags, summary: 'All hosts as a configuration file has them', response: { 200: HostsConfig } },
    },
    () => ({
      anchors: hosts.connection.anchors().map(({ address }) => address),
      hosts: configOf(hosts.configured(), channelNames(db)),
    }),
  )
  app.get(
    '/api/v1/hosts/:id',
    {
      schema: { tags, summary: 'A host, by id, domain or name', params: HostParams, response: { 200: Host } },
    },
    ({ params }) => viewIn(hosts, findIn(hosts, params.id), now()),
  )
  app.get(
    '/api/v1/hosts/:id/history',
    {
      schema: {
        tags,
        summary: 'Latency, stretches, figures and incidents of a window; the last day by default',
        params: HostParams,
        querystring: HistoryQuery,
        response: { 200: HostHistory },
      },
    },
    ({ params, query: { probe, points = usualPoints, ...window } }) => {
      const host = findIn(hosts, params.id)
      return reader.ask('hostHistory', {
        hostId: host.record.id,
        probeId: probeIn(host, probe),
        ...windowOf(window, dayMs),
        points,
        blind: observation.blindSpans(),
        nowMs: now(),
      })
    },
  )
  app.get(
    '/api/v1/hosts/:id/uptime',
    {
      schema: {
        tags,
        summary: 'Figures of the last 24 hours, 7, 30 and 365 days',
        params: HostParams,
        response: { 200: HostUptime },
      },
    },
    ({ params }) =>
      reader.ask('hostUptime', {
        hostId: findIn(hosts, params.id).record.id,
        blind: observation.blindSpans(),
        nowMs: now(),
      }),
  )
  app.get(
    '/api/v1/hosts/:id/export/:what',
    {
      schema: {
        tags,
        summary: 'Latency or incidents of a window as CSV or JSON; the last 48 hours by default',
        params: HostExportParams,
        querystring: HistoryQuery,
      },
    },
    async ({ params, query: { probe, points, ...window } }, reply) => {
      const host = findIn(hosts, params.id)
      const args = {
        hostId: host.record.id,
        probeId: probeIn(host, probe),
        ...windowOf(window, 2 * dayMs),
        points: points ?? 5_000,
        blind: observation.blindSpans(),
        nowMs: now(),
      }
      const name = `${host.record.domain.replace(/[^\w.-]+/g, '_')}-${params.what}`
      void reply.header('content-disposition', `attachment; filename="${name}"`)
      switch (params.what) {
        case 'latency.csv':
          return reply.type('text/csv; charset=utf-8').send(await reader.ask('latencyCsv', args))
        case 'latency.json':
          return reply.type('application/json; charset=utf-8').send(await reader.ask('hostHistory', args))
        case 'incidents.csv':
        case 'incidents.json': {
          const rows = (await reader.ask('hostIncidents', args)).map((row) => ({
            id: row.id,
            kind: row.kind,
            cause: row.cause,
            opened: isoTime(row.openedMs),
            closed: isoTimeOrNull(row.closedMs),
            durationMs: (row.closedMs ?? args.nowMs) - row.openedMs,
          }))
          if (params.what === 'incidents.json')
            return reply.type('application/json; charset=utf-8').send(rows)
          const lines = rows.map(({ id, kind, cause, opened, closed, durationMs }) =>
            [id, kind, csvCell(cause), opened, closed ?? '', durationMs].join(','),
          )
          const text = ['id,kind,cause,opened,closed,duration_ms', ...lines, ''].join('\r\n')
          return reply.type('text/csv; charset=utf-8').send(text)
        }
        default:
          return params.what satisfies never
      }
    },
  )
}
