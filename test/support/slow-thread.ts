import { parentPort, workerData } from 'node:worker_threads'

/** A thread that loads only when it is let, and says in the shared memory how it ended. */

const { flags } = workerData as { flags: Int32Array }
Atomics.wait(flags, 0, 0)
const { default: Database } = await import('better-sqlite3')
const db = new Database(':memory:')
parentPort?.on('message', (question: unknown) => {
  if (question === 'close') {
    db.close()
    Atomics.store(flags, 1, 1)
    parentPort?.close()
    return
  }
  Atomics.store(flags, 2, 1)
  Atomics.notify(flags, 2)
  Atomics.wait(flags, 3, 0)
})
parentPort?.postMessage('ready')
