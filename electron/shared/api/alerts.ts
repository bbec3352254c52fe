import { Type, type Static } from 'typebox'
import { alertRooms, channelKinds, deliveryStates, noticeKinds, severities } from '../alert-words.ts'
import { Instant, Nullable, OneOf, WindowQuery } from './common.ts'
import { Schedule } from './watchers.ts'

const Address = Type.String({ minLength: 1, maxLength: 320 })
const Url = Type.String({ minLength: 8, maxLength: 2_000, pattern: '^https?://' })
const Secret = Type.Optional(
  Nullable(Type.String({ maxLength: 500, description: 'left out: stays as it is' })),
)

export const MailServer = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 250 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    security: OneOf(['none', 'starttls', 'tls'] as const),
    user: Type.Optional(Type.String({ maxLength: 320 })),
    password: Secret,
    from: Address,
  },
  { additionalProperties: false },
)
export type MailServer = Static<typeof MailServer>

const strict = { additionalProperties: false } as const
/** What each kind of channel needs to know. */
export const channelSettings = {
  desktop: Type.Object({}, strict),
  email: Type.Object({ ...MailServer.properties, to: Type.Array(Address, { maxItems: 50 }) }, strict),
  webhook: Type.Object(
    {
      url: Type.String({ minLength: 1, maxLength: 2_000 }),
      method: Type.Optional(OneOf(['GET', 'POST', 'PUT'] as const)),
      headers: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 2_000 }))),
      body: Type.Optional(
        Nullable(
          Type.String({
            maxLength: 20_000,
            description: 'a template; without one {heartbeat, monitor, msg}',
          }),
        ),
      ),
    },
    strict,
  ),
  ntfy: Type.Object(
    {
      url: Url,
      topic: Type.String({ minLength: 1, maxLength: 64, pattern: '^[-_A-Za-z0-9]+$' }),
      token: Secret,
      priority: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
    },
    strict,
  ),
  slack: Type.Object({ url: Url }, strict),
  discord: Type.Object({ url: Url }, strict),
  gotify: Type.Object(
    { url: Url, token: Secret, priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })) },
    strict,
  ),
} as const
export type ChannelSettings = {
  [Kind in keyof typeof channelSettings]: Static<(typeof channelSettings)[Kind]>
}

const clockTime = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' })
export const QuietHours = Type.Object(
  { from: clockTime, to: clockTime, zone: Type.String({ minLength: 1, maxLength: 60 }) },
  { additionalProperties: false, description: 'nothing is told then; one digest at the end' },
)
export type QuietHours = Static<typeof QuietHours>

const channelFields = {
  name: Type.String({ minLength: 1, maxLength: 100 }),
  enabled: Type.Boolean(),
  quiet: Nullable(QuietHours),
  settings: Type.Record(Type.String(), Type.Unknown()),
}
export const CreateChannel = Type.Object(
  {
    kind: OneOf(channelKinds),
    name: channelFields.name,
    settings: channelFields.settings,
    enabled: Type.Optional(channelFields.enabled),
    quiet: Type.Optional(channelFields.quiet),
  },
  strict,
)
export const ChangeChannel = Type.Partial(Type.Object(channelFields), strict)
export const Channel = Type.Object({
  id: Type.Integer(),
  kind: OneOf(channelKinds),
  ...channelFields,
  hasSecret: Type.Boolean(),
  usable: Nullable(Type.String({ description: 'why it cannot be used here; null when it can' })),
})
export type Channel = Static<typeof Channel>
export const Channels = Type.Array(Channel)
export const IdParams = Type.Object({ id: Type.Integer({ minimum: 1 }) })

export const TestAnswer = Type.Object({ sent: Type.Boolean(), reason: Nullable(Type.String()) })
export type TestAnswer = Static<typeof TestAnswer>

export const Delivery = Type.Object({
  channel: Nullable(Type.Integer()),
  name: Type.String(),
  state: OneOf(deliveryStates),
  reason: Nullable(Type.String()),
  attempts: Type.Integer(),
  next: Nullable(Instant),
  done: Nullable(Instant),
})
export type Delivery = Static<typeof Delivery>

export const Notice = Type.Object({
  id: Type.Integer(),
  at: Instant,
  kind: OneOf(noticeKinds),
  severity: OneOf(severities),
  title: Type.String(),
  text: Type.String(),
  room: Type.String(),
  item: Nullable(Type.String()),
  path: Type.String({ description: 'of the item in the UI' }),
  incident: Nullable(Type.Integer()),
  details: Type.Array(Type.String()),
  deliveries: Type.Array(Delivery),
})
export type Notice = Static<typeof Notice>
export const NoticePage = Type.Object({ total: Type.Integer(), notices: Type.Array(Notice) })
export type NoticePage = Static<typeof NoticePage>
export const NoticeQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    state: Type.Optional(OneOf(deliveryStates)),
    room: Type.Optional(Type.String({ maxLength: 20 })),
    item: Type.Optional(Type.String({ maxLength: 200 })),
  },
  strict,
)

export const Incident = Type.Object({
  id: Type.Integer(),
  room: Type.String(),
  item: Type.String(),
  name: Type.String(),
  opened: Instant,
  closed: Nullable(Instant),
  acknowledged: Nullable(Instant),
  nextReminder: Nullable(Instant),
  text: Type.String({ description: 'what was told of it' }),
  affected: Type.Array(Type.String({ description: 'names of what else it touched' })),
  path: Type.String({ description: 'of the item in the UI' }),
  durationMs: Type.Integer(),
  notes: Type.Array(Type.Object({ at: Instant, text: Type.String() })),
})
export type Incident = Static<typeof Incident>
export const Incidents = Type.Array(Incident)
export const IncidentQuery = Type.Object(
  {
    ...WindowQuery.properties,
    open: Type.Optional(Type.Boolean()),
    room: Type.Optional(OneOf(alertRooms)),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000 })),
  },
  strict,
)
export type IncidentQuery = Static<typeof IncidentQuery>
export const NoteBody = Type.Object({ text: Type.String({ minLength: 1, maxLength: 2_000 }) }, strict)

export const CreateMute = Type.Object(
  {
    room: Type.Optional(OneOf(alertRooms)),
    item: Type.Optional(Type.String({ maxLength: 200 })),
    hours: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 24 * 366 })),
    until: Type.Optional(Type.String({ maxLength: 40, description: 'a time, or tomorrow (08:00 there)' })),
    note: Type.Optional(Type.String({ maxLength: 500 })),
  },
  strict,
)
export type CreateMute = Static<typeof CreateMute>
export const Mute = Type.Object({
  id: Type.Integer(),
  room: Nullable(Type.String()),
  item: Nullable(Type.String()),
  from: Instant,
  until: Instant,
  note: Type.String(),
})
export type Mute = Static<typeof Mute>
export const Mutes = Type.Array(Mute)

export const CreateMaintenance = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    room: Type.Optional(OneOf(alertRooms)),
    item: Type.Optional(Type.String({ maxLength: 200 })),
    tag: Type.Optional(Type.String({ maxLength: 100 })),
    begin: Type.Optional(Type.String({ maxLength: 40 })),
    end: Type.Optional(Type.String({ maxLength: 40 })),
    schedule: Type.Optional(Schedule),
    lengthMs: Type.Optional(Type.Integer({ minimum: 60_000, maximum: 31 * 86_400_000 })),
  },
  strict,
)
export type CreateMaintenance = Static<typeof CreateMaintenance>
export const Maintenance = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  room: Nullable(Type.String()),
  item: Nullable(Type.String()),
  tag: Nullable(Type.String()),
  begin: Nullable(Instant),
  end: Nullable(Instant),
  schedule: Nullable(Schedule),
  lengthMs: Nullable(Type.Integer()),
  activeUntil: Nullable(Instant),
})
export type Maintenance = Static<typeof Maintenance>
export const MaintenanceList = Type.Array(Maintenance)
