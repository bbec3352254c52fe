import { clearLinux, compareVersions, heartbeatClass, noSystem } from '../../../shared/telemetry-words.ts'
import { ask, type Work } from '../../store/records/work.ts'
import type { ReadEnv } from '../records/list.ts'
import { findTerm, textsOf, termsOf } from '../records/terms.ts'

/** Counts of records: by build, by class, by kind of machine, and how many machines report. */

export interface BuildCount {
  readonly build: string
  readonly records: number
}

/** Returns how many records each build has, in the order of versions. */
export function* buildCounts(_args: unknown, { terms }: ReadEnv): Work<readonly BuildCount[]> {
  const rows = yield* ask<{ build_id: number; records: number }>(
    'SELECT build_id, count(*) AS records FROM record GROUP BY build_id',
  )
  const texts = yield* textsOf(
    terms,
    rows.map(({ build_id }) => build_id),
  )
  return rows
    .map(({ build_id, records }) => ({ build: texts.get(build_id) ?? '', records }))
    .sort((a, b) => compareVersions(a.build, b.build))
}

export interface Share {
  readonly name: string
  readonly records: number
}

export interface Stats {
  readonly total: number
  readonly classifications: readonly Share[]
  readonly hostTypes: readonly Share[]
  readonly severities: readonly Share[]
  readonly systems: readonly Share[]
}

/** Returns the shares of classes, kinds of machines, severities and systems, largest first. */
export function* shares(_args: unknown, { terms }: ReadEnv): Work<Stats> {
  const classes = yield* ask<Counted>(
    'SELECT classification_id AS id, count(*) AS records FROM record GROUP BY classification_id',
  )
  const severities = yield* ask<Counted>(
    'SELECT severity AS id, count(*) AS records FROM record GROUP BY severity',
  )
  // Both in one pass over the table, which has no index on them.
  const both = yield* ask<Counted & { readonly system_id: number }>(
    'SELECT host_id AS id, system_id, count(*) AS records FROM record GROUP BY host_id, system_id',
  )
  const texts = yield* textsOf(terms, [
    ...classes.map(({ id }) => id),
    ...both.flatMap((row) => [row.id, row.system_id]),
  ])
  const named = (rows: readonly Counted[]): Share[] => {
    const sums = new Map<number, number>()
    for (const { id, records } of rows) sums.set(id, (sums.get(id) ?? 0) + records)
    return [...sums]
      .map(([id, records]) => ({ name: texts.get(id) ?? '', records }))
      .sort((a, b) => b.records - a.records || (a.name < b.name ? -1 : 1))
  }
  return {
    total: classes.reduce((sum, { records }) => sum + records, 0),
    classifications: named(classes),
    hostTypes: named(both),
    severities: severities
      .map(({ id, records }) => ({ name: String(id), records }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    systems: named(both.map(({ system_id, records }) => ({ id: system_id, records }))),
  }
}

interface Counted {
  readonly id: number
  readonly records: number
}

/** Windows of the population view in days; null for all that is kept. */
export const populationWindows = [null, 14, 7, 3, 1] as const

export interface PopulationRow {
  readonly build: string
  readonly internal: readonly number[]
  readonly external: readonly number[]
}

/** Returns how many machines of a system sent a heartbeat, by build and by each of {@link populationWindows}. */
export function* population(
  { nowMs, system = clearLinux }: { readonly nowMs: number; readonly system?: string | undefined },
  { terms }: ReadEnv,
): Work<readonly PopulationRow[]> {
  const classId = yield* findTerm('classification', heartbeatClass)
  const systemId = yield* findTerm('system', system)
  if (classId === null || systemId === null) return []
  const recent = populationWindows.flatMap((days) => (days === null ? [] : [nowMs - days * 86_400_000]))
  const rows = yield* ask<Readonly<Record<string, number>>>(
    `SELECT build_id, external, count(*) AS w0, ${recent.map((_, index) => `sum(CASE WHEN last_ms > ? THEN 1 ELSE 0 END) AS w${index + 1}`).join(', ')}
     FROM (SELECT build_id, external, machine, max(server_ms) AS last_ms FROM record
           WHERE classification_id = ? AND system_id = ? GROUP BY build_id, external, machine) seen
     GROUP BY build_id, external`,
    ...recent,
    classId,
    systemId,
  )
  const texts = yield* textsOf(
    terms,
    rows.map((row) => row['build_id'] ?? 0),
  )
  const none = populationWindows.map(() => 0)
  const builds = new Map<string, { internal: readonly number[]; external: readonly number[] }>()
  for (const row of rows) {
    const build = texts.get(row['build_id'] ?? 0) ?? ''
    const counts = populationWindows.map((_, index) => row[`w${index}`] ?? 0)
    const known = builds.get(build) ?? { internal: none, external: none }
    builds.set(build, row['external'] === 1 ? { ...known, external: counts } : { ...known, internal: counts })
  }
  return [...builds]
    .map(([build, counts]) => ({ build, ...counts }))
    .sort((a, b) => compareVersions(a.build, b.build))
}

/** What the filters of lists offer. */
export interface Choices {
  readonly classifications: readonly string[]
  readonly builds: readonly string[]
  readonly systems: readonly string[]
}

const mostChoices = 1_000

/** Returns the classes, builds and systems that records have had. */
export function* choices(): Work<Choices> {
  const names = function* (kind: 'classification' | 'build' | 'system'): Work<string[]> {
    return (yield* termsOf(kind)).map(({ text }) => text).filter((text) => text !== '')
  }
  const isUnnamed = (yield* findTerm('system', '')) !== null
  return {
    classifications: (yield* names('classification')).sort().slice(0, mostChoices),
    builds: (yield* names('build')).sort((a, b) => compareVersions(b, a)).slice(0, mostChoices),
    systems: [...(yield* names('system')).sort().slice(0, mostChoices), ...(isUnnamed ? [noSystem] : [])],
  }
}
