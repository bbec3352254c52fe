import type { TelemetrySettings } from '../../shared/api/telemetry.ts'
import { ask, type Work } from '../store/records/work.ts'

/** What all collectors of one database must do alike: it is kept with the records, and each of them takes it over. */
export type Policy = Pick<TelemetrySettings, 'retention' | 'stormLimit'>

const name = 'policy'

/** Returns the part of settings that collectors share. */
export function policyOf({ retention, stormLimit }: TelemetrySettings): Policy {
  return { retention, stormLimit }
}

/** Returns what the collectors of a database share; the first one brings its own. */
export function* joinPolicy(own: Policy): Work<Policy> {
  yield* ask(
    'INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING',
    name,
    JSON.stringify(own),
  )
  const [row] = yield* ask<{ value: string }>('SELECT value FROM state WHERE name = ?', name)
  return row ? (JSON.parse(row.value) as Policy) : own
}

/** Tells the other collectors what they share from now on. */
export function* writePolicy(policy: Policy): Work<void> {
  yield* ask(
    'INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    JSON.stringify(policy),
  )
}
