/** How the app ends: a table of states and events, without effects. */

export const quitStates = ['running', 'asking', 'stopping', 'gone'] as const
export type QuitState = (typeof quitStates)[number]

/** `asked` comes from a menu or a page; `system` from the session, a signal or an update, which ask nobody. */
export const quitEvents = [
  'asked',
  'system',
  'answered-stop',
  'answered-hide',
  'answered-stay',
  'service-gone',
] as const
export type QuitEvent = (typeof quitEvents)[number]

export type QuitEffect = 'ask' | 'stop' | 'hide' | 'leave' | 'none'

/** Returns what an event brings about. Whatever happens, a stop that has begun is finished first. */
export function nextQuit(
  state: QuitState,
  event: QuitEvent,
): { readonly state: QuitState; readonly effect: QuitEffect } {
  switch (event) {
    case 'asked':
      return state === 'running' ? { state: 'asking', effect: 'ask' } : { state, effect: 'none' }
    case 'system':
      return state === 'running' || state === 'asking'
        ? { state: 'stopping', effect: 'stop' }
        : { state, effect: 'none' }
    case 'answered-stop':
      return state === 'asking' ? { state: 'stopping', effect: 'stop' } : { state, effect: 'none' }
    case 'answered-hide':
      return state === 'asking' ? { state: 'running', effect: 'hide' } : { state, effect: 'none' }
    case 'answered-stay':
      return state === 'asking' ? { state: 'running', effect: 'none' } : { state, effect: 'none' }
    case 'service-gone':
      return state === 'stopping' ? { state: 'gone', effect: 'leave' } : { state, effect: 'none' }
    default:
      return event satisfies never
  }
}

/** What is asked before the app ends, in the order of its buttons. */
export function quitQuestion(watching: 'here' | 'elsewhere' | 'nobody'): {
  readonly message: string
  readonly detail: string
  readonly buttons: readonly string[]
  readonly events: readonly QuitEvent[]
} {
  if (watching !== 'here')
    return {
      message: 'Quit the Watchkeeper app?',
      detail:
        watching === 'elsewhere'
          ? 'The other Watchkeeper on this machine goes on watching.'
          : 'Nothing is being watched now; while the app runs, the service is tried again.',
      buttons: ['Quit the app', 'Cancel'],
      events: ['answered-stop', 'answered-stay'],
    }
  return {
    message: 'Stop watching, or only hide the icon?',
    detail:
      'Watchkeeper can go on without its icon: start it again to see it. If it quits, this machine, hosts and jobs are no longer watched, and nobody is told when something stops.',
    buttons: ['Keep watching, hide the icon', 'Stop watching and quit', 'Cancel'],
    events: ['answered-hide', 'answered-stop', 'answered-stay'],
  }
}
