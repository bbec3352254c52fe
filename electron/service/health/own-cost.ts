import { readFileSync } from 'node:fs'
import type { Figure } from './schema.ts'

/** What the service itself costs. */
export interface OwnCost {
  /** Per cent of one processor since the report before. */
  readonly cpuPercent: number | null
  readonly memoryBytes: number | null
  /** From the begin of the last report to its end (ms). */
  readonly sampleMs: number | null
  /** What it has written to disks since it was started; null where the system does not tell. */
  readonly writtenBytes: number | null
}

/** Measures the process that it is in. */
export interface OwnWatch {
  readonly cost: OwnCost
  /** Measures anew, after a report that took `sampleMs`, and returns what is charted of it. */
  measure(monotonicMs: number, sampleMs: number): Figure[]
}

/** Returns a watch over this process. `readIo` gives proc_pid_io(5), where there is one. */
export function createOwnWatch(readIo: () => string | null = ownIo): OwnWatch {
  let before: { readonly cpuUs: number; readonly monotonicMs: number } | null = null
  let cost: OwnCost = { cpuPercent: null, memoryBytes: null, sampleMs: null, writtenBytes: null }
  return {
    get cost() {
      return cost
    },
    measure(monotonicMs, sampleMs) {
      const { user, system } = process.cpuUsage()
      const now = { cpuUs: user + system, monotonicMs }
      const cpuPercent =
        before === null || monotonicMs <= before.monotonicMs
          ? null
          : (100 * (now.cpuUs - before.cpuUs)) / 1_000 / (monotonicMs - before.monotonicMs)
      before = now
      const memoryBytes = process.memoryUsage.rss()
      cost = { cpuPercent, memoryBytes, sampleMs, writtenBytes: writtenIn(readIo()) }
      return [
        ...(cpuPercent === null ? [] : [{ kind: 'own-cpu', item: '', value: cpuPercent } as const]),
        { kind: 'own-memory', item: '', value: memoryBytes },
      ]
    },
  }
}

function writtenIn(text: string | null): number | null {
  const found = /^write_bytes: (\d+)$/m.exec(text ?? '')?.[1]
  return found === undefined ? null : Number(found)
}

function ownIo(): string | null {
  if (process.platform !== 'linux') return null
  try {
    return readFileSync('/proc/self/io', 'utf8')
  } catch {
    return null
  }
}
