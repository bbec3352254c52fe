import { Type, type Static } from 'typebox'
import { Instant, Nullable, OneOf } from './common.ts'
import { RunningFlight } from './machine.ts'

/** Something the service wants its user to know, such as a database restored from a backup. */
export const ServiceEvent = Type.Object({
  id: Type.Integer(),
  at: Instant,
  kind: OneOf(['database-restored', 'history-imported'] as const),
  text: Type.String(),
  dismissed: Type.Boolean(),
})
export type ServiceEvent = Static<typeof ServiceEvent>

export const ServiceInfo = Type.Object({
  version: Type.String(),
  node: Type.String(),
  pid: Type.Integer(),
  startedAt: Instant,
  host: Type.String(),
  database: Type.String(),
  databaseBytes: Type.Integer(),
  lastBackup: Nullable(Instant),
  events: Type.Array(ServiceEvent),
})
export type ServiceInfo = Static<typeof ServiceInfo>

export const EventParams = Type.Object({ id: Type.Integer({ minimum: 1 }) })

/** What `/healthz` says; the status is 503 while stamps fail. */
export const Healthz = Type.Object({ status: OneOf(['ok', 'stamps-failing'] as const) })

/** First message of the event stream: everything that changes. */
export const StreamSnapshot = Type.Object({
  revision: Type.Integer(),
  version: Type.String(),
  machine: Nullable(RunningFlight),
})
export type StreamSnapshot = Static<typeof StreamSnapshot>

/** A later message: the new state of one topic. `history` says only that flights, gaps or notes changed. */
export const StreamDelta = Type.Union([
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('machine'), machine: RunningFlight }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('history') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('service') }),
])
export type StreamDelta = Static<typeof StreamDelta>

export const ExportParams = Type.Object({
  what: OneOf(['database', 'history.json', 'gaps.csv', 'flights.csv'] as const),
})
