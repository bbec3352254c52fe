import type { StopReason } from '../shared/shell/service-messages.ts'
import { nextQuit, type QuitEvent, type QuitState } from './quit.ts'

/** The end of the app, carried out. */
export interface Ending {
  readonly state: QuitState
  take(event: QuitEvent): void
  /** The machine or the session ends. */
  endSession(): void
  /** Ends the app, and then does something else than leave, such as replace it. */
  endInto(leave: () => void): void
}

export interface EndingParts {
  ask(): Promise<QuitEvent>
  hide(): void
  stopService(how: StopReason): Promise<void>
  putAway(): void
  leave(): void
}

export function createEnding(parts: EndingParts): Ending {
  let state: QuitState = 'running'
  let how: StopReason = 'quit'
  let { leave } = parts

  const take = (event: QuitEvent): void => {
    const next = nextQuit(state, event)
    state = next.state
    switch (next.effect) {
      case 'none':
        return
      case 'ask':
        void parts.ask().then(take, () => take('answered-stay'))
        return
      case 'hide':
        parts.hide()
        return
      case 'stop':
        void parts.stopService(how).then(() => take('service-gone'))
        return
      case 'leave':
        parts.putAway()
        leave()
        return
      default:
        next.effect satisfies never
    }
  }

  return {
    get state() {
      return state
    },
    take,
    endSession() {
      how = 'shutdown'
      take('system')
    },
    endInto(other) {
      leave = other
      take('system')
    },
  }
}
