import os from 'node:os'
import { notOffered } from '../report.ts'
import { rounded } from './files.ts'
import { absent, counted, rarely, seldom, type OtherEdges } from './other-edges.ts'
import type { Worker } from './worker.ts'

/** Hardware of macOS and Windows. */

const onlyLinux = 'only Linux tells this'

export function otherHardwareWorker(edges: OtherEdges): Worker {
  return {
    name: 'Hardware',
    functions: [
      {
        name: 'Hardware_battery',
        ...seldom,
        run: async () => {
          const found = await (await edges.library()).battery()
          return found.hasBattery
            ? [
                {
                  battery: found.model || 'battery',
                  percent: found.percent,
                  state: found.isCharging ? 'charging' : 'discharging',
                  health_percent:
                    found.designedCapacity > 0
                      ? rounded((100 * found.maxCapacity) / found.designedCapacity, 1)
                      : null,
                  cycles: found.cycleCount,
                  watts: null,
                },
              ]
            : notOffered('no battery')
        },
      },
      {
        name: 'Hardware_drives',
        ...rarely,
        run: async () =>
          (await (await edges.library()).diskLayout()).map(
            ({ device, name, size, type, smartStatus, temperature }) => ({
              drive: device || name,
              model: name,
              bytes: size,
              rotating: type === 'HD',
              smart: /ok|passed|verified/i.test(smartStatus)
                ? 'passed'
                : /fail/i.test(smartStatus)
                  ? 'failing'
                  : null,
              worn_percent: null,
              celsius: counted(temperature),
              note: null,
            }),
          ),
      },
      {
        name: 'Hardware_system',
        ...rarely,
        run: async () => {
          const found = await edges.library()
          const [system, bios, release] = await Promise.all([found.system(), found.bios(), found.osInfo()])
          return [
            {
              system: `${release.distro} ${release.release}`,
              kernel: release.kernel,
              kernel_build: release.build,
              architecture: os.machine(),
              processor: edges.cpus()[0]?.model ?? null,
              processors: edges.cpus().length,
              memory_bytes: os.totalmem(),
              vendor: system.manufacturer,
              model: system.model,
              firmware: bios.version,
              firmware_date: bios.releaseDate,
            },
          ]
        },
      },
      {
        name: 'Hardware_temperatures',
        ...seldom,
        run: async () => {
          const { main, max } = await (await edges.library()).cpuTemperature()
          const celsius = counted(main)
          return celsius === null || celsius <= 0
            ? notOffered('this system shows no temperature to programs')
            : [
                {
                  sensor: 'processor',
                  celsius,
                  critical: null,
                  chip: 'processor',
                  label: 'main',
                  highest: counted(max),
                },
              ]
        },
      },
      absent('Hardware_fans', 'this system shows no fan to programs'),
      absent('Hardware_memory', onlyLinux),
      absent('Hardware_modules', onlyLinux),
      absent('Hardware_raid', onlyLinux),
      absent('Hardware_throttling', onlyLinux),
      absent('Hardware_zones', onlyLinux),
    ],
  }
}
