/** The words of watchers and of what is told about them, used alike in code, API, UI and documents. */

/** How a watcher stands. `late` covers a missed deadline and a run that takes too long. */
export const watcherStates = [
  'late',
  'failing',
  'unobserved',
  'grace',
  'running',
  'up',
  'new',
  'paused',
] as const
export type WatcherState = (typeof watcherStates)[number]

/** States that somebody should look at. */
export const problemStates = ['late', 'failing'] as const satisfies readonly WatcherState[]

/** What a watcher can be sent. */
export const signalKinds = ['success', 'start', 'fail', 'log'] as const
export type SignalKind = (typeof signalKinds)[number]

/** Everything that a watcher's history holds. */
export const watcherEventKinds = ['created', 'paused', 'unpaused', ...signalKinds] as const
export type WatcherEventKind = (typeof watcherEventKinds)[number]

/** What a trigger does to a paused watcher. */
export const pausedPolicies = ['unpause', 'ignore'] as const
export type PausedPolicy = (typeof pausedPolicies)[number]

/** Why nobody looked during a stretch of time. */
export const blindReasons = ['machine-off', 'asleep', 'not-running', 'clock-moved', 'offline'] as const
export type BlindReason = (typeof blindReasons)[number]

export const blindReasonWords: Readonly<Record<BlindReason, string>> = {
  'machine-off': 'this machine was off',
  asleep: 'this machine was asleep',
  'not-running': 'Watchkeeper was not running',
  'clock-moved': 'the clock was set forward',
  offline: 'this machine was offline',
}

export const watcherStateWords: Readonly<Record<WatcherState, string>> = {
  late: 'late',
  failing: 'failing',
  unobserved: 'unobserved',
  grace: 'grace',
  running: 'running',
  up: 'up',
  new: 'new',
  paused: 'paused',
}

export const watcherEventWords: Readonly<Record<WatcherEventKind, string>> = {
  created: 'Created',
  paused: 'Paused',
  unpaused: 'Unpaused',
  success: 'Triggered',
  start: 'Started',
  fail: 'Failed',
  log: 'Logged',
}

/** Largest body of a signal that is kept, in bytes; of a longer one the end is kept. */
export const mostBodyBytes = 100_000
