import { Type, type Static } from 'typebox'
import { alertRooms } from '../alert-words.ts'
import { Instant, Nullable, OneOf, WindowQuery } from './common.ts'

/** How everything together stands, worst first. */
export const overallStates = ['problem', 'degraded', 'unobserved', 'up', 'paused'] as const
export type OverallState = (typeof overallStates)[number]

/** Problems beyond this many are counted, but not listed. */
export const mostListedProblems = 20

/** A silence that can be ended: mutes, or maintenance windows, with the last of their ends. */
export const OverviewSilence = Type.Object({ ids: Type.Array(Type.Integer()), until: Instant })
export type OverviewSilence = Static<typeof OverviewSilence>

export const OverviewProblem = Type.Object({
  room: OneOf(alertRooms),
  item: Type.String({ description: 'the id within its room' }),
  name: Type.String(),
  state: Type.String({ description: 'the word of its room, such as down or late' }),
  severity: OneOf(['problem', 'degraded'] as const),
  since: Instant,
  text: Type.String(),
  path: Type.String({ description: 'of the item in the UI' }),
  incident: Nullable(Type.Integer({ description: 'what can be acknowledged' })),
  acknowledged: Type.Boolean(),
  muted: Nullable(OverviewSilence),
})
export type OverviewProblem = Static<typeof OverviewProblem>

export const OverviewRoom = Type.Object({
  room: OneOf(alertRooms),
  state: OneOf(overallStates),
  total: Type.Integer(),
  problems: Type.Integer(),
  text: Type.String({ description: 'such as “2 of 40 hosts down”' }),
  path: Type.String(),
})
export type OverviewRoom = Static<typeof OverviewRoom>

/** Name under which a pause stands among the maintenance windows. */
export const pauseName = 'Paused from the tray'

/** What a tray shows: one worst state, the problems first, and what is silenced. */
export const Overview = Type.Object({
  at: Instant,
  state: OneOf(overallStates),
  sentence: Type.String({ description: 'The state in plain words.' }),
  rooms: Type.Array(OverviewRoom),
  problems: Type.Array(OverviewProblem, { description: `the worst ${mostListedProblems}` }),
  problemCount: Type.Integer(),
  muted: Nullable(OverviewSilence),
  /** `ids` are those that the tray has made, and may end. */
  paused: Nullable(OverviewSilence),
})
export type Overview = Static<typeof Overview>

/** What a stretch of a room's past was. What is not drawn was well. */
export const laneStates = ['problem', 'degraded', 'off', 'asleep', 'unobserved', 'information'] as const
export type LaneState = (typeof laneStates)[number]

export const LaneSpan = Type.Object({
  from: Instant,
  to: Instant,
  state: OneOf(laneStates),
  count: Type.Integer({ description: 'how many are drawn as this one' }),
  text: Type.String(),
  path: Type.String({ description: 'of what it was, in the UI' }),
})
export type LaneSpan = Static<typeof LaneSpan>

export const Lane = Type.Object({
  room: OneOf(alertRooms),
  /** What the room says of the window in a few words. */
  text: Type.String(),
  spans: Type.Array(LaneSpan),
})
export type Lane = Static<typeof Lane>

/** The past of all rooms on one axis of time. */
export const OverviewHistory = Type.Object({
  since: Instant,
  until: Instant,
  firstRecord: Nullable(Instant),
  lanes: Type.Array(Lane),
  crashesKnown: Type.Boolean({ description: 'false while telemetry records are away' }),
})
export type OverviewHistory = Static<typeof OverviewHistory>
export const OverviewHistoryQuery = WindowQuery

/** What a search leads to. */
export const findingKinds = ['host', 'watcher', 'crash', 'class', 'build', 'record', 'incident'] as const
export const Finding = Type.Object({
  kind: OneOf(findingKinds),
  title: Type.String(),
  text: Type.String(),
  path: Type.String(),
})
export type Finding = Static<typeof Finding>
export const Findings = Type.Array(Finding)
export const SearchQuery = Type.Object(
  {
    q: Type.String({ minLength: 1, maxLength: 200 }),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: 'of each kind; 6' })),
  },
  { additionalProperties: false },
)

/** What a first run can tell and has to ask. */
export const Setup = Type.Object({
  done: Type.Boolean(),
  imported: Type.Array(
    Type.Object({
      source: Type.String({ description: 'where it was found, such as wtmp' }),
      runs: Type.Integer(),
      since: Instant,
    }),
  ),
  hosts: Type.Integer(),
  watchers: Type.Integer(),
  channels: Type.Integer(),
})
export type Setup = Static<typeof Setup>
export const ChangeSetup = Type.Object({ done: Type.Boolean() }, { additionalProperties: false })
