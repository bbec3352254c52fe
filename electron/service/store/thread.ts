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

/** Returns an error as it crosses from a thread. */
export function failureOf(error: unknown): ThreadFailure {
  const failure = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : null
  return { name: failure.name, message: failure.message, code }
}

/** The answer to a question: a result, or why there is none. */
export type ThreadAnswer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failure: ThreadFailure }

/** What a thread says: that everything it needs is loaded and open, once, and then its answers. */
export type FromThread = 'ready' | ThreadAnswer

/** A thread that is started when it is first asked and ended when it has been idle. */
export interface AskedThread {
  /** @throws ReaderError with what the thread threw */
  ask(name: string, args: unknown): Promise<unknown>
  stop(): Promise<void>
}

/** A thread costs memory that a service at rest can do without. */
const idleMs = 60_000
/** A question that takes longer than this (ms) is not waited for at the end; the loading of the thread always is. */
const closePatienceMs = 500

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

interface Running {
  readonly worker: Worker
  /** Comes true when the thread has loaded, or ended before that. */
  readonly loaded: Promise<void>
}

/** Returns a thread that runs `file` with `data`. Nothing is started before the first question. */
export function startThread(file: URL, data: unknown, clock: Clock): AskedThread {
  let running: Running | null = null
  let idle: Timer | null = null
  let nextId = 1
  let isStopped = false
  const waiting = new Map<number, Waiting>()

  const failAll = (error: Error): void => {
    running = null
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  const end = async (): Promise<void> => {
    idle?.cancel()
    const ended = running
    running = null
    if (ended === null) return
    const gone = new Promise<void>((resolve) => ended.worker.once('exit', () => resolve()))
    ended.worker.postMessage('close')
    // Native modules abort the whole process when their thread is terminated while it registers them
    // (napi_fatal_error in node-addon-api), so a thread is cut off only when it has loaded.
    await ended.loaded
    const patience = clock.after(closePatienceMs, () => void ended.worker.terminate())
    await gone
    patience.cancel()
  }

  const rest = (): void => {
    idle?.cancel()
    idle = clock.after(idleMs, () => {
      if (waiting.size === 0) void end()
    })
  }

  const start = (): Running => {
    const started = new Worker(file, { workerData: data })
    const loaded = new Promise<void>((resolve) => {
      started.once('message', () => resolve())
      started.once('exit', () => resolve())
    })
    started.on('message', (answer: FromThread) => {
      if (answer === 'ready') return
      const asked = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('failure' in answer)
        asked?.reject(new ReaderError(answer.failure.name, answer.failure.message, answer.failure.code))
      else asked?.resolve(answer.result)
      if (waiting.size === 0) rest()
    })
    started.on('error', (error) => {
      if (running?.worker === started) failAll(error instanceof Error ? error : new Error(String(error)))
    })
    started.on('exit', () => {
      if (running?.worker === started) failAll(new ReaderError('Exit', 'the reader ended'))
    })
    return { worker: started, loaded }
  }

  return {
    ask(name, args) {
      if (isStopped) return Promise.reject(stopped())
      idle?.cancel()
      running ??= start()
      const id = nextId
      nextId += 1
      const asked = running.worker
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
