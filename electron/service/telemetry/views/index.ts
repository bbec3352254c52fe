import { csvCell } from '../../../shared/text.ts'
import type { TelemetryEdges, TelemetryParts } from '../index.ts'
import type { RecordQueryArgs, RecordQueryName, RecordQueryResult } from '../records/queries.ts'

/** Views over all records, remembered for a moment, so that many pages cost as much as one. */
export interface Views {
  /** @throws HttpProblem 503, ReaderError */
  ask<Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>): Promise<RecordQueryResult<Name>>
  /** Hours that this machine was up since a time, and the ids under which it reports; null where that is not known. */
  own(sinceMs: number): Promise<{ readonly hours: number | null; readonly machines: readonly string[] }>
  forget(): void
}

/** An answer is good for at least this long (ms), and for as long as it took to make, twenty times over. */
const freshMs = 250
const effortFactor = 20
const mostKept = 100

export function createViews(
  { context, store }: TelemetryParts,
  edges: Pick<TelemetryEdges, 'upMs'>,
  own: () => { readonly machines: readonly string[]; readonly sinceMs: number },
): Views {
  const { clock } = context
  const kept = new Map<string, { readonly answer: Promise<unknown>; untilMs: number }>()
  return {
    ask<Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>) {
      const key = `${name} ${JSON.stringify(args)}`
      const nowMs = clock.glance().monotonicMs
      const known = kept.get(key)
      if (known && known.untilMs > nowMs) return known.answer as Promise<RecordQueryResult<Name>>
      if (kept.size >= mostKept) kept.clear()
      const timed = store().timed(name, args)
      const answer = timed.then(({ result }) => result)
      const entry = { answer, untilMs: Number.POSITIVE_INFINITY }
      kept.set(key, entry)
      timed.then(
        ({ tookMs }) => {
          entry.untilMs = clock.glance().monotonicMs + Math.max(freshMs, tookMs * effortFactor)
        },
        () => kept.delete(key),
      )
      return answer
    },
    async own(sinceMs) {
      const { machines, sinceMs: knownMs } = own()
      // Before it reported, this machine's crashes are not known.
      const upMs = machines.length === 0 ? null : await edges.upMs(Math.max(sinceMs, knownMs))
      return { hours: upMs === null ? null : upMs / 3_600_000, machines }
    },
    forget: () => kept.clear(),
  }
}

/** Returns rows as CSV with the names of their columns; nested values as JSON. */
export function csvOf(rows: readonly object[], columns: readonly string[]): string {
  const cells = rows.map((row) => {
    const values = new Map<string, unknown>(Object.entries(row))
    return columns.map((column) => cell(values.get(column)))
  })
  return linesOf([columns, ...cells])
}

/** Returns a table as CSV whose columns somebody else named. */
export function csvTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return linesOf([columns, ...rows].map((row) => row.map(cell)))
}

function linesOf(rows: readonly (readonly string[])[]): string {
  return [...rows.map((row) => row.join(',')), ''].join('\r\n')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return csvCell(typeof value === 'string' ? value : JSON.stringify(value))
}
