import { ask, marks, type Work } from '../../store/records/work.ts'

/** Texts that many records share. A term never changes and no id is given twice, so whoever has read one may remember its text. */

export type TermKind = 'classification' | 'build' | 'system' | 'kernel' | 'host' | 'platform'

/** Terms that were read, both ways. */
export interface TermCache {
  readonly ids: Map<TermKind, Map<string, number>>
  readonly texts: Map<number, string>
  forget(): void
}

/** Texts of clients are without end; so many are remembered. */
const mostRemembered = 20_000

export function createTermCache(): TermCache {
  const ids = new Map<TermKind, Map<string, number>>()
  const texts = new Map<number, string>()
  return {
    ids,
    texts,
    forget() {
      ids.clear()
      texts.clear()
    },
  }
}

function remember(cache: TermCache, kind: TermKind, text: string, id: number): void {
  const ofKind = cache.ids.get(kind)
  if (ofKind) ofKind.set(text, id)
  else cache.ids.set(kind, new Map([[text, id]]))
  cache.texts.set(id, text)
}

/** Makes sure that terms have ids. In one order, so that collectors do not wait for each other in a circle. */
export function* ensureTerms(
  cache: TermCache,
  wanted: ReadonlyMap<TermKind, ReadonlySet<string>>,
): Work<void> {
  const count = [...wanted.values()].reduce((sum, { size }) => sum + size, 0)
  // Only before anything is looked up: what was found must still be there at the end.
  if (cache.texts.size + count > mostRemembered) cache.forget()
  const unknown = [...wanted].flatMap(([kind, texts]) =>
    [...texts].filter((text) => !cache.ids.get(kind)?.has(text)).map((text) => [kind, text] as const),
  )
  for (const [kind, text] of unknown.sort(inOneOrder)) {
    const [made] = yield* ask<{ id: number }>(
      'INSERT INTO term (kind, text) VALUES (?, ?) ON CONFLICT (kind, text) DO NOTHING RETURNING id',
      kind,
      text,
    )
    const id = made?.id ?? (yield* findTerm(kind, text))
    if (id !== null) remember(cache, kind, text, id)
  }
}

function inOneOrder(
  [kindA, a]: readonly [TermKind, string],
  [kindB, b]: readonly [TermKind, string],
): number {
  if (kindA !== kindB) return kindA < kindB ? -1 : 1
  return a < b ? -1 : 1
}

/** Returns the id of a term; null when no record has it. */
export function* findTerm(kind: TermKind, text: string): Work<number | null> {
  // Never remembered: a term that was let go of and came again has another id.
  const [row] = yield* ask<{ id: number }>('SELECT id FROM term WHERE kind = ? AND text = ?', kind, text)
  return row?.id ?? null
}

/** Returns the id of a term that {@link ensureTerms} has seen to. */
export function termId({ ids }: TermCache, kind: TermKind, text: string): number {
  const id = ids.get(kind)?.get(text)
  if (id === undefined) throw new Error(`the ${kind} '${text.slice(0, 80)}' has no term`)
  return id
}

/** Returns the texts of terms. */
export function* textsOf(cache: TermCache, ids: Iterable<number>): Work<ReadonlyMap<number, string>> {
  const wanted = [...new Set(ids)]
  const found = new Map<number, string>()
  const unknown = wanted.filter((id) => {
    const text = cache.texts.get(id)
    if (text !== undefined) found.set(id, text)
    return text === undefined
  })
  for (let from = 0; from < unknown.length; from += 500) {
    const some = unknown.slice(from, from + 500)
    const rows = yield* ask<{ id: number; text: string }>(
      `SELECT id, text FROM term WHERE id IN (${marks(some)})`,
      ...some,
    )
    if (cache.texts.size + rows.length > mostRemembered) cache.texts.clear()
    for (const { id, text } of rows) {
      cache.texts.set(id, text)
      found.set(id, text)
    }
  }
  return found
}

/** Returns all terms of a kind. */
export function* termsOf(kind: TermKind): Work<readonly { readonly id: number; readonly text: string }[]> {
  return yield* ask<{ id: number; text: string }>('SELECT id, text FROM term WHERE kind = ?', kind)
}

/** A pattern that cannot be used, with a sentence for its author. */
export class PatternError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PatternError'
  }
}

/** Classes that one pattern may stand for: each is a value of a statement. */
const mostFitting = 2_000

/** Returns the ids of classes that fit a pattern with `*` or `%`, or one class; null when the pattern fits all. */
export function* classIds(pattern: string): Work<readonly number[] | null> {
  if (!/[*%]/.test(pattern)) {
    const id = yield* findTerm('classification', pattern)
    return id === null ? [] : [id]
  }
  if (/^[*%]+$/.test(pattern)) return null
  const all = yield* termsOf('classification')
  const fits = wildcard(pattern)
  const ids = all.filter(({ text }) => fits(text)).map(({ id }) => id)
  if (ids.length > mostFitting)
    throw new PatternError(`the class fits more than ${mostFitting} classes; make it narrower`)
  return ids
}

/** Returns what tells whether a text fits a pattern in which `*` and `%` stand for any characters. */
export function wildcard(pattern: string): (text: string) => boolean {
  const parts = pattern.split(/[*%]+/)
  const head = parts[0] ?? ''
  const tail = parts.at(-1) ?? ''
  const middle = parts.slice(1, -1)
  return (text) => {
    if (parts.length === 1) return text === pattern
    if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length)
      return false
    let at = head.length
    const end = text.length - tail.length
    return middle.every((part) => {
      const found = text.indexOf(part, at)
      at = found + part.length
      return found >= 0 && at <= end
    })
  }
}
