import type { Clock } from '../../clock.ts'
import { notOffered } from '../report.ts'
import { otherCpuWorker } from './other-cpu.ts'
import { otherDiskWorker, otherNetworkWorker } from './other-disk.ts'
import { absent, seldom, type OtherEdges } from './other-edges.ts'
import { otherHardwareWorker } from './other-hardware.ts'
import { otherMemWorker, otherProcessesWorker } from './other-memory.ts'
import type { Worker } from './worker.ts'

/**
 * Workers of macOS and Windows, from Node where it tells and from systeminformation where it does not. They have the functions that
 * Linux has, with the same keys; what nobody measured is null, and a function without anything says that it is not offered.
 */

/** Returns the workers of a system that is not Linux. */
export function otherWorkers(
  clock: Clock,
  watched: () => readonly string[],
  edges: OtherEdges,
): readonly Worker[] {
  return [
    otherCpuWorker(clock, edges),
    otherMemWorker(edges),
    otherProcessesWorker(edges),
    otherDiskWorker(clock, edges),
    otherNetworkWorker(clock, edges),
    otherHardwareWorker(edges),
    servicesWorker(watched, edges),
    clockWorker(clock),
  ].map(({ name, functions }) => ({
    name,
    functions: [...functions].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }))
}

const noSystemd = 'this machine does not run systemd'

function servicesWorker(watched: () => readonly string[], edges: OtherEdges): Worker {
  return {
    name: 'Services',
    functions: [
      {
        name: 'Services_watched',
        ...seldom,
        run: async () => {
          const names = watched()
          if (names.length === 0) return []
          return (await (await edges.library()).services(names.join(','))).map(({ name, running }) => ({
            unit: name,
            active: running ? 'active' : 'inactive',
            sub: running ? 'running' : 'stopped',
          }))
        },
      },
      absent('Services_failed', noSystemd),
      absent('Services_packages', 'packages are only known of Linux'),
      absent('Services_states', noSystemd),
    ],
  }
}

function clockWorker(clock: Clock): Worker {
  return {
    name: 'Clock',
    functions: [
      { name: 'Clock_sync', run: () => notOffered('this system does not say how its clock is kept') },
      {
        name: 'Clock_zone',
        run: () => [
          {
            zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
            utc_offset_minutes: -new Date(clock.glance().wallMs).getTimezoneOffset(),
          },
        ],
      },
    ],
  }
}
