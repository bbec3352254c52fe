import { HttpProblem } from '../../problem.ts'
import type { Accepted } from '../schema.ts'
import type { Arrival } from './insert.ts'

/** New records on their way into a store: those that come at the same time are written together. */

/** Writes records in one transaction and returns what became of each; throws when nothing of them is stored. */
export type WriteBatch = (arrivals: readonly Arrival[], stormLimit: number) => Promise<readonly Accepted[]>

/** Records on their way. */
export interface Intake {
  /** Resolves when the record is on disk. @throws IntakeRefusal, or the store's error; then nothing of it is stored */
  add(arrival: Arrival, stormLimit: number): Promise<Accepted>
  /** Does something while no batch is being written. */
  between<T>(work: () => Promise<T> | T): Promise<T>
  /** Refuses what comes from now on and waits for what is being written. */
  close(): Promise<void>
}

export interface IntakeParts {
  /** Who writes: as many batches as there are lanes go on beside each other. */
  readonly lanes: readonly WriteBatch[]
  /** Records that one batch takes at most. */
  readonly mostInBatch: number
  /** Returns whether an error is of the data itself, so that other records may pass. */
  isOfTheData(error: unknown): boolean
}

/** Payloads (characters) that one batch takes at most, unless a single one is longer. */
const mostInBatchLength = 1_048_576
/** Records and payloads that wait at most; beyond, clients are told to come again. */
const mostWaiting = 20_000
const mostWaitingLength = 64 * 1_048_576

interface Entry {
  readonly arrival: Arrival
  readonly stormLimit: number
  resolve(accepted: Accepted): void
  reject(error: unknown): void
}

type Outcome = Accepted | { readonly failure: unknown }

/** A record that is not taken just now, though the store is well: too many wait, or the service is stopping. */
export class IntakeRefusal extends HttpProblem {
  constructor(message: string) {
    super(503, message)
    this.name = 'IntakeRefusal'
  }
}

export function createIntake({ lanes, mostInBatch, isOfTheData }: IntakeParts): Intake {
  const free = [...lanes]
  let queue: Entry[] = []
  let waitingLength = 0
  let held = 0
  let isClosed = false
  let planned: NodeJS.Immediate | null = null
  let whenIdle: (() => void)[] = []

  const release = (lane: WriteBatch): void => {
    free.push(lane)
    if (free.length === lanes.length) {
      for (const tell of whenIdle) tell()
      whenIdle = []
    }
    pump()
  }

  const write = async (lane: WriteBatch, batch: readonly Entry[]): Promise<readonly Outcome[]> => {
    const [first] = batch
    if (!first) return []
    try {
      const accepted = await lane(
        batch.map(({ arrival }) => arrival),
        first.stormLimit,
      )
      return batch.map((_, index) => accepted[index] ?? { failure: new Error('an insert told nothing') })
    } catch (failure) {
      // A store that is away takes none of them, and a bad one never takes its company with it.
      if (batch.length === 1 || !isOfTheData(failure)) return batch.map(() => ({ failure }))
      const apart: Outcome[] = []
      for (const entry of batch) apart.push(...(await write(lane, [entry])))
      return apart
    }
  }

  const pump = (): void => {
    while (held === 0 && queue.length > 0) {
      const lane = free.pop()
      if (!lane) return
      const batch = queue.slice(0, batchEnd(queue, mostInBatch))
      queue = queue.slice(batch.length)
      waitingLength -= lengthOf(batch)
      void write(lane, batch).then((outcomes) => {
        // The next ones are being written while these are told.
        release(lane)
        for (const [index, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[index]
          if (outcome && 'outcome' in outcome) resolve(outcome)
          else reject(outcome?.failure)
        }
      })
    }
  }

  const idle = (): Promise<void> =>
    free.length === lanes.length ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))

  return {
    add: (arrival, stormLimit) =>
      new Promise((resolve, reject) => {
        if (isClosed) {
          reject(stopping())
          return
        }
        if (queue.length >= mostWaiting || waitingLength > mostWaitingLength) {
          reject(new IntakeRefusal('more records wait than the database takes; come again'))
          return
        }
        waitingLength += arrival.record.payload.length
        queue.push({ arrival, stormLimit, resolve, reject })
        // Those of the same moment share a transaction.
        planned ??= setImmediate(() => {
          planned = null
          pump()
        })
      }),
    async between(work) {
      held += 1
      try {
        await idle()
        return await work()
      } finally {
        held -= 1
        pump()
      }
    },
    async close() {
      isClosed = true
      const left = queue
      queue = []
      waitingLength = 0
      await idle()
      for (const { reject } of left) reject(stopping())
    },
  }
}

function stopping(): IntakeRefusal {
  return new IntakeRefusal('the service is stopping')
}

function lengthOf(batch: readonly Entry[]): number {
  return batch.reduce((sum, { arrival }) => sum + arrival.record.payload.length, 0)
}

/** Returns how many of those that wait make one transaction. */
function batchEnd(queue: readonly Entry[], mostInBatch: number): number {
  let length = 0
  const end = queue.slice(0, mostInBatch).findIndex(({ arrival }) => {
    length += arrival.record.payload.length
    return length > mostInBatchLength
  })
  return end < 0 ? mostInBatch : Math.max(end, 1)
}
