import { Type, type Static } from 'typebox'
import { longestComment } from '../telemetry-words.ts'
import { Instant, Nullable, OneOf } from './common.ts'

const strict = { additionalProperties: false } as const
const Count = Type.Integer({ minimum: 0 })
const Share = Type.Object({ name: Type.String(), records: Count })
export type Share = Static<typeof Share>

/** A frame by which crashes are grouped. */
export const Frame = Type.Object(
  {
    function: Type.String({ minLength: 1, maxLength: 400, pattern: '^[^\\u0000]*$' }),
    module: Type.String({ maxLength: 400, pattern: '^[^\\u0000]*$' }),
  },
  strict,
)
export type Frame = Static<typeof Frame>

const recordFields = {
  id: Type.Integer(),
  received: Instant,
  captured: Type.String({ format: 'date-time', description: "by the client's own clock" }),
  classification: Type.String(),
  severity: Type.Integer({ minimum: 1, maximum: 4 }),
  machine: Type.String(),
  build: Type.String(),
  system: Type.String(),
  kernel: Type.String(),
  hostType: Type.String(),
  arch: Type.String(),
  board: Type.String(),
  cpu: Type.String(),
  bios: Type.String(),
  event: Type.String(),
  recordVersion: Type.Integer(),
  payloadVersion: Type.Integer(),
  external: Type.Boolean(),
  guilty: Nullable(Type.Integer()),
}
export const TelemetryRecord = Type.Object(recordFields)
export type TelemetryRecord = Static<typeof TelemetryRecord>

/** A piece of the list; `before` asks for the next one. Lists are never counted. */
export const RecordPage = Type.Object({
  records: Type.Array(TelemetryRecord),
  before: Nullable(Type.Integer()),
  complete: Type.Boolean({
    description: 'false when the time for looking ran out: older records may fit as well',
  }),
})
export type RecordPage = Static<typeof RecordPage>

const TracedFrame = Type.Object({
  function: Type.String(),
  module: Type.String(),
  source: Type.String(),
})
const Backtrace = Type.Object({
  program: Nullable(Type.String()),
  pid: Nullable(Type.String()),
  signal: Nullable(Type.String()),
  frames: Type.Array(TracedFrame),
})
export const RecordDetails = Type.Object({
  ...recordFields,
  payload: Type.String(),
  backtrace: Nullable(Backtrace),
  guiltyFrame: Nullable(Frame),
  skippable: Type.Array(Frame, { description: 'frames that the skip list may be given' }),
})
export type RecordDetails = Static<typeof RecordDetails>

const Text = Type.Optional(Type.String({ maxLength: 500 }))
const Day = Type.Optional(
  Type.String({ maxLength: 40, description: 'a day such as 2026-11-21 or a time, by the client’s clock' }),
)
/** All filters of the records' list; each that is given must hold. `All` or nothing is no filter. */
export const RecordsQuery = Type.Object(
  {
    classification: Text,
    severity: Text,
    machine: Text,
    build: Text,
    system: Text,
    source: Text,
    payload: Type.Optional(Type.String({ maxLength: 1_000, description: 'a regular expression' })),
    notPayload: Type.Optional(Type.String({ maxLength: 1_000, description: 'a regular expression' })),
    event: Text,
    guilty: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    from: Day,
    to: Day,
    received: Type.Optional(Type.String({ maxLength: 20, description: 'a span such as 7d: received since' })),
    before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  },
  strict,
)
export type RecordsQuery = Static<typeof RecordsQuery>
export const ExportQuery = Type.Object(
  {
    ...RecordsQuery.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
    inline: Type.Optional(Type.Boolean({ description: 'shown by the browser, at most 10000 records' })),
  },
  strict,
)
export const RecordExportParams = Type.Object({ form: OneOf(['csv', 'json'] as const) })
export const IdParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) })

/** `format=csv` gives what a view shows as a table. */
export const viewForm = { format: Type.Optional(OneOf(['json', 'csv'] as const)) }

export const Choices = Type.Object({
  classifications: Type.Array(Type.String()),
  builds: Type.Array(Type.String()),
  systems: Type.Array(Type.String()),
})
export type Choices = Static<typeof Choices>

export const BuildCounts = Type.Array(Type.Object({ build: Type.String(), records: Count }))
export type BuildCounts = Static<typeof BuildCounts>

export const Stats = Type.Object({
  total: Count,
  classifications: Type.Array(Share),
  hostTypes: Type.Array(Share),
  severities: Type.Array(Share),
  systems: Type.Array(Share),
})
export type Stats = Static<typeof Stats>

const guiltyFields = {
  id: Type.Integer(),
  function: Type.String(),
  module: Type.String(),
  comment: Type.String(),
  hidden: Type.Boolean(),
  firstSeen: Instant,
  lastSeen: Instant,
  firstBuild: Nullable(Type.String()),
  fixed: Nullable(Instant),
  fixedBuild: Nullable(Type.String()),
  back: Nullable(Type.String({ format: 'date-time', description: 'crashed again though it was fixed' })),
}
export const Guilty = Type.Object(guiltyFields)
export type Guilty = Static<typeof Guilty>

export const TopCrash = Type.Object({
  ...guiltyFields,
  crashes: Count,
  counted: Type.Integer({
    minimum: 0,
    description: 'of these, crashes that the storm guard counted without storing them',
  }),
  machines: Count,
  builds: Type.Array(Type.Object({ build: Type.String(), crashes: Count })),
  isNew: Type.Boolean({ description: 'first seen in the chosen build, or else in the newest' }),
  perThousandHours: Nullable(
    Type.Number({ description: 'crashes of this machine in 1,000 hours that it was up' }),
  ),
})
export type TopCrash = Static<typeof TopCrash>
export const CrashesQuery = Type.Object(
  {
    last: Type.Optional(Type.String({ maxLength: 20, description: 'a span such as 7d; 7d when left out' })),
    build: Text,
    hidden: Type.Optional(Type.Boolean({ description: 'also those that are hidden' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    ...viewForm,
  },
  strict,
)
export const TopCrashes = Type.Object({
  since: Instant,
  builds: Type.Array(Type.String()),
  total: Count,
  hidden: Type.Integer({ minimum: 0, description: 'guilty frames of the window that are hidden' }),
  unblamed: Type.Integer({ minimum: 0, description: 'crashes in which no frame could be read' }),
  machineHours: Nullable(Type.Number({ description: 'hours that this machine was up in the window' })),
  crashes: Type.Array(TopCrash),
})
export type TopCrashes = Static<typeof TopCrashes>

export const GuiltyDetails = Type.Object({
  ...guiltyFields,
  machines: Type.Array(
    Type.Object({ build: Type.String(), machine: Type.String(), crashes: Count, last: Instant }),
  ),
  complete: Type.Boolean(),
  counted: Count,
})
export type GuiltyDetails = Static<typeof GuiltyDetails>
export const ChangeGuilty = Type.Object(
  {
    comment: Type.Optional(Type.String({ maxLength: longestComment })),
    hidden: Type.Optional(Type.Boolean()),
    fixed: Type.Optional(
      Type.Boolean({ description: 'crashes after this, or in the fixed build or a later one, are told' }),
    ),
    fixedBuild: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 256 }))),
  },
  { ...strict, minProperties: 1 },
)
export type ChangeGuilty = Static<typeof ChangeGuilty>
export const BacktracesQuery = Type.Object({ machine: Text, build: Text, ...viewForm }, strict)
export const TracedRecords = Type.Array(
  Type.Object({
    id: Type.Integer(),
    received: Instant,
    build: Type.String(),
    machine: Type.String(),
    ...Backtrace.properties,
  }),
)
export type TracedRecords = Static<typeof TracedRecords>

const WeekCount = Type.Object({
  week: Type.String({ description: 'the Sunday on which it begins, UTC' }),
  name: Type.String(),
  records: Count,
})
export const MceQuery = Type.Object(
  { year: Type.Optional(Type.Integer({ minimum: 1970, maximum: 9999 })), ...viewForm },
  strict,
)
export const MachineChecks = Type.Object({
  year: Type.Integer(),
  total: Count,
  weeks: Type.Array(WeekCount),
  days: Type.Array(Share),
  builds: Type.Array(Type.Object({ build: Type.String(), name: Type.String(), records: Count })),
  statuses: Type.Array(Share),
  banks: Type.Array(Share),
  machines: Type.Array(Share),
})
export type MachineChecks = Static<typeof MachineChecks>
export const Thermal = Type.Object({
  total: Count,
  weeks: Type.Array(WeekCount),
  machines: Type.Array(Share),
  builds: Type.Array(Share),
})
export type Thermal = Static<typeof Thermal>
export const ViewQuery = Type.Object(viewForm, strict)
export const PopulationQuery = Type.Object({ system: Text, ...viewForm }, strict)
export const Population = Type.Object({
  windows: Type.Array(Nullable(Type.Integer({ description: 'days; null for all that is kept' }))),
  builds: Type.Array(
    Type.Object({
      build: Type.String(),
      internal: Type.Array(Count, { description: 'machines in each window' }),
      external: Type.Array(Count),
    }),
  ),
})
export type Population = Static<typeof Population>
export const UpdateMatrix = Type.Object({
  versions: Type.Array(Type.String()),
  steps: Type.Array(Type.Object({ from: Type.String(), to: Type.String(), updates: Count })),
})
export type UpdateMatrix = Static<typeof UpdateMatrix>

export const SkipChange = Type.Object(
  {
    add: Type.Optional(Type.Array(Frame, { maxItems: 200 })),
    remove: Type.Optional(Type.Array(Frame, { maxItems: 200 })),
  },
  strict,
)
export type SkipChange = Static<typeof SkipChange>
export const SkipPreview = Type.Object({
  moves: Type.Array(
    Type.Object({
      from: Nullable(Frame),
      to: Nullable(Frame),
      records: Count,
      counted: Type.Integer({
        minimum: 0,
        description: 'crashes that were only counted, and go with these records',
      }),
    }),
  ),
  looked: Type.Integer({ minimum: 0, description: 'crash records that were looked at' }),
  complete: Type.Boolean({ description: 'false when time ran out before all were looked at' }),
})
export type SkipPreview = Static<typeof SkipPreview>
export const Regroup = Type.Object({
  id: Type.Integer(),
  at: Instant,
  what: Type.String(),
  moved: Count,
  done: Nullable(Instant),
  undoable: Type.Boolean(),
})
export type Regroup = Static<typeof Regroup>
export const SkipList = Type.Object({
  frames: Type.Array(Type.Object({ id: Type.Integer(), ...Frame.properties, added: Instant })),
  running: Nullable(
    Type.Object({
      regroup: Type.Integer(),
      looked: Count,
      moved: Count,
      share: Type.Number({ minimum: 0, maximum: 1 }),
    }),
  ),
  regroups: Type.Array(Regroup),
  decided: Type.Array(Guilty, { description: 'guilty frames that are hidden, fixed or commented' }),
})
export type SkipList = Static<typeof SkipList>

export const purgeFields = ['classification', 'severity', 'build', 'machine', 'system'] as const
const Retention = Type.Object(
  {
    enabled: Type.Boolean(),
    maxDays: Type.Integer({ minimum: 0, maximum: 36_500, description: '0 keeps what no rule names' }),
    mostBytes: Type.Integer({
      minimum: 0,
      description: 'the oldest go beyond this; 0 for no limit, else 10 MB at least',
    }),
    rules: Type.Array(
      Type.Object(
        {
          field: OneOf(purgeFields),
          value: Type.String({ minLength: 1, maxLength: 300 }),
          days: Type.Integer({ minimum: 0, maximum: 36_500, description: '0 never lets go' }),
        },
        strict,
      ),
      { maxItems: 200 },
    ),
  },
  strict,
)
const Forward = Type.Object(
  {
    url: Type.String({ minLength: 8, maxLength: 500, pattern: '^https?://[^\\s]+$' }),
    tid: Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
  },
  strict,
)
export const clientSources = [
  'core-dumps',
  'kernel',
  'mac-reports',
  'windows-reports',
  'app-dumps',
  'unclean-ends',
] as const
export type ClientSource = (typeof clientSources)[number]

export const TelemetrySettings = Type.Object(
  {
    collect: Type.Boolean({ description: 'take records of clients' }),
    tid: Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
    strict: Type.Boolean({
      description: 'refuse architectures and kernel versions that the original does not know',
    }),
    quarantine: Type.Boolean({
      description: 'keep records that are wrong aside and answer 200, so that their clients go on',
    }),
    stormLimit: Type.Integer({
      minimum: 0,
      maximum: 100_000,
      description: 'crashes of one guilty frame, build and class that are stored in an hour; 0 for all',
    }),
    retention: Retention,
    alerts: Type.Object(
      {
        newGuilty: Type.Boolean(),
        back: Type.Boolean(),
        silentMachines: Type.Boolean(),
        silentHours: Type.Integer({ minimum: 1, maximum: 8_760 }),
      },
      strict,
    ),
    client: Type.Object(
      {
        consent: Nullable(Type.String({ format: 'date-time', description: 'since when; null for no' })),
        sources: Type.Array(OneOf(clientSources), { uniqueItems: true }),
        forward: Nullable(Forward),
        review: Type.Boolean({ description: 'send elsewhere only what a person has let go' }),
      },
      strict,
    ),
  },
  strict,
)
export type TelemetrySettings = Static<typeof TelemetrySettings>
export const ChangeTelemetrySettings = Type.Object(
  {
    ...Type.Partial(Type.Omit(TelemetrySettings, ['alerts', 'client'])).properties,
    alerts: Type.Optional(Type.Partial(TelemetrySettings.properties.alerts)),
    client: Type.Optional(Type.Partial(Type.Omit(TelemetrySettings.properties.client, ['consent']), strict)),
  },
  { ...strict, minProperties: 1 },
)
export type ChangeTelemetrySettings = Static<typeof ChangeTelemetrySettings>

export const TelemetrySummary = Type.Object({
  state: OneOf(['ready', 'unavailable'] as const),
  reason: Nullable(Type.String()),
  store: OneOf(['sqlite', 'postgres'] as const),
  place: Type.String(),
  records: Nullable(Count),
  crashes: Nullable(Count),
  guilties: Nullable(Count),
  bytes: Nullable(Count),
  oldest: Nullable(Instant),
  newest: Nullable(Instant),
  counted: Nullable(Count),
  quarantined: Nullable(Count),
  received: Type.Object(
    { stored: Count, repeated: Count, counted: Count, refused: Count, quarantined: Count },
    { description: 'since the start of the service' },
  ),
  lastPurge: Nullable(Type.Object({ at: Instant, records: Count })),
})
export type TelemetrySummary = Static<typeof TelemetrySummary>

export const PurgeBody = Type.Object({ dryRun: Type.Optional(Type.Boolean()) }, strict)
export const PurgeAnswer = Type.Object({
  dryRun: Type.Boolean(),
  byAge: Count,
  bySize: Type.Integer({ minimum: 0, description: 'an estimate in a dry run' }),
})
export type PurgeAnswer = Static<typeof PurgeAnswer>

export const QuarantineQuery = Type.Object(
  {
    before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    ...viewForm,
  },
  strict,
)
export const Quarantine = Type.Array(
  Type.Object({
    id: Type.Integer(),
    at: Instant,
    reason: Type.String(),
    fields: Type.Record(Type.String(), Type.String()),
    payload: Type.String(),
  }),
)
export type Quarantine = Static<typeof Quarantine>

/** A record of this machine on its way to another collector. */
export const SpooledRecord = Type.Object({
  id: Type.String(),
  at: Instant,
  source: Type.String(),
  classification: Type.String(),
  severity: Type.Integer(),
  approved: Type.Boolean(),
  refused: Nullable(Type.String({ description: 'why the other collector refused it' })),
  fields: Type.Record(Type.String(), Type.String()),
  payload: Type.String(),
})
export type SpooledRecord = Static<typeof SpooledRecord>
export const ClientState = Type.Object({
  consent: Nullable(Instant),
  machine: Nullable(Type.String({ description: 'the id under which this machine reports now' })),
  sources: Type.Array(
    Type.Object({
      source: OneOf(clientSources),
      offered: Type.Boolean(),
      enabled: Type.Boolean(),
      text: Type.String(),
    }),
  ),
  forward: Nullable(Type.Object({ url: Type.String(), state: Type.String() })),
  sent: Count,
  dropped: Type.Object({ expired: Count, full: Count, burst: Count }),
  spooled: Type.Array(SpooledRecord),
})
export type ClientState = Static<typeof ClientState>
export const SpoolParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64, pattern: '^[\\w-]+$' }),
})

const PluginTable = Type.Object({
  title: Type.String(),
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()]))),
})
const PluginChart = Type.Object({
  title: Type.String(),
  kind: OneOf(['bar', 'line', 'pie'] as const),
  labels: Type.Array(Type.String()),
  series: Type.Array(Type.Object({ name: Type.String(), values: Type.Array(Type.Number()) })),
})
export const PluginView = Type.Object({
  text: Type.String(),
  tables: Type.Array(PluginTable),
  charts: Type.Array(PluginChart),
})
export type PluginView = Static<typeof PluginView>
export const Plugins = Type.Object({
  folder: Type.String(),
  plugins: Type.Array(
    Type.Object({
      name: Type.String(),
      tab: Type.String(),
      description: Type.String(),
      problem: Nullable(Type.String({ description: 'why it is not loaded' })),
    }),
  ),
})
export type Plugins = Static<typeof Plugins>
export const PluginQuery = Type.Object(
  { table: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })), ...viewForm },
  strict,
)
export const PluginParams = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9][a-z0-9-]*$' }),
})
