import type { Work } from '../../store/records/work.ts'
import { buildCounts, choices, population, shares } from '../views/counts.ts'
import { backtraces, decidedGuilties, guiltyDetails, topCrashes } from '../views/crashes.ts'
import { readDecisions } from '../decisions.ts'
import { grouped, sampled } from '../views/grouped.ts'
import { machineChecks, thermal } from '../views/hardware.ts'
import { reportTimes, quarantined, summary } from '../views/summary.ts'
import { crashTimes, found } from '../views/times.ts'
import { updateMatrix } from '../views/updates.ts'
import { listRecords, oneRecord, type PieceAsked, type ReadEnv } from './list.ts'
import { textPiece } from './pieces.ts'
import { idleGuilties } from './guilties.ts'
import { gapBytes, oldestIds, purgePiece } from './purge.ts'
import { previewSkip } from './preview.ts'
import { regroupChange, regroupPiece, regroups, skipFrames } from './regroup.ts'
import { stormMoves } from './storm-moves.ts'
import { orphanTerms } from './sweep.ts'

/** Everything that is asked of the records without changing them; it runs in a thread of its own, against either store. */
export const recordQueries = {
  list: (asked: PieceAsked, env: ReadEnv) => listRecords(asked, env),
  one: ({ id }: { readonly id: number }, { terms }: ReadEnv) => oneRecord(id, terms),
  textPiece,
  buildCounts,
  shares,
  population,
  choices: (_args: null) => choices(),
  topCrashes,
  guiltyDetails,
  backtraces,
  decisions: (_args: null) => readDecisions(),
  decidedGuilties: (_args: null) => decidedGuilties(),
  machineChecks,
  thermal,
  updateMatrix,
  crashTimes,
  found,
  summary,
  quarantined,
  reportTimes,
  grouped,
  sampled,
  skipFrames: (_args: null) => skipFrames(),
  previewSkip,
  regroupPiece,
  stormMoves: (_args: null) => stormMoves(),
  regroups: ({ most }: { readonly most: number }) => regroups(most),
  regroupChange: ({ id }: { readonly id: number }) => regroupChange(id),
  purgePiece,
  gapBytes: (_args: null) => gapBytes(),
  orphanTerms: (_args: null) => orphanTerms(),
  idleGuilties: (_args: null) => idleGuilties(),
  oldestIds: ({ most }: { readonly most: number }) => oldestIds(most),
} as const satisfies Readonly<Record<string, (args: never, env: ReadEnv) => Work<unknown>>>

export type RecordQueries = typeof recordQueries
export type RecordQueryName = keyof RecordQueries
export type RecordQueryArgs<Name extends RecordQueryName> = Parameters<RecordQueries[Name]>[0]
export type RecordQueryResult<Name extends RecordQueryName> =
  ReturnType<RecordQueries[Name]> extends Work<infer Result> ? Result : never
