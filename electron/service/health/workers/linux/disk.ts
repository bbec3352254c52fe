import { statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../clock.ts'
import { notOffered, type Row } from '../../report.ts'
import { rate, rounded, roundedOrNull, shared, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import { pressureRows } from './mem.ts'

/** A file system that is mounted. */
export interface Mount {
  readonly mount: string
  readonly device: string
  readonly type: string
  readonly readOnly: boolean
  /** Other mounts whose use counts too, such as datasets of the same pool. */
  readonly also?: readonly string[]
}

/** File systems that hold somebody's data on a disk of this machine. Images that are always full are not among them. */
const localTypes =
  /^(?:ext[234]|xfs|btrfs|bcachefs|f2fs|zfs|vfat|exfat|msdos|ntfs3?|fuseblk|hfsplus|apfs|jfs|reiserfs|nilfs2|ubifs|jffs2|minix|ufs)$/
/** File systems of servers: one that is away would hold up whoever asks. */
const remoteTypes =
  /^(?:nfs4?|cifs|smb3|smbfs|afs|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|s3fs|rclone|ceph)|9p|virtiofs|lustre|davfs|ncpfs)$/

/** Reads `/proc/self/mountinfo`, each file system once: the mount that shows the most of it. */
export function parseMounts(text: string): {
  readonly local: readonly Mount[]
  readonly remote: readonly Mount[]
} {
  const local = new Map<string, (Mount & { readonly root: string })[]>()
  const remote: Mount[] = []
  for (const line of text.split('\n')) {
    const [before = '', after] = line.split(' - ')
    if (after === undefined) continue
    const [, , device = '', root = '', mount = ''] = before.split(' ')
    const [type = '', source = '', options = ''] = after.split(' ')
    const found = {
      mount: unescaped(mount),
      device: unescaped(source),
      type,
      // Of the file system itself: a single mount is read-only for whom a service manager wants it so.
      readOnly: options.split(',').includes('ro'),
      root: unescaped(root),
    }
    if (remoteTypes.test(type)) remote.push(found)
    // Every container has an overlay of its own over the same disk; that of a container we are in is our disk.
    const isOurs = localTypes.test(type) || (type === 'overlay' && found.mount === '/')
    if (!isOurs) continue
    const key = type === 'zfs' ? (found.device.split('/')[0] ?? '') : device
    local.set(key, [...(local.get(key) ?? []), found])
  }
  const bare = ({ mount, device, type, readOnly }: Mount): Mount => ({ mount, device, type, readOnly })
  return {
    local: [...local.values()].flatMap((mounts) => {
      const [first, ...rest] = mounts.sort((a, b) => rankOf(a) - rankOf(b))
      if (!first) return []
      const also = first.type === 'zfs' ? rest.map(({ mount }) => mount) : []
      return [also.length === 0 ? bare(first) : { ...bare(first), also }]
    }),
    remote: remote.map(bare),
  }
}

/** The whole before a part of it, a short path before a long one. */
function rankOf({ root, mount }: { readonly root: string; readonly mount: string }): number {
  return root.length * 10_000 + mount.length
}

/** Blanks and the like stand as octal numbers: proc_pid_mountinfo(5) */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** What `statfs` tells, as far as it is used. */
export interface Space {
  readonly bsize: number
  readonly blocks: number
  readonly bfree: number
  readonly bavail: number
  readonly files: number
  readonly ffree: number
}

/** Returns a row with the space of a mount; per cent as df(1) counts them. */
export function spaceRow({ mount, device, type, readOnly }: Mount, space: Space): Row {
  const used = (space.blocks - space.bfree) * space.bsize
  const free = space.bavail * space.bsize
  const inodes = space.files - space.ffree
  return {
    mount,
    percent: used + free > 0 ? rounded((100 * used) / (used + free), 2) : 0,
    total_bytes: space.blocks * space.bsize,
    used_bytes: used,
    free_bytes: free,
    // File systems such as btrfs make inodes as they need them.
    inodes_percent: space.files > 0 ? rounded((100 * inodes) / space.files, 2) : null,
    inodes_total: space.files,
    inodes_free: space.ffree,
    device,
    type,
    read_only: readOnly,
  }
}

export interface DiskCounters {
  readonly reads: number
  readonly readBytes: number
  readonly writes: number
  readonly writtenBytes: number
  readonly busyMs: number
}

/** Reads `/proc/diskstats`, whose sectors have 512 bytes: https://docs.kernel.org/admin-guide/iostats.html */
export function parseDiskStats(text: string): ReadonlyMap<string, DiskCounters> {
  return new Map(
    text.split('\n').flatMap((line): [string, DiskCounters][] => {
      const fields = line.trim().split(/\s+/)
      const at = (index: number): number => Number(fields[index] ?? 0)
      const name = fields[2]
      if (!name) return []
      return [
        [
          name,
          { reads: at(3), readBytes: at(5) * 512, writes: at(7), writtenBytes: at(9) * 512, busyMs: at(12) },
        ],
      ]
    }),
  )
}

/** Devices that only show what others do, or nothing that anybody has. */
const virtualDevices = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|zd)/

export function diskWorker(
  files: SystemFiles,
  clock: Clock,
  askSpace = (at: string): Promise<Space> => statfs(at),
): Worker {
  let before: { readonly atMs: number; readonly all: ReadonlyMap<string, DiskCounters> } | null = null
  const pending = new Set<string>()
  const devices = shared(
    clock,
    10_000,
    () => new Set(files.names('/sys/block').filter((name) => !virtualDevices.test(name))),
  )

  const rowOf = async (mount: Mount): Promise<Row[]> => {
    // A device that hangs takes one thread of the few that all files share; it must not get a second.
    if (pending.has(mount.mount)) return [{ mount: mount.mount, error: 'the file system does not answer' }]
    pending.add(mount.mount)
    try {
      const own = await askSpace(path.join(files.root, mount.mount))
      const others = await Promise.all((mount.also ?? []).map((at) => askSpace(path.join(files.root, at))))
      // Datasets share what is free; each tells only what it uses itself.
      const used = others.reduce(
        (sum, { blocks, bfree, bsize }) => sum + ((blocks - bfree) * bsize) / own.bsize,
        0,
      )
      const space = { ...own, blocks: own.blocks + used }
      return space.blocks > 0 ? [spaceRow(mount, space)] : []
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      // Mounts of other users' sessions may not be looked at.
      return code === 'EACCES' || code === 'EPERM' || code === 'ENOENT'
        ? []
        : [{ mount: mount.mount, error: code }]
    } finally {
      pending.delete(mount.mount)
    }
  }

  return {
    name: 'Disk',
    functions: [
      {
        name: 'Disk_mounts',
        run: async () => {
          const { local, remote } = parseMounts(files.text('/proc/self/mountinfo') ?? '')
          const patience = Promise.withResolvers<'late'>()
          const timer = clock.after(mountLimitMs, () => patience.resolve('late'))
          const rows = await Promise.all(
            local.map(async (mount) => {
              const found = await Promise.race([rowOf(mount), patience.promise])
              return found === 'late'
                ? [{ mount: mount.mount, error: 'the file system does not answer' }]
                : found
            }),
          )
          timer.cancel()
          return [
            ...rows.flat(),
            ...remote.map(({ mount, type }) => ({ mount, type, not_asked: 'it belongs to a server' })),
          ]
        },
      },
      { name: 'Disk_pressure', run: () => pressureRows(files, 'io') },
      {
        name: 'Disk_rates',
        run: () => {
          const text = files.text('/proc/diskstats')
          if (text === null) return notOffered('/proc/diskstats cannot be read')
          const whole = devices()
          const all = parseDiskStats(text)
          const nowMs = clock.glance().monotonicMs
          const seconds = before === null ? 0 : (nowMs - before.atMs) / 1_000
          const earlier = before?.all
          before = { atMs: nowMs, all }
          return [...all]
            .filter(([device]) => whole.has(device))
            .map(([device, now]) => rateRow(device, now, earlier?.get(device), seconds))
        },
      },
    ],
  }
}

/** How long (ms) all mounts together may take; less than a function may. */
const mountLimitMs = 3_000

function rateRow(device: string, now: DiskCounters, was: DiskCounters | undefined, seconds: number): Row {
  const busy = rate(now.busyMs, was?.busyMs, seconds)
  return {
    device,
    read_bytes_per_s: roundedOrNull(rate(now.readBytes, was?.readBytes, seconds), 1),
    written_bytes_per_s: roundedOrNull(rate(now.writtenBytes, was?.writtenBytes, seconds), 1),
    reads_per_s: roundedOrNull(rate(now.reads, was?.reads, seconds)),
    writes_per_s: roundedOrNull(rate(now.writes, was?.writes, seconds)),
    busy_percent: busy === null ? null : rounded(Math.min(100, busy / 10), 1),
    read_bytes: now.readBytes,
    written_bytes: now.writtenBytes,
    busy_s: now.busyMs / 1_000,
  }
}
