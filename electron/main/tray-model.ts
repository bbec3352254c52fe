import type { Overview, OverviewProblem } from '../shared/api/overview.ts'
import { remainingWords } from '../shared/time-text.ts'
import { serviceWords, type ServiceState } from './service-state.ts'

/** What the tray shows: pure functions of what is known and the time. */

/** Each is a shape of its own, not only a colour: see resources/icons/tray. */
export const trayIcons = ['up', 'degraded', 'problem', 'unobserved', 'paused', 'starting', 'stopped'] as const
export type TrayIcon = (typeof trayIcons)[number]

/** Everything that the tray is drawn from. */
export interface TrayFacts {
  readonly service: ServiceState
  /** Null until the service has told. */
  readonly overview: Overview | null
  readonly nowMs: number
  readonly isMac: boolean
  /** Why the last action from the menu failed; null when it did not. */
  readonly failure: string | null
  /** A newer version that waits to be installed. */
  readonly update: string | null
}

/** What a click on a menu entry does. */
export type TrayAction =
  | { readonly do: 'open'; readonly path: string }
  | { readonly do: 'mute'; readonly hours: number | 'tomorrow' }
  | { readonly do: 'unmute'; readonly ids: readonly number[] }
  | { readonly do: 'pause'; readonly hours: number | 'tomorrow' }
  | { readonly do: 'resume'; readonly ids: readonly number[] }
  | { readonly do: 'check' }
  | { readonly do: 'retry' }
  | { readonly do: 'install-update' }
  | { readonly do: 'hide-icon' }
  | { readonly do: 'quit' }

export type TrayItem =
  | { readonly kind: 'separator' }
  /** Words alone; where they name a place, a click opens it. */
  | { readonly kind: 'item'; readonly label: string; readonly action: TrayAction | null }
  | { readonly kind: 'menu'; readonly label: string; readonly items: readonly TrayItem[] }

export interface TrayLook {
  readonly icon: TrayIcon
  readonly tooltip: string
  readonly menu: readonly TrayItem[]
}

/** More problems than these are counted in one line. */
const mostProblems = 8
const longestLabel = 60
const crashShownMs = 3_600_000
/** Windows cuts a tooltip after 127 characters (NOTIFYICONDATA.szTip). */
const longestTooltip = 127

/** Returns how the tray looks. */
export function trayLook(facts: TrayFacts): TrayLook {
  return { icon: iconOf(facts), tooltip: tooltipOf(facts), menu: menuOf(facts) }
}

/** Returns the icon: the worst state of everything, and of the service before all. */
export function iconOf({ service, overview }: Pick<TrayFacts, 'service' | 'overview'>): TrayIcon {
  switch (service.kind) {
    case 'starting':
      return 'starting'
    case 'restarting':
    case 'given-up':
    case 'refused':
    case 'stopping':
    case 'stopped':
      return 'stopped'
    case 'running':
      if (service.isSilent) return 'stopped'
      return overview?.state ?? 'starting'
    case 'attached':
      return overview?.state ?? 'starting'
    default:
      return service satisfies never
  }
}

/** Returns the state in words, as a screen reader tells it. */
export function tooltipOf({ service, overview, nowMs }: TrayFacts): string {
  const isServing = service.kind === 'attached' || (service.kind === 'running' && !service.isSilent)
  const words = !isServing
    ? serviceWords(service).title
    : overview === null
      ? 'Waiting for the service'
      : overview.sentence
  const silences = !isServing
    ? []
    : [
        ...(overview?.paused ? [`paused, ${remainingWords(overview.paused.until, nowMs)} left`] : []),
        ...(overview?.muted ? [`muted, ${remainingWords(overview.muted.until, nowMs)} left`] : []),
      ]
  const suffix = silences.length === 0 ? '' : ` (${silences.join('; ')})`
  return cut(`Watchkeeper: ${words}`, longestTooltip - suffix.length) + suffix
}

function menuOf(facts: TrayFacts): TrayItem[] {
  const { service, overview, nowMs, isMac } = facts
  const isServing = service.kind === 'attached' || (service.kind === 'running' && !service.isSilent)
  return [
    ...(isServing && overview !== null ? stateItems(overview) : serviceItems(service)),
    ...(service.kind === 'attached'
      ? [item('Another Watchkeeper serves here', { do: 'open', path: '/about' })]
      : []),
    ...crashItems(service, nowMs),
    ...(facts.failure === null ? [] : [separator, words(`Not done: ${facts.failure}`)]),
    ...(facts.update === null
      ? []
      : [separator, item(`Install version ${facts.update} and restart`, { do: 'install-update' as const })]),
    separator,
    item('Open Watchkeeper', { do: 'open', path: '/' }),
    ...(isServing && overview !== null
      ? [...checkItems(overview), muteMenu(overview, nowMs), pauseMenu(overview, nowMs)]
      : []),
    separator,
    item('Hide this icon', { do: 'hide-icon' }),
    item(isMac ? 'Quit Watchkeeper…' : 'Quit…', { do: 'quit' }),
  ]
}

function serviceItems(service: ServiceState): TrayItem[] {
  const { title } = serviceWords(service)
  const canRetry = service.kind === 'given-up' || service.kind === 'refused'
  return [item(title, { do: 'open', path: '/' }), ...(canRetry ? [item('Try again', { do: 'retry' })] : [])]
}

/** A crash that was mended is told of for a while: somebody may wonder about a gap. */
function crashItems(service: ServiceState, nowMs: number): TrayItem[] {
  if (service.kind !== 'running' || service.crash === null) return []
  const { how, atMs } = service.crash
  if (nowMs - atMs > crashShownMs) return []
  const at = new Date(atMs)
  const time = [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
  return [separator, item(`Service restarted at ${time} (${how})`, { do: 'open', path: '/about' })]
}

function stateItems(overview: Overview): TrayItem[] {
  const shown = overview.problems.slice(0, mostProblems)
  const more = overview.problemCount - shown.length
  return [
    ...shown.map(problemItem),
    ...(more > 0 ? [item(`${more} more…`, { do: 'open', path: '/incidents' })] : []),
    ...(overview.problemCount > 0
      ? []
      : [words(overview.state === 'unobserved' ? 'Not everything is seen' : 'No problems')]),
    separator,
    ...overview.rooms
      .filter(({ total }) => total > 0)
      .map(({ text, path }) => item(capitalised(text), { do: 'open', path })),
  ]
}

function problemItem({ name, state, path }: OverviewProblem): TrayItem {
  const suffix = `: ${state}`
  return item(cut(name, longestLabel - suffix.length) + suffix, { do: 'open', path })
}

function checkItems({ rooms }: Overview): TrayItem[] {
  const hasHosts = rooms.some(({ room, total }) => room === 'hosts' && total > 0)
  return hasHosts ? [item('Check all hosts now', { do: 'check' })] : []
}

function muteMenu({ muted }: Overview, nowMs: number): TrayItem {
  return {
    kind: 'menu',
    label: muted === null ? 'Mute notices' : `Muted, ${remainingWords(muted.until, nowMs)} left`,
    items: [
      ...silences('Mute', (hours) => ({ do: 'mute', hours }), [1, 4, 8]),
      ...(muted === null ? [] : [separator, item('Unmute', { do: 'unmute' as const, ids: muted.ids })]),
    ],
  }
}

function pauseMenu({ paused }: Overview, nowMs: number): TrayItem {
  return {
    kind: 'menu',
    label: paused === null ? 'Pause watching' : `Paused, ${remainingWords(paused.until, nowMs)} left`,
    items: [...silences('Pause', (hours) => ({ do: 'pause', hours }), [1, 4, 8]), ...resumeItems(paused)],
  }
}

function resumeItems(paused: Overview['paused']): TrayItem[] {
  if (paused === null) return []
  // What somebody has planned is not for the tray to remove.
  const end: TrayItem =
    paused.ids.length > 0
      ? item('Watch again', { do: 'resume', ids: paused.ids })
      : item('Planned maintenance…', { do: 'open', path: '/notices' })
  return [separator, end]
}

function silences(
  verb: string,
  action: (hours: number | 'tomorrow') => TrayAction,
  hours: readonly number[],
): TrayItem[] {
  return [
    ...hours.map((count) => item(`${verb} for ${count} hour${count === 1 ? '' : 's'}`, action(count))),
    item(`${verb} until tomorrow`, action('tomorrow')),
  ]
}

const separator: TrayItem = { kind: 'separator' }
const item = (label: string, action: TrayAction): TrayItem => ({ kind: 'item', label: safe(label), action })
const words = (label: string): TrayItem => ({
  kind: 'item',
  label: safe(cut(label, longestLabel)),
  action: null,
})

/** A name may hold anything; a menu shows one line. */
function safe(label: string): string {
  return label.replace(/[\p{Cc}\s\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/gu, ' ').trim()
}

function cut(text: string, longest: number): string {
  const characters = [...text]
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
