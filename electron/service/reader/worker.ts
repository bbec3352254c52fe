import { parentPort, workerData } from 'node:worker_threads'
import { openReadOnly } from '../store/open.ts'
import { queries, type QueryName } from './queries.ts'

/** A question from the service's thread. */
export interface Question {
  readonly id: number
  readonly name: QueryName
  readonly args: unknown
}

/** An error of the thread, as it crosses to the service's. */
export interface ReaderFailure {
  readonly name: string
  readonly message: string
  /** Code of SQLite or of the system, such as `SQLITE_FULL` or `ENOSPC`. */
  readonly code: string | null
}

/** The answer to it: a result, or why there is none. */
export type Answer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failure: ReaderFailure }

const { database } = workerData as { database: string }
const db = openReadOnly(database)

parentPort?.on('message', (question: Question | 'close') => {
  if (question === 'close') {
    db.close()
    parentPort?.close()
    return
  }
  void answer(question).then((reply) => parentPort?.postMessage(reply))
})

async function answer({ id, name, args }: Question): Promise<Answer> {
  try {
    const query = queries[name] as (connection: typeof db, args: unknown) => unknown
    return { id, result: await query(db, args) }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error))
    const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : null
    return { id, failure: { name: failure.name, message: failure.message, code } }
  }
}
