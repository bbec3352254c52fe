/** When a service that ended is started again, and when one that does not answer is ended: decisions alone. */

/** Crashes further back than this (ms) are forgiven. */
export const crashWindowMs = 5 * 60_000
/** So many crashes within the window, and it is no longer tried at once. */
export const mostCrashes = 5
const firstDelayMs = 250
/** After giving up it is tried again this much later (ms): a watchkeeper must not stay away for good. */
export const rareRetryMs = 60 * 60_000
/** What refuses to start may be mended meanwhile: a full disk, a folder without rights. */
export const refusedRetryMs = 30_000

export type RestartPlan =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly retryMs: number }

/**
 * Returns what follows a crash. Each delay is twice the one before; five crashes within five minutes and it is left alone for
 * an hour (the policy of VS Code's extension host, with back-off).
 */
export function planRestart(crashesMs: readonly number[], nowMs: number): RestartPlan {
  const recent = crashesMs.filter((atMs) => nowMs - atMs <= crashWindowMs).length
  if (recent >= mostCrashes) return { kind: 'give-up', retryMs: rareRetryMs }
  return { kind: 'restart', delayMs: firstDelayMs * 2 ** Math.max(0, recent - 1) }
}

/** Milliseconds between questions. */
export const heartbeatMs = 5_000
/** Questions without an answer before the service is said not to answer. */
const missedToDoubt = 2
/** Questions without an answer before it is ended. */
const missedToEnd = 12
/** A tick that comes this many times too late says that this process did not run either: nobody is to blame. */
const lateFactor = 2

/** What is remembered between two questions. */
export interface Heartbeat {
  readonly missed: number
  readonly lastTickMs: number
}

/** How the service stands by its answers. */
export type Pulse = 'well' | 'silent' | 'dead'

/** Returns the heartbeat at a tick (monotonic ms), before the next question is asked. */
export function tick(beat: Heartbeat, nowMs: number): { readonly beat: Heartbeat; readonly pulse: Pulse } {
  const wasStalled = nowMs - beat.lastTickMs > heartbeatMs * lateFactor
  const missed = wasStalled ? 0 : beat.missed + 1
  return {
    beat: { missed, lastTickMs: nowMs },
    // The count includes the question that is about to be asked.
    pulse: missed > missedToEnd ? 'dead' : missed > missedToDoubt ? 'silent' : 'well',
  }
}

/** Returns the heartbeat after an answer. */
export function answered(beat: Heartbeat): Heartbeat {
  return { ...beat, missed: 0 }
}

/** Returns how a process ended, in words. */
export function endWords(code: number | null): string {
  if (code === null) return 'it was ended from outside'
  const signals: Readonly<Record<number, string>> = {
    6: 'SIGABRT',
    9: 'SIGKILL',
    11: 'SIGSEGV',
    15: 'SIGTERM',
  }
  const signal = signals[code >= 128 ? code - 128 : code]
  return signal === undefined ? `exit code ${code}` : `exit code ${code}, ${signal}`
}

/**
 * V8 keeps less in reserve: the service rests most of the time, and takes a third less memory so (`npm run bench`).
 */
export const serviceFlags = ['--optimize-for-size', '--max-semi-space-size=2'] as const
