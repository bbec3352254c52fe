/**
 * The words for the machine's history, one for each thing, used alike in code, API, UI and documents.
 */

/** What the machine was doing during a stretch of time. `down` covers a clean stop and a crash alike. */
export const presences = ['up', 'asleep', 'down', 'recorder-off', 'unknown'] as const
export type Presence = (typeof presences)[number]

/** What a gap between two flights was: its verdict. */
export const gapKinds = ['off', 'crashed', 'asleep', 'recorder-off', 'unknown'] as const
export type GapKind = (typeof gapKinds)[number]

/** Why the machine stopped, one vocabulary for all operating systems. */
export const causes = [
  'planned',
  'update',
  'os-crash',
  'power-button',
  'power-loss',
  'heat',
  'battery-empty',
  'disk',
  'hybrid-off',
  'unknown',
] as const
export type Cause = (typeof causes)[number]

export const confidences = ['certain', 'likely', 'unknown'] as const
export type Confidence = (typeof confidences)[number]

/** How far a wall clock can be believed: confirmed by a time service, merely possible, or certainly wrong. */
export const clockStates = ['synchronised', 'plausible', 'untrusted'] as const
export type ClockState = (typeof clockStates)[number]

/** From where a flight came. Everything but `watchkeeper` is imported. */
export const sources = [
  'watchkeeper',
  'flight-recorder',
  'tuptime',
  'uptimed',
  'wtmp',
  'last',
  'journal',
] as const
export type Source = (typeof sources)[number]

export const gapKindPresence: Readonly<Record<GapKind, Presence>> = {
  off: 'down',
  crashed: 'down',
  asleep: 'asleep',
  'recorder-off': 'recorder-off',
  unknown: 'unknown',
}

export const presenceWords: Readonly<Record<Presence, string>> = {
  up: 'up',
  asleep: 'asleep',
  down: 'down',
  'recorder-off': 'recorder off',
  unknown: 'unknown',
}

export const gapKindWords: Readonly<Record<GapKind, string>> = {
  off: 'machine off (clean stop)',
  crashed: 'machine crashed or lost power',
  asleep: 'asleep',
  'recorder-off': 'recorder not running (machine stayed up)',
  unknown: 'unknown',
}

export const causeWords: Readonly<Record<Cause, string>> = {
  planned: 'planned stop',
  update: 'system update',
  'os-crash': 'operating system crash',
  'power-button': 'power button held',
  'power-loss': 'power lost',
  heat: 'overheated',
  'battery-empty': 'battery empty',
  disk: 'disk failure',
  'hybrid-off': 'hybrid shutdown (Fast Startup)',
  unknown: 'cause unknown',
}
