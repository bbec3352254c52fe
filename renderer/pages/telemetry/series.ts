/** Rows of a view as the series of a chart. Pure. */

/** A count at a place of the axis, of one of several kinds. */
export interface CountAt {
  readonly at: string
  readonly name: string
  readonly records: number
}

/** Returns the labels in order of appearance, and a series for each name, with 0 where a row is missing. */
export function seriesOf(rows: readonly CountAt[]): {
  readonly labels: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[]
} {
  const labels = [...new Set(rows.map(({ at }) => at))]
  const names = [...new Set(rows.map(({ name }) => name))].sort()
  const counts = new Map(rows.map(({ at, name, records }) => [`${at}\n${name}`, records]))
  return {
    labels,
    series: names.map((name) => ({
      name,
      values: labels.map((at) => counts.get(`${at}\n${name}`) ?? 0),
    })),
  }
}
