import { workerData } from 'node:worker_threads'
import { answerQuestions } from '../store/answering.ts'
import { openReadOnly } from '../store/open.ts'
import { queries, type QueryName } from './queries.ts'

const { database } = workerData as { database: string }
const db = openReadOnly(database)

answerQuestions(
  (name, args) => {
    const query = queries[name as QueryName] as (connection: typeof db, args: unknown) => unknown
    return query(db, args)
  },
  () => void db.close(),
)
