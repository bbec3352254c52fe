import type { Clock } from '../../../clock.ts'
import { numberIn, rounded, shared, type SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import { loadAverages } from './load.ts'

/** The worker and the four functions that system-health-daemon had, with its keys (psutil's names). */

/** Order of the columns of a cpu line: https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat */
const timeNames = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'guest_nice',
] as const
export type CpuTimes = Record<(typeof timeNames)[number], number>

/** Ticks a second in which Linux tells times to programs; it is 100 on every architecture that Node runs on: time(7) */
export const ticksPerSecond = 100

export interface KernelStat {
  /** Seconds of each processor since the boot, by its number. */
  readonly cpus: ReadonlyMap<number, CpuTimes>
  readonly contextSwitches: number
  readonly interrupts: number
  readonly softInterrupts: number
  readonly running: number
  readonly blocked: number
  readonly bootS: number
}

/** Reads `/proc/stat`. */
export function parseKernelStat(text: string): KernelStat {
  const cpus = new Map<number, CpuTimes>()
  const first: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [name = '', ...values] = line.trim().split(/\s+/, 11)
    const cpu = /^cpu(\d+)$/.exec(name)?.[1]
    if (cpu !== undefined)
      cpus.set(
        Number(cpu),
        Object.fromEntries(
          timeNames.map((time, index) => [time, Number(values[index] ?? 0) / ticksPerSecond]),
        ) as CpuTimes,
      )
    else first[name] = Number(values[0] ?? 0)
  }
  return {
    cpus,
    contextSwitches: first['ctxt'] ?? 0,
    interrupts: first['intr'] ?? 0,
    softInterrupts: first['softirq'] ?? 0,
    running: first['procs_running'] ?? 0,
    blocked: first['procs_blocked'] ?? 0,
    bootS: first['btime'] ?? 0,
  }
}

/** Returns how a processor's time was spent between two readings (per cent), as psutil counts it. */
export function shares(now: CpuTimes, before: CpuTimes | undefined): CpuTimes {
  const passed = Object.fromEntries(
    timeNames.map((name) => [name, Math.max(0, now[name] - (before?.[name] ?? 0))]),
  ) as CpuTimes
  // Guests' time is contained in that of user and nice.
  const all = timeNames.reduce((sum, name) => sum + passed[name], 0) - passed.guest - passed.guest_nice
  return Object.fromEntries(
    timeNames.map((name) => [name, all > 0 ? rounded(Math.min(100, (100 * passed[name]) / all), 1) : 0]),
  ) as CpuTimes
}

/** Shares are counted over this long (ms) at least. */
const leastSpanMs = 100
/** Functions of one report see the same moment (ms). */
const sameMs = 50
const rarelyMs = 600_000

export function cpuWorker(files: SystemFiles, clock: Clock): Worker {
  const stat = shared(clock, sameMs, (): KernelStat => {
    const text = files.text('/proc/stat')
    if (text === null) throw new Error('/proc/stat cannot be read')
    return parseKernelStat(text)
  })
  // What a processor is does not change while it runs, and asking each takes several files.
  const build = shared(clock, rarelyMs, () => ({
    cores: physicalCores(files.text('/proc/cpuinfo') ?? ''),
    frequencies: [...stat().cpus.keys()].map((CPU) => ({
      CPU,
      max: megahertz(files, CPU, 'max'),
      min: megahertz(files, CPU, 'min'),
    })),
  }))
  const loads = loadAverages(files)
  let before: { readonly atMs: number; readonly cpus: ReadonlyMap<number, CpuTimes> } | null = null
  return {
    name: 'CPU',
    functions: [
      {
        name: 'CPU_avgLoad',
        run: async () => {
          const [one = 0, five = 0, fifteen = 0] = await loads()
          return [{ '1min': one, '5min': five, '15min': fifteen }]
        },
      },
      {
        name: 'CPU_currentTimes',
        run: () => [...stat().cpus].map(([CPU, times]) => ({ ...times, CPU })),
      },
      {
        name: 'CPU_stats',
        run: () => {
          const { cpus, contextSwitches, interrupts, softInterrupts } = stat()
          const { cores, frequencies } = build()
          return [
            {
              log_cpus: cpus.size,
              phys_cpus: cores ?? cpus.size,
              ctx_switches: contextSwitches,
              interrupts,
              soft_interrupts: softInterrupts,
              // Linux does not count them; psutil says 0 as well.
              syscalls: 0,
              frequncies: frequencies,
              frequencies,
            },
          ]
        },
      },
      {
        name: 'CPU_timePercentage',
        run: async () => {
          if (before === null || clock.glance().monotonicMs - before.atMs < leastSpanMs) {
            before ??= { atMs: clock.glance().monotonicMs, cpus: stat().cpus }
            await new Promise<void>((resolve) => clock.after(leastSpanMs, resolve))
          }
          const earlier = before.cpus
          const now = stat().cpus
          before = { atMs: clock.glance().monotonicMs, cpus: now }
          return [...now].map(([CPU, times]) => ({ ...shares(times, earlier.get(CPU)), CPU }))
        },
      },
    ],
  }
}

function megahertz(files: SystemFiles, cpu: number, end: 'max' | 'min'): number {
  const folder = `/sys/devices/system/cpu/cpu${cpu}/cpufreq`
  const kilohertz =
    numberIn(files.text(`${folder}/scaling_${end}_freq`)) ??
    numberIn(files.text(`${folder}/cpuinfo_${end}_freq`))
  return (kilohertz ?? 0) / 1_000
}

/** Returns how many cores `/proc/cpuinfo` tells of; null where it does not tell cores apart. */
export function physicalCores(text: string): number | null {
  const cores = new Set<string>()
  let socket = '0'
  for (const line of text.split('\n')) {
    const [name, value = ''] = line.split(':').map((part) => part.trim())
    if (name === 'physical id') socket = value
    if (name === 'core id') cores.add(`${socket}/${value}`)
  }
  return cores.size === 0 ? null : cores.size
}
