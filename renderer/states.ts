import type { DeliveryState, Severity } from '../electron/shared/alert-words.ts'
import type { HealthLevel } from '../electron/shared/health-words.ts'
import type { BeatKind, HostSegment, HostState } from '../electron/shared/host-words.ts'
import type { GapKind, Presence } from '../electron/shared/vocabulary.ts'
import type { LaneState, OverallState, OverviewRoom } from '../electron/shared/api/overview.ts'
import type { WatcherState } from '../electron/shared/watcher-words.ts'

/** How a state looks: always an icon, a colour and a word together. */
export interface StateLook {
  readonly icon: string
  /** Name of the colour variable in styles.css. */
  readonly colour: string
  readonly badge: 'success' | 'info' | 'error' | 'neutral' | 'warning'
  readonly isHatched: boolean
}

export const presenceLooks: Readonly<Record<Presence, StateLook>> = {
  up: { icon: 'i-lucide-check', colour: '--state-up', badge: 'success', isHatched: false },
  asleep: { icon: 'i-lucide-moon', colour: '--state-asleep', badge: 'info', isHatched: false },
  down: { icon: 'i-lucide-x', colour: '--state-down', badge: 'error', isHatched: false },
  'recorder-off': {
    icon: 'i-lucide-eye-off',
    colour: '--state-recorder-off',
    badge: 'neutral',
    isHatched: true,
  },
  unknown: {
    icon: 'i-lucide-circle-question-mark',
    colour: '--state-unknown',
    badge: 'neutral',
    isHatched: true,
  },
}

export const gapKindLooks: Readonly<Record<GapKind, StateLook & { readonly word: string }>> = {
  off: { ...presenceLooks.down, icon: 'i-lucide-power', word: 'machine off' },
  crashed: { ...presenceLooks.down, icon: 'i-lucide-zap', word: 'crashed or lost power' },
  asleep: { ...presenceLooks.asleep, word: 'asleep' },
  'recorder-off': { ...presenceLooks['recorder-off'], word: 'recorder off' },
  unknown: { ...presenceLooks.unknown, word: 'unknown' },
}

const problem = { colour: '--state-down', badge: 'error', isHatched: false } as const
const good = { colour: '--state-up', badge: 'success', isHatched: false } as const
const calm = { colour: '--state-unknown', badge: 'neutral', isHatched: false } as const

export const watcherLooks: Readonly<Record<WatcherState, StateLook>> = {
  late: { ...problem, icon: 'i-lucide-x' },
  failing: { ...problem, icon: 'i-lucide-circle-x' },
  unobserved: { ...calm, icon: 'i-lucide-eye-off', isHatched: true },
  grace: { icon: 'i-lucide-hourglass', colour: '--state-late', badge: 'warning', isHatched: false },
  running: { icon: 'i-lucide-play', colour: '--state-running', badge: 'info', isHatched: false },
  up: { ...good, icon: 'i-lucide-check' },
  new: { ...calm, icon: 'i-lucide-circle-dashed' },
  paused: { ...calm, icon: 'i-lucide-pause' },
}

export const hostLooks: Readonly<Record<HostState, StateLook>> = {
  down: { ...problem, icon: 'i-lucide-x' },
  degraded: { icon: 'i-lucide-triangle-alert', colour: '--state-late', badge: 'warning', isHatched: false },
  unobserved: { ...calm, icon: 'i-lucide-eye-off', isHatched: true },
  up: { ...good, icon: 'i-lucide-check' },
  new: { ...calm, icon: 'i-lucide-circle-dashed' },
  paused: { ...calm, icon: 'i-lucide-pause' },
}

export const segmentLooks: Readonly<Record<HostSegment, StateLook>> = {
  up: hostLooks.up,
  degraded: hostLooks.degraded,
  down: hostLooks.down,
  asleep: { icon: 'i-lucide-moon', colour: '--state-asleep', badge: 'info', isHatched: false },
  unobserved: hostLooks.unobserved,
  maintenance: { ...calm, icon: 'i-lucide-wrench' },
  paused: hostLooks.paused,
}

/** Beats differ by height as well as by colour. */
export const beatLooks: Readonly<Record<BeatKind, { colour: string; height: number; word: string }>> = {
  ok: { colour: '--state-up', height: 0.6, word: 'answered' },
  slow: { colour: '--state-late', height: 0.8, word: 'slow' },
  lost: { colour: '--state-down', height: 1, word: 'no answer' },
  unobserved: { colour: '--state-unknown', height: 0.3, word: 'unobserved' },
}

export const severityLooks: Readonly<Record<Severity, StateLook & { readonly word: string }>> = {
  problem: { ...problem, icon: 'i-lucide-x', word: 'problem' },
  recovery: { ...good, icon: 'i-lucide-check', word: 'recovered' },
  info: {
    icon: 'i-lucide-info',
    colour: '--state-running',
    badge: 'info',
    isHatched: false,
    word: 'information',
  },
}

export const deliveryLooks: Readonly<Record<DeliveryState, StateLook>> = {
  waiting: { icon: 'i-lucide-send', colour: '--state-running', badge: 'info', isHatched: false },
  quiet: { icon: 'i-lucide-moon', colour: '--state-asleep', badge: 'info', isHatched: false },
  sent: { ...good, icon: 'i-lucide-check' },
  held: { ...calm, icon: 'i-lucide-hand' },
  muted: { ...calm, icon: 'i-lucide-bell-off' },
  failed: { ...problem, icon: 'i-lucide-x' },
}

export const healthLooks: Readonly<Record<HealthLevel, StateLook>> = {
  ok: { ...good, icon: 'i-lucide-check' },
  careful: { icon: 'i-lucide-info', colour: '--state-running', badge: 'info', isHatched: false },
  warning: hostLooks.degraded,
  critical: { ...problem, icon: 'i-lucide-octagon-x' },
}

/** The worst state of everything, as the tray's icon has it. */
export const overallLooks: Readonly<Record<OverallState, StateLook>> = {
  problem: { ...problem, icon: 'i-lucide-octagon-x' },
  degraded: hostLooks.degraded,
  unobserved: { ...hostLooks.unobserved, colour: '--ui-text-muted' },
  up: { ...good, icon: 'i-lucide-circle-check' },
  // An icon alone needs more contrast than a bar.
  paused: { ...hostLooks.paused, colour: '--ui-text-muted' },
}

/** Stretches of the past in the overview. */
export const laneLooks: Readonly<Record<LaneState, StateLook & { readonly word: string }>> = {
  problem: { ...problem, icon: 'i-lucide-x', word: 'problem' },
  degraded: { ...hostLooks.degraded, word: 'degraded' },
  off: {
    icon: 'i-lucide-power',
    colour: '--state-off',
    badge: 'neutral',
    isHatched: false,
    word: 'machine off',
  },
  asleep: { ...presenceLooks.asleep, word: 'asleep' },
  unobserved: { ...presenceLooks['recorder-off'], word: 'unobserved' },
  information: { ...severityLooks.info, word: 'information' },
}

/** What each room is called in the page, with its icon and its own page. */
export const roomLooks: Readonly<
  Record<OverviewRoom['room'], { readonly word: string; readonly icon: string; readonly path: string }>
> = {
  recorder: { word: 'Machine', icon: 'i-lucide-activity', path: '/machine' },
  hosts: { word: 'Hosts', icon: 'i-lucide-radio-tower', path: '/hosts' },
  watchers: { word: 'Watchers', icon: 'i-lucide-timer', path: '/watchers' },
  telemetry: { word: 'Telemetry', icon: 'i-lucide-bug', path: '/telemetry' },
  health: { word: 'Health', icon: 'i-lucide-heart-pulse', path: '/health' },
}
