import type { Clock } from '../../clock.ts'
import { HttpProblem, ReaderError } from '../../problem.ts'
import { StoreError } from '../../store/errors.ts'
import type { Work } from '../../store/records/work.ts'
import { startThread } from '../../store/thread.ts'
import type { Accepted, RecordFilter } from '../schema.ts'
import type { Arrival, Writer } from './insert.ts'
import type { RecordQueryArgs, RecordQueryName, RecordQueryResult } from './queries.ts'

/** Where records are. */
export type RecordPlace =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'postgres'; readonly address: string }

/** An answer, and how long it took to make (ms), without the wait for its turn and for the thread to start. */
export interface Timed<T> {
  readonly result: T
  readonly tookMs: number
}

/** Work that one of several collectors does, with the number of its lock in PostgreSQL. */
export const soloWork = { purge: 8_737_002, regroup: 8_737_003 } as const

/** Records in SQLite or PostgreSQL. What is asked and what is written is the same for both; only who runs it differs. */
export interface RecordStore {
  readonly place: RecordPlace
  /** Where a damaged file was moved at the start; null when there was none. */
  readonly movedTo: string | null
  /** Stores a record and answers when it is on disk. @throws the store's error; then nothing of it is stored */
  insert(arrival: Arrival, stormLimit: number): Promise<Accepted>
  /** Asks without holding up the event loop. @throws ReaderError */
  ask<Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>): Promise<RecordQueryResult<Name>>
  /** Asks and says how much work the answer was. @throws ReaderError */
  timed<Name extends RecordQueryName>(
    name: Name,
    args: RecordQueryArgs<Name>,
  ): Promise<Timed<RecordQueryResult<Name>>>
  /** Runs work in one transaction. It may be run again when others were in the way. */
  write<T>(work: (writer: Writer) => Work<T>): Promise<T>
  /** Does something unless another collector of the same database does it just now; false when one does. */
  alone(what: keyof typeof soloWork, work: () => Promise<void>): Promise<boolean>
  /** Returns how much room the records take (bytes). */
  bytes(): Promise<number>
  /** Gives room of records that were let go of back to the disk, some at a time; false when there is no more. */
  shrink(): Promise<boolean>
  close(): Promise<void>
}

/** Questions that may take seconds: they have a thread of their own, so that no list waits for them. */
const slowQuestions: ReadonlySet<RecordQueryName> = new Set([
  'previewSkip',
  'orphanTerms',
  'idleGuilties',
  'stormMoves',
  'gapBytes',
])
/** Patterns that wait for their turn; whoever comes then is told to come again. */
const mostPatterns = 4

/** Returns whether a question looks through payloads for a pattern, and whether it is the first of its list. */
function patternOf(args: unknown): { readonly isFirst: boolean } | null {
  if (typeof args !== 'object' || args === null || !('filter' in args)) return null
  const { payload, notPayload } = args.filter as RecordFilter
  if (payload === undefined && notPayload === undefined) return null
  return { isFirst: !('before' in args) || args.before === null }
}

/** Returns the threads in which a store is read: one for what is quick, and one for what is not, a question at a time. */
export function asker(
  place: RecordPlace,
  clock: Clock,
): Pick<RecordStore, 'ask' | 'timed'> & { stop(): Promise<void> } {
  const file = workerFile('worker')
  const quick = startThread(file, place, clock)
  const slow = startThread(file, place, clock)
  let turn: Promise<unknown> = Promise.resolve()
  let patterns = 0
  const inTurn = (name: RecordQueryName, args: unknown): Promise<unknown> => {
    const answer = turn.then(() => slow.ask(name, args))
    turn = answer.catch(() => undefined)
    return answer
  }
  const question = async (name: RecordQueryName, args: unknown): Promise<unknown> => {
    const pattern = patternOf(args)
    if (!pattern) return slowQuestions.has(name) ? inTurn(name, args) : quick.ask(name, args)
    // What is being sent already goes on to its end.
    if (pattern.isFirst && patterns > mostPatterns)
      throw new HttpProblem(429, 'other patterns are being looked for just now; come again in a moment')
    patterns += 1
    try {
      return await inTurn(name, args)
    } finally {
      patterns -= 1
    }
  }
  const timed = async <Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>) => {
    try {
      return (await question(name, args)) as Timed<RecordQueryResult<Name>>
    } catch (error) {
      throw unavailable(error) ?? error
    }
  }
  return {
    ask: async (name, args) => (await timed(name, args)).result,
    timed,
    stop: async () => {
      await Promise.all([quick.stop(), slow.stop()])
    },
  }
}

/** Returns the answer for a store that is away, which passes; null for every other error. */
export function unavailable(error: unknown): HttpProblem | null {
  const isAway =
    error instanceof ReaderError
      ? error.failure === 'StoreError' || isAwayCode(error.code)
      : error instanceof StoreError || (error instanceof Error && 'code' in error && isAwayCode(error.code))
  if (!isAway || !(error instanceof Error)) return null
  return new HttpProblem(503, `telemetry records are not available: ${error.message}`)
}

/** Classes 08, 53 and 57P of SQLSTATE, and errors of the socket: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function isAwayCode(code: unknown): boolean {
  return typeof code === 'string' && /^(?:08|53|57P|ECONN|EPIPE|ENOTFOUND|EHOST|ETIMEDOUT)/.test(code)
}

/** Returns where a thread's code is: the bundle keeps it beside this file as JavaScript; Node runs the source as it is. */
export function workerFile(name: 'worker' | 'intake-worker'): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return new URL(isSource ? `./${name}.ts` : `./records-${name}.js`, import.meta.url)
}
