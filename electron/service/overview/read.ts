import { mostListedProblems, pauseName, type Overview } from '../../shared/api/overview.ts'
import { activeUntil, readMaintenance } from '../alerts/maintenance.ts'
import { openIncident, readMutes } from '../alerts/store.ts'
import type { RoomContext } from '../context.ts'
import type { Health } from '../health/index.ts'
import { keyOf } from '../health/desk.ts'
import { reaches } from '../health/rules.ts'
import { metricView, problemsOf } from '../health/view.ts'
import type { Hosts } from '../hosts/index.ts'
import { overviewOf } from './overview.ts'
import type { Recorder } from '../recorder/index.ts'
import type { Telemetry } from '../telemetry/index.ts'
import type { Watchers } from '../watchers/index.ts'
import { viewOf } from '../watchers/view.ts'

/** Returns how everything together stands now, from the rooms and what is silenced. */
export function readOverview(
  {
    recorder,
    hosts,
    watchers,
    telemetry,
    health,
  }: { recorder: Recorder; hosts: Hosts; watchers: Watchers; telemetry: Telemetry; health: Health },
  { db, clock }: RoomContext,
): Overview {
  const nowMs = Math.round(clock.glance().wallMs)
  const standing = watchers.standing(mostListedProblems)
  return overviewOf(
    {
      machine: recorder.running(),
      hosts: hosts.list({ state: 'problem', limit: mostListedProblems }),
      standing,
      lateWatchers: standing.problems.flatMap((id) => {
        const entry = watchers.get(id)
        return entry ? [viewOf(entry, watchers.judged(entry), watchers.blind(), nowMs)] : []
      }),
      telemetryTrouble: telemetry.trouble,
      health: {
        enabled: health.settings.enabled,
        isLive: health.isLive,
        hasBegun: health.report !== null,
        problems: problemsOf(health.settings.enabled ? [...health.desk.metrics.values()] : [])
          .filter(({ standing }) => reaches(standing.level, 'warning'))
          .map((state) => ({ ...metricView(state, health), key: keyOf(state) })),
      },
      offline: hosts.connection.state === 'offline' ? hosts.connection.text : null,
      mutes: readMutes(db, nowMs),
      incident: (room, item) => openIncident(db, room, item),
      windows: readMaintenance(db).map((row) => ({
        id: row.id,
        coversAll: row.room === null && row.item === null && row.tag === null,
        isPause: row.name === pauseName && row.schedule === null,
        activeUntilMs: activeUntil(row, nowMs),
      })),
    },
    nowMs,
  )
}
