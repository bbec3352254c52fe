import os from 'node:os'
import type Library from 'systeminformation'
import { notOffered } from '../report.ts'
import type { WorkerFunction } from './worker.ts'

/** What the workers of macOS and Windows ask; tests bring machines of their own. */
export interface OtherEdges {
  readonly platform: NodeJS.Platform
  /** Loaded only when it is needed: Linux never does. */
  library(): Promise<OtherLibrary>
  cpus(): os.CpuInfo[]
  loadavg(): number[]
}

/** As much of systeminformation as is used. */
export type OtherLibrary = Pick<
  typeof Library,
  | 'battery'
  | 'bios'
  | 'cpu'
  | 'cpuTemperature'
  | 'diskLayout'
  | 'disksIO'
  | 'fsSize'
  | 'fsStats'
  | 'mem'
  | 'networkStats'
  | 'osInfo'
  | 'processes'
  | 'services'
  | 'system'
>

let library: Promise<OtherLibrary> | null = null

/** Returns what this machine says of itself. */
export function otherEdges(platform: NodeJS.Platform): OtherEdges {
  return {
    platform,
    library: () => (library ??= import('systeminformation').then((found) => found.default)),
    cpus: () => os.cpus(),
    loadavg: () => os.loadavg(),
  }
}

/** That library starts programs, so it is asked this seldom (ms). */
const limitMs = 30_000
export const seldom = { everyMs: 60_000, limitMs } as const
export const rarely = { everyMs: 3_600_000, limitMs } as const

/** A function that Linux has and that can say nothing here. */
export const absent = (name: string, why: string): WorkerFunction => ({ name, run: () => notOffered(why) })

/** That library says nought where it has not measured. */
export const measured = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value !== 0 ? value : null

/** Returns a number that may be nought; null where there is none. */
export const counted = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null
