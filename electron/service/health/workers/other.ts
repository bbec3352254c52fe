import os from 'node:os'
import type Library from 'systeminformation'
import type { Clock } from '../../clock.ts'
import { notOffered, type Row } from '../report.ts'
import { rate, rounded, roundedOrNull } from './files.ts'
import { otherCpuWorker } from './other-cpu.ts'
import type { Worker } from './worker.ts'

/** Workers of macOS and Windows, from Node where it tells and from systeminformation where it does not. */

/** That library starts programs there, so it is asked this seldom (ms). */
const seldomMs = 60_000
const rarelyMs = 3_600_000
const limitMs = 30_000

let library: Promise<typeof Library> | null = null
/** Loaded only when it is needed: Linux never does. */
const load = (): Promise<typeof Library> =>
  (library ??= import('systeminformation').then((found) => found.default))

/** Returns the workers of a system that is not Linux. */
export function otherWorkers(clock: Clock, watched: () => readonly string[]): readonly Worker[] {
  let network: {
    readonly atMs: number
    readonly all: ReadonlyMap<string, readonly [number, number]>
  } | null = null
  const seldom = { everyMs: seldomMs, limitMs }
  const rarely = { everyMs: rarelyMs, limitMs }
  const bytes = (value: number | null | undefined): number | null =>
    typeof value === 'number' && Number.isFinite(value) ? value : null
  return [
    otherCpuWorker(clock),
    {
      name: 'Mem',
      functions: [
        {
          name: 'Mem_memory',
          ...seldom,
          run: async () => {
            const { total, available, free, buffers, cached } = await (await load()).mem()
            return [
              {
                percent: total > 0 ? rounded((100 * (total - available)) / total) : 0,
                total_bytes: total,
                available_bytes: available,
                free_bytes: free,
                buffers_bytes: buffers,
                cached_bytes: cached,
                shared_bytes: 0,
              },
            ]
          },
        },
        {
          name: 'Mem_swap',
          ...seldom,
          run: async () => {
            const { swaptotal: total, swapused: used, swapfree: free } = await (await load()).mem()
            return total > 0
              ? [
                  {
                    percent: rounded((100 * used) / total),
                    total_bytes: total,
                    used_bytes: used,
                    free_bytes: free,
                  },
                ]
              : notOffered('this machine has no swap')
          },
        },
      ],
    },
    {
      name: 'Processes',
      functions: [
        {
          name: 'Processes_counts',
          ...seldom,
          run: async () => {
            const { all, running, blocked, sleeping, list } = await (await load()).processes()
            return [
              {
                total: all,
                threads: 0,
                running,
                sleeping,
                blocked,
                stopped: 0,
                zombies: list.filter(({ state }) => state === 'zombie').length,
              },
            ]
          },
        },
        {
          name: 'Processes_top',
          ...seldom,
          run: async () => {
            const { list } = await (await load()).processes()
            const row = (top: 'cpu' | 'memory', one: (typeof list)[number]): Row => ({
              top,
              pid: one.pid,
              process: one.name,
              user: one.user,
              // A share of all processors there, of one here.
              cpu_percent: rounded(one.cpu * os.cpus().length, 1),
              memory_bytes: one.memRss * 1_024,
              memory_percent: rounded(one.mem, 1),
            })
            const most = (key: 'cpu' | 'mem') => [...list].sort((a, b) => b[key] - a[key]).slice(0, 5)
            return [
              ...most('cpu').map((one) => row('cpu', one)),
              ...most('mem').map((one) => row('memory', one)),
            ]
          },
        },
      ],
    },
    {
      name: 'Disk',
      functions: [
        {
          name: 'Disk_mounts',
          ...seldom,
          run: async () =>
            (await (await load()).fsSize())
              .filter(({ size, mount }) => size > 0 && !/^\/System\/Volumes\/(?!Data$)/.test(mount))
              .map(({ mount, fs, type, size, used, available, rw }) => ({
                mount,
                percent: used + available > 0 ? rounded((100 * used) / (used + available)) : 0,
                total_bytes: size,
                used_bytes: used,
                free_bytes: available,
                inodes_percent: null,
                inodes_total: 0,
                inodes_free: 0,
                device: fs,
                type,
                read_only: rw === false,
              })),
        },
      ],
    },
    {
      name: 'Network',
      functions: [
        {
          name: 'Network_interfaces',
          ...seldom,
          run: async () => {
            const found = await (await load()).networkStats('*')
            const nowMs = clock.glance().monotonicMs
            const seconds = network === null ? 0 : (nowMs - network.atMs) / 1_000
            const earlier = network?.all
            network = {
              atMs: nowMs,
              all: new Map(found.map(({ iface, rx_bytes, tx_bytes }) => [iface, [rx_bytes, tx_bytes]])),
            }
            return found
              .filter(({ iface }) => !/^lo/.test(iface))
              .map(
                ({ iface, operstate, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped }) => ({
                  interface: iface,
                  in_bytes_per_s: roundedOrNull(rate(rx_bytes, earlier?.get(iface)?.[0], seconds), 1),
                  out_bytes_per_s: roundedOrNull(rate(tx_bytes, earlier?.get(iface)?.[1], seconds), 1),
                  in_bytes: rx_bytes,
                  out_bytes: tx_bytes,
                  in_errors: bytes(rx_errors),
                  out_errors: bytes(tx_errors),
                  in_drops: bytes(rx_dropped),
                  out_drops: bytes(tx_dropped),
                  state: operstate,
                }),
              )
          },
        },
      ],
    },
    {
      name: 'Hardware',
      functions: [
        {
          name: 'Hardware_battery',
          ...seldom,
          run: async () => {
            const found = await (await load()).battery()
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
            (await (await load()).diskLayout()).map(
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
                celsius: bytes(temperature),
                note: null,
              }),
            ),
        },
        {
          name: 'Hardware_system',
          ...rarely,
          run: async () => {
            const found = await load()
            const [system, bios, release] = await Promise.all([found.system(), found.bios(), found.osInfo()])
            return [
              {
                system: `${release.distro} ${release.release}`,
                kernel: release.kernel,
                kernel_build: release.build,
                architecture: os.machine(),
                processor: os.cpus()[0]?.model ?? null,
                processors: os.cpus().length,
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
            const { main, max } = await (await load()).cpuTemperature()
            const celsius = bytes(main)
            return celsius === null || celsius <= 0
              ? notOffered('this system shows no temperature to programs')
              : [
                  {
                    sensor: 'processor',
                    celsius,
                    critical: null,
                    chip: 'processor',
                    label: 'main',
                    highest: bytes(max),
                  },
                ]
          },
        },
      ],
    },
    {
      name: 'Services',
      functions: [
        {
          name: 'Services_watched',
          ...seldom,
          run: async () => {
            const names = watched()
            if (names.length === 0) return []
            return (await (await load()).services(names.join(','))).map(({ name, running }) => ({
              unit: name,
              active: running ? 'active' : 'inactive',
              sub: running ? 'running' : 'stopped',
            }))
          },
        },
      ],
    },
    {
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
    },
  ]
}
