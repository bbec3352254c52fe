import {
  checked,
  FromService,
  type PowerEvent,
  type ServicePlace,
  type ShellNotice,
  type StopReason,
  type ToService,
} from '../shared/shell/service-messages.ts'
import type { ShellClock, ShellTimer } from './clock.ts'
import type { Crash, ServiceState } from './service-state.ts'
import {
  answered,
  endWords,
  heartbeatMs,
  planRestart,
  refusedRetryMs,
  tick,
  type Heartbeat,
} from './supervision.ts'

/** A process that runs the service: Electron's utility process, as far as it is used here. */
export interface ServiceProcess {
  readonly pid: number | undefined
  postMessage(message: ToService): void
  /** Asks the process to end (SIGTERM). */
  kill(): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'exit', listener: (code: number) => void): unknown
  /** V8 met an error that it cannot go on after, such as the end of its memory; `exit` follows. */
  on(event: 'error', listener: (type: string, location: string) => void): unknown
}

/** What the supervisor needs of the world. */
export interface SupervisorParts {
  readonly clock: ShellClock
  fork(): ServiceProcess
  /** Ends a process that does not listen any more; nothing happens if it has gone. */
  forceEnd(pid: number): void
  readonly userData: string
  readonly canNotify: boolean
  log(line: string): void
  onState(state: ServiceState): void
  onNotice(notice: ShellNotice, answer: (reason: string | null, isUnusable: boolean) => void): void
}

/** Keeps one service running, whatever happens to it. */
export interface Supervisor {
  readonly state: ServiceState
  start(): void
  /** Tries at once what is being waited for. */
  retry(): void
  /** The service that was attached to does not answer any more. */
  attachedLost(): void
  power(event: PowerEvent): void
  /** Asks the service to stop, waits, and ends it; resolves when it is gone. Nothing is started afterwards. */
  stop(how: StopReason): Promise<void>
}

/** A service that was asked to stop and is still there after this long (ms) is told by the system, and then ended. */
const stopPatienceMs = 6_000
const killPatienceMs = 2_000
/** Looking through and migrating the largest database takes less than this (ms). */
const startPatienceMs = 30 * 60_000

export function createSupervisor(parts: SupervisorParts): Supervisor {
  const { clock, log } = parts
  let state: ServiceState = { kind: 'stopped' }
  let child: ServiceProcess | null = null
  let beat: Heartbeat = { missed: 0, lastTickMs: 0 }
  let crashesMs: number[] = []
  let lastEnd: string | null = null
  let lastCrash: Crash | null = null
  let timer: ShellTimer | null = null
  let beating: ShellTimer | null = null
  let isEnding = false
  let pings = 0

  const become = (next: ServiceState): void => {
    state = next
    parts.onState(next)
  }
  const later = (delayMs: number, work: () => void): void => {
    timer?.cancel()
    timer = clock.after(delayMs, work)
  }

  const fork = (): void => {
    timer?.cancel()
    if (isEnding || child !== null) return
    become({ kind: 'starting' })
    const started = parts.fork()
    child = started
    started.on('message', (data) => {
      const message = checked(FromService, data)
      if (message === null) log('the service said something that is no message')
      else if (child === started) take(started, message)
    })
    // Unheard, it would be thrown in this process (https://nodejs.org/api/events.html#error-events).
    started.on('error', (type, location) => log(`the service met an error of V8: ${type} at ${location}`))
    started.once('exit', (code) => {
      if (child === started) ended(code)
    })
    started.postMessage({
      kind: 'start',
      userData: parts.userData,
      canNotify: parts.canNotify,
      lastEnd: lastEnd?.slice(0, 500) ?? null,
    })
    beating?.cancel()
    beating = clock.after(startPatienceMs, () => {
      log('the service does not get started; it is ended')
      if (started.pid !== undefined) parts.forceEnd(started.pid)
    })
  }

  const watch = (watched: ServiceProcess): void => {
    beating?.cancel()
    beating = clock.after(heartbeatMs, () => {
      if (child !== watched) return
      const { beat: next, pulse } = tick(beat, clock.monotonicMs())
      beat = next
      if (pulse === 'dead') {
        log('the service does not answer; it is ended')
        if (watched.pid !== undefined) parts.forceEnd(watched.pid)
      } else {
        if (state.kind === 'running' && state.isSilent !== (pulse === 'silent'))
          become({ ...state, isSilent: pulse === 'silent' })
        pings += 1
        watched.postMessage({ kind: 'ping', id: pings })
      }
      watch(watched)
    })
  }

  const take = (from: ServiceProcess, message: FromService): void => {
    switch (message.kind) {
      case 'ready':
        lastEnd = null
        log(`the service is at ${message.place.origin}`)
        // A start may take long, with a large database to look through or to migrate, and answers nothing meanwhile.
        beat = { missed: 0, lastTickMs: clock.monotonicMs() }
        watch(from)
        if (isEnding) return
        become({
          kind: 'running',
          place: normalised(message.place),
          database: message.database,
          isSilent: false,
          crash: lastCrash,
        })
        return
      case 'refused':
        log(`the service refuses: ${message.reason}`)
        refused(from, message.why, message.reason, message.database, message.other)
        return
      case 'pong':
        beat = answered(beat)
        if (state.kind === 'running' && state.isSilent) become({ ...state, isSilent: false })
        return
      case 'notice':
        parts.onNotice(message, (reason, isUnusable) => {
          if (child === from) from.postMessage({ kind: 'notice-result', id: message.id, reason, isUnusable })
        })
        return
      case 'power-noted':
      case 'stopped':
        return
      default:
        message satisfies never
    }
  }

  const refused = (
    from: ServiceProcess,
    why: 'in-use' | 'cannot-start',
    reason: string,
    database: string,
    other: ServicePlace | null,
  ): void => {
    child = null
    beating?.cancel()
    // It holds nothing, so nothing can be lost by its end.
    from.postMessage({ kind: 'stop', how: 'quit' })
    clock.after(killPatienceMs, () => from.pid !== undefined && from.kill())
    if (isEnding) return
    if (other !== null) {
      become({ kind: 'attached', place: normalised(other), database })
      return
    }
    become({ kind: 'refused', why, reason, database })
    later(refusedRetryMs, fork)
  }

  const ended = (code: number | null): void => {
    child = null
    beating?.cancel()
    if (isEnding) return
    const nowMs = clock.monotonicMs()
    const how = endWords(code)
    const wasServing = state.kind === 'running'
    crashesMs = [...crashesMs, nowMs].slice(-20)
    log(`the service ended unexpectedly: ${how}`)
    lastCrash = { how, atMs: clock.wallMs() }
    lastEnd ??= `It stopped unexpectedly (${how})${wasServing ? '' : ' while it was starting'} and was started again by itself.`
    const plan = planRestart(crashesMs, nowMs)
    const recent = Math.min(crashesMs.length, 5)
    if (plan.kind === 'give-up') {
      become({ kind: 'given-up', how, crashes: recent })
      later(plan.retryMs, fork)
    } else {
      become({ kind: 'restarting', how, crashes: recent })
      later(plan.delayMs, fork)
    }
  }

  return {
    get state() {
      return state
    },
    start: fork,
    retry() {
      if (child !== null || isEnding) return
      crashesMs = []
      fork()
    },
    attachedLost() {
      if (state.kind === 'attached') fork()
    },
    power(event) {
      // What was not answered while the machine slept is nobody's fault.
      if (event === 'resume') beat = { missed: 0, lastTickMs: clock.monotonicMs() }
      child?.postMessage({ kind: 'power', event })
    },
    stop(how) {
      isEnding = true
      timer?.cancel()
      beating?.cancel()
      const ending = child
      if (ending === null) {
        become({ kind: 'stopped' })
        return Promise.resolve()
      }
      become({ kind: 'stopping' })
      return new Promise((resolve) => {
        ending.once('exit', () => {
          timer?.cancel()
          child = null
          become({ kind: 'stopped' })
          resolve()
        })
        ending.postMessage({ kind: 'stop', how })
        later(stopPatienceMs, () => {
          log('the service does not stop; it is told by the system')
          ending.kill()
          later(killPatienceMs, () => {
            log('the service does not stop; it is ended')
            if (ending.pid !== undefined) parts.forceEnd(ending.pid)
          })
        })
      })
    },
  }
}

/** Returns a place whose origin is written as pages have theirs: without the usual port, in small letters. */
function normalised({ origin, key }: ServicePlace): ServicePlace {
  return { origin: URL.canParse(origin) ? new URL(origin).origin : origin, key }
}
