import { Type, type Static } from 'typebox'
import { Instant, Nullable, OneOf } from './common.ts'
import { RunningFlight } from './machine.ts'

export const serviceEventKinds = [
  'database-restored',
  'history-imported',
  'service-restarted',
  'port-taken',
  'records-replaced',
] as const

/** Something the service wants its user to know, such as a database restored from a backup. */
export const ServiceEvent = Type.Object({
  id: Type.Integer(),
  at: Instant,
  kind: OneOf(serviceEventKinds),
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
  system: Type.String({ description: 'operating system and processor' }),
  paths: Type.Array(Type.Object({ what: Type.String(), path: Type.String() })),
  lastBackup: Nullable(Instant),
  events: Type.Array(ServiceEvent),
})
export type ServiceInfo = Static<typeof ServiceInfo>

/** Something that takes room on the disk. */
export const StoragePart = Type.Object({
  name: Type.String(),
  bytes: Type.Integer(),
  kept: Type.String({ description: 'how long it is kept' }),
})
export type StoragePart = Static<typeof StoragePart>
export const Storage = Type.Array(StoragePart)

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

/** A later message: the new state of the machine, or only that something of a topic changed. */
export const StreamDelta = Type.Union([
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('machine'), machine: RunningFlight }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('history') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('service') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('watchers') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('hosts') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('telemetry') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('health') }),
  Type.Object({ revision: Type.Integer(), topic: Type.Literal('notices') }),
])
export type StreamDelta = Static<typeof StreamDelta>

export const ExportParams = Type.Object({
  what: OneOf(['database', 'history.json', 'gaps.csv', 'flights.csv'] as const),
})

export const keyScopes = ['write', 'read', 'trigger'] as const
const keyFields = { name: Type.String({ minLength: 1, maxLength: 100 }), scope: OneOf(keyScopes) }
export const CreateKey = Type.Object(keyFields, { additionalProperties: false })
export const AccessKey = Type.Object({ id: Type.Integer(), ...keyFields, created: Instant })
export type AccessKey = Static<typeof AccessKey>
export const AccessKeys = Type.Array(AccessKey)
/** A key as it is shown once, when it is made. */
export const NewKey = Type.Object({ id: Type.Integer(), ...keyFields, key: Type.String() })
export type NewKey = Static<typeof NewKey>
