import os from 'node:os'
import type { Clock } from '../../clock.ts'
import { notOffered, type Row } from '../report.ts'
import { rounded } from './files.ts'
import type { Worker } from './worker.ts'

/** The processor worker of macOS and Windows, from Node itself. */

interface Times {
  readonly user: number
  readonly nice: number
  readonly system: number
  readonly idle: number
  readonly irq: number
}

/** Returns the times of each processor (s); Node gives ms. */
function cpuTimes(): Times[] {
  return os.cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    user: user / 1_000,
    nice: nice / 1_000,
    system: sys / 1_000,
    idle: idle / 1_000,
    irq: irq / 1_000,
  }))
}

const unknownTimes = { iowait: 0, softirq: 0, steal: 0, guest: 0, guest_nice: 0 } as const
const timeRow = ({ user, nice, system, idle, irq }: Times, CPU: number): Row => ({
  user, nice, system, idle, iowait: 0, irq, softirq: 0, steal: 0, guest: 0, guest_nice: 0, CPU,
}) // prettier-ignore

function shareRow(now: Times, before: Times, CPU: number): Row {
  const passed = (name: keyof Times): number => Math.max(0, now[name] - before[name])
  const all = passed('user') + passed('nice') + passed('system') + passed('idle') + passed('irq')
  const share = (name: keyof Times): number => (all > 0 ? rounded((100 * passed(name)) / all, 1) : 0)
  return timeRow(
    {
      user: share('user'),
      nice: share('nice'),
      system: share('system'),
      idle: share('idle'),
      irq: share('irq'),
    },
    CPU,
  )
}

/** Returns the worker with system-health-daemon's functions; what these systems do not count is 0. */
export function otherCpuWorker(clock: Clock): Worker {
  let before: Times[] | null = null
  return {
    name: 'CPU',
    functions: [
      {
        name: 'CPU_avgLoad',
        run: () => {
          const [one = 0, five = 0, fifteen = 0] = os.loadavg()
          return process.platform === 'win32'
            ? notOffered('Windows has no load average')
            : [{ '1min': one, '5min': five, '15min': fifteen }]
        },
      },
      { name: 'CPU_currentTimes', run: () => cpuTimes().map(timeRow) },
      {
        name: 'CPU_stats',
        run: () => {
          const cpus = os.cpus()
          const frequencies = cpus.map(({ speed }, CPU) => ({ CPU, max: speed, min: 0 }))
          return [
            {
              log_cpus: cpus.length,
              phys_cpus: cpus.length,
              ctx_switches: 0,
              interrupts: 0,
              soft_interrupts: 0,
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
          if (before === null) {
            before = cpuTimes()
            await new Promise<void>((resolve) => clock.after(100, resolve))
          }
          const earlier = before
          const now = cpuTimes()
          before = now
          return now.map((times, CPU) => shareRow(times, earlier[CPU] ?? { ...times, ...unknownTimes }, CPU))
        },
      },
    ],
  }
}
