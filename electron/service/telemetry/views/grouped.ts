import { ask, type Work } from '../../store/records/work.ts'
import type { RecordFilter } from '../schema.ts'
import { conditions, idWindow, listRecords, type ReadEnv } from '../records/list.ts'
import { textsOf } from '../records/terms.ts'

/** The one way in which plug-ins ask: counts of records by what they have in common, or a few records. It can only read, and it ends. */

/** What records can be grouped by; `day` is of server time, UTC. */
export const groupFields = {
  classification: 'r.classification_id',
  build: 'r.build_id',
  system: 'r.system_id',
  hostType: 'r.host_id',
  kernel: 'r.kernel_id',
  severity: 'r.severity',
  external: 'r.external',
  machine: 'r.machine',
  day: '(r.server_ms / 86400000)',
} as const
export type GroupField = keyof typeof groupFields

const termFields: ReadonlySet<string> = new Set(['classification', 'build', 'system', 'hostType', 'kernel'])
const mostGroups = 1_000
const mostRecords = 200

export interface GroupAsked {
  readonly filter: RecordFilter
  readonly by: readonly GroupField[]
  readonly limit?: number | undefined
}

export type GroupRow = Readonly<Record<string, string | number>>

/** Returns how many records and machines share what they are grouped by, most records first. */
export function* grouped(
  { filter, by, limit = mostGroups }: GroupAsked,
  env: ReadEnv,
): Work<readonly GroupRow[]> {
  const where = yield* conditions(filter, env)
  const window = yield* idWindow(filter)
  if (where === null || window === null) return []
  const keys = by.map((field, index) => `${groupFields[field]} AS k${index}`)
  const rows = yield* ask(
    `SELECT ${[...keys, 'count(*) AS records', 'count(DISTINCT r.machine) AS machines'].join(', ')} FROM record r
     WHERE ${[...where.parts, 'r.id >= ?', 'r.id < ?'].join(' AND ')}
     ${by.length === 0 ? '' : `GROUP BY ${by.map((_, index) => String(index + 1)).join(', ')}`}
     ORDER BY records DESC${by.length === 0 ? '' : ', 1'} LIMIT ?`,
    ...where.values,
    window.low,
    window.high,
    Math.min(limit, mostGroups),
  )
  const texts = yield* textsOf(
    env.terms,
    rows.flatMap((row) =>
      by.flatMap((field, index) => (termFields.has(field) ? [Number(row[`k${index}`])] : [])),
    ),
  )
  return rows.map((row) => {
    const named = by.map((field, index) => {
      const value = row[`k${index}`]
      if (termFields.has(field)) return [field, texts.get(Number(value)) ?? '']
      if (field === 'day') return [field, new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)]
      return [field, value ?? '']
    })
    return {
      ...(Object.fromEntries(named) as GroupRow),
      records: Number(row['records']),
      machines: Number(row['machines']),
    }
  })
}

/** Returns a few records with their payload for a plug-in. */
export function* sampled(
  { filter, limit }: { readonly filter: RecordFilter; readonly limit: number },
  env: ReadEnv,
): Work<readonly Readonly<Record<string, unknown>>[]> {
  const { records } = yield* listRecords(
    {
      filter,
      before: null,
      limit: Math.min(limit, mostRecords),
      withPayload: true,
      patienceMs: 2_000,
    },
    env,
  )
  return records.map(({ serverMs, clientS, ...rest }) => ({
    ...rest,
    received: new Date(serverMs).toISOString(),
    captured: new Date(clientS * 1_000).toISOString(),
  }))
}
