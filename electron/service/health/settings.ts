import type { ChangeHealthSettings, HealthSettings } from '../../shared/api/health.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'

/** What users decide of health; kept with the service's other settings. */

const name = 'health'

export const usualSettings: HealthSettings = {
  enabled: true,
  // The interval of system-health-daemon.
  intervalS: 10,
  notifyFrom: 'warning',
  spareBytes: 20_000_000_000,
  rules: [],
  services: [],
  asksDrives: true,
  nodeNames: true,
  plugIns: true,
  plugInEveryS: 60,
  plugInLimitS: 10,
  plugInMegabytes: 256,
}

/** Returns the settings; what was never decided has its default. */
export function readSettings(db: Connection): HealthSettings {
  const text = readSetting(db, name)
  const known = text !== null ? (JSON.parse(text) as ChangeHealthSettings) : {}
  return { ...usualSettings, ...known }
}

/** Writes settings, in the transaction that runs. */
export function writeSettings(db: Connection, settings: HealthSettings): void {
  writeSetting(db, name, JSON.stringify(settings))
}
