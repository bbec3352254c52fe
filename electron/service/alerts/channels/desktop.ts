import { existsSync } from 'node:fs'
import type { ChannelSettings } from '../../../shared/api/alerts.ts'
import { appId } from '../../../shared/app-id.ts'
import type { Clock } from '../../clock.ts'
import type { SendResult } from '../schema.ts'
import type { Send } from './channel.ts'

/** A notice on this machine's desktop. */
export interface DesktopNotice {
  readonly title: string
  readonly text: string
  /** Notices of one incident replace each other where the desktop can. */
  readonly replaces: string
  readonly isUrgent: boolean
  /** Path of the item in the UI, which a click opens where the desktop tells of it. */
  readonly path: string
}

/** Shows notices on a desktop: node-notifier's way when headless, the shell's own when there is one. */
export interface DesktopNotifier {
  /** Returns why no notice can be shown here; null when one can. */
  problem(): string | null
  show(notice: DesktopNotice): Promise<SendResult>
}

/** Shows a notice on this machine's desktop. */
export const sendDesktop: Send<ChannelSettings['desktop']> = async (message, _settings, { desktop }) => {
  const problem = desktop.problem()
  if (problem !== null) return { sent: false, reason: problem, isFinal: true, isHopeless: true }
  return desktop.show({
    title: message.title,
    text: message.text,
    replaces: `watchkeeper-${message.incidentId === null ? `notice-${message.noticeId}` : `incident-${message.incidentId}`}`,
    isUrgent: message.severity === 'problem',
    path: message.facts.path,
  })
}

/** What decides whether this process is in a user's session. */
export interface SessionSurroundings {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number | null
  readonly exists: (path: string) => boolean
}

/** Returns why a desktop notice cannot reach anyone from here; null when it can be tried. */
export function sessionProblem({ platform, env, uid, exists }: SessionSurroundings): string | null {
  if (platform !== 'linux') return null
  if (env['DBUS_SESSION_BUS_ADDRESS']) return null
  const runtime = env['XDG_RUNTIME_DIR'] ?? (uid === null ? null : `/run/user/${uid}`)
  if (runtime !== null && exists(`${runtime}/bus`)) return null
  return 'this service does not run in a desktop session (no D-Bus session bus), so nobody would see a notice'
}

/**
 * Desktops draw markup in the text (Desktop Notifications Specification, 4.3), and notify-send reads C's escapes in it
 * (g_strcompress).
 */
function escapeMarkup(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

/** A text that begins with a dash would be taken for an option; a word joiner shows nothing. */
function noOption(text: string): string {
  return text.startsWith('-') ? `\u2060${text}` : text
}

/** A notifier that hangs must not hold up the others; Windows' own answers only when its notice has gone. */
const patienceMs = 20_000

/** Returns the notifier of a service without a shell: notify-send, terminal-notifier or SnoreToast, by node-notifier. */
export function systemNotifier(
  clock: Clock,
  surroundings: SessionSurroundings = {
    platform: process.platform,
    env: process.env,
    uid: process.getuid?.() ?? null,
    exists: existsSync,
  },
): DesktopNotifier {
  return {
    problem: () => sessionProblem(surroundings),
    async show({ title, text, replaces, isUrgent }) {
      // Loaded only when first needed: it looks for programs when it loads.
      const { default: notifier } = await import('node-notifier')
      const isLinux = surroundings.platform === 'linux'
      const options = {
        title: noOption(title.slice(0, 200)),
        message: noOption((isLinux ? escapeMarkup(text.slice(0, 1_000)) : text.slice(0, 1_000)) || ' '),
        wait: false,
        sound: false,
        ...(isLinux && {
          'app-name': 'Watchkeeper',
          urgency: isUrgent ? 'critical' : 'normal',
          // Servers that know the hint replace the notice that carried it before.
          hint: `string:x-canonical-private-synchronous:${replaces}`,
        }),
        ...(surroundings.platform === 'win32' && { appID: appId, id: idOf(replaces) }),
      }
      return new Promise<SendResult>((resolve) => {
        const timer = clock.after(patienceMs, () => {
          resolve(
            isLinux ? { sent: false, reason: 'the notification service does not answer' } : { sent: true },
          )
        })
        notifier.notify(options, (error) => {
          timer.cancel()
          // A string is what the program warned of; it showed the notice all the same.
          resolve(error instanceof Error ? { sent: false, reason: desktopFault(error) } : { sent: true })
        })
      })
    },
  }
}

/** SnoreToast's ids are numbers. */
function idOf(text: string): number {
  let hash = 0
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 2_147_483_647
  return hash
}

/** Returns what a notifier's failure means, and what helps. */
export function desktopFault(error: Error): string {
  // The first line is the command itself, with the words of the notice.
  const text = error.message.replace(/^Command failed:[^\n]*\n?/, '')
  if (/not found: notify-send|must be installed/.test(text))
    return 'notify-send is not installed; install libnotify-bin (Debian, Ubuntu) or libnotify'
  if (/ServiceUnknown|StartServiceByName|was not provided by any \.service files|NameHasNoOwner/.test(text))
    return 'no notification service runs on this desktop'
  if (/Could not connect|Cannot autolaunch|Failed to connect|No such file/.test(text))
    return 'the desktop session cannot be reached'
  return text.replace(/\s+/g, ' ').trim().slice(0, 200)
}
