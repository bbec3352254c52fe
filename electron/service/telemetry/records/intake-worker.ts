import { workerData } from 'node:worker_threads'
import { answerQuestions } from '../../store/answering.ts'
import { openRecordsForWriting, sqliteRunner } from '../../store/records/sqlite.ts'
import { driveSync } from '../../store/records/work.ts'
import type { Accepted } from '../schema.ts'
import { createWriter, forgetWriter, insertRecords, type Arrival } from './insert.ts'
import type { RecordPlace } from './store.ts'

/** The thread in which new records are written to a file, so that a flood of them, or a slow disk, holds up nothing else. */

/** Records that are to be written together. */
export interface Batch {
  readonly arrivals: readonly Arrival[]
  readonly stormLimit: number
}

const { file } = workerData as RecordPlace & { kind: 'sqlite' }
const db = openRecordsForWriting(file)
const run = sqliteRunner(db)
const writer = createWriter(0)
const write = db.transaction(({ arrivals, stormLimit }: Batch): readonly Accepted[] =>
  driveSync(insertRecords(arrivals, writer, stormLimit), run),
)

answerQuestions(
  (_name, args) => {
    try {
      return write.immediate(args as Batch)
    } catch (error) {
      // What was learnt in a transaction is only true once it is committed.
      forgetWriter(writer)
      throw error
    }
  },
  () => void db.close(),
)
