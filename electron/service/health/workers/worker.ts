import type { Clock } from '../../clock.ts'
import {
  errorKey,
  notOffered,
  seedTime,
  type DaemonReport,
  type FunctionReport,
  type Row,
  type WorkerReport,
} from '../report.ts'

/** Workers, and running them so that no function of one can stop another. */

/** One function: its name begins with its worker's. */
export interface WorkerFunction {
  readonly name: string
  /** Runs at most so often (ms); what it said last stands in the reports between. */
  readonly everyMs?: number
  /** A time limit (ms) of its own. */
  readonly limitMs?: number
  /** May take long, so that no report waits for it: what it says stands in the next one. */
  readonly isSlow?: boolean
  run(): readonly Row[] | Promise<readonly Row[]>
}

export interface Worker {
  readonly name: string
  readonly functions: readonly WorkerFunction[]
}

/** Runs workers, again and again. */
export interface Runner {
  /** Runs every function that is due and returns the whole report. Never throws. */
  run(workers: readonly Worker[]): Promise<DaemonReport>
}

/** A function that takes longer (ms) is marked and no longer waited for. */
export const functionLimitMs = 5_000
/** A report waits this long (ms) for functions that may take long. */
const slowPatienceMs = 300

interface Standing {
  report: FunctionReport
  atMs: number
  ranMs: number
  busySinceMs: number | null
}

/** Returns a runner. `nextTurn` lets the event loop go on between two functions. */
export function createRunner(clock: Clock, nextTurn: () => Promise<void> = turn): Runner {
  const standings = new Map<string, Standing>()

  const runOne = async (key: string, one: WorkerFunction): Promise<Standing> => {
    const { name, everyMs, isSlow = false } = one
    const known = standings.get(key)
    const { monotonicMs } = clock.glance()
    if (known?.busySinceMs != null) {
      if (isSlow && monotonicMs - known.busySinceMs < (one.limitMs ?? functionLimitMs)) return known
      const forS = Math.round((monotonicMs - known.busySinceMs) / 1_000)
      return stand(known, [{ [errorKey]: `still busy after ${forS} s, so it was not started again` }], name)
    }
    if (known && everyMs !== undefined && monotonicMs - known.ranMs < everyMs) return known
    const standing: Standing = known ?? {
      report: {
        name,
        datetime: seedTime(clock.glance().wallMs),
        data: notOffered('it has not answered yet'),
      },
      atMs: clock.glance().wallMs,
      ranMs: monotonicMs,
      busySinceMs: null,
    }
    standing.ranMs = monotonicMs
    standing.busySinceMs = monotonicMs
    standings.set(key, standing)
    const work = begin(standing, one)
    if (!isSlow) return work
    // One that is quick this time is in this report.
    const patience = Promise.withResolvers<Standing>()
    const timer = clock.after(slowPatienceMs, () => patience.resolve(standing))
    const first = await Promise.race([work, patience.promise])
    timer.cancel()
    return first
  }
  const begin = async (
    standing: Standing,
    { name, run, limitMs = functionLimitMs }: WorkerFunction,
  ): Promise<Standing> => {
    const limit = Promise.withResolvers<readonly Row[]>()
    const timer = clock.after(limitMs, () =>
      limit.resolve([{ [errorKey]: `took longer than ${limitMs / 1_000} s` }]),
    )
    const work = attempt(run).then((rows) => {
      standing.busySinceMs = null
      return rows
    })
    const rows = await Promise.race([work, limit.promise])
    timer.cancel()
    return stand(standing, rows, name)
  }
  const stand = (standing: Standing, data: readonly Row[], name: string): Standing => {
    standing.atMs = clock.glance().wallMs
    standing.report = { name, datetime: seedTime(standing.atMs), data }
    return standing
  }

  const runWorker = async ({ name, functions }: Worker): Promise<{ report: WorkerReport; atMs: number }> => {
    const sorted = [...functions].sort((a, b) => (a.name < b.name ? -1 : 1))
    const done: Promise<Standing>[] = []
    for (const one of sorted) {
      done.push(runOne(`${name}/${one.name}`, one))
      await nextTurn()
    }
    const all = await Promise.all(done)
    const atMs = latest(clock, all)
    return {
      atMs,
      report: {
        name,
        datetime: seedTime(atMs),
        function_reports: all.map(({ report }) => report),
      },
    }
  }

  return {
    async run(workers) {
      const all = await Promise.all(workers.map(runWorker))
      const known = new Set(
        workers.flatMap(({ name, functions }) => functions.map((one) => `${name}/${one.name}`)),
      )
      for (const [key, { busySinceMs }] of standings)
        if (!known.has(key) && busySinceMs === null) standings.delete(key)
      return {
        name: 'Daemon report',
        datetime: seedTime(latest(clock, all)),
        worker_reports: all.map(({ report }) => report),
      }
    },
  }
}

/** A parent's time is not earlier than its children's, also when the clock was set back meanwhile. */
function latest(clock: Clock, children: readonly { readonly atMs: number }[]): number {
  return children.reduce((ms, { atMs }) => Math.max(ms, atMs), clock.glance().wallMs)
}

async function attempt(run: WorkerFunction['run']): Promise<readonly Row[]> {
  try {
    return await run()
  } catch (error) {
    return [{ [errorKey]: error instanceof Error ? error.message : String(error) }]
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
