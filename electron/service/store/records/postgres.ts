import pg from 'pg'
import { StoreError } from '../errors.ts'
import { withoutPassword } from './postgres-address.ts'
import { postgresWords, recordMigrations } from './tables.ts'
import { drive, type Row, type Step, type Work } from './work.ts'

/** Records in PostgreSQL, for a fleet that outgrows one machine: several collectors may share one database. */

/** 64-bit numbers (20) and sums of them (1700): ours are far below 2^53, so they come as numbers. */
const exactTypes: ReadonlySet<number> = new Set([20, 1_700])

/** Number of our advisory lock for migrations: any that no other program is likely to take. */
const migrationLock = 8_737_001
const mostConnections = 8
const connectTimeoutMs = 5_000
/** A statement of a view that takes longer (ms) is ended: nobody waits for it any more. */
export const viewTimeoutMs = 120_000

/** A statement that writes is small; one that takes longer (ms) waits for somebody who is gone. */
const writeTimeoutMs = 60_000
const lockTimeoutMs = 10_000
const idleTimeoutMs = 30_000

/** A pool of connections to PostgreSQL. */
export interface Postgres {
  /** Runs work without a transaction around it, for reading. */
  read<T>(work: Work<T>): Promise<T>
  /** Runs work in one transaction. */
  write<T>(work: Work<T>): Promise<T>
  /** Does something unless another collector does it just now; false when one does. */
  alone(lock: number, work: () => Promise<void>): Promise<boolean>
  close(): Promise<void>
}

const typeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
  exactTypes.has(oid) ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown)

/** Opens a pool; nothing is connected before the first statement. @throws StoreError for an address that is none */
export function openPostgres(address: string, statementTimeoutMs = writeTimeoutMs): Postgres {
  let pool: pg.Pool
  try {
    pool = new pg.Pool({
      connectionString: address,
      max: mostConnections,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'watchkeeper',
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: idleTimeoutMs,
      keepAlive: true,
      types: { getTypeParser: typeParser },
    })
  } catch (error) {
    throw asPostgresError(error, address)
  }
  // A connection that breaks while it rests is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)

  const onClient = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw asPostgresError(error, address)
    })
    let failure: unknown
    // Who borrows a connection hears of its end too; what was asked of it fails by itself.
    const heard = (error: unknown): void => {
      failure ??= error
    }
    client.on('error', heard)
    try {
      return await work(client)
    } catch (error) {
      failure = error
      throw error
    } finally {
      client.off('error', heard)
      // One that met trouble with the connection itself is not used again.
      client.release(isBroken(failure))
    }
  }

  return {
    read: async (work) => {
      try {
        return await onClient((client) => drive(work, (step) => runStep(client, step)))
      } catch (error) {
        throw isBroken(error) ? asPostgresError(error, address) : error
      }
    },
    write: (work) =>
      onClient(async (client) => {
        await client.query('BEGIN')
        try {
          const result = await drive(work, (step) => runStep(client, step))
          await client.query('COMMIT')
          return result
        } catch (error) {
          await client.query('ROLLBACK').catch(() => undefined)
          throw error
        }
      }),
    alone: (lock, work) =>
      onClient(async (client) => {
        const { rows } = await client.query<{ locked: boolean }>(
          'SELECT pg_try_advisory_lock($1) AS locked',
          [lock],
        )
        if (rows[0]?.locked !== true) return false
        try {
          await work()
          return true
        } finally {
          // A connection that is lost gives its locks back by itself.
          await client.query('SELECT pg_advisory_unlock($1)', [lock]).catch(() => undefined)
        }
      }),
    close: () => pool.end(),
  }
}

/**
 * Brings the tables to the latest version; of several collectors that start together one does it.
 *
 * @throws StoreError `newer`, `cannot-open`
 */
export async function migratePostgres(address: string): Promise<void> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: connectTimeoutMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('BEGIN')
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock])
    await client.query('CREATE TABLE IF NOT EXISTS record_schema (version INTEGER NOT NULL)')
    const { rows } = await client.query<{ version: number }>('SELECT version FROM record_schema')
    const version = rows[0]?.version ?? 0
    if (version > recordMigrations.length)
      throw new StoreError(
        'newer',
        `${withoutPassword(address)} was written by a newer Watchkeeper (schema ${version}, this one knows ${recordMigrations.length}); it was left untouched. Update Watchkeeper.`,
      )
    for (const { sql } of recordMigrations.slice(version)) await client.query(postgresWords(sql))
    await client.query('DELETE FROM record_schema')
    await client.query('INSERT INTO record_schema (version) VALUES ($1)', [recordMigrations.length])
    await client.query('COMMIT')
  } catch (error) {
    throw asPostgresError(error, address)
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function runStep(client: pg.PoolClient, step: Step): Promise<readonly Row[]> {
  if ('sql' in step) return rowsOf(await client.query(numbered(step.sql), [...step.values]))
  const arrays = step.columns.map((_, column) => step.rows.map((row) => row[column] ?? null))
  const types = arrays.map((values) =>
    values.some((value) => typeof value === 'string') ? 'text' : 'bigint',
  )
  const sources = types.map((type, column) => `$${column + 1}::${type}[]`).join(', ')
  const returning = step.idsBy === undefined ? '' : `RETURNING id, ${step.idsBy}`
  return rowsOf(
    await client.query(
      `INSERT INTO ${step.into} (${step.columns.join(', ')}) SELECT * FROM unnest(${sources}) ${step.then ?? ''} ${returning}`,
      arrays,
    ),
  )
}

function rowsOf({ rows, rowCount, fields }: pg.QueryResult): readonly Row[] {
  if (fields.length > 0) return rows as Row[]
  return rowCount === null || rowCount === 0 ? [] : [{ changes: rowCount }]
}

const texts = new Map<string, string>()

/** Turns `?` into `$1`, `$2`, …; none of our statements has one in a text. */
function numbered(sql: string): string {
  const known = texts.get(sql)
  if (known !== undefined) return known
  let count = 0
  const text = sql.replace(/\?/g, () => {
    count += 1
    return `$${count}`
  })
  if (texts.size > 500) texts.clear()
  texts.set(sql, text)
  return text
}

/**
 * Returns whether it is the connection that broke: classes 08 and 57P of SQLSTATE
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html), errors of the socket, and what pg says without a code.
 */
export function isBroken(error: unknown): boolean {
  const code = codeOf(error)
  if (code !== null) return /^(?:08|57P|E[A-Z]+$)/.test(code)
  return (
    error instanceof Error &&
    /^Connection terminated|^timeout exceeded when trying to connect/.test(error.message)
  )
}

/** Deadlocks, serialisation failures and locks that took too long pass when the work is done once more. */
export function isPassing(error: unknown): boolean {
  return /^(?:40|55P03)/.test(codeOf(error) ?? '')
}

/** Returns whether it is the data itself that the database does not take, so that other data may pass. */
export function isOfTheData(error: unknown): boolean {
  return /^(?:21|22|23|54)/.test(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** Returns an error of PostgreSQL as a StoreError with a sentence for people, without the password. */
export function asPostgresError(error: unknown, address: string): StoreError {
  if (error instanceof StoreError) return error
  const reason =
    error instanceof AggregateError && error.errors[0] instanceof Error
      ? error.errors[0].message
      : error instanceof Error
        ? error.message
        : String(error)
  return new StoreError('cannot-open', `cannot use ${withoutPassword(address)}: ${reason}`, { cause: error })
}
