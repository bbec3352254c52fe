import { Type, type Static } from 'typebox'
import { alertRooms } from '../alert-words.ts'
import { Instant, Nullable, OneOf } from './common.ts'

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
