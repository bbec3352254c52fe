import swagger from '@fastify/swagger'
import staticFiles from '@fastify/static'
import type { AddressInfo } from 'node:net'
import { Registry, Gauge } from 'prom-client'
import { Type } from 'typebox'
import { ApiError } from '../../shared/api/common.ts'
import {
  EventParams,
  Healthz,
  ServiceEvent,
  Storage,
  ServiceInfo,
  type StoragePart,
  StreamDelta,
  StreamSnapshot,
} from '../../shared/api/service.ts'
import type { App, RoomRoutes } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { createApp, type Guards } from './app.ts'
import type { EventHub } from './event-stream.ts'
import type { ListenAddress } from './listen.ts'

/** What the server shows of the service itself. */
export interface ServiceView {
  readonly version: string
  isHealthy(): boolean
  info(): ServiceInfo
  /** What takes room on the disk, largest first. */
  storage(): Promise<StoragePart[]>
  /** Marks an event as read; false when there is none with this id. */
  dismiss(id: number): boolean
}

export interface ServerParts {
  readonly guards: Guards
  readonly rooms: readonly RoomRoutes[]
  readonly hub: EventHub
  readonly service: ServiceView
  /** Folder of the built UI. */
  readonly uiFolder: string
}

export interface HttpServer {
  /** Returns the port; differs from the one asked for when that was 0. @throws the system's error */
  listen(address: ListenAddress): Promise<number>
  /** Ends the event streams and waits for the other requests. */
  close(): Promise<void>
}

/** Builds the server with the routes of all rooms. */
export async function createServer({
  guards,
  rooms,
  hub,
  service,
  uiFolder,
}: ServerParts): Promise<HttpServer> {
  const app = createApp(guards)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Watchkeeper',
        version: service.version,
        description: 'Everything the UI can do. Every error is a 4xx or 503 with `{"error": …}`.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer' },
          header: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
      security: [{ key: [] }, { header: [] }],
    },
  })
  // The document is complete only when the error answer stands at every route.
  app.addHook('onRoute', (route) => {
    // Hidden routes answer in other services' shapes.
    if (!route.schema || route.schema.hide) return
    const responses = (route.schema.response ?? {}) as Record<string, unknown>
    route.schema.response = { ...responses, '4xx': ApiError }
  })
  await app.register(staticFiles, { root: uiFolder, serve: false })
  await app.register(async (scope) => {
    serviceRoutes(scope, service, hub)
    for (const room of rooms) room.routes(scope)
    await metricsRoute(scope, rooms, service.version)
  })
  uiRoutes(app)
  await app.ready()
  return {
    async listen({ host, port }) {
      await app.listen({ host, port })
      return (app.server.address() as AddressInfo).port
    },
    async close() {
      hub.close()
      await app.close()
    },
  }
}

function uiRoutes(app: App): void {
  const hidden = { config: { access: 'open' }, schema: { hide: true } } as const
  app.get('/', hidden, (_request, reply) =>
    reply.header('cache-control', 'no-cache').sendFile('index.html', { cacheControl: false }),
  )
  app.get('/favicon.svg', hidden, (_request, reply) => reply.sendFile('favicon.svg'))
  app.get('/assets/*', hidden, (request, reply) =>
    reply.sendFile(`assets/${(request.params as { '*': string })['*']}`, { maxAge: '365d', immutable: true }),
  )
}

function serviceRoutes(app: App, service: ServiceView, hub: EventHub): void {
  const tags = ['service']
  app.get(
    '/healthz',
    {
      config: { access: 'open' },
      schema: { tags, summary: 'For supervisors', security: [], response: { 200: Healthz, 503: Healthz } },
    },
    (_request, reply) => {
      const isHealthy = service.isHealthy()
      reply.code(isHealthy ? 200 : 503)
      return { status: isHealthy ? 'ok' : 'stamps-failing' } as const
    },
  )
  app.get('/api/openapi.json', { schema: { hide: true } }, () =>
    (app as unknown as { swagger(): unknown }).swagger(),
  )
  app.get(
    '/api/v1/service',
    { schema: { tags, summary: 'About the service', response: { 200: ServiceInfo } } },
    () => service.info(),
  )
  app.get(
    '/api/v1/service/storage',
    { schema: { tags, summary: 'What takes room, and how long it is kept', response: { 200: Storage } } },
    () => service.storage(),
  )
  app.post(
    '/api/v1/service/events/:id/dismiss',
    {
      schema: {
        tags,
        summary: 'Mark an event as read',
        params: EventParams,
        response: { 200: Type.Array(ServiceEvent) },
      },
    },
    ({ params }) => {
      if (!service.dismiss(params.id)) throw new HttpProblem(404, `there is no event ${params.id}`)
      hub.publish({ topic: 'service' })
      return service.info().events
    },
  )
  app.get(
    '/api/v1/events',
    {
      schema: {
        tags,
        summary: 'Event stream: a snapshot, then deltas',
        description: 'Server-sent events. `snapshot` comes first; each `delta` has a higher revision.',
        response: {
          200: {
            description: 'text/event-stream',
            content: { 'text/event-stream': { schema: Type.Union([StreamSnapshot, StreamDelta]) } },
          },
        },
      },
    },
    (_request, reply) => {
      reply.hijack()
      const headers = reply.getHeaders() as Record<string, string>
      reply.raw.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      if (!hub.follow(reply.raw)) reply.raw.end('event: refused\ndata: {"error":"too many followers"}\n\n')
    },
  )
}

async function metricsRoute(app: App, rooms: readonly RoomRoutes[], version: string): Promise<void> {
  const registry = new Registry()
  const info = new Gauge({
    name: 'watchkeeper_info',
    help: 'The running version.',
    labelNames: ['version'],
    registers: [registry],
  })
  info.set({ version }, 1)
  const refreshers = await Promise.all(rooms.flatMap((room) => room.metrics?.(registry) ?? []))
  app.get(
    '/metrics',
    { schema: { tags: ['service'], summary: 'For Prometheus', response: { 200: Type.String() } } },
    async (_request, reply) => {
      for (const refresh of refreshers) await refresh()
      return reply.header('content-type', registry.contentType).send(await registry.metrics())
    },
  )
}
