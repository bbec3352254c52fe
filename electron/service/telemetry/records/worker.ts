import { workerData } from 'node:worker_threads'
import { systemClock } from '../../clock.ts'
import { answerQuestions } from '../../store/answering.ts'
import { openRecordsReadOnly, sqliteRunner } from '../../store/records/sqlite.ts'
import { driveSync, type Work } from '../../store/records/work.ts'
import type { ReadEnv } from './list.ts'
import { recordQueries, type RecordQueryName } from './queries.ts'
import type { RecordPlace, Timed } from './store.ts'
import { createTermCache } from './terms.ts'

/** The thread in which records are read, so that no view holds up the collector. */

const place = workerData as RecordPlace
const clock = systemClock()
const env: ReadEnv = {
  terms: createTermCache(),
  choosesIndex: place.kind === 'sqlite',
  elapsedMs: () => clock.glance().monotonicMs,
}
const source = await open(place)

answerQuestions(
  async (name, args) => {
    const query = recordQueries[name as RecordQueryName] as (args: unknown, env: ReadEnv) => Work<unknown>
    const beganMs = env.elapsedMs()
    const result = await source.read(query(args, env))
    return { result, tookMs: env.elapsedMs() - beganMs } satisfies Timed<unknown>
  },
  () => source.close(),
)

interface Source {
  read<T>(work: Work<T>): Promise<T> | T
  close(): Promise<void>
}

async function open(at: RecordPlace): Promise<Source> {
  if (at.kind === 'postgres') {
    const { openPostgres, viewTimeoutMs } = await import('../../store/records/postgres.ts')
    const pool = openPostgres(at.address, viewTimeoutMs)
    return { read: (work) => pool.read(work), close: () => pool.close() }
  }
  const db = openRecordsReadOnly(at.file)
  const run = sqliteRunner(db)
  return {
    read: (work) => driveSync(work, run),
    close: () => {
      db.close()
      return Promise.resolve()
    },
  }
}
