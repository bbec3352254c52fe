import type { Clock } from '../../clock.ts'
import type { GroupCommit } from '../group-commit.ts'
import type { Connection } from '../open.ts'
import { createSeries, type Series } from './series.ts'

/**
 * Returns the one set of series of a database: those of hosts' probes and those of health. Their ids share a table, so what
 * belongs to neither is dropped by whoever compacts.
 */
export function createMeasurements(
  db: Connection,
  commits: GroupCommit,
  clock: Clock,
  failed: (error: unknown) => void,
): Series {
  const isProbe = db.prepare('SELECT 1 FROM host_probe WHERE id = ?').pluck()
  const isMetric = db.prepare('SELECT 1 FROM health_metric WHERE id = ?').pluck()
  return createSeries(
    db,
    commits,
    clock,
    (id) => (id < firstHealthSeries ? isProbe : isMetric).get(id) !== undefined,
    failed,
  )
}

/** Ids of health's series begin here; those of probes never come near. An id has 32 bits in the journal. */
export const firstHealthSeries = 3_000_000_000
