import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Reader } from './reader/queries.ts'
import type { Connection } from './store/open.ts'

/** What changed, for whoever follows the event stream. */
export type Topic = 'machine' | 'history' | 'service'

/** What every room is given; rooms know nothing else of each other or of the service around them. */
export interface RoomContext {
  readonly version: string
  readonly databaseFolder: string
  /** The service's own connection; what takes long is asked of `reader` instead. */
  readonly db: Connection
  readonly reader: Reader
  readonly clock: Clock
  readonly log: Log
  /** Tells the followers of the event stream that a topic changed. */
  changed(topic: Topic): void
}

/** The HTTP server as a room sees it: typed by its schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What a room adds to the HTTP server. */
export interface RoomRoutes {
  routes(app: App): void
  /** Registers the room's metrics and returns a function that brings them up to date before each scrape. */
  metrics(registry: Registry): Promise<() => Promise<void>>
}
