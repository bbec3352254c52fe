import { Type, type Static } from 'typebox'
import { causes, clockStates, confidences, gapKinds, presences, sources } from '../vocabulary.ts'
import { Instant, Nullable, OneOf, WindowQuery } from './common.ts'

const Milliseconds = Type.Integer({ minimum: 0, description: 'milliseconds' })
const PerPresence = Type.Object({
  up: Type.Number(),
  asleep: Type.Number(),
  down: Type.Number(),
  'recorder-off': Type.Number(),
  unknown: Type.Number(),
})

/** The flight being recorded now, and how its stamps go. */
export const RunningFlight = Type.Object({
  id: Type.Integer(),
  begin: Instant,
  lastStamp: Instant,
  durationMs: Milliseconds,
  intervalMs: Milliseconds,
  bootId: Nullable(Type.String()),
  bootedAt: Nullable(Instant),
  os: Type.String(),
  clock: OneOf(clockStates),
  load: Nullable(Type.Number()),
  memoryFree: Nullable(Type.Integer({ description: 'bytes' })),
  memoryTotal: Nullable(Type.Integer({ description: 'bytes' })),
  power: Nullable(Type.String()),
  battery: Nullable(Type.Number({ description: 'percent' })),
  stampFailure: Nullable(
    Type.Object(
      { since: Instant, count: Type.Integer(), reason: Type.String() },
      { description: 'Stamps that fail' },
    ),
  ),
})
export type RunningFlight = Static<typeof RunningFlight>

/** A stretch of the timeline with one presence. `gap` names the gap it belongs to, if any. */
export const Segment = Type.Object({
  from: Instant,
  to: Instant,
  presence: OneOf(presences),
  kind: Nullable(OneOf(gapKinds)),
  gap: Nullable(Type.String()),
  merged: Type.Integer({
    minimum: 1,
    description: 'How many stretches were drawn as this one to keep the answer small',
  }),
})
export type Segment = Static<typeof Segment>

/** A jump of the wall clock, seen beside the monotonic one. */
export const ClockStep = Type.Object({
  at: Instant,
  stepMs: Type.Integer({ description: 'milliseconds; negative is back' }),
  flight: Type.Integer(),
})
export type ClockStep = Static<typeof ClockStep>

export const Figures = Type.Object({
  windowMs: Milliseconds,
  ms: PerPresence,
  percent: PerPresence,
  availability: Nullable(
    Type.Number({ description: 'percent: up / (up + down); null when neither was seen' }),
  ),
  flights: Type.Integer(),
  gaps: Type.Integer(),
  stops: Type.Integer({ description: 'Clean stops of the machine' }),
  crashes: Type.Integer(),
  sleeps: Type.Integer(),
  recorderStops: Type.Integer(),
  longestUpMs: Milliseconds,
  meanUpMs: Milliseconds,
  longestDownMs: Milliseconds,
  meanDownMs: Milliseconds,
})
export type Figures = Static<typeof Figures>

/** The history of a window: figures, timeline and clock steps. */
export const MachineHistory = Type.Object({
  since: Instant,
  until: Instant,
  firstRecord: Nullable(Instant),
  figures: Figures,
  segments: Type.Array(Segment),
  clockSteps: Type.Array(ClockStep),
  hints: Type.Array(Type.String(), { description: 'What to know before trusting the figures' }),
})
export type MachineHistory = Static<typeof MachineHistory>

/** A piece of evidence for a verdict, as the system gave it. */
export const Evidence = Type.Object({
  source: Type.String(),
  at: Nullable(Instant),
  fact: Type.String(),
  text: Type.String(),
})
export type Evidence = Static<typeof Evidence>

export const Gap = Type.Object({
  id: Type.String(),
  from: Instant,
  to: Instant,
  ongoing: Type.Boolean(),
  durationMs: Milliseconds,
  kind: OneOf(gapKinds),
  kindConfidence: OneOf(confidences),
  cause: Nullable(OneOf(causes)),
  causeConfidence: Nullable(OneOf(confidences)),
  reasons: Type.Array(Type.String()),
  evidence: Type.Array(Evidence),
  parts: Type.Array(Type.Object({ from: Instant, to: Instant, kind: OneOf(gapKinds) })),
  lastStamp: Nullable(
    Type.Object({
      load: Nullable(Type.Number()),
      memoryFree: Nullable(Type.Integer()),
      memoryTotal: Nullable(Type.Integer()),
      power: Nullable(Type.String()),
      battery: Nullable(Type.Number()),
    }),
  ),
  note: Nullable(Type.String()),
})
export type Gap = Static<typeof Gap>

export const Flight = Type.Object({
  id: Type.String(),
  source: OneOf(sources),
  begin: Instant,
  end: Instant,
  durationMs: Milliseconds,
  asleepMs: Milliseconds,
  heldUpMs: Type.Integer({
    minimum: 0,
    description: 'ms in which the recorder itself was held up and did not look',
  }),
  running: Type.Boolean(),
  ended: Nullable(Type.String({ description: 'How it ended, where that is known' })),
  bootId: Nullable(Type.String()),
  os: Nullable(Type.String()),
  osChanged: Type.Boolean({ description: 'Another system build than the flight before it' }),
  clock: OneOf(clockStates),
  placedBy: OneOf(['clock', 'boot', 'neighbours'] as const),
  errorMs: Nullable(
    Type.Integer({ description: 'Half-width of the error bar in ms; null when it has no bound' }),
  ),
})
export type Flight = Static<typeof Flight>

export const PageQuery = Type.Object(
  {
    ...WindowQuery.properties,
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 50 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000, default: 0 })),
  },
  { additionalProperties: false },
)
export type PageQuery = Static<typeof PageQuery>

export const GapQuery = Type.Object(
  { ...PageQuery.properties, kind: Type.Optional(OneOf(gapKinds)) },
  { additionalProperties: false },
)

export const GapPage = Type.Object({ total: Type.Integer(), gaps: Type.Array(Gap) })
export type GapPage = Static<typeof GapPage>

export const FlightPage = Type.Object({ total: Type.Integer(), flights: Type.Array(Flight) })
export type FlightPage = Static<typeof FlightPage>

export const CalendarQuery = Type.Object(
  {
    year: Type.Integer({ minimum: 1970, maximum: 9999 }),
    zone: Type.Optional(
      Type.String({ maxLength: 64, description: "IANA time zone; the server's when left out" }),
    ),
  },
  { additionalProperties: false },
)

export const CalendarDay = Type.Object({
  day: Type.String({ description: 'YYYY-MM-DD' }),
  ms: PerPresence,
  crashes: Type.Integer(),
})
export const Calendar = Type.Object({
  year: Type.Integer(),
  zone: Type.String(),
  days: Type.Array(CalendarDay),
})
export type Calendar = Static<typeof Calendar>
export type CalendarDay = Static<typeof CalendarDay>

export const AtQuery = Type.Object({ t: Type.String({ maxLength: 40 }) }, { additionalProperties: false })

/** The answer to "was it up then?" */
export const StateAt = Type.Object({
  at: Instant,
  presence: OneOf(presences),
  from: Instant,
  to: Instant,
  kind: Nullable(OneOf(gapKinds)),
  sentence: Type.String(),
})
export type StateAt = Static<typeof StateAt>

export const GapParams = Type.Object({ id: Type.String({ pattern: '^[fi][0-9]{1,15}$' }) })
export const NoteBody = Type.Object(
  { note: Type.String({ maxLength: 2_000, description: 'An empty note removes it' }) },
  { additionalProperties: false },
)
