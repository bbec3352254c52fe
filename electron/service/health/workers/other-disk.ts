import type { Clock } from '../../clock.ts'
import { notOffered } from '../report.ts'
import { rate, rounded, roundedOrNull } from './files.ts'
import { absent, counted, seldom, type OtherEdges } from './other-edges.ts'
import type { Worker } from './worker.ts'

/** Disks and the network of macOS and Windows. */

const onlyLinux = 'only Linux tells this'

export function otherDiskWorker(clock: Clock, edges: OtherEdges): Worker {
  let drives: {
    readonly atMs: number
    readonly reads: number
    readonly writes: number
    readonly read: number
    readonly written: number
  } | null = null
  return {
    name: 'Disk',
    functions: [
      {
        name: 'Disk_mounts',
        ...seldom,
        run: async () =>
          (await (await edges.library()).fsSize())
            .filter(({ size, mount }) => size > 0 && !/^\/System\/Volumes\/(?!Data$)/.test(mount))
            .map(({ mount, fs, type, size, used, available, rw }) => ({
              mount,
              percent: used + available > 0 ? rounded((100 * used) / (used + available)) : null,
              total_bytes: size,
              used_bytes: used,
              free_bytes: available,
              inodes_percent: null,
              inodes_total: null,
              inodes_free: null,
              device: fs,
              type,
              read_only: rw === false,
            })),
      },
      absent('Disk_pressure', onlyLinux),
      {
        name: 'Disk_rates',
        ...seldom,
        run: async () => {
          const library = await edges.library()
          const [bytes, requests] = await Promise.all([library.fsStats(), library.disksIO()])
          // Their types do not say that Windows answers with nothing.
          if (!(bytes as unknown) || !(requests as unknown))
            return notOffered('this system does not say what its drives read and write')
          const nowMs = clock.glance().monotonicMs
          const seconds = drives === null ? 0 : (nowMs - drives.atMs) / 1_000
          const earlier = drives
          drives = {
            atMs: nowMs,
            reads: requests.rIO,
            writes: requests.wIO,
            read: bytes.rx,
            written: bytes.wx,
          }
          const per = (key: 'reads' | 'writes' | 'read' | 'written'): number | null =>
            roundedOrNull(rate(drives?.[key], earlier?.[key], seconds), 1)
          return [
            {
              device: 'all',
              read_bytes_per_s: per('read'),
              written_bytes_per_s: per('written'),
              reads_per_s: per('reads'),
              writes_per_s: per('writes'),
              busy_percent: null,
              read_bytes: bytes.rx,
              written_bytes: bytes.wx,
              busy_s: null,
            },
          ]
        },
      },
    ],
  }
}

export function otherNetworkWorker(clock: Clock, edges: OtherEdges): Worker {
  let network: {
    readonly atMs: number
    readonly all: ReadonlyMap<string, readonly [number, number]>
  } | null = null
  return {
    name: 'Network',
    functions: [
      {
        name: 'Network_interfaces',
        ...seldom,
        run: async () => {
          const found = await (await edges.library()).networkStats('*')
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
                in_errors: counted(rx_errors),
                out_errors: counted(tx_errors),
                in_drops: counted(rx_dropped),
                out_drops: counted(tx_dropped),
                state: operstate,
              }),
            )
        },
      },
      absent('Network_ports', 'this system does not list its ports to programs without starting one'),
      absent('Network_sockets', onlyLinux),
    ],
  }
}
