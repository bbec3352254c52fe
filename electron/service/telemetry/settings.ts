import {
  clientSources,
  type ChangeTelemetrySettings,
  type TelemetrySettings,
} from '../../shared/api/telemetry.ts'
import { defaultTid } from '../../shared/telemetry-words.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
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
  const text = readSetting(db, name)
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
  writeSetting(db, name, JSON.stringify(settings))
}
