import type * as Electron from 'electron'
import { fork as forkChild, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { needReady } from './app.ts'
import { note, record } from './record.ts'

/** `electron.utilityProcess`: a real process with Electron's parent port. */

const shim = fileURLToPath(new URL('./parent-port.mjs', import.meta.url))

class StandInUtilityProcess
  extends EventEmitter
  implements Pick<Electron.UtilityProcess, 'pid' | 'kill' | 'postMessage' | 'stderr' | 'stdout'>
{
  pid: number | undefined = undefined
  readonly stderr = null
  readonly stdout = null
  readonly #child: ChildProcess

  constructor(modulePath: string, args: string[], options: Electron.ForkOptions) {
    super()
    this.#child = forkChild(modulePath, args, {
      env: options.env as NodeJS.ProcessEnv,
      execArgv: [...(options.execArgv ?? []), '--import', shim],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('spawn', () => {
      this.pid = this.#child.pid
      note({ servicePids: [...record.servicePids, this.#child.pid ?? 0] })
      this.emit('spawn')
    })
    this.#child.on('message', (message) => this.emit('message', message))
    this.#child.on('exit', (code, signal) => {
      this.pid = undefined
      // Electron gives the code alone; a signal shows as its number.
      this.emit('exit', code ?? (signal === 'SIGKILL' ? 9 : 15))
    })
  }
  kill(): boolean {
    return this.#child.kill('SIGTERM')
  }
  postMessage(message: unknown): void {
    if (this.#child.connected) this.#child.send(structuredClone(message) as object)
  }
}

export const utilityProcess = {
  fork(modulePath: string, args: string[] = [], options: Electron.ForkOptions = {}): StandInUtilityProcess {
    needReady('utilityProcess.fork cannot be called')
    return new StandInUtilityProcess(modulePath, args, options)
  },
}
