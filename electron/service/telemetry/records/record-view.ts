import type { TelemetryRecord } from '../../../shared/api/telemetry.ts'
import { isoTime } from '../../../shared/time-text.ts'
import type { ListedRecord } from '../schema.ts'

/** Returns a record as the native API shows it. */
export function recordView({
  serverMs,
  clientS,
  guiltyId,
  payload: _payload,
  ...rest
}: ListedRecord): TelemetryRecord {
  return { ...rest, received: isoTime(serverMs), captured: isoTime(clientS * 1_000), guilty: guiltyId }
}
