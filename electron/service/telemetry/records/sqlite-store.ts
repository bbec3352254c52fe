import type { Clock } from '../../clock.ts'
import { createGroupCommit } from '../../store/group-commit.ts'
import { noteDamage, openRecords, sqliteRunner } from '../../store/records/sqlite.ts'
import { driveSync, type Work } from '../../store/records/work.ts'
import { forgetWriter, insertRecords, writeBlocks, type Writer } from './insert.ts'
import { asker, type RecordPlace, type RecordStore } from './store.ts'
import { createTermCache } from './terms.ts'

/** Records in a SQLite file of their own, written by this service alone. */

/** A transaction of more records than this, or of longer payloads (bytes for one), would hold up the event loop. */
const mostInBatch = 250
const bytesOfOne = 8_192

/** Opens the file of records, making it if need be. @throws StoreError */
export function openSqliteStore(place: RecordPlace & { kind: 'sqlite' }, clock: Clock): RecordStore {
  const { db, movedTo } = openRecords(place.file, clock.glance().wallMs)
  const thread = asker(place, clock)
  const run = sqliteRunner(db)
  const commits = createGroupCommit(db, clock, mostInBatch)
  const writer: Writer = {
    terms: createTermCache(),
    number: 0,
    forShare: '',
    skip: null,
    termsRevision: null,
    blocks: [],
  }
  commits.afterRollback(() => forgetWriter(writer))
  commits.beforeCommit(() => driveSync(writeBlocks(writer), run))
  const write = async <T>(work: (writer: Writer) => Work<T>, weight = 1): Promise<T> => {
    try {
      return await commits.write(() => driveSync(work(writer), run), weight)
    } catch (error) {
      noteDamage(place.file, error)
      throw error
    }
  }
  return {
    place,
    movedTo,
    ask: (name, args) => thread.ask(name, args),
    timed: (name, args) => thread.timed(name, args),
    write: (work) => write(work),
    async insert(arrival, stormLimit) {
      const [accepted] = await write(
        (at) => insertRecords([arrival], at, stormLimit),
        1 + Math.floor(arrival.record.payload.length / bytesOfOne),
      )
      if (!accepted) throw new Error('an insert told nothing')
      return accepted
    },
    bytes() {
      const count = (name: string): number => Number(db.pragma(name, { simple: true }))
      return Promise.resolve((count('page_count') - count('freelist_count')) * count('page_size'))
    },
    shrink() {
      db.pragma('incremental_vacuum(500)')
      return Number(db.pragma('freelist_count', { simple: true })) > 0
    },
    async alone(_what, work) {
      await work()
      return true
    },
    flush: () => commits.flush(),
    async close() {
      commits.flush()
      await thread.stop()
      db.close()
    },
  }
}
