import { openForeign, type Connection } from '../../store/open.ts'
import { ImportError, type FoundFlight, type FoundRun } from './types.ts'

/** Reads the flights of flight-recorder's database. @throws ImportError when it is not one */
export function flightsFromFlightRecorder(file: string): FoundFlight[] {
  return reading(file, 'flight-recorder', (db) => {
    const isOurs =
      db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'flight_detail'").pluck().get() === 1
    if (isOurs) throw new ImportError('it is a database of Watchkeeper; to go on with it, name it with -d')
    const rows = db
      .prepare('SELECT id, duration, last_ts AS lastTs FROM flight ORDER BY id')
      .all() as FoundFlight[]
    return rows.filter(
      ({ duration, lastTs }) => Number.isFinite(duration) && Number.isFinite(lastTs) && duration >= 0,
    )
  })
}

interface TuptimeRow {
  readonly btime: number
  readonly uptime: number
  readonly slptime?: number
  readonly offbtime: number | null
  readonly endst: number
  readonly kernel?: string
  readonly bootid?: string
}

/**
 * Reads the runs of tuptime's database, of its newer and older forms. `endst` 1 is a clean end, 0 is not; the last row is the
 * boot that still ran when it was written (https://github.com/rfmoz/tuptime).
 *
 * @throws ImportError when it is not tuptime's
 */
export function runsFromTuptime(file: string): FoundRun[] {
  return reading(file, 'tuptime', (db) => {
    const rows = db.prepare('SELECT * FROM tuptime ORDER BY btime').all() as TuptimeRow[]
    return rows.flatMap((row, index): FoundRun[] => {
      const beginMs = Math.round(row.btime * 1_000)
      const hasEnd = row.offbtime !== null && row.offbtime > 0
      const endMs = hasEnd
        ? Math.round(Number(row.offbtime) * 1_000)
        : Math.round((row.btime + row.uptime) * 1_000)
      if (!(endMs >= beginMs)) return []
      const isLast = index === rows.length - 1
      return [
        {
          key: String(Math.round(row.btime)),
          beginMs,
          endMs,
          asleepMs: Math.min(Math.max(0, Math.round((row.slptime ?? 0) * 1_000)), endMs - beginMs),
          bootId: bootIdOf(row.bootid),
          os: row.kernel || null,
          ended: isLast && !hasEnd ? null : row.endst === 1 ? 'clean' : 'unclean',
        },
      ]
    })
  })
}

function bootIdOf(text: string | undefined): string | null {
  return text && /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text) ? text : null
}

function reading<T>(file: string, table: string, read: (db: Connection) => T): T {
  let db: Connection | null = null
  try {
    db = openForeign(file)
    return read(db)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ImportError(`${file} cannot be read as a database of ${table}: ${reason}`, { cause: error })
  } finally {
    db?.close()
  }
}
