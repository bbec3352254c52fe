import type { App, RoomContext } from '../context.ts'
import type { Telemetry } from './index.ts'
import { guiltyRoutes } from './routes/guilties.ts'
import { recordRoutes } from './routes/records.ts'
import { settingRoutes } from './routes/settings.ts'
import { viewRoutes } from './routes/views.ts'
import { collectorRoutes } from './wire/collector.ts'
import { seedRecordRoutes } from './wire/seed-records.ts'

/** Adds everything of telemetry: its native API, and what clients of telemetrics speak. */
export function telemetryRoutes(app: App, telemetry: Telemetry, context: RoomContext): void {
  recordRoutes(app, telemetry, context)
  viewRoutes(app, telemetry, context)
  guiltyRoutes(app, telemetry, context)
  settingRoutes(app, telemetry, context)
  seedRecordRoutes(app, telemetry, context)
  collectorRoutes(app, telemetry)
}
