import type { Notification, NotificationConstructorOptions } from 'electron'
import type { ShellNotice } from '../shared/shell/service-messages.ts'
import type { ShellClock } from './clock.ts'

/** Notices by Electron's own way, one live notice an incident. */
export interface Notices {
  /** Shows a notice and tells once how that went: null, or why not, and whether this desktop takes none at all. */
  show(notice: ShellNotice, answer: (reason: string | null, isUnusable: boolean) => void): void
  /** Says something of the app itself; silent, and never urgent. */
  say(title: string, text: string, path: string): void
}

export interface NoticesParts {
  readonly clock: ShellClock
  readonly platform: NodeJS.Platform
  isSupported(): boolean
  create(options: NotificationConstructorOptions): Notification
  /** True while the focused window shows this path: the user is looking at it already. */
  isLookingAt(path: string): boolean
  open(path: string): void
}

/** A desktop that neither shows nor refuses within this (ms) is taken not to show. */
const patienceMs = 5_000
/** macOS cuts longer texts, and some Linux desktops draw them whole (UNNotificationContent; Desktop Notifications 1.2). */
const longestText = 1_000
/** Notices that are remembered so that they can be replaced. */
const mostLive = 200

export function createNotices(parts: NoticesParts): Notices {
  const { clock, platform } = parts
  // Electron forgets, and never tells of clicks on, what nobody holds (https://www.electronjs.org/docs/latest/api/notification).
  const live = new Map<string, Notification>()

  const keep = (replaces: string, notification: Notification): void => {
    live.delete(replaces)
    live.set(replaces, notification)
    const [oldest] = live.keys()
    if (live.size > mostLive && oldest !== undefined) live.delete(oldest)
  }

  const put = (
    notice: Omit<ShellNotice, 'kind' | 'id'>,
    answer: (reason: string | null, isUnusable: boolean) => void,
  ): void => {
    const before = live.get(notice.replaces)
    const notification = parts.create(optionsOf(notice, platform))
    let isAnswered = false
    const once = (reason: string | null, isUnusable: boolean): void => {
      if (isAnswered) return
      isAnswered = true
      timer.cancel()
      answer(reason, isUnusable)
    }
    const timer = clock.after(patienceMs, () => once('the desktop did not show the notice', true))
    notification.on('show', () => once(null, false))
    notification.on('failed', (_event, error) => once(failureWords(error, platform), true))
    notification.on('click', () => parts.open(notice.path))
    notification.on('close', () => {
      if (live.get(notice.replaces) === notification) live.delete(notice.replaces)
    })
    keep(notice.replaces, notification)
    // Where the system replaces by id, closing first would make it flicker.
    if (platform === 'linux') before?.close()
    notification.show()
  }

  return {
    show(notice, answer) {
      if (!parts.isSupported()) {
        answer('this desktop takes no notices from the app', true)
        return
      }
      if (parts.isLookingAt(notice.path)) {
        // The page shows it already; an older notice of it must not stay.
        live.get(notice.replaces)?.close()
        answer(null, false)
        return
      }
      put(notice, answer)
    },
    say(title, text, path) {
      if (!parts.isSupported()) return
      put({ title, text, path, replaces: 'watchkeeper-app', isUrgent: false }, () => undefined)
    },
  }
}

/** Returns a notice as Electron takes it; silent, since nobody asked for sound. */
export function optionsOf(
  { title, text, replaces, isUrgent }: Omit<ShellNotice, 'kind' | 'id'>,
  platform: NodeJS.Platform,
): NotificationConstructorOptions {
  const body = text.slice(0, longestText)
  return {
    title: title.slice(0, 200),
    body: platform === 'linux' ? escapeMarkup(body) : body,
    silent: true,
    ...(platform !== 'linux' && { id: replaces }),
    ...(platform !== 'darwin' && { urgency: isUrgent ? 'critical' : 'normal' }),
    ...(platform !== 'darwin' && isUrgent && { timeoutType: 'never' as const }),
  }
}

/** Linux desktops draw markup in the text (Desktop Notifications Specification, 4.3). */
function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Returns why a notice failed, and what helps. */
export function failureWords(error: string, platform: NodeJS.Platform): string {
  if (platform === 'darwin')
    return `macOS refused the notice (${error || 'no reason given'}): the app must be signed, and allowed in System Settings › Notifications`
  if (platform === 'win32')
    return `Windows refused the notice (${error || 'no reason given'}): it must be allowed in Settings › System › Notifications, and the app needs its Start-menu entry`
  return `the desktop refused the notice: ${error || 'no reason given'}`
}
