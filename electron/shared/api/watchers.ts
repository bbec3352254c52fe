import { Type, type Static } from 'typebox'
import {
  blindReasons,
  pausedPolicies,
  signalKinds,
  watcherEventKinds,
  watcherStates,
} from '../watcher-words.ts'
import { Instant, Nullable, OneOf } from './common.ts'

const Expression = Type.String({ minLength: 1, maxLength: 500 })
const Zone = Type.String({ minLength: 1, maxLength: 60, description: 'IANA name such as Europe/Berlin' })

/** When a watcher's triggers are due. */
export const Schedule = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('period'),
      periodMs: Type.Number({ minimum: 1_000, maximum: 100 * 365 * 86_400_000 }),
    },
    { additionalProperties: false, description: 'so long after the trigger before' },
  ),
  Type.Object(
    { kind: Type.Literal('cron'), expression: Expression, zone: Zone },
    { additionalProperties: false, description: 'a cron expression of five fields, or six with seconds' },
  ),
  Type.Object(
    { kind: Type.Literal('calendar'), expression: Expression, zone: Zone },
    { additionalProperties: false, description: 'a calendar event of systemd (OnCalendar)' },
  ),
  Type.Object(
    { kind: Type.Literal('coal-mine'), expression: Expression },
    { additionalProperties: false, description: 'periods by calendar, UTC: crontab line and seconds; …' },
  ),
])
export type Schedule = Static<typeof Schedule>

/** Where Watchkeeper looks by itself for the last result of a job. */
export const WatcherSource = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('file'),
      path: Type.String({
        minLength: 1,
        maxLength: 4_000,
        description:
          'absolute path of a file on this machine, or a pattern with *, ?, [] and **: the newest counts',
      }),
      leastBytes: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 2 ** 50, description: 'a smaller file is a failure' }),
      ),
    },
    { additionalProperties: false, description: 'the newest change of a file is the trigger' },
  ),
  Type.Object(
    {
      kind: Type.Literal('unit'),
      unit: Type.String({
        minLength: 1,
        maxLength: 300,
        description: 'unit of systemd, task of the Windows task scheduler, or label of launchd',
      }),
      user: Type.Optional(Type.Boolean({ description: 'of this user’s own systemd or launchd' })),
    },
    { additionalProperties: false, description: 'the last result of a unit is the trigger' },
  ),
])
export type WatcherSource = Static<typeof WatcherSource>

const year = 365 * 86_400_000
/** What a user decides about a watcher. */
const settings = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.String({ maxLength: 10_000 }),
  tags: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 }),
  schedule: Schedule,
  graceMs: Type.Number({ minimum: 0, maximum: year, description: 'ms after the due time before it is late' }),
  runLimitMs: Nullable(
    Type.Number({ minimum: 1, maximum: year, description: 'ms from start to end; null for no limit' }),
  ),
  tolerance: Type.Integer({ minimum: 0, maximum: 1_000, description: 'failures in a row that tell nobody' }),
  pausedPolicy: OneOf(pausedPolicies),
  emails: Type.Array(Type.String({ maxLength: 320, pattern: '^[^@\\s]+@[^@\\s]+$' }), { maxItems: 50 }),
  channels: Nullable(
    Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 100, description: 'ids; null for every channel' }),
  ),
  remindMs: Nullable(
    Type.Number({ minimum: 60_000, maximum: year, description: 'first reminder after; then backing off' }),
  ),
  source: Nullable(WatcherSource),
}
export const WatcherSettings = Type.Object(settings)
export type WatcherSettings = Static<typeof WatcherSettings>

export const CreateWatcher = Type.Object(
  {
    ...Type.Partial(WatcherSettings).properties,
    name: settings.name,
    schedule: settings.schedule,
    slug: Type.Optional(Type.String({ maxLength: 200 })),
    paused: Type.Optional(Type.Boolean()),
    armed: Type.Optional(
      Type.Boolean({ description: 'counts from the creation on, instead of from the first trigger' }),
    ),
  },
  { additionalProperties: false },
)
export type CreateWatcher = Static<typeof CreateWatcher>

export const ChangeWatcher = Type.Object(
  { ...Type.Partial(WatcherSettings).properties, slug: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false, minProperties: 1 },
)
export type ChangeWatcher = Static<typeof ChangeWatcher>

export const ChangeWatcherQuery = Type.Object(
  {
    revision: Type.Optional(
      Type.String({
        maxLength: 40,
        description: 'what is to be changed; refused (409) when somebody else was faster',
      }),
    ),
  },
  { additionalProperties: false },
)

/** A run that was started and has not ended. */
export const OpenRun = Type.Object({
  run: Type.String({ description: 'its id; empty when the client gave none' }),
  startedAt: Instant,
  limitAt: Nullable(Instant),
  overdue: Type.Boolean(),
})
export type OpenRun = Static<typeof OpenRun>

export const Watcher = Type.Object({
  ...settings,
  id: Type.String({ description: 'eight letters; also the path of the shortest trigger address' }),
  revision: Type.String({ description: 'another one after each change of its settings' }),
  uuid: Type.String(),
  token: Type.String(),
  badgeKey: Type.String(),
  slug: Type.String(),
  state: OneOf(watcherStates),
  since: Instant,
  sentence: Type.String({ description: 'The state in plain words.' }),
  paused: Type.Boolean(),
  due: Nullable(Instant),
  lateAt: Nullable(Instant),
  missed: Nullable(Instant),
  missedWhy: Nullable(OneOf(blindReasons)),
  failures: Type.Integer(),
  runs: Type.Array(OpenRun),
  lastTrigger: Nullable(Instant),
  lastSuccess: Nullable(Instant),
  lastFail: Nullable(Instant),
  lastDurationMs: Nullable(Type.Number()),
  triggers: Type.Integer(),
  createdAt: Instant,
})
export type Watcher = Static<typeof Watcher>

export const WatcherList = Type.Object({
  total: Type.Integer({ description: 'watchers that pass the filter' }),
  all: Type.Integer(),
  counts: Type.Object(
    Object.fromEntries(watcherStates.map((state) => [state, Type.Integer()])) as Record<
      (typeof watcherStates)[number],
      ReturnType<typeof Type.Integer>
    >,
  ),
  tags: Type.Array(Type.String()),
  watchers: Type.Array(Watcher),
})
export type WatcherList = Static<typeof WatcherList>

export const WatcherQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({ maxLength: 200, description: 'part of name, slug, tag, id or description' }),
    ),
    state: Type.Optional(Type.String({ maxLength: 200, description: 'states, comma-separated' })),
    tag: Type.Optional(Type.String({ maxLength: 100 })),
    sort: Type.Optional(OneOf(['problems', 'name', 'due', 'created'] as const)),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  },
  { additionalProperties: false },
)
export type WatcherQuery = Static<typeof WatcherQuery>

export const WatcherParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) })

export const SignalBody = Type.Object(
  {
    kind: Type.Optional(OneOf(signalKinds)),
    exitStatus: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    run: Type.Optional(Type.String({ maxLength: 100 })),
    at: Type.Optional(Type.String({ maxLength: 40, description: 'when it happened, if that was earlier' })),
    comment: Type.Optional(Type.String({ maxLength: 2_000 })),
    body: Type.Optional(Type.String({ description: 'output; of a long one the end is kept' })),
  },
  { additionalProperties: false },
)
export type SignalBody = Static<typeof SignalBody>

export const SignalAnswer = Type.Object({
  recovered: Type.Boolean(),
  unpaused: Type.Boolean(),
  ignored: Type.Boolean(),
  event: Type.Integer(),
})
export type SignalAnswer = Static<typeof SignalAnswer>

export const CommentBody = Type.Object(
  { comment: Type.Optional(Type.String({ maxLength: 2_000 })) },
  { additionalProperties: false },
)

export const WatcherEvent = Type.Object({
  n: Type.Integer(),
  at: Instant,
  kind: OneOf(watcherEventKinds),
  ignored: Type.Boolean(),
  exitStatus: Nullable(Type.Integer()),
  run: Type.String(),
  durationMs: Nullable(Type.Number()),
  comment: Type.String(),
  from: Type.String({ description: 'address that sent it' }),
  agent: Type.String(),
  bodyBytes: Type.Integer(),
})
export type WatcherEvent = Static<typeof WatcherEvent>

export const WatcherEvents = Type.Object({ total: Type.Integer(), events: Type.Array(WatcherEvent) })
export type WatcherEvents = Static<typeof WatcherEvents>

export const EventQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  { additionalProperties: false },
)

export const BodyParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 200 }),
  n: Type.Integer({ minimum: 1 }),
})

export const WatcherFlip = Type.Object({
  at: Instant,
  from: Type.String(),
  to: Type.String(),
  text: Type.String(),
})
export type WatcherFlip = Static<typeof WatcherFlip>
export const WatcherFlips = Type.Array(WatcherFlip)

export const BulkBody = Type.Object(
  {
    action: OneOf(['pause', 'unpause', 'remove'] as const),
    ids: Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 10_000 }),
  },
  { additionalProperties: false },
)
export type BulkBody = Static<typeof BulkBody>
export const BulkAnswer = Type.Object({
  changed: Type.Integer(),
  unchanged: Type.Integer({ description: 'already so, or not there' }),
})

export const PreviewBody = Type.Object(
  { schedule: Schedule, graceMs: Type.Optional(settings.graceMs) },
  { additionalProperties: false },
)
export const Preview = Type.Object({ due: Type.Array(Instant), words: Type.String() })
export type Preview = Static<typeof Preview>

/** A job that one of this machine's schedulers has, as a watcher could have it. */
export const JobProposal = Type.Object({
  name: Type.String(),
  slug: Type.String(),
  origin: Type.String({ description: 'where it was found' }),
  command: Type.String(),
  schedule: Schedule,
  graceMs: Type.Number(),
  source: Nullable(WatcherSource),
  wrapped: Nullable(
    Type.String({ description: 'its line in the crontab, with the job reporting to the watcher' }),
  ),
  known: Type.Boolean({ description: 'there is a watcher for it' }),
})
export type JobProposal = Static<typeof JobProposal>
export const JobProposals = Type.Array(JobProposal)

export const LookBody = Type.Object({ source: WatcherSource }, { additionalProperties: false })
/** What a look at a source comes to. */
export const SourceLook = Type.Object({
  at: Nullable(Instant),
  good: Nullable(Type.Boolean()),
  text: Type.String({ description: 'what was found, or why nothing was' }),
  fault: Type.Boolean({ description: 'nobody can look there' }),
})
export type SourceLook = Static<typeof SourceLook>

/** What clients of other services need to know to reach us. */
export const WatcherAddresses = Type.Object({
  pingKey: Type.String({ description: 'for /ping/<ping key>/<slug>' }),
  badgeKey: Type.String({ description: 'for the badge of all watchers' }),
})
export type WatcherAddresses = Static<typeof WatcherAddresses>
