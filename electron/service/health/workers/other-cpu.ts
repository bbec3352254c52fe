import type { Clock } from '../../clock.ts'
import { notOffered, type Row } from '../report.ts'
import { rounded } from './files.ts'
import { measured, type OtherEdges } from './other-edges.ts'
import type { Worker } from './worker.ts'

/** The processor worker of macOS and Windows, from Node itself. */

/** What Node tells of a processor (s); null for what the system does not count. */
interface Times {
  readonly user: number
  readonly nice: number | null
  readonly system: number
  readonly idle: number
  readonly irq: number | null
}

/** Returns the times of each processor; Node gives ms, and nought for what libuv does not ask the system for. */
function cpuTimes({ cpus, platform }: OtherEdges): Times[] {
  return cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    user: user / 1_000,
    nice: platform === 'win32' ? null : nice / 1_000,
    system: sys / 1_000,
    idle: idle / 1_000,
    irq: platform === 'win32' ? irq / 1_000 : null,
  }))
}

const timeRow = ({ user, nice, system, idle, irq }: Times, CPU: number): Row => ({
  user, nice, system, idle, iowait: null, irq, softirq: null, steal: null, guest: null, guest_nice: null, CPU,
}) // prettier-ignore

function shareRow(now: Times, before: Times, CPU: number): Row {
  const passed = (name: keyof Times): number => Math.max(0, (now[name] ?? 0) - (before[name] ?? 0))
  const all = passed('user') + passed('nice') + passed('system') + passed('idle') + passed('irq')
  const share = (name: keyof Times): number => (all > 0 ? rounded((100 * passed(name)) / all, 1) : 0)
  return timeRow(
    {
      user: share('user'),
      nice: now.nice === null ? null : share('nice'),
      system: share('system'),
      idle: share('idle'),
      irq: now.irq === null ? null : share('irq'),
    },
    CPU,
  )
}

/** Returns the worker with system-health-daemon's functions; what these systems do not count is null. */
export function otherCpuWorker(clock: Clock, edges: OtherEdges): Worker {
  let before: Times[] | null = null
  /** Asked once: the library starts a program for it. */
  let cores: Promise<number | null> | null = null
  return {
    name: 'CPU',
    functions: [
      {
        name: 'CPU_avgLoad',
        run: () => {
          const [one = 0, five = 0, fifteen = 0] = edges.loadavg()
          return edges.platform === 'win32'
            ? notOffered('Windows has no load average')
            : [{ '1min': one, '5min': five, '15min': fifteen }]
        },
      },
      { name: 'CPU_currentTimes', run: () => cpuTimes(edges).map(timeRow) },
      {
        name: 'CPU_stats',
        run: async () => {
          const cpus = edges.cpus()
          cores ??= (await edges.library()).cpu().then(({ physicalCores }) => measured(physicalCores))
          const frequencies = cpus.map(({ speed }, CPU) => ({ CPU, max: measured(speed), min: null }))
          return [
            {
              log_cpus: cpus.length,
              phys_cpus: await cores,
              ctx_switches: null,
              interrupts: null,
              soft_interrupts: null,
              syscalls: null,
              frequncies: frequencies,
              frequencies,
            },
          ]
        },
      },
      {
        name: 'CPU_timePercentage',
        run: async () => {
          if (before === null) {
            before = cpuTimes(edges)
            await new Promise<void>((resolve) => clock.after(100, resolve))
          }
          const earlier = before
          const now = cpuTimes(edges)
          before = now
          return now.map((times, CPU) => shareRow(times, earlier[CPU] ?? times, CPU))
        },
      },
    ],
  }
}
