import {
  clientSources,
  type ChangeTelemetrySettings,
  type TelemetrySettings,
} from '../../shared/api/telemetry.ts'
import { defaultTid } from '../../shared/telemetry-words.ts'
import type { Connection } from '../store/open.ts'
import { usualPlan } from './purge-rules.ts'

/** What users decide of telemetry; kept with the service's other settings, apart from the records. */

const name = 'telemetry'

export const usualSettings: TelemetrySettings = {
  collect: true,
  tid: defaultTid,
  strict: false,
  quarantine: false,
  stormLimit: 50,
  retention: {
    enabled: usualPlan.enabled,
    maxDays: usualPlan.maxDays,
    mostBytes: 1_000_000_000,
    rules: [...usualPlan.rules],
  },
  alerts: { newGuilty: true, back: true, silentMachines: false, silentHours: 48 },
  client: { consent: null, sources: [...clientSources], forward: null, review: true },
}

/** Returns the settings; what was never decided has its default. */
export function readSettings(db: Connection): TelemetrySettings {
  const text = readValue(db, name)
  const known = text === null ? {} : (JSON.parse(text) as Partial<TelemetrySettings>)
  return merged(usualSettings, known)
}

function merged(
  base: TelemetrySettings,
  change: Partial<TelemetrySettings> | ChangeTelemetrySettings,
): TelemetrySettings {
  return {
    ...base,
    ...change,
    alerts: { ...base.alerts, ...change.alerts },
    client: { ...base.client, ...change.client },
  }
}

/** Returns settings with a change, for writing. */
export function changedSettings(now: TelemetrySettings, change: ChangeTelemetrySettings): TelemetrySettings {
  return merged(now, change)
}

/** Writes settings, in the transaction that runs. */
export function writeSettings(db: Connection, settings: TelemetrySettings): void {
  writeValue(db, name, JSON.stringify(settings))
}

/** Returns a value of the room's own; null when there is none. */
export function readValue(db: Connection, key: string): string | null {
  return (
    (db.prepare('SELECT value FROM setting WHERE name = ?').pluck().get(key) as string | undefined) ?? null
  )
}

/** Writes a value of the room's own. */
export function writeValue(db: Connection, key: string, value: string): void {
  db.prepare(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(key, value)
}
