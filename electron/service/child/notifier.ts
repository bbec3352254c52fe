import type { ShellNotice, ToService } from '../../shared/shell/service-messages.ts'
import type { DesktopNotifier } from '../alerts/channels/desktop.ts'
import type { SendResult } from '../alerts/schema.ts'
import type { Clock } from '../clock.ts'

/** Notices that the shell shows, with the system's own way behind it. */
export interface ShellNotifier extends DesktopNotifier {
  take(result: Extract<ToService, { kind: 'notice-result' }>): void
}

/** A shell that says nothing for this long (ms) has not shown the notice. */
const patienceMs = 20_000

/**
 * Returns the notifier of a service under a shell. What the shell's desktop does not take (such as an unsigned app on
 * macOS) is shown by `fallback`; if that fails too, the shell's reason is the one that is told.
 */
export function shellNotifier(
  clock: Clock,
  post: (notice: ShellNotice) => void,
  canNotify: boolean,
  fallback: DesktopNotifier,
): ShellNotifier {
  let lastId = 0
  const waiting = new Map<number, (result: { reason: string | null; isUnusable: boolean }) => void>()

  return {
    problem: () => (canNotify ? null : fallback.problem()),
    async show(notice): Promise<SendResult> {
      if (!canNotify) return fallback.show(notice)
      lastId += 1
      const id = lastId
      const { reason, isUnusable } = await new Promise<{ reason: string | null; isUnusable: boolean }>(
        (resolve) => {
          const timer = clock.after(patienceMs, () => {
            waiting.delete(id)
            resolve({ reason: 'the desktop app does not answer', isUnusable: false })
          })
          waiting.set(id, (result) => {
            timer.cancel()
            waiting.delete(id)
            resolve(result)
          })
          post({ kind: 'notice', id, ...notice })
        },
      )
      if (reason === null) return { sent: true }
      if (isUnusable && fallback.problem() === null) {
        const second = await fallback.show(notice)
        if (second.sent) return second
      }
      return { sent: false, reason }
    },
    take({ id, reason, isUnusable }) {
      waiting.get(id)?.({ reason, isUnusable })
    },
  }
}
