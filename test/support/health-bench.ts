import { onTestFinished } from 'vitest'
import type { NewTransition, RoomContext } from '../../electron/service/context.ts'
import { createHealth, type Health } from '../../electron/service/health/index.ts'
import type { Row } from '../../electron/service/health/report.ts'
import type { Worker } from '../../electron/service/health/workers/worker.ts'
import type { FakeClock } from './fake-clock.ts'
import { turns, watcherBench } from './watcher-bench.ts'
import { quietHealth } from './quiet-edges.ts'

export { quietHealth }

/** Health with a recorder on a real database, a clock that moves when it is told to, and a machine that says what the test says. */
export interface HealthBench {
  readonly context: RoomContext
  readonly health: Health
  readonly transitions: NewTransition[]
  /** What functions say, by their names; a function that is not here says nothing. */
  readonly says: Record<string, readonly Row[]>
  /** Lets time pass report by report. */
  pass(ms: number): Promise<void>
  stop(): Promise<void>
}

const functions = [
  'Mem_memory',
  'Disk_mounts',
  'Hardware_temperatures',
  'Processes_top',
  'Hardware_drives',
  'Services_watched',
]

export async function healthBench(clock: FakeClock, database?: string): Promise<HealthBench> {
  const bench = await watcherBench(clock, database === undefined ? {} : { database })
  const says: Record<string, readonly Row[]> = {}
  const workers = functions.map((name): Worker => ({
    name: name.split('_')[0] ?? '',
    functions: [{ name, run: () => says[name] ?? [] }],
  }))
  const health = createHealth(bench.context, quietHealth(workers))
  bench.context.series.start()
  health.start()
  let isOver = false
  const stop = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    const stopped = health.stop()
    bench.context.series.stop()
    await turns()
    bench.context.commits.flush()
    await stopped
    bench.kill()
  }
  onTestFinished(stop)
  return {
    context: bench.context,
    health,
    transitions: bench.transitions,
    says,
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(Math.min(1_000, ms - passed))
        await turns(12)
      }
    },
    stop,
  }
}
