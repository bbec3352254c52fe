import { Type, type Static } from 'typebox'
import {
  beatKinds,
  causeKinds,
  echoWays,
  hostSegments,
  hostStates,
  probeKinds,
  unobservedReasons,
} from '../host-words.ts'
import { Instant, Nullable, OneOf, WindowQuery } from './common.ts'
import { Probe } from './probes.ts'

const strict = { additionalProperties: false } as const
const year = 365 * 86_400_000
const Text = (most: number) => Type.String({ minLength: 1, maxLength: most })

const settings = {
  name: Text(200),
  description: Type.String({ maxLength: 10_000 }),
  group: Type.String({ maxLength: 100 }),
  tags: Type.Array(Text(100), { maxItems: 50 }),
  parent: Nullable(Type.Integer({ minimum: 1, description: 'id of the host behind which it is' })),
  intervalMs: Nullable(
    Type.Integer({ minimum: 1_000, maximum: 86_400_000, description: "null: the service's default" }),
  ),
  retryMs: Nullable(
    Type.Integer({
      minimum: 1_000,
      maximum: 86_400_000,
      description: 'interval while in doubt; null: 1 to 5 s',
    }),
  ),
  failures: Type.Integer({ minimum: 1, maximum: 100, description: 'in a row before it is down' }),
  successes: Type.Integer({ minimum: 1, maximum: 100, description: 'in a row before it is up again' }),
  probes: Type.Array(Probe, { minItems: 1, maxItems: 20 }),
  emails: Type.Array(Type.String({ maxLength: 320, pattern: '^[^@\\s]+@[^@\\s]+$' }), { maxItems: 50 }),
  channels: Nullable(Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 100 })),
  remindMs: Nullable(Type.Integer({ minimum: 60_000, maximum: year })),
}
const Domain = Type.String({ minLength: 1, maxLength: 253, description: 'name or address' })
export const HostSettings = Type.Object(settings)
export type HostSettings = Static<typeof HostSettings>

export const CreateHost = Type.Object(
  { ...Type.Partial(HostSettings).properties, domain: Domain, paused: Type.Optional(Type.Boolean()) },
  strict,
)
export type CreateHost = Static<typeof CreateHost>
export const ChangeHost = Type.Object(
  { ...Type.Partial(HostSettings).properties, domain: Type.Optional(Domain) },
  { ...strict, minProperties: 1 },
)
export type ChangeHost = Static<typeof ChangeHost>

export const ProbeCause = Type.Object({
  kind: OneOf(causeKinds),
  text: Type.String({ description: 'in words, such as “status 503”' }),
})
export type ProbeCause = Static<typeof ProbeCause>

export const Certificate = Type.Object({
  subject: Type.String(),
  issuer: Type.String(),
  expires: Instant,
  daysLeft: Type.Integer(),
})
export type Certificate = Static<typeof Certificate>

/** How one probe of a host stands. */
export const ProbeView = Type.Object({
  id: Type.Integer(),
  kind: OneOf(probeKinds),
  words: Type.String(),
  state: OneOf(hostStates),
  lastAt: Nullable(Instant),
  lastMs: Nullable(Type.Number({ description: 'latency of the latest sample that was answered' })),
  cause: Nullable(ProbeCause),
  answeredFrom: Nullable(Type.String({ description: 'another address than the one asked' })),
  certificate: Nullable(Certificate),
})
export type ProbeView = Static<typeof ProbeView>

export const Beat = Type.Object({
  at: Instant,
  kind: OneOf(beatKinds),
  ms: Nullable(Type.Number()),
})
export type Beat = Static<typeof Beat>

const listed = {
  id: Type.Integer(),
  domain: Domain,
  name: settings.name,
  group: settings.group,
  tags: settings.tags,
  parent: settings.parent,
  paused: Type.Boolean(),
  state: OneOf(hostStates),
  since: Instant,
  sentence: Type.String({ description: 'The state in plain words.' }),
  maintenance: Type.Boolean(),
  lastAt: Nullable(Instant),
  lastMs: Nullable(Type.Number()),
  uptime: Nullable(Type.Number({ description: 'per cent of the observed time of the last 24 h' })),
  beats: Type.Array(Beat, { description: 'the latest samples, oldest first' }),
}
export const HostRow = Type.Object(listed)
export type HostRow = Static<typeof HostRow>

export const Host = Type.Object({
  ...settings,
  ...listed,
  usedIntervalMs: Type.Integer(),
  usedRetryMs: Type.Integer(),
  probeStates: Type.Array(ProbeView),
  children: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String(), state: OneOf(hostStates) })),
  skipped: Type.Integer({
    description: 'samples that fell due while the one before was on its way, since the start',
  }),
  createdAt: Instant,
  badge: Type.String({ description: 'path of its badges; add /state.svg, /latency.svg or /uptime-30d.svg' }),
})
export type Host = Static<typeof Host>

export const HostList = Type.Object({
  total: Type.Integer({ description: 'hosts that pass the filter' }),
  all: Type.Integer(),
  counts: Type.Object(
    Object.fromEntries(hostStates.map((state) => [state, Type.Integer()])) as Record<
      (typeof hostStates)[number],
      ReturnType<typeof Type.Integer>
    >,
  ),
  tags: Type.Array(Type.String()),
  groups: Type.Array(Type.String()),
  hosts: Type.Array(HostRow),
})
export type HostList = Static<typeof HostList>

export const HostQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({ maxLength: 200, description: 'part of name, domain, group, tag or description' }),
    ),
    state: Type.Optional(Type.String({ maxLength: 200, description: 'states, comma-separated' })),
    tag: Type.Optional(Type.String({ maxLength: 100 })),
    group: Type.Optional(Type.String({ maxLength: 100 })),
    sort: Type.Optional(OneOf(['problems', 'name', 'latency', 'created'] as const)),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  },
  strict,
)
export type HostQuery = Static<typeof HostQuery>
export const HostParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 253 }) })

/** How a stretch of time divides; the parts add up to the window. */
export const HostFigures = Type.Object({
  since: Instant,
  until: Instant,
  parts: Type.Object(
    Object.fromEntries(hostSegments.map((part) => [part, Type.Integer({ description: 'ms' })])) as Record<
      (typeof hostSegments)[number],
      ReturnType<typeof Type.Integer>
    >,
  ),
  uptime: Nullable(
    Type.Number({ description: 'per cent of the observed time; null when nothing was observed' }),
  ),
  incidents: Type.Integer(),
  longestDownMs: Type.Integer(),
})
export type HostFigures = Static<typeof HostFigures>

export const HostSegmentView = Type.Object({
  from: Instant,
  to: Instant,
  kind: OneOf(hostSegments),
  why: Nullable(OneOf(unobservedReasons)),
})
export type HostSegmentView = Static<typeof HostSegmentView>

/** One point of a latency chart: a single echo, or many put together without losing the extremes. */
export const LatencyPoint = Type.Object({
  at: Instant,
  count: Type.Integer(),
  lost: Type.Integer(),
  min: Nullable(Type.Number()),
  avg: Nullable(Type.Number()),
  p50: Nullable(Type.Number()),
  p95: Nullable(Type.Number()),
  max: Nullable(Type.Number()),
  jitter: Nullable(Type.Number()),
})
export type LatencyPoint = Static<typeof LatencyPoint>

export const HostIncident = Type.Object({
  id: Type.Integer(),
  kind: OneOf(['down', 'degraded'] as const),
  cause: Type.String(),
  behind: Nullable(Type.String({ description: 'the parent that was down meanwhile' })),
  opened: Instant,
  closed: Nullable(Instant),
  durationMs: Type.Integer(),
})
export type HostIncident = Static<typeof HostIncident>

export const HostHistory = Type.Object({
  since: Instant,
  until: Instant,
  probe: Type.Integer(),
  stepMs: Type.Integer({ description: 'length of a point; 0 when each is one echo' }),
  points: Type.Array(LatencyPoint),
  segments: Type.Array(HostSegmentView),
  figures: HostFigures,
  latency: LatencyPoint,
  incidents: Type.Array(HostIncident),
})
export type HostHistory = Static<typeof HostHistory>

export const HistoryQuery = Type.Object(
  {
    ...WindowQuery.properties,
    probe: Type.Optional(Type.Integer({ minimum: 1, description: 'id; the first by default' })),
    points: Type.Optional(Type.Integer({ minimum: 10, maximum: 5_000 })),
  },
  strict,
)
export const HostUptime = Type.Object({
  windows: Type.Array(
    Type.Object({ window: OneOf(['24h', '7d', '30d', '365d'] as const), figures: HostFigures }),
  ),
})
export type HostUptime = Static<typeof HostUptime>
export const HostExportParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 253 }),
  what: OneOf(['latency.csv', 'latency.json', 'incidents.csv', 'incidents.json'] as const),
})

export const TryBody = Type.Object({ domain: Domain, probes: settings.probes }, strict)
export const TryAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      kind: OneOf(probeKinds),
      words: Type.String(),
      ok: Type.Boolean(),
      observed: Type.Boolean({ description: 'false when the fault is on our side' }),
      ms: Nullable(Type.Number()),
      text: Type.String(),
      address: Nullable(Type.String()),
    }),
  ),
})
export type TryAnswer = Static<typeof TryAnswer>

export const HostBulk = Type.Object(
  {
    action: OneOf(['pause', 'unpause', 'remove', 'tag', 'untag', 'group'] as const),
    ids: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 10_000 }),
    value: Type.Optional(Type.String({ maxLength: 100, description: 'the tag or group' })),
  },
  strict,
)

/** A host as a configuration file has it; names instead of ids, and only what differs from the defaults. */
export const HostConfig = Type.Object(
  {
    domain: Domain,
    ...Type.Partial(Type.Omit(HostSettings, ['parent', 'channels'])).properties,
    paused: Type.Optional(Type.Boolean()),
    parent: Type.Optional(Nullable(Type.String({ maxLength: 253, description: 'domain of another host' }))),
    channels: Type.Optional(Nullable(Type.Array(Text(100), { maxItems: 100, description: 'names' }))),
  },
  strict,
)
export type HostConfig = Static<typeof HostConfig>
export const HostsConfig = Type.Object(
  {
    hosts: Type.Array(HostConfig, { maxItems: 20_000 }),
    anchors: Type.Optional(Type.Array(Text(253), { maxItems: 20 })),
  },
  strict,
)
export type HostsConfig = Static<typeof HostsConfig>
export const ApplyQuery = Type.Object(
  {
    dryRun: Type.Optional(Type.Boolean()),
    prune: Type.Optional(Type.Boolean({ description: 'remove the hosts that the file does not name' })),
  },
  strict,
)
export const ApplyAnswer = Type.Object({
  added: Type.Array(Type.String()),
  changed: Type.Array(Type.String()),
  removed: Type.Array(Type.String()),
  unchanged: Type.Integer(),
})
export type ApplyAnswer = Static<typeof ApplyAnswer>

/** Something near that could be watched. */
export const Proposal = Type.Object({
  domain: Type.String(),
  name: Type.String(),
  why: Type.String(),
  known: Type.Boolean({ description: 'it is watched already' }),
})
export type Proposal = Static<typeof Proposal>
export const Proposals = Type.Array(Proposal)

/** How this machine probes, and what it knows of its own connection. */
export const ProbingInfo = Type.Object({
  way4: OneOf(echoWays),
  way6: OneOf(echoWays),
  words: Type.String(),
  why: Type.Array(Type.String({ description: 'why a better way is not used' })),
  fix: Nullable(Type.String()),
  connection: OneOf(['online', 'offline', 'unknown'] as const),
  connectionText: Type.String(),
  gateways: Type.Array(Type.String()),
  anchors: Type.Array(Type.Object({ address: Type.String(), provenAt: Nullable(Instant) })),
  intervalMs: Type.Integer({ description: 'the default' }),
  skipped: Type.Integer(),
})
export type ProbingInfo = Static<typeof ProbingInfo>
export const AnchorsBody = Type.Object({ anchors: Type.Array(Text(253), { maxItems: 20 }) }, strict)
