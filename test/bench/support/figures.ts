// Figures of a bench, each beside a floor or a peer of the same run.

export interface Figure {
  readonly what: string
  readonly ours: string
  readonly floor: string
  readonly ratio: number | null
  /** What is asked of the ratio: at most, or at least, so much; null when it is only told. */
  readonly asked: { readonly most: number } | { readonly least: number } | null
}

/** Gathers figures and prints them as a table. */
export class Figures {
  private readonly list: Figure[] = []

  add(figure: Figure): void {
    this.list.push(figure)
  }

  compare(what: string, unit: string, ours: number, floor: number, asked: Figure['asked'], digits = 1): void {
    this.add({
      what,
      ours: `${ours.toFixed(digits)} ${unit}`,
      floor: `${floor.toFixed(digits)} ${unit}`,
      ratio: ours / floor,
      asked,
    })
  }

  tell(what: string, ours: string, floor = ''): void {
    this.add({ what, ours, floor, ratio: null, asked: null })
  }

  /** Prints the table and returns whether every figure is as asked. */
  print(title: string): boolean {
    const rows = this.list.map(({ what, ours, floor, ratio, asked }) => [
      what,
      ours,
      floor,
      ratio === null ? '' : ratio.toFixed(2),
      asked === null ? '' : 'most' in asked ? `≤ ${asked.most}` : `≥ ${asked.least}`,
    ])
    const table = [[title, 'ours', 'floor', 'ratio', 'asked'], ...rows]
    const widths =
      table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
    for (const row of table)
      console.log(
        row
          .map((cell, column) =>
            column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
          )
          .join('  '),
      )
    return this.list.every(({ ratio, asked }) => {
      if (ratio === null || asked === null) return true
      return 'most' in asked ? ratio <= asked.most : ratio >= asked.least
    })
  }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Returns the value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  return (
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
    Number.NaN
  )
}
