import type { Clock } from '../../../clock.ts'
import { notOffered, type Row } from '../../report.ts'
import { rounded, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import type { ProcessEntry, ProcessTable } from './process-table.ts'

/** Reads `/proc/meminfo`: bytes by name. */
export function parseMemory(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^([\w()]+):\s+(\d+)( kB)?$/gm)].map(([, name = '', value, unit]) => [
      name,
      Number(value) * (unit === undefined ? 1 : 1_024),
    ]),
  )
}

/** Reads a file of `/proc/pressure`: https://docs.kernel.org/accounting/psi.html */
export function parsePressure(text: string): Row[] {
  return [...text.matchAll(/^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/gm)].map(
    ([, kind = '', ten, sixty, threeHundred, total]) => ({
      waiting: kind,
      percent_10s: Number(ten),
      percent_60s: Number(sixty),
      percent_300s: Number(threeHundred),
      seconds: Number(total) / 1e6,
    }),
  )
}

/** Returns the rows of a kind of pressure. */
export function pressureRows(files: SystemFiles, kind: 'cpu' | 'memory' | 'io'): readonly Row[] {
  const text = files.text(`/proc/pressure/${kind}`)
  return text === null ? notOffered('this kernel does not measure pressure') : parsePressure(text)
}

/** Returns what ZFS would give back of its cache (bytes): https://openzfs.github.io/openzfs-docs/man/master/5/spl.5.html */
export function shrinkableCache(text: string | null): number {
  const at = (name: string): number =>
    Number(new RegExp(`^${name}\\s+\\d+\\s+(\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0)
  return Math.max(0, at('size') - at('c_min'))
}

export function memoryRow(memory: ReadonlyMap<string, number>, cacheBytes = 0): Row {
  const at = (name: string): number => memory.get(name) ?? 0
  const total = at('MemTotal')
  // Kernels before 3.14 do not estimate it.
  const available = Math.min(
    total,
    (memory.get('MemAvailable') ?? at('MemFree') + at('Buffers') + at('Cached')) + cacheBytes,
  )
  return {
    percent: total === 0 ? 0 : rounded((100 * (total - available)) / total, 2),
    total_bytes: total,
    available_bytes: available,
    free_bytes: at('MemFree'),
    buffers_bytes: at('Buffers'),
    cached_bytes: at('Cached') + at('SReclaimable'),
    page_cache_bytes: at('Cached'),
    reclaimable_bytes: at('SReclaimable'),
    shared_bytes: at('Shmem'),
  }
}

function swapRows(memory: ReadonlyMap<string, number>): readonly Row[] {
  const total = memory.get('SwapTotal') ?? 0
  if (total === 0) return notOffered('this machine has no swap')
  const free = memory.get('SwapFree') ?? 0
  return [
    {
      percent: rounded((100 * (total - free)) / total, 2),
      total_bytes: total,
      used_bytes: total - free,
      free_bytes: free,
    },
  ]
}

/** A process's memory is noted so often (ms), for six hours. */
const noteMs = 600_000
const mostNotes = 36
const leastNotes = 7
/** Below this (bytes) nobody minds. */
const leastBytes = 100_000_000
const leastGrowth = 0.25

interface Notes {
  readonly name: string
  readonly notes: { readonly atMs: number; readonly bytes: number }[]
}

/** Watches for processes that only ever grow. */
export function createGrowthWatch(): {
  note(processes: readonly ProcessEntry[], nowMs: number): void
  rising(): Row[]
} {
  let known = new Map<string, Notes>()
  let notedMs = Number.NEGATIVE_INFINITY
  return {
    note(processes, nowMs) {
      if (nowMs - notedMs < noteMs) return
      notedMs = nowMs
      const next = new Map<string, Notes>()
      for (const { pid, started, name, rssBytes } of processes) {
        if (rssBytes < leastBytes / 2) continue
        const key = `${pid} ${started}`
        const notes = [...(known.get(key)?.notes ?? []), { atMs: nowMs, bytes: rssBytes }].slice(-mostNotes)
        next.set(key, { name, notes })
      }
      known = next
    },
    rising: () =>
      [...known].flatMap(([key, { name, notes }]): Row[] => {
        const first = notes[0]
        const last = notes[notes.length - 1]
        if (!first || !last || notes.length < leastNotes) return []
        const grown = last.bytes - first.bytes
        const onlyGrows = notes.every(
          ({ bytes }, index) => index === 0 || bytes >= (notes[index - 1]?.bytes ?? 0) * 0.995,
        )
        if (!onlyGrows || grown < leastBytes || grown < leastGrowth * first.bytes) return []
        return [
          {
            pid: Number(key.split(' ')[0]),
            process: name,
            memory_bytes: last.bytes,
            grown_bytes: grown,
            hours: rounded((last.atMs - first.atMs) / 3_600_000, 1),
          },
        ]
      }),
  }
}

export function memWorker(
  files: SystemFiles,
  clock: Clock,
  table: ProcessTable,
  memory: () => ReadonlyMap<string, number>,
): Worker {
  const growth = createGrowthWatch()
  return {
    name: 'Mem',
    functions: [
      {
        name: 'Mem_memory',
        run: () => [memoryRow(memory(), shrinkableCache(files.text('/proc/spl/kstat/zfs/arcstats')))],
      },
      { name: 'Mem_pressure', run: () => pressureRows(files, 'memory') },
      {
        name: 'Mem_rising',
        run: async () => {
          growth.note(await table.read(), clock.glance().monotonicMs)
          return growth.rising()
        },
      },
      { name: 'Mem_swap', run: () => swapRows(memory()) },
    ],
  }
}
