/**
 * Work on the store of records, written once for SQLite and PostgreSQL: a generator that yields statements and gets their rows. SQLite runs it at
 * once, in one transaction; PostgreSQL awaits each statement.
 */

export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** A statement in the words that both databases understand; `?` stands for a value. */
export interface Ask {
  readonly sql: string
  readonly values: readonly Value[]
}

/** Many rows for one table. */
export interface Fill {
  readonly into: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
  /** What follows the rows, such as `ON CONFLICT …` or `RETURNING …`. */
  readonly then?: string
  /** Gives back the `id` of each row that was added, beside its value of this column. */
  readonly idsBy?: string
}

export type Step = Ask | Fill
export type Work<T> = Generator<Step, T, readonly Row[]>

/** Asks one statement within other work. */
export function* ask<R = Row>(sql: string, ...values: readonly Value[]): Work<readonly R[]> {
  return (yield { sql, values }) as readonly R[]
}

/** Writes many rows within other work. */
export function* fill(step: Fill): Work<readonly Row[]> {
  return step.rows.length === 0 ? [] : yield step
}

/** Returns `?, ?, …` for a list of values. */
export function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}

/** Runs work whose statements answer at once. */
export function driveSync<T>(work: Work<T>, run: (step: Step) => readonly Row[]): T {
  let next = work.next()
  while (!next.done) {
    let rows: readonly Row[]
    try {
      rows = run(next.value)
    } catch (error) {
      next = work.throw(error)
      continue
    }
    next = work.next(rows)
  }
  return next.value
}

/** Runs work whose statements are awaited. */
export async function drive<T>(work: Work<T>, run: (step: Step) => Promise<readonly Row[]>): Promise<T> {
  let next = work.next()
  while (!next.done) {
    let rows: readonly Row[]
    try {
      rows = await run(next.value)
    } catch (error) {
      next = work.throw(error)
      continue
    }
    next = work.next(rows)
  }
  return next.value
}
