import { existsSync, readdirSync, statSync, type Stats } from 'node:fs'
import path from 'node:path'
import type { HealthPlugIns, HealthSettings } from '../../../shared/api/health.ts'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { systemFiles } from '../workers/files.ts'
import { pageSize } from '../workers/linux/process-table.ts'
import type { Worker, WorkerFunction } from '../workers/worker.ts'
import { runPlugIn } from './run.ts'

/** Functions that people add: a file whose name begins with its worker's. Found anew for each report. */
export interface PlugIns {
  /** Returns the workers with the functions that plug-ins add. */
  added(workers: readonly Worker[]): readonly Worker[]
  /** Names of functions that come from plug-ins. */
  readonly names: ReadonlySet<string>
  list(workers: readonly Worker[]): HealthPlugIns
  /** Ends the plug-ins that run. */
  stop(): void
}

interface Found {
  readonly file: string
  readonly worker: string
  readonly name: string
  readonly problem: string | null
}

const namePattern = /^([A-Z][A-Za-z0-9]{0,30})_([A-Za-z][A-Za-z0-9]{0,60})$/
const mostPlugIns = 100

export function createPlugIns(
  clock: Clock,
  log: Log,
  folder: string,
  settings: () => HealthSettings,
): PlugIns {
  const pageBytes = pageSize(systemFiles())
  const told = new Set<string>()
  const running = new Set<() => void>()
  let names: ReadonlySet<string> = new Set()

  const find = (workers: readonly Worker[]): Found[] => {
    const taken = new Set(workers.flatMap(({ functions }) => functions.map(({ name }) => name)))
    const found = filesIn(folder).map((file): Found => {
      const stem = path.basename(file, path.extname(file))
      const [, worker = '', rest = ''] = namePattern.exec(stem) ?? []
      const problem =
        worker === ''
          ? 'its name is not a worker and a function, such as Disk_trash.sh'
          : taken.has(stem)
            ? `there is a function ${stem} already`
            : faultOf(file, folder)
      if (problem === null) taken.add(stem)
      return { file, worker, name: `${worker}_${rest}`, problem }
    })
    for (const { file, problem } of found) {
      if (problem === null || told.has(`${file} ${problem}`)) continue
      told.add(`${file} ${problem}`)
      log.warn(`The plug-in ${path.basename(file)} is not used: ${problem}`)
    }
    return found
  }

  const functionOf = ({ file, name }: Found): WorkerFunction => {
    const { plugInEveryS, plugInLimitS, plugInMegabytes } = settings()
    return {
      name,
      everyMs: plugInEveryS * 1_000,
      // Its own limit ends it; this one is for what even that does not end.
      limitMs: (plugInLimitS + 5) * 1_000,
      isSlow: true,
      run: () =>
        runPlugIn(clock, file, { seconds: plugInLimitS, megabytes: plugInMegabytes }, { pageBytes, running }),
    }
  }

  return {
    get names() {
      return names
    },
    added(workers) {
      const good = settings().plugIns ? find(workers).filter(({ problem }) => problem === null) : []
      names = new Set(good.map(({ name }) => name))
      if (good.length === 0) return workers
      const known = new Set(workers.map(({ name }) => name))
      const own = [...new Set(good.map(({ worker }) => worker))].filter((name) => !known.has(name))
      return [...workers, ...own.map((name) => ({ name, functions: [] }))].map(({ name, functions }) => ({
        name,
        functions: [...functions, ...good.filter(({ worker }) => worker === name).map(functionOf)],
      }))
    },
    stop() {
      for (const end of running) end()
    },
    list: (workers) => ({
      folder,
      enabled: settings().plugIns,
      plugIns: find(workers).map(({ file, worker, name, problem }) => ({
        file: path.basename(file),
        worker,
        function: name,
        problem,
      })),
    }),
  }
}

function filesIn(folder: string): string[] {
  // Most have none, and an error costs more than a look.
  if (!existsSync(folder)) return []
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory())
      .map(({ name }) => path.join(folder, name))
      .sort()
      .slice(0, mostPlugIns)
  } catch {
    return []
  }
}

/** Returns why a file is not to be run; null when it may. What others may write to would run in our name. */
function faultOf(file: string, folder: string): string | null {
  let stats: readonly Stats[]
  try {
    stats = [statSync(file), statSync(folder)]
  } catch {
    return 'it cannot be read'
  }
  const [own] = stats
  if (!own?.isFile()) return 'it is no ordinary file'
  if (process.platform === 'win32') return null
  const uid = process.getuid?.()
  for (const [index, stat] of stats.entries()) {
    const what = index === 0 ? 'it' : 'its folder'
    if (stat.uid !== uid && stat.uid !== 0) return `${what} belongs to another user`
    if ((stat.mode & 0o022) !== 0) return `others may write to ${what === 'it' ? 'it' : what} (chmod go-w)`
  }
  if (!/\.m?js$/i.test(file) && (own.mode & 0o111) === 0) return 'it is not executable (chmod +x)'
  return null
}
