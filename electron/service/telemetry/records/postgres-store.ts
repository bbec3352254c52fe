import { randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import {
  asPostgresError,
  isBroken,
  isOfTheData,
  isPassing,
  migratePostgres,
  openPostgres,
} from '../../store/records/postgres.ts'
import type { Work } from '../../store/records/work.ts'
import { roomOfRecords } from './blocks.ts'
import { digestOf } from './digest.ts'
import { createWriter, forgetWriter, insertRecords, type Writer } from './insert.ts'
import { createIntake, type WriteBatch } from './intake.ts'
import { asker, soloWork, unavailable, type RecordPlace, type RecordStore } from './store.ts'

/** Records in PostgreSQL, written by many collectors at once. */

/** Records that one transaction takes at most. */
const mostInBatch = 500
/** Transactions for new records that run beside each other. */
const mostBatches = 2
/** How often work is done again when others were in the way. */
const mostTries = 5

/**
 * Opens the store of records in PostgreSQL, after bringing its tables to the latest version.
 *
 * @throws StoreError `newer`, `cannot-open`
 */
export async function openPostgresStore(
  place: RecordPlace & { kind: 'postgres' },
  clock: Clock,
): Promise<RecordStore> {
  await migratePostgres(place.address)
  return postgresStore(place, clock)
}

function postgresStore(place: RecordPlace & { kind: 'postgres' }, clock: Clock): RecordStore {
  const { address } = place
  const thread = asker(place, clock)
  const pool = openPostgres(address)
  // Each transaction has a memory of its own, since what it learnt is only true once it is committed.
  const newWriter = (): Writer => createWriter(randomInt(2 ** 31), ' FOR SHARE')
  const general = newWriter()

  const refusalOf = (error: unknown): unknown =>
    unavailable(isBroken(error) ? asPostgresError(error, address) : error) ?? error

  const attempt = async <T>(writer: Writer, work: (writer: Writer) => Work<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await pool.write(work(writer))
      } catch (error) {
        forgetWriter(writer)
        if (!isPassing(error) || tries === mostTries) throw error
      }
    }
  }

  const lane = (writer: Writer): WriteBatch => {
    return (arrivals, stormLimit) => attempt(writer, (at) => insertRecords(arrivals, at, stormLimit))
  }
  const intake = createIntake({
    lanes: Array.from({ length: mostBatches }, () => lane(newWriter())),
    mostInBatch,
    isOfTheData,
  })

  // One at a time, since they share a memory.
  let writing: Promise<unknown> = Promise.resolve()
  return {
    place,
    movedTo: null,
    ask: (name, args) => thread.ask(name, args),
    timed: (name, args) => thread.timed(name, args),
    insert: (arrival, stormLimit) =>
      // What is sent to the database twice is still the same record.
      intake
        .add({ ...arrival, digest: arrival.digest ?? digestOf(arrival.record) }, stormLimit)
        .catch((error: unknown) => {
          throw refusalOf(error)
        }),
    write(work) {
      const done = writing.then(() => attempt(general, work))
      writing = done.catch(() => undefined)
      return done.catch((error: unknown) => {
        throw refusalOf(error)
      })
    },
    alone: (what, work) =>
      pool.alone(soloWork[what], work).catch((error: unknown) => {
        throw refusalOf(error)
      }),
    // The files of PostgreSQL keep their size when records go, so they cannot tell.
    bytes: () =>
      pool.read(roomOfRecords()).catch((error: unknown) => {
        throw refusalOf(error)
      }),
    shrink: () => Promise.resolve(false),
    async close() {
      await intake.close()
      await writing
      await thread.stop()
      await pool.close()
    },
  }
}
