import { Type, type Static } from 'typebox'
import { healthLevels, metricKindNames, metricUnits, reportReasons } from '../health-words.ts'
import { Instant, Nullable, OneOf, WindowQuery } from './common.ts'

/** Health: this machine's own figures, their levels and history, and reports. */

const Limit = Nullable(Type.Number({ minimum: -1e15, maximum: 1e15 }))
export const HealthLimits = Type.Object(
  { careful: Limit, warning: Limit, critical: Limit },
  { additionalProperties: false },
)

export const HealthMetric = Type.Object({
  id: Type.Integer({ description: 'names its series' }),
  kind: OneOf(metricKindNames),
  item: Type.String({
    description: 'which one, such as a mount or an interface; empty where there is only one',
  }),
  name: Type.String(),
  group: Type.String(),
  unit: OneOf(metricUnits),
  value: Nullable(Type.Number()),
  text: Type.String({ description: 'the value in words' }),
  at: Nullable(Instant),
  isStale: Type.Boolean({ description: 'the value is the last one known' }),
  level: OneOf(healthLevels),
  since: Instant,
  limits: HealthLimits,
  sentence: Type.String(),
})
export type HealthMetric = Static<typeof HealthMetric>

export const functionStates = ['ok', 'not-offered', 'failed'] as const
export const HealthFunction = Type.Object({
  name: Type.String(),
  state: OneOf(functionStates),
  why: Type.String({ description: 'why it failed or is not offered; empty otherwise' }),
  rows: Type.Integer(),
})
export const HealthWorker = Type.Object({ name: Type.String(), functions: Type.Array(HealthFunction) })
export type HealthWorker = Static<typeof HealthWorker>

export const HealthProcess = Type.Object({
  top: OneOf(['cpu', 'memory'] as const),
  pid: Type.Integer(),
  process: Type.String(),
  user: Type.String(),
  cpu: Nullable(Type.Number({ description: 'per cent of one processor' })),
  bytes: Type.Number(),
  memory: Type.Number({ description: 'per cent' }),
})
export type HealthProcess = Static<typeof HealthProcess>

export const HealthSummary = Type.Object({
  enabled: Type.Boolean(),
  level: OneOf(healthLevels),
  sentence: Type.String(),
  at: Nullable(Instant),
  isStale: Type.Boolean(),
  intervalS: Type.Number(),
  metrics: Type.Array(HealthMetric),
  workers: Type.Array(HealthWorker),
  processes: Type.Array(HealthProcess),
  own: Type.Object({
    cpuPercent: Nullable(Type.Number({ description: 'of one processor, the whole service' })),
    memoryBytes: Nullable(Type.Integer()),
    sampleMs: Nullable(Type.Number({ description: 'from the begin of the last report to its end' })),
    writtenBytes: Nullable(
      Type.Integer({ description: 'to disks, since it was started; Linux alone tells' }),
    ),
  }),
})
export type HealthSummary = Static<typeof HealthSummary>

export const HealthHistoryQuery = Type.Object(
  {
    ...WindowQuery.properties,
    metric: Type.Optional(
      Type.String({
        maxLength: 2_000,
        description: 'ids, or kinds, with commas between them; all when left out',
      }),
    ),
    points: Type.Optional(Type.Integer({ minimum: 10, maximum: 2_000 })),
  },
  { additionalProperties: false },
)
export const HealthPoint = Type.Object({
  at: Instant,
  count: Type.Integer(),
  min: Nullable(Type.Number()),
  avg: Nullable(Type.Number()),
  p95: Nullable(Type.Number()),
  max: Nullable(Type.Number()),
})
export const HealthSeries = Type.Object({
  id: Type.Integer(),
  kind: OneOf(metricKindNames),
  item: Type.String(),
  name: Type.String(),
  group: Type.String(),
  unit: OneOf(metricUnits),
  points: Type.Array(HealthPoint),
})
export type HealthSeries = Static<typeof HealthSeries>
export const HealthHistory = Type.Object({
  since: Instant,
  until: Instant,
  stepMs: Type.Number({ description: 'length of a point; 0 when each is one measurement' }),
  unobserved: Type.Array(Type.Object({ from: Instant, to: Instant })),
  series: Type.Array(HealthSeries),
})
export type HealthHistory = Static<typeof HealthHistory>

export const KeptReport = Type.Object({
  id: Type.Integer(),
  at: Instant,
  why: OneOf(reportReasons),
  bytes: Type.Integer(),
})
export type KeptReport = Static<typeof KeptReport>
export const KeptReportsQuery = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1, description: 'only reports with a smaller id' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    why: Type.Optional(OneOf(reportReasons)),
  },
  { additionalProperties: false },
)
export const KeptReports = Type.Object({ reports: Type.Array(KeptReport), more: Type.Boolean() })
export type KeptReports = Static<typeof KeptReports>
export const ReportParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1 }) })
export const ReportTextQuery = Type.Object(
  {
    format: Type.Optional(OneOf(['json', 'text'] as const)),
    view: Type.Optional(OneOf(['brief', 'full'] as const)),
  },
  { additionalProperties: false },
)

export const HealthChange = Type.Object({
  area: Type.String({ description: 'such as Packages or Disks' }),
  what: Type.String(),
  how: OneOf(['added', 'removed', 'changed'] as const),
  before: Type.String(),
  after: Type.String(),
})
export type HealthChange = Static<typeof HealthChange>
export const ChangesQuery = Type.Object(
  {
    to: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2 ** 53 - 1,
        description: 'another report; the present when left out',
      }),
    ),
  },
  { additionalProperties: false },
)
export const HealthChanges = Type.Object({
  from: Type.Object({ id: Type.Integer(), at: Instant }),
  to: Type.Object({ id: Nullable(Type.Integer()), at: Instant }),
  changes: Type.Array(HealthChange),
})
export type HealthChanges = Static<typeof HealthChanges>

export const HealthRule = Type.Object(
  {
    kind: OneOf(metricKindNames),
    item: Nullable(Type.String({ maxLength: 300, description: 'null for every one of its kind' })),
    careful: Limit,
    warning: Limit,
    critical: Limit,
    sustainS: Type.Integer({ minimum: 0, maximum: 86_400 }),
  },
  { additionalProperties: false },
)
export type HealthRule = Static<typeof HealthRule>

const settingFields = {
  enabled: Type.Boolean(),
  intervalS: Type.Number({ minimum: 1, maximum: 3_600 }),
  notifyFrom: OneOf(['careful', 'warning', 'critical', 'never'] as const),
  spareBytes: Type.Integer({
    minimum: 0,
    maximum: 1e15,
    description: 'a disk with more room than this has no level, however full it is',
  }),
  rules: Type.Array(HealthRule, { maxItems: 200 }),
  services: Type.Array(Type.String({ minLength: 1, maxLength: 200, pattern: '^[A-Za-z0-9:_.@\\\\ -]+$' }), {
    maxItems: 50,
  }),
  asksDrives: Type.Boolean({ description: 'whether smartctl may ask drives, every six hours' }),
  nodeNames: Type.Boolean({ description: 'whether /metrics has node_exporter’s names as well' }),
  plugIns: Type.Boolean(),
  plugInEveryS: Type.Integer({ minimum: 5, maximum: 86_400 }),
  plugInLimitS: Type.Integer({ minimum: 1, maximum: 300 }),
  plugInMegabytes: Type.Integer({ minimum: 16, maximum: 4_096 }),
}
export const HealthSettings = Type.Object(settingFields, { additionalProperties: false })
export type HealthSettings = Static<typeof HealthSettings>
export const ChangeHealthSettings = Type.Partial(HealthSettings, { additionalProperties: false })
export type ChangeHealthSettings = Static<typeof ChangeHealthSettings>

export const HealthPlugIns = Type.Object({
  folder: Type.String(),
  enabled: Type.Boolean(),
  plugIns: Type.Array(
    Type.Object({
      file: Type.String(),
      worker: Type.String(),
      function: Type.String(),
      problem: Nullable(Type.String()),
    }),
  ),
})
export type HealthPlugIns = Static<typeof HealthPlugIns>

export const DiagnosisQuery = Type.Object(
  {
    format: Type.Optional(OneOf(['html', 'text'] as const)),
    masked: Type.Optional(Type.Boolean({ description: 'false to show names, addresses and users' })),
  },
  { additionalProperties: false },
)
