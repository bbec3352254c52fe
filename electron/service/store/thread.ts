import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../clock.ts'
import { ReaderError } from '../problem.ts'

/** A question to a thread that reads a database. */
export interface ThreadQuestion {
  readonly id: number
  readonly name: string
  readonly args: unknown
}

/** An error of a thread, as it crosses to the service's. */
export interface ThreadFailure {
  readonly name: string
  readonly message: string
  /** Code of SQLite or of the system, such as `SQLITE_FULL` or `ENOSPC`. */
  readonly code: string | null
}

/** The answer to a question: a result, or why there is none. */
export type ThreadAnswer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failure: ThreadFailure }

/** A thread that is started when it is first asked and ended when it has been idle. */
export interface AskedThread {
  /** @throws ReaderError with what the thread threw */
  ask(name: string, args: unknown): Promise<unknown>
  stop(): Promise<void>
}

/** A thread costs memory that a service at rest can do without. */
const idleMs = 60_000
/** A question that takes longer than this (ms) is not waited for at the end. */
const closePatienceMs = 500

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/** Returns a thread that runs `file` with `data`. Nothing is started before the first question. */
export function startThread(file: URL, data: unknown, clock: Clock): AskedThread {
  let worker: Worker | null = null
  let idle: Timer | null = null
  let nextId = 1
  let isStopped = false
  const waiting = new Map<number, Waiting>()

  const failAll = (error: Error): void => {
    worker = null
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  const end = async (): Promise<void> => {
    idle?.cancel()
    const ended = worker
    worker = null
    if (ended === null) return
    // A thread that is cut off in the midst of SQLite can take the process with it, so it is asked first.
    const gone = new Promise<void>((resolve) => ended.once('exit', () => resolve()))
    ended.postMessage('close')
    const patience = clock.after(closePatienceMs, () => void ended.terminate())
    await gone
    patience.cancel()
  }

  const rest = (): void => {
    idle?.cancel()
    idle = clock.after(idleMs, () => {
      if (waiting.size === 0) void end()
    })
  }

  const start = (): Worker => {
    const started = new Worker(file, { workerData: data })
    started.on('message', (answer: ThreadAnswer) => {
      const asked = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('failure' in answer)
        asked?.reject(new ReaderError(answer.failure.name, answer.failure.message, answer.failure.code))
      else asked?.resolve(answer.result)
      if (waiting.size === 0) rest()
    })
    started.on('error', (error) => {
      if (worker === started) failAll(error instanceof Error ? error : new Error(String(error)))
    })
    started.on('exit', () => {
      if (worker === started) failAll(new ReaderError('Exit', 'the reader ended'))
    })
    return started
  }

  return {
    ask(name, args) {
      if (isStopped) return Promise.reject(stopped())
      idle?.cancel()
      worker ??= start()
      const id = nextId
      nextId += 1
      const asked = worker
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        asked.postMessage({ id, name, args })
      })
    },
    async stop() {
      isStopped = true
      await end()
      failAll(stopped())
    },
  }
}

function stopped(): ReaderError {
  return new ReaderError('Stopped', 'the service is stopping')
}
