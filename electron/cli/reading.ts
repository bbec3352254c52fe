import type { Clock } from '../service/clock.ts'
import type { PresentOfReader } from '../service/recorder/history.ts'
import { StoreError } from '../service/store/errors.ts'
import { openReadOnly, type Connection } from '../service/store/open.ts'
import { CommandError, exitCodes } from './io.ts'

/**
 * Opens a database for a command that only reads.
 *
 * @throws CommandError with flight-reports' words and exit codes: 3 when it cannot be opened, 1 when it is something else
 */
export function openForReport(database: string): Connection {
  try {
    return openReadOnly(database)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.kind === 'missing')
      throw new CommandError(`DB connection failed: ${error.message} (${database})`, exitCodes.notThere)
    if (error.kind === 'cannot-open')
      throw new CommandError(`DB connection failed: ${error.message}`, exitCodes.notThere)
    throw new CommandError(error.message)
  }
}

/** @throws CommandError when a database holds no flights table, as one that was never a recorder's */
export function requireFlights(db: Connection, database: string): void {
  const has = db
    .prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'flight'")
    .pluck()
    .get()
  if (has !== 1) throw new CommandError(`${database} holds no flights: it has no table "flight"`)
}

/** Returns the machine as a command sees it now. */
export function presentOf(clock: Clock): PresentOfReader {
  const { wallMs, bootMs, monotonicMs } = clock.read()
  return { wallMs: Math.round(wallMs), bootId: clock.bootId, bootMs, monotonicMs }
}
