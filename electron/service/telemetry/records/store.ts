import { randomInt } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { createGroupCommit } from '../../store/group-commit.ts'
import type { Connection } from '../../store/open.ts'
import { asPostgresError, isPassing, migratePostgres, openPostgres } from '../../store/records/postgres.ts'
import { noteDamage, openRecords, sqliteRunner } from '../../store/records/sqlite.ts'
import { driveSync, type Work } from '../../store/records/work.ts'
import { startThread } from '../../store/thread.ts'
import type { Accepted } from '../schema.ts'
import { forgetWriter, insertRecords, type Arrival, type Writer } from './insert.ts'
import type { RecordQueryArgs, RecordQueryName, RecordQueryResult } from './queries.ts'
import { createTermCache } from './terms.ts'

/** Where records are. */
export type RecordPlace =
  { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'postgres'; readonly address: string }

/** Records in SQLite or PostgreSQL. What is asked and what is written is the same for both; only who runs it differs. */
export interface RecordStore {
  readonly place: RecordPlace
  /** Where a damaged file was moved at the start; null when there was none. */
  readonly movedTo: string | null
  /** Stores a record and answers when it is on disk. @throws the store's error; then nothing of it is stored */
  insert(arrival: Arrival, stormLimit: number): Promise<Accepted>
  /** Asks without holding up the event loop. @throws ReaderError */
  ask<Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>): Promise<RecordQueryResult<Name>>
  /** Runs work in one transaction. It may be run again when others were in the way. */
  write<T>(work: (writer: Writer) => Work<T>): Promise<T>
  /** Returns how much room the records take (bytes). */
  bytes(): Promise<number>
  /** Gives room of records that were let go of back to the disk, some at a time; false when there is no more. */
  shrink(): boolean
  flush(): void
  close(): Promise<void>
}

/** Opens the store of records. @throws StoreError */
export async function openRecordStore(place: RecordPlace, clock: Clock): Promise<RecordStore> {
  if (place.kind === 'sqlite') {
    const { db, movedTo } = openRecords(place.file, clock.glance().wallMs)
    return sqliteStore(place, db, movedTo, clock)
  }
  await migratePostgres(place.address)
  return postgresStore(place, clock)
}

function asker(place: RecordPlace, clock: Clock): Pick<RecordStore, 'ask'> & { stop(): Promise<void> } {
  const thread = startThread(workerFile(), place, clock)
  return {
    ask: <Name extends RecordQueryName>(name: Name, args: RecordQueryArgs<Name>) =>
      thread.ask(name, args) as Promise<RecordQueryResult<Name>>,
    stop: () => thread.stop(),
  }
}

function sqliteStore(
  place: RecordPlace & { kind: 'sqlite' },
  db: Connection,
  movedTo: string | null,
  clock: Clock,
): RecordStore {
  const thread = asker(place, clock)
  const run = sqliteRunner(db)
  const commits = createGroupCommit(db, clock)
  const writer: Writer = { terms: createTermCache(), number: 0, skip: null }
  commits.afterRollback(() => forgetWriter(writer))
  const write = async <T>(work: (writer: Writer) => Work<T>): Promise<T> => {
    try {
      return await commits.write(() => driveSync(work(writer), run))
    } catch (error) {
      noteDamage(place.file, error)
      throw error
    }
  }
  return {
    place,
    movedTo,
    ask: (name, args) => thread.ask(name, args),
    write,
    async insert(arrival, stormLimit) {
      const [accepted] = await write((at) => insertRecords([arrival], at, stormLimit))
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
    flush: () => commits.flush(),
    async close() {
      commits.flush()
      await thread.stop()
      db.close()
    },
  }
}

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

/** The bundle keeps the worker beside this file as JavaScript; Node runs the source as it is. */
function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return new URL(isSource ? './worker.ts' : './records-worker.js', import.meta.url)
}
