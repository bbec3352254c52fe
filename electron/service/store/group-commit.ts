import type { Clock, Timer } from '../clock.ts'
import { sqliteCode } from './errors.ts'
import type { Connection } from './open.ts'

/** Writes of many requests in one transaction, each answered only after the commit. */
export interface GroupCommit {
  /**
   * Runs `work` in the next transaction and resolves with what it returned once that is on disk. Work that throws takes
   * nothing else with it. Work may be run twice, so it must depend on the database alone.
   *
   * @throws what `work` threw, or the database's error when the commit failed
   */
  write<T>(work: () => T): Promise<T>
  /** Runs work before each commit, for whoever gathers writes of its own. */
  beforeCommit(work: () => void): void
  /** Runs work after each transaction, or part of one, that was rolled back, for whoever remembers what it read. */
  afterRollback(work: () => void): void
  /** Writes what waits, at once. */
  flush(): void
  readonly waiting: number
  /** Number of the transaction that runs; what was gathered for another one must be forgotten. */
  readonly batch: number
}

interface Entry {
  readonly work: () => unknown
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}

/** A commit this soon after the last one waits for company: at 2 ms a disk's flush is shared, and nobody notices. */
const windowMs = 2
/** So many turns of the event loop without a new write mean that nobody is about to come. */
const mostEmptyTurns = 1
/** Another program that holds the file is waited for this long, as flight-recorder does. */
const lockedPatienceMs = 5_000
const lockedRetryMs = 20
/** More than this in one transaction would hold up the event loop. */
const mostInBatch = 1_000

/** Returns an adaptive group commit: at once when idle, else gathered over 2 ms at most. */
export function createGroupCommit(db: Connection, clock: Clock): GroupCommit {
  let queue: Entry[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  let timer: Timer | NodeJS.Immediate | null = null
  let lockedSinceMs: number | null = null
  let batchNumber = 0
  const finishers: (() => void)[] = []
  const forgetters: (() => void)[] = []
  const finish = (): void => {
    for (const finisher of finishers) finisher()
  }

  const together = db.transaction((batch: readonly Entry[]) => {
    batchNumber += 1
    const results = batch.map(({ work }) => work())
    finish()
    return results
  })
  const rolledBack = (): void => {
    for (const forgetter of forgetters) forgetter()
  }
  const part = db.transaction((work: () => unknown) => {
    batchNumber += 1
    const result = work()
    finish()
    return result
  })
  /** Each entry in a savepoint of its own: what one of them does or remembers never reaches another. */
  const inParts = db.transaction((batch: readonly Entry[]) =>
    batch.map(({ work }): { result: unknown } | { failure: unknown } => {
      try {
        return { result: part(work) }
      } catch (error) {
        rolledBack()
        if (isOfTheFile(error)) throw error
        return { failure: error }
      }
    }),
  )

  /** Runs a batch; the slower way only when an entry of it fails. */
  const attempt = (batch: readonly Entry[]): ({ result: unknown } | { failure: unknown })[] => {
    try {
      return together.immediate(batch).map((result) => ({ result }))
    } catch (error) {
      rolledBack()
      if (isOfTheFile(error)) throw error
    }
    try {
      return inParts.immediate(batch)
    } catch (error) {
      rolledBack()
      throw error
    }
  }

  const plan = (delayMs: number): void => {
    timer = delayMs <= 0 ? setImmediate(run) : clock.after(delayMs, run)
  }

  /** Waits for company until the window ends, or until turns of the event loop bring none: then everybody is here. */
  const gather = (untilMs: number): void => {
    let seen = queue.length
    let emptyTurns = 0
    const turn = (): void => {
      emptyTurns = queue.length === seen ? emptyTurns + 1 : 0
      seen = queue.length
      if (emptyTurns > mostEmptyTurns || clock.glance().monotonicMs >= untilMs) run()
      else timer = setImmediate(turn)
    }
    timer = setImmediate(turn)
  }

  const run = (): void => {
    timer = null
    const nowMs = clock.glance().monotonicMs
    lastMs = nowMs
    const batch = queue.slice(0, mostInBatch)
    if (batch.length === 0) return
    let outcomes: ReturnType<typeof attempt>
    try {
      outcomes = attempt(batch)
    } catch (error) {
      const isLocked = sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false
      if (isLocked && nowMs - (lockedSinceMs ??= nowMs) < lockedPatienceMs) {
        plan(lockedRetryMs)
        return
      }
      lockedSinceMs = null
      queue = queue.slice(batch.length)
      for (const { reject } of batch) reject(error)
      if (queue.length > 0) plan(0)
      return
    }
    lockedSinceMs = null
    queue = queue.slice(batch.length)
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index]
      if (outcome && 'result' in outcome) resolve(outcome.result as never)
      else reject(outcome?.failure)
    }
    if (queue.length > 0) plan(0)
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        queue.push({ work, resolve, reject })
        if (timer !== null) return
        const untilMs = lastMs + windowMs
        if (untilMs <= clock.glance().monotonicMs) plan(0)
        else gather(untilMs)
      }),
    beforeCommit: (work) => {
      finishers.push(work)
    },
    afterRollback: (work) => {
      forgetters.push(work)
    },
    flush() {
      if (timer !== null && 'cancel' in timer) timer.cancel()
      else if (timer !== null) clearImmediate(timer)
      while (queue.length > 0) {
        const before = queue.length
        run()
        if (queue.length === before) break
      }
    },
    get batch() {
      return batchNumber
    },
    get waiting() {
      return queue.length
    },
  }
}

/** Returns whether an error is trouble with the file, which meets every entry alike; anything else is the entry's own. */
export function isOfTheFile(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== null && !/^SQLITE_(?:CONSTRAINT|MISMATCH|RANGE|TOOBIG|ERROR)/.test(code)
}
