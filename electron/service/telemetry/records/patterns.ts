import { runInNewContext } from 'node:vm'
import type { Row } from '../../store/records/work.ts'
import type { RecordFilter } from '../schema.ts'
import { PatternError } from './terms.ts'

/** Patterns over payloads: regular expressions of JavaScript, and what people know of those of PostgreSQL. */

/** How long (ms) a pattern may take over the payloads that were read at once. */
const patienceMs = 1_000

/** A pattern as JavaScript takes it. */
export interface Pattern {
  readonly source: string
  readonly flags: string
  readonly isWanted: boolean
}

/** Returns the patterns of a filter. @throws PatternError */
export function compile({ payload, notPayload }: RecordFilter): readonly Pattern[] {
  return [
    ...(payload === undefined ? [] : [{ ...expressionOf(payload), isWanted: true }]),
    ...(notPayload === undefined ? [] : [{ ...expressionOf(notPayload), isWanted: false }]),
  ]
}

/**
 * Returns a pattern's source and flags. The original hands patterns to PostgreSQL, which knows a leading `(?i)` and escapes of any sign such as `\-`;
 * in Unicode mode JavaScript knows neither.
 *
 * @throws PatternError
 */
export function expressionOf(pattern: string): { readonly source: string; readonly flags: string } {
  const source = pattern.replace(/^\(\?i\)/, '')
  const base = source === pattern ? 'm' : 'im'
  const problem = problemOf(source, `${base}u`)
  if (problem === null) return { source, flags: `${base}u` }
  if (problem.endsWith('Invalid escape') && problemOf(source, base) === null) return { source, flags: base }
  throw new PatternError(`the pattern cannot be used: ${problem.slice(0, 200)}`)
}

function problemOf(source: string, flags: string): string | null {
  try {
    new RegExp(source, flags)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Returns the rows whose payload fits all patterns. The script's time limit ends a pattern that takes too long. @throws PatternError */
export function matching(rows: readonly Row[], patterns: readonly Pattern[]): Row[] {
  const texts = rows.map(({ text }) => String(text))
  try {
    const fits = runInNewContext(
      `const expressions = patterns.map(({ source, flags, isWanted }) => ({ expression: new RegExp(source, flags), isWanted }));
       texts.map((text) => expressions.every(({ expression, isWanted }) => expression.test(text) === isWanted))`,
      { texts, patterns },
      { timeout: patienceMs },
    ) as boolean[]
    return rows.filter((_, index) => fits[index] === true)
  } catch (error) {
    // Errors of the script's own realm are no instances of ours.
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new PatternError('the pattern takes too long; make it simpler, or narrow the list first')
    throw error
  }
}
