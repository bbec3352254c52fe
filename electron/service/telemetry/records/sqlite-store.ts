import type { Clock } from '../../clock.ts'
import { ReaderError } from '../../problem.ts'
import { sqliteCode } from '../../store/errors.ts'
import { createGroupCommit, isOfTheFile } from '../../store/group-commit.ts'
import { noteDamage, openRecords, sqliteRunner } from '../../store/records/sqlite.ts'
import { driveSync, type Work } from '../../store/records/work.ts'
import { startThread } from '../../store/thread.ts'
import type { Accepted } from '../schema.ts'
import { createWriter, forgetWriter, type Writer } from './insert.ts'
import type { Batch } from './intake-worker.ts'
import { createIntake, type WriteBatch } from './intake.ts'
import { asker, workerFile, type RecordPlace, type RecordStore } from './store.ts'

/**
 * Records in a SQLite file of their own, written by this service alone: new ones in a thread, everything else here. SQLite lets one write at a time,
 * so they take turns instead of waiting for each other's lock.
 */

/** A transaction of more records than this would keep whoever waits for the next one. */
const mostInBatch = 250

/** Opens the file of records, making it if need be. @throws StoreError */
export function openSqliteStore(place: RecordPlace & { kind: 'sqlite' }, clock: Clock): RecordStore {
  const { db, movedTo } = openRecords(place.file, clock.glance().wallMs)
  const thread = asker(place, clock)
  const run = sqliteRunner(db)
  const commits = createGroupCommit(db, clock)
  const writer = createWriter(0)
  commits.afterRollback(() => forgetWriter(writer))
  const writing = startThread(workerFile('intake-worker'), place, clock)
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      noteDamage(place.file, error)
      throw error
    }
  }
  const insert: WriteBatch = (arrivals, stormLimit) =>
    watched(writing.ask('insert', { arrivals, stormLimit } satisfies Batch) as Promise<readonly Accepted[]>)
  const intake = createIntake({
    // While one batch is being written the next is on its way to the thread.
    lanes: [insert, insert],
    mostInBatch,
    isOfTheData,
  })
  const write = <T>(work: (writer: Writer) => Work<T>): Promise<T> =>
    intake.between(() => watched(commits.write(() => driveSync(work(writer), run))))
  return {
    place,
    movedTo,
    ask: (name, args) => thread.ask(name, args),
    timed: (name, args) => thread.timed(name, args),
    write,
    insert: (arrival, stormLimit) => intake.add(arrival, stormLimit),
    bytes() {
      const count = (name: string): number => Number(db.pragma(name, { simple: true }))
      return Promise.resolve((count('page_count') - count('freelist_count')) * count('page_size'))
    },
    shrink: () =>
      intake.between(() => {
        db.pragma('incremental_vacuum(500)')
        return Number(db.pragma('freelist_count', { simple: true })) > 0
      }),
    async alone(_what, work) {
      await work()
      return true
    },
    async close() {
      await intake.close()
      commits.flush()
      await Promise.all([thread.stop(), writing.stop()])
      db.close()
    },
  }
}

/** Neither trouble with the file nor with the thread. */
function isOfTheData(error: unknown): boolean {
  if (sqliteCode(error) !== null) return !isOfTheFile(error)
  return error instanceof ReaderError && error.failure !== 'Exit' && error.failure !== 'Stopped'
}
