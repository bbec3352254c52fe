import os from 'node:os'
import { notOffered, type Row } from '../../report.ts'
import { numberIn, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import { physicalCores } from './cpu.ts'
import { raidRows, type DriveWatch } from './drives.ts'
import { parseMemory } from './mem.ts'
import { batteryRows, type Sensors } from './sensors.ts'

const rarelyMs = 600_000
/** Asking a drive may wake it and take long. */
const driveLimitMs = 60_000

export function hardwareWorker(files: SystemFiles, sensors: Sensors, drives: DriveWatch): Worker {
  return {
    name: 'Hardware',
    functions: [
      { name: 'Hardware_battery', everyMs: 30_000, run: () => batteryRows(files) },
      {
        name: 'Hardware_drives',
        everyMs: rarelyMs,
        limitMs: driveLimitMs,
        isSlow: true,
        run: () => drives.rows(),
      },
      { name: 'Hardware_fans', run: () => sensors.fans() },
      { name: 'Hardware_memory', everyMs: 60_000, run: () => memoryErrorRows(files) },
      { name: 'Hardware_modules', everyMs: rarelyMs, run: () => moduleRows(files) },
      { name: 'Hardware_raid', run: () => raidRows(files.text('/proc/mdstat')) },
      { name: 'Hardware_system', everyMs: rarelyMs, run: () => [systemRow(files)] },
      { name: 'Hardware_temperatures', run: () => sensors.temperatures() },
      { name: 'Hardware_throttling', everyMs: 60_000, run: () => throttlingRows(files) },
      { name: 'Hardware_zones', run: () => sensors.zones() },
    ],
  }
}

/** Errors of memory that corrects itself: https://docs.kernel.org/admin-guide/ras.html#edac */
function memoryErrorRows(files: SystemFiles): readonly Row[] {
  const folder = '/sys/devices/system/edac/mc'
  const rows = files
    .names(folder)
    .filter((name) => /^mc\d+$/.test(name))
    .map((controller) => ({
      controller,
      corrected: numberIn(files.text(`${folder}/${controller}/ce_count`)) ?? 0,
      uncorrected: numberIn(files.text(`${folder}/${controller}/ue_count`)) ?? 0,
    }))
  return rows.length === 0 ? notOffered('no memory that counts its errors') : rows
}

function moduleRows(files: SystemFiles): readonly Row[] {
  const names = (files.text('/proc/modules') ?? '').split('\n').flatMap((line) => line.split(' ')[0] || [])
  return names.length === 0
    ? notOffered('no kernel modules')
    : [{ count: names.length, modules: names.sort() }]
}

function systemRow(files: SystemFiles): Row {
  const release = files.text('/etc/os-release') ?? files.text('/usr/lib/os-release') ?? ''
  const processors = files.text('/proc/cpuinfo') ?? ''
  const dmi = (name: string): string | null => files.text(`/sys/class/dmi/id/${name}`)?.trim() || null
  return {
    system: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? 'Linux',
    kernel: files.text('/proc/sys/kernel/osrelease')?.trim() ?? os.release(),
    // NIS's, which hardly anybody has.
    domainname:
      files
        .text('/proc/sys/kernel/domainname')
        ?.trim()
        .replace(/^\(none\)$/, '') || null,
    kernel_build: files.text('/proc/sys/kernel/version')?.trim() ?? os.version(),
    architecture: os.machine(),
    processor: /^(?:model name|Model|Hardware)\s*:\s*(.+)$/m.exec(processors)?.[1] ?? null,
    cores: physicalCores(processors),
    processors: (processors.match(/^processor\s*:/gm) ?? []).length,
    memory_bytes: parseMemory(files.text('/proc/meminfo') ?? '').get('MemTotal') ?? null,
    vendor: dmi('sys_vendor'),
    model: dmi('product_name') ?? files.text('/proc/device-tree/model')?.replaceAll('\0', '').trim() ?? null,
    firmware: dmi('bios_version'),
    firmware_date: dmi('bios_date'),
  }
}

/** Bits of the Raspberry Pi's firmware: https://www.raspberrypi.com/documentation/computers/os.html#get_throttled */
const piBits = { under_voltage: 0, frequency_capped: 1, throttled: 2, too_hot: 3 } as const
const piFile = '/sys/devices/platform/soc/soc:firmware/get_throttled'
const sinceBoot = 16

function throttlingRows(files: SystemFiles): readonly Row[] {
  const folder = '/sys/devices/system/cpu'
  const counts = files
    .names(folder)
    .filter((name) => /^cpu\d+$/.test(name))
    .flatMap((cpu): Row[] => {
      const at = (name: string): number | null =>
        numberIn(files.text(`${folder}/${cpu}/thermal_throttle/${name}_throttle_count`))
      const core = at('core')
      return core === null
        ? []
        : [
            {
              CPU: Number(cpu.slice(3)),
              core,
              package: at('package') ?? 0,
              core_id: numberIn(files.text(`${folder}/${cpu}/topology/core_id`)),
              package_id: numberIn(files.text(`${folder}/${cpu}/topology/physical_package_id`)),
            },
          ]
    })
    .sort((a, b) => Number(a['CPU']) - Number(b['CPU']))
  const pi = files.text(piFile)
  const flags = pi === null ? Number.NaN : Number.parseInt(pi.trim(), 16)
  const rows = Number.isNaN(flags)
    ? counts
    : [
        ...counts,
        Object.fromEntries(
          Object.entries(piBits).flatMap(([name, bit]) => [
            [name, ((flags >> bit) & 1) === 1],
            [`${name}_since_boot`, ((flags >> (bit + sinceBoot)) & 1) === 1],
          ]),
        ),
      ]
  return rows.length === 0 ? notOffered('no count of throttling') : rows
}
