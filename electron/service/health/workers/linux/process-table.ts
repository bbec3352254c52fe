import type { Clock } from '../../../clock.ts'
import { rounded, type SystemFiles } from '../files.ts'
import { ticksPerSecond } from './cpu.ts'

/** All processes, read at most once for all functions of a report. */

export interface ProcessEntry {
  readonly pid: number
  readonly name: string
  readonly state: string
  readonly parent: number
  readonly threads: number
  /** Ticks after the boot at which it was started; with the pid it names a process for good. */
  readonly started: number
  readonly ticks: number
  readonly rssBytes: number
  /** Per cent of one core since the last reading; null at the first. */
  readonly cpuPercent: number | null
}

export interface ProcessTable {
  /** Returns all processes. What was read less than a second ago is not read again. */
  read(): Promise<readonly ProcessEntry[]>
}

/** Reads `/proc/<pid>/stat`: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function parseProcess(text: string, pageBytes: number): Omit<ProcessEntry, 'cpuPercent'> | null {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return null
  // The last that is read is the 22nd after the name; there are thirty more.
  const fields = text.slice(close + 2).split(' ', 22)
  const at = (index: number): number => Number(fields[index] ?? 0)
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    parent: at(1),
    ticks: at(11) + at(12),
    threads: at(17),
    started: at(19),
    rssBytes: Math.max(0, at(21)) * pageBytes,
  }
}

/** Reading goes on for this long (ms) in one turn of the event loop. */
const sliceMs = 4
const freshMs = 1_000

export function createProcessTable(files: SystemFiles, clock: Clock, pageBytes: number): ProcessTable {
  let last: { readonly atMs: number; readonly all: Promise<readonly ProcessEntry[]> } | null = null
  let before = new Map<number, { readonly started: number; readonly ticks: number }>()
  let beforeMs: number | null = null

  const readAll = async (): Promise<readonly ProcessEntry[]> => {
    const pids = files.names('/proc').filter((name) => /^\d+$/.test(name))
    const nowMs = clock.glance().monotonicMs
    const seconds = beforeMs === null ? 0 : (nowMs - beforeMs) / 1_000
    const seen = new Map<number, { readonly started: number; readonly ticks: number }>()
    const all: ProcessEntry[] = []
    let turnMs = nowMs
    for (const pid of pids) {
      // A process may end between the two calls.
      const found = parseProcess(files.text(`/proc/${pid}/stat`) ?? '', pageBytes)
      if (found) {
        const earlier = before.get(found.pid)
        const isSame = earlier?.started === found.started
        seen.set(found.pid, { started: found.started, ticks: found.ticks })
        const spent = found.ticks - (isSame ? earlier.ticks : 0)
        all.push({
          ...found,
          cpuPercent: seconds > 0 ? rounded((100 * spent) / ticksPerSecond / seconds, 1) : null,
        })
      }
      if (clock.glance().monotonicMs - turnMs > sliceMs) {
        await new Promise((resolve) => setImmediate(resolve))
        turnMs = clock.glance().monotonicMs
      }
    }
    before = seen
    beforeMs = nowMs
    return all
  }

  return {
    read() {
      const nowMs = clock.glance().monotonicMs
      if (last === null || nowMs - last.atMs >= freshMs) last = { atMs: nowMs, all: readAll() }
      return last.all
    },
  }
}

/** Returns the size of a page (bytes), found from what this process is told of itself in both units. */
export function pageSize(files: SystemFiles): number {
  const pages = Number(/^\d+ (\d+)/.exec(files.text('/proc/self/statm') ?? '')?.[1] ?? 0)
  if (pages === 0) return 4_096
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages))
}
