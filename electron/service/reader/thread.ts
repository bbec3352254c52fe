import type { Clock } from '../clock.ts'
import { startThread } from '../store/thread.ts'
import type { QueryArgs, QueryName, QueryResult, Reader } from './queries.ts'

/** A reader in a thread of its own, which is started when it is first asked and ended when it has been idle. */
export interface ThreadReader extends Reader {
  stop(): Promise<void>
}

/** Returns a reader of `database`. Nothing is opened before the first question. */
export function startThreadReader(database: string, clock: Clock): ThreadReader {
  const thread = startThread(workerFile(), { database }, clock)
  return {
    ask: <Name extends QueryName>(name: Name, args: QueryArgs<Name>) =>
      thread.ask(name, args) as Promise<QueryResult<Name>>,
    stop: () => thread.stop(),
  }
}

/** The bundle keeps the worker beside this file as JavaScript; Node runs the source as it is. */
function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return new URL(isSource ? './worker.ts' : './reader-worker.js', import.meta.url)
}
