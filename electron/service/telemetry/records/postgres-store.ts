import { randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { HttpProblem } from '../../problem.ts'
import {
  asPostgresError,
  isBroken,
  isOfTheData,
  isPassing,
  migratePostgres,
  openPostgres,
} from '../../store/records/postgres.ts'
import type { Work } from '../../store/records/work.ts'
import type { Accepted } from '../schema.ts'
import { roomOfRecords } from './blocks.ts'
import { digestOf } from './digest.ts'
import { forgetWriter, insertRecords, type Arrival, type Writer } from './insert.ts'
import { asker, soloWork, unavailable, type RecordPlace, type RecordStore } from './store.ts'
import { createTermCache } from './terms.ts'

/** Records in PostgreSQL, written by many collectors at once. */

/** Records that one transaction takes at most. */
const mostInBatch = 500
/** Payloads (characters) that one transaction takes at most, unless a single one is longer. */
const mostInBatchLength = 1_048_576
/** Records and payloads that wait at most; beyond, clients are told to come again. */
const mostWaiting = 20_000
const mostWaitingLength = 64 * 1_048_576
/** Transactions for new records that run beside each other. */
const mostBatches = 2
/** How often work is done again when others were in the way. */
const mostTries = 5

interface Entry {
  readonly arrival: Arrival
  readonly stormLimit: number
  resolve(accepted: Accepted): void
  reject(error: unknown): void
}

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
  const writers = Array.from({ length: mostBatches + 1 }, (): Writer => ({
    terms: createTermCache(),
    number: randomInt(2 ** 31),
    forShare: ' FOR SHARE',
    skip: null,
    termsRevision: null,
    blocks: null,
  }))
  const free = [...writers]
  const general = free.pop()
  let queue: Entry[] = []
  let waitingLength = 0
  let isClosed = false

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

  const store = async (writer: Writer, batch: readonly Entry[]): Promise<void> => {
    const [first] = batch
    if (!first) return
    const arrivals = batch.map(({ arrival }) => arrival)
    try {
      const accepted = await attempt(writer, (at) => insertRecords(arrivals, at, first.stormLimit))
      for (const [index, entry] of batch.entries()) {
        const one = accepted[index]
        if (one) entry.resolve(one)
        else entry.reject(new Error('an insert told nothing'))
      }
    } catch (error) {
      // A bad one never takes its company with it; a server that is away takes none of them.
      if (batch.length > 1 && isOfTheData(error)) for (const entry of batch) await store(writer, [entry])
      else for (const { reject } of batch) reject(refusalOf(error))
    }
  }

  const pump = (): void => {
    while (queue.length > 0 && free.length > 0) {
      const writer = free.pop()
      if (!writer) return
      const batch = queue.slice(0, batchEnd(queue))
      queue = queue.slice(batch.length)
      waitingLength -= lengthOf(batch)
      void store(writer, batch).finally(() => {
        free.push(writer)
        pump()
      })
    }
  }

  // One at a time, since they share a memory.
  let writing: Promise<unknown> = Promise.resolve()
  return {
    place,
    movedTo: null,
    ask: (name, args) => thread.ask(name, args),
    timed: (name, args) => thread.timed(name, args),
    insert: (arrival, stormLimit) =>
      new Promise((resolve, reject) => {
        if (isClosed) {
          reject(new HttpProblem(503, 'the service is stopping'))
          return
        }
        if (queue.length >= mostWaiting || waitingLength > mostWaitingLength) {
          reject(new HttpProblem(503, 'more records wait than the database takes; come again'))
          return
        }
        waitingLength += arrival.record.payload.length
        // What is sent to the database twice is still the same record.
        const known = { ...arrival, digest: arrival.digest ?? digestOf(arrival.record) }
        // Those of the same moment share a transaction.
        if (queue.push({ arrival: known, stormLimit, resolve, reject }) === 1) setImmediate(pump)
      }),
    write(work) {
      const done = writing.then(() =>
        general ? attempt(general, work) : Promise.reject(new Error('no writer')),
      )
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
    shrink: () => false,
    flush: pump,
    async close() {
      isClosed = true
      await writing
      await thread.stop()
      await pool.close()
    },
  }
}

function lengthOf(batch: readonly Entry[]): number {
  return batch.reduce((sum, { arrival }) => sum + arrival.record.payload.length, 0)
}

/** Returns how many of those that wait make one transaction. */
function batchEnd(queue: readonly Entry[]): number {
  let length = 0
  const end = queue.slice(0, mostInBatch).findIndex(({ arrival }) => {
    length += arrival.record.payload.length
    return length > mostInBatchLength
  })
  return end < 0 ? mostInBatch : Math.max(end, 1)
}
