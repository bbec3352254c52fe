import type { Clock } from '../../clock.ts'
import { shared, systemFiles } from './files.ts'
import { createBus } from '../../system/bus.ts'
import { systemBus } from '../../system/systemd.ts'
import { clockWorker, kernelClock } from './linux/clock.ts'
import { cpuWorker } from './linux/cpu.ts'
import { diskWorker } from './linux/disk.ts'
import { createDriveWatch } from './linux/drives.ts'
import { hardwareWorker } from './linux/hardware.ts'
import { memWorker, parseMemory } from './linux/mem.ts'
import { networkWorker } from './linux/network.ts'
import { createPackageList, type PackageList } from './linux/packages.ts'
import { createProcessTable, pageSize } from './linux/process-table.ts'
import { processesWorker } from './linux/processes.ts'
import { createSensors } from './linux/sensors.ts'
import { runsSystemd, servicesWorker } from './linux/services.ts'
import { otherEdges, type OtherEdges } from './other-edges.ts'
import { otherWorkers } from './other.ts'
import { runProgram, type RunProgram } from '../../system/programs.ts'
import type { Worker } from './worker.ts'

/** What workers are to leave out or to look at. */
export interface WorkerChoices {
  readonly asksDrives: boolean
  /** Services that must run. */
  readonly services: readonly string[]
}

/** The workers of a machine. */
export interface Workers {
  readonly list: readonly Worker[]
  /** What is installed, where that is known. */
  readonly packages: PackageList
  /** Whether services can be watched here. */
  watchesServices(): boolean
  close(): void
}

export interface WorkerParts {
  readonly clock: Clock
  choices(): WorkerChoices
  readonly platform?: NodeJS.Platform
  /** Root of the system's files; tests give that of another machine. */
  readonly root?: string
  readonly run?: RunProgram
  /** Socket of the system's bus. */
  readonly bus?: string
  /** What a system that is not Linux says. */
  readonly other?: OtherEdges
}

/** Returns the workers of this machine, in the order in which reports have them. */
export function systemWorkers({
  clock,
  choices,
  platform = process.platform,
  root = '/',
  run = runProgram,
  bus: socket = systemBus,
  other,
}: WorkerParts): Workers {
  const watched = (): readonly string[] => choices().services
  if (platform !== 'linux')
    return {
      list: otherWorkers(clock, watched, other ?? otherEdges(platform)),
      packages: { read: () => Promise.resolve(null) },
      watchesServices: () => true,
      close: () => undefined,
    }
  const files = systemFiles(root)
  const table = createProcessTable(files, clock, pageSize(files))
  const packages = createPackageList(files)
  const memory = shared(clock, 50, () => parseMemory(files.text('/proc/meminfo') ?? ''))
  const sensors = createSensors(files, clock)
  const bus = createBus(socket, clock)
  return {
    list: [
      cpuWorker(files, clock),
      memWorker(files, clock, table, memory),
      processesWorker(files, table, memory),
      diskWorker(files, clock),
      networkWorker(files, clock),
      hardwareWorker(
        files,
        sensors,
        createDriveWatch(files, clock, run, () => choices().asksDrives),
      ),
      servicesWorker(files, bus, packages, watched),
      clockWorker(files, clock, kernelClock(platform)),
    ],
    packages,
    watchesServices: () => runsSystemd(files),
    close: () => bus.close(),
  }
}
