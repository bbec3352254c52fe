import type { HealthEdges } from '../../electron/service/health/index.ts'
import type { Worker } from '../../electron/service/health/workers/worker.ts'
import type { RecorderEdges } from '../../electron/service/recorder/index.ts'
import type { MachineSample } from '../../electron/service/recorder/schema.ts'

export const calmSample: MachineSample = {
  load: 0.1,
  memoryFree: 1_000,
  memoryTotal: 2_000,
  power: 'mains',
  battery: 80,
}

/** Edges of a machine that tells nothing. */
export function quietEdges(overrides: Partial<RecorderEdges> = {}): RecorderEdges {
  return {
    sample: () => calmSample,
    timeService: { isSynchronised: () => null, refresh: () => Promise.resolve() },
    os: 'Linux test',
    collectStopEvidence: () => Promise.resolve([]),
    findHistory: () => Promise.resolve([]),
    ...overrides,
  }
}

/** Health of a machine that tells nothing. */
export function quietHealth(workers: readonly Worker[] = []): HealthEdges {
  return {
    workers: () => ({
      list: workers,
      packages: { read: () => Promise.resolve(null) },
      watchesServices: () => true,
      close: () => undefined,
    }),
  }
}
