import { backtraceClasses, compareVersions } from '../../../shared/telemetry-words.ts'
import { ask, marks, type Value, type Work } from '../../store/records/work.ts'
import { backtraceOf } from '../guilty/guilty.ts'
import type { Backtrace } from '../guilty/frames.ts'
import type { GuiltyRow } from '../schema.ts'
import { idWindow, listRecords, type ReadEnv } from '../records/list.ts'
import { findTerm, textsOf } from '../records/terms.ts'

/** Crashes by their guilty frames. */

/** Builds beside each other in a list of crashes: the newest eight, as telemetrics has it. */
export const mostBuilds = 8

export interface BuildCrashes {
  readonly build: string
  /** Stored and counted together. */
  readonly crashes: number
}

/** A guilty frame with its crashes of a window. */
export interface TopCrash {
  readonly guilty: GuiltyRow
  readonly crashes: number
  /** Of these, crashes that the storm guard counted without storing them. */
  readonly counted: number
  readonly machines: number
  readonly builds: readonly BuildCrashes[]
  readonly firstBuild: string | null
  /** Crashes of this machine itself. */
  readonly ofThisMachine: number
}

export interface TopCrashes {
  /** All builds with crashes in the window, newest first. */
  readonly builds: readonly string[]
  readonly crashes: readonly TopCrash[]
  /** Guilty frames of the window, also those that are not listed. */
  readonly total: number
  /** Guilty frames of the window that are hidden. */
  readonly hidden: number
  /** Crashes of the window in classes of backtraces that hold no frame, stored and counted together. */
  readonly unblamed: number
}

export interface CrashesAsked {
  readonly sinceMs: number
  readonly build?: string | undefined
  readonly withHidden: boolean
  readonly most: number
  /** Ids under which this machine reports. */
  readonly ownMachines: readonly string[]
}

/** Returns the guilty frames of a window with most crashes. */
export function* topCrashes(asked: CrashesAsked, { terms }: ReadEnv): Work<TopCrashes> {
  const values: Value[] = [asked.sinceMs]
  let only = ''
  if (asked.build !== undefined) {
    const id = yield* findTerm('build', asked.build)
    if (id === null) return { builds: [], crashes: [], total: 0, hidden: 0, unblamed: 0 }
    only = 'AND build_id = ?'
    values.push(id)
  }
  const own = asked.ownMachines.length > 0 ? asked.ownMachines : ['']
  const stored = yield* ask<CrashCount>(
    `SELECT guilty_id, build_id, count(*) AS crashes FROM record
     WHERE guilty_id IS NOT NULL AND server_ms > ? ${only} GROUP BY guilty_id, build_id`,
    ...values,
  )
  const counted = yield* ask<CrashCount>(
    `SELECT coalesce(blamed_id, guilty_id) AS guilty_id, build_id, sum(dropped) AS crashes FROM storm
     WHERE dropped > 0 AND guilty_id > 0 AND hour > ? ${only} GROUP BY 1, 2`,
    Math.floor(asked.sinceMs / 3_600_000) - 1,
    ...values.slice(1),
  )
  const sums = new Map<number, { crashes: number; counted: number; builds: Map<number, number> }>()
  const add = (rows: readonly CrashCount[], isCounted: boolean): void => {
    for (const { guilty_id, build_id, crashes } of rows) {
      const sum = sums.get(guilty_id) ?? { crashes: 0, counted: 0, builds: new Map<number, number>() }
      sum.crashes += crashes
      if (isCounted) sum.counted += crashes
      sum.builds.set(build_id, (sum.builds.get(build_id) ?? 0) + crashes)
      sums.set(guilty_id, sum)
    }
  }
  add(stored, false)
  add(counted, true)
  const guilties = new Map((yield* guiltyRows([...sums.keys()])).map((row) => [row.id, row]))
  const listed = [...sums]
    .flatMap(([id, sum]) => {
      const guilty = guilties.get(id)
      return guilty && (asked.withHidden || guilty.hidden === 0) ? [{ guilty, ...sum }] : []
    })
    .sort((a, b) => b.crashes - a.crashes || a.guilty.id - b.guilty.id)
  const top = listed.slice(0, asked.most)
  const machines = yield* machinesOf(
    top.map(({ guilty }) => guilty.id),
    asked.sinceMs,
    own,
    only,
    values.slice(1),
  )
  const texts = yield* textsOf(terms, [
    ...listed.flatMap(({ builds }) => [...builds.keys()]),
    ...top.flatMap(({ guilty }) => (guilty.first_build_id === null ? [] : [guilty.first_build_id])),
  ])
  const builds = [
    ...new Set(listed.flatMap((one) => [...one.builds.keys()].map((id) => texts.get(id) ?? ''))),
  ].sort((a, b) => compareVersions(b, a))
  return {
    builds,
    total: listed.length,
    hidden: [...guilties.values()].filter(({ hidden }) => hidden === 1).length,
    unblamed: yield* unblamed(asked.sinceMs, only, values.slice(1)),
    crashes: top.map(({ guilty, crashes, counted: dropped, builds: perBuild }) => ({
      guilty,
      crashes,
      counted: dropped,
      machines: machines.get(guilty.id)?.machines ?? 0,
      ofThisMachine: machines.get(guilty.id)?.own ?? 0,
      firstBuild: guilty.first_build_id === null ? null : (texts.get(guilty.first_build_id) ?? null),
      builds: [...perBuild]
        .map(([id, count]) => ({ build: texts.get(id) ?? '', crashes: count }))
        .sort((a, b) => compareVersions(b.build, a.build))
        .slice(0, mostBuilds),
    })),
  }
}

function* unblamed(sinceMs: number, only: string, values: readonly Value[]): Work<number> {
  const classes: number[] = []
  for (const name of backtraceClasses) {
    const id = yield* findTerm('classification', name)
    if (id !== null) classes.push(id)
  }
  const window = yield* idWindow({ receivedAfterMs: sinceMs })
  if (classes.length === 0 || window === null) return 0
  const [counted] = yield* ask<{ n: number | null }>(
    `SELECT sum(dropped) AS n FROM storm
     WHERE guilty_id < 0 AND classification_id IN (${marks(classes)}) AND hour > ? ${only}`,
    ...classes,
    Math.floor(sinceMs / 3_600_000) - 1,
    ...values,
  )
  const [row] = yield* ask<{ n: number }>(
    `SELECT count(*) AS n FROM record
     WHERE classification_id IN (${marks(classes)}) AND id >= ? AND server_ms > ? AND guilty_id IS NULL ${only}`,
    ...classes,
    window.low,
    sinceMs,
    ...values,
  )
  return (row?.n ?? 0) + (counted?.n ?? 0)
}

interface CrashCount {
  readonly guilty_id: number
  readonly build_id: number
  readonly crashes: number
}

function* machinesOf(
  ids: readonly number[],
  sinceMs: number,
  own: readonly string[],
  only: string,
  values: readonly Value[],
): Work<ReadonlyMap<number, { machines: number; own: number }>> {
  if (ids.length === 0) return new Map()
  const rows = yield* ask<{ guilty_id: number; machines: number; own: number }>(
    `SELECT guilty_id, count(DISTINCT machine) AS machines, sum(CASE WHEN machine IN (${marks(own)}) THEN 1 ELSE 0 END) AS own
     FROM record WHERE guilty_id IN (${marks(ids)}) AND server_ms > ? ${only} GROUP BY guilty_id`,
    ...own,
    ...ids,
    sinceMs,
    ...values,
  )
  return new Map(rows.map((row) => [row.guilty_id, row]))
}

/** Returns guilty frames by their ids. */
export function* guiltyRows(ids: readonly number[]): Work<readonly GuiltyRow[]> {
  const rows: GuiltyRow[] = []
  for (let from = 0; from < ids.length; from += 500) {
    const some = ids.slice(from, from + 500)
    rows.push(...(yield* ask<GuiltyRow>(`SELECT * FROM guilty WHERE id IN (${marks(some)})`, ...some)))
  }
  return rows
}

export interface GuiltyMachine {
  readonly build: string
  readonly machine: string
  readonly crashes: number
  readonly lastMs: number
}

export interface GuiltyDetails {
  readonly guilty: GuiltyRow
  readonly firstBuild: string | null
  readonly machines: readonly GuiltyMachine[]
  /** False when there are more machines than are listed. */
  readonly isComplete: boolean
}

const mostMachines = 1_000

/** Returns a guilty frame with the machines that crashed there, by build; null when there is none. */
export function* guiltyDetails(
  { id }: { readonly id: number },
  { terms }: ReadEnv,
): Work<GuiltyDetails | null> {
  const [guilty] = yield* guiltyRows([id])
  if (!guilty) return null
  const rows = yield* ask<{ build_id: number; machine: string; crashes: number; last_ms: number }>(
    `SELECT build_id, machine, count(*) AS crashes, max(server_ms) AS last_ms FROM record
     WHERE guilty_id = ? GROUP BY build_id, machine ORDER BY crashes DESC, last_ms DESC LIMIT ?`,
    id,
    mostMachines + 1,
  )
  const texts = yield* textsOf(terms, [
    ...rows.map(({ build_id }) => build_id),
    ...(guilty.first_build_id === null ? [] : [guilty.first_build_id]),
  ])
  const machines = rows.slice(0, mostMachines).map(({ build_id, machine, crashes, last_ms }) => ({
    build: texts.get(build_id) ?? '',
    machine,
    crashes,
    lastMs: last_ms,
  }))
  return {
    guilty,
    firstBuild: guilty.first_build_id === null ? null : (texts.get(guilty.first_build_id) ?? null),
    machines: machines.sort((a, b) => compareVersions(b.build, a.build) || b.crashes - a.crashes),
    isComplete: rows.length <= mostMachines,
  }
}

export interface TracedRecord extends Backtrace {
  readonly id: number
  readonly serverMs: number
  readonly build: string
  readonly machine: string
}

/** Most backtraces of one guilty frame that are shown, as telemetrics has it. */
const mostBacktraces = 50

/** Returns the newest backtraces of a guilty frame. */
export function* backtraces(
  {
    id,
    machine,
    build,
  }: { readonly id: number; readonly machine?: string | undefined; readonly build?: string | undefined },
  env: ReadEnv,
): Work<readonly TracedRecord[]> {
  const { records } = yield* listRecords(
    {
      filter: {
        guiltyId: id,
        ...(machine !== undefined && { machine }),
        ...(build !== undefined && { build }),
      },
      before: null,
      limit: mostBacktraces,
      withPayload: true,
      patienceMs: 5_000,
    },
    env,
  )
  return records.map((record) => {
    const trace = backtraceOf(record.classification, record.payload ?? '')
    return {
      id: record.id,
      serverMs: record.serverMs,
      build: record.build,
      machine: record.machine,
      program: trace?.program ?? null,
      pid: trace?.pid ?? null,
      signal: trace?.signal ?? null,
      frames: trace?.frames ?? [],
    }
  })
}

/** Returns hidden guilty frames, and those that were said to be fixed. */
export function* decidedGuilties(): Work<readonly GuiltyRow[]> {
  return yield* ask<GuiltyRow>(
    "SELECT * FROM guilty WHERE hidden = 1 OR fixed_ms IS NOT NULL OR comment <> '' ORDER BY last_ms DESC LIMIT 1000",
  )
}
