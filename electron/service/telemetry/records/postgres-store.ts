import { randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { asPostgresError, isPassing, migratePostgres, openPostgres } from '../../store/records/postgres.ts'
import type { Work } from '../../store/records/work.ts'
import type { Accepted } from '../schema.ts'
import { forgetWriter, insertRecords, type Arrival, type Writer } from './insert.ts'
import { asker, type RecordPlace, type RecordStore } from './store.ts'
import { createTermCache } from './terms.ts'

/** Records in PostgreSQL, written by many collectors at once. */

/** Records that one transaction takes at most. */
const mostInBatch = 500
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
    skip: null,
  }))
  const free = [...writers]
  const general = free.pop()
  let queue: Entry[] = []
  let isClosed = false

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
      if (batch.length === 1) first.reject(asPostgresError(error, address))
      // A bad one never takes its company with it.
      else for (const entry of batch) await store(writer, [entry])
    }
  }

  const pump = (): void => {
    while (queue.length > 0 && free.length > 0) {
      const writer = free.pop()
      if (!writer) return
      const batch = queue.slice(0, mostInBatch)
      queue = queue.slice(mostInBatch)
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
    insert: (arrival, stormLimit) =>
      new Promise((resolve, reject) => {
        if (isClosed) {
          reject(new Error('the store is closed'))
          return
        }
        // Those of the same moment share a transaction.
        if (queue.push({ arrival, stormLimit, resolve, reject }) === 1) setImmediate(pump)
      }),
    write(work) {
      const done = writing.then(() =>
        general ? attempt(general, work) : Promise.reject(new Error('no writer')),
      )
      writing = done.catch(() => undefined)
      return done.catch((error: unknown) => {
        throw asPostgresError(error, address)
      })
    },
    bytes: () =>
      pool.read(
        (function* (): Work<number> {
          const rows = yield {
            sql: `SELECT coalesce(sum(pg_total_relation_size(relid) * (n_live_tup + 1.0) / (n_live_tup + n_dead_tup + 1.0)), 0)::bigint AS bytes
                  FROM pg_stat_user_tables WHERE relname IN ('record', 'payload', 'term')`,
            values: [],
          }
          return Number(rows[0]?.['bytes'] ?? 0)
        })(),
      ),
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
