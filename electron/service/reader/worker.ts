import { parentPort, workerData } from 'node:worker_threads'
import { openReadOnly } from '../store/open.ts'
import { failureOf, type FromThread, type ThreadAnswer, type ThreadQuestion } from '../store/thread.ts'
import { queries, type QueryName } from './queries.ts'

const { database } = workerData as { database: string }
const db = openReadOnly(database)

parentPort?.on('message', (question: ThreadQuestion | 'close') => {
  if (question === 'close') {
    db.close()
    parentPort?.close()
    return
  }
  void answer(question).then(tell)
})
tell('ready')

function tell(words: FromThread): void {
  parentPort?.postMessage(words)
}

async function answer({ id, name, args }: ThreadQuestion): Promise<ThreadAnswer> {
  try {
    const query = queries[name as QueryName] as (connection: typeof db, args: unknown) => unknown
    return { id, result: await query(db, args) }
  } catch (error) {
    return { id, failure: failureOf(error) }
  }
}
