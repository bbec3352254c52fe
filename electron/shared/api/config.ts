import { Type, type Static } from 'typebox'
import { channelKinds } from '../alert-words.ts'
import { CreateMaintenance, QuietHours } from './alerts.ts'
import { OneOf, Nullable } from './common.ts'
import { ChangeHealthSettings } from './health.ts'
import { ApplyAnswer, HostConfig } from './hosts.ts'
import { ChangeTelemetrySettings } from './telemetry.ts'
import { CreateWatcher } from './watchers.ts'

/** Everything that users decided, as a file has it: names instead of ids, and only what differs from the defaults. */

const strict = { additionalProperties: false } as const
const ChannelNames = Nullable(
  Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
    maxItems: 100,
    description: 'names; null for every channel',
  }),
)

export const WatcherConfig = Type.Object(
  {
    ...Type.Omit(CreateWatcher, ['channels', 'armed']).properties,
    channels: Type.Optional(ChannelNames),
    id: Type.Optional(Type.String({ pattern: '^[a-z]{8}$', description: 'with the other secrets only' })),
    uuid: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{36}$' })),
    token: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9=]{32}$' })),
    badgeKey: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9=]{32}$' })),
  },
  strict,
)
export type WatcherConfig = Static<typeof WatcherConfig>

export const ChannelConfig = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    kind: OneOf(channelKinds),
    enabled: Type.Optional(Type.Boolean()),
    quiet: Type.Optional(Nullable(QuietHours)),
    settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  strict,
)
export type ChannelConfig = Static<typeof ChannelConfig>

export const Configuration = Type.Object(
  {
    anchors: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { maxItems: 20 })),
    channels: Type.Optional(Type.Array(ChannelConfig, { maxItems: 1_000 })),
    hosts: Type.Optional(Type.Array(HostConfig, { maxItems: 20_000 })),
    watchers: Type.Optional(Type.Array(WatcherConfig, { maxItems: 100_000 })),
    maintenance: Type.Optional(Type.Array(CreateMaintenance, { maxItems: 1_000 })),
    health: Type.Optional(ChangeHealthSettings),
    telemetry: Type.Optional(ChangeTelemetrySettings),
  },
  strict,
)
export type Configuration = Static<typeof Configuration>

export const ConfigQuery = Type.Object(
  {
    secrets: Type.Optional(
      Type.Boolean({ description: 'with passwords, and with the secret names of watchers' }),
    ),
  },
  strict,
)
export const ConfigBody = Type.Object(
  { text: Type.String({ maxLength: 8_000_000, description: 'YAML, or JSON' }) },
  strict,
)
export const ConfigApplyQuery = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean()),
    prune: Type.Optional(
      Type.Boolean({
        description: 'remove what a list of the file does not name; lists that are not in it stay',
      }),
    ),
  },
  strict,
)

export const configSections = [
  'anchors',
  'channels',
  'hosts',
  'watchers',
  'maintenance',
  'health',
  'telemetry',
] as const
export type ConfigSection = (typeof configSections)[number]
export const ConfigAnswer = Type.Object(
  Object.fromEntries(configSections.map((name) => [name, Type.Optional(ApplyAnswer)])) as Record<
    ConfigSection,
    ReturnType<typeof Type.Optional<typeof ApplyAnswer>>
  >,
)
export type ConfigAnswer = { readonly [Name in ConfigSection]?: ApplyAnswer }
