import type { ServicePlace } from '../shared/shell/service-messages.ts'

/** An end of the service that nobody asked for. */
export interface Crash {
  readonly how: string
  readonly atMs: number
}

/** How the service stands, as the shell sees it. */
export type ServiceState =
  | { readonly kind: 'starting' }
  | {
      readonly kind: 'running'
      readonly place: ServicePlace
      readonly database: string
      readonly isSilent: boolean
      /** The crash after which it was started, if it was. */
      readonly crash: Crash | null
    }
  /** Another process serves the same database; this app shows it. */
  | { readonly kind: 'attached'; readonly place: ServicePlace; readonly database: string }
  | { readonly kind: 'restarting'; readonly how: string; readonly crashes: number }
  | { readonly kind: 'given-up'; readonly how: string; readonly crashes: number }
  | {
      readonly kind: 'refused'
      readonly why: 'in-use' | 'cannot-start'
      readonly reason: string
      readonly database: string
    }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' }

/** Returns where the service can be asked; null while it cannot. */
export function placeOf(state: ServiceState): ServicePlace | null {
  return state.kind === 'running' || state.kind === 'attached' ? state.place : null
}

/** Returns who watches while the service stands so. */
export function watchingOf(state: ServiceState): 'here' | 'elsewhere' | 'nobody' {
  switch (state.kind) {
    case 'attached':
      return 'elsewhere'
    case 'refused':
      return state.why === 'in-use' ? 'elsewhere' : 'nobody'
    case 'given-up':
    case 'stopped':
      return 'nobody'
    case 'starting':
    case 'running':
    case 'restarting':
    case 'stopping':
      return 'here'
    default:
      return state satisfies never
  }
}

/** Returns the state as a heading and a sentence that says what to do. */
export function serviceWords(state: ServiceState): { readonly title: string; readonly text: string } {
  switch (state.kind) {
    case 'starting':
      return { title: 'The service is starting', text: 'This takes a moment.' }
    case 'running':
      return state.isSilent
        ? {
            title: 'The service does not answer',
            text: 'It is busy or stuck. If it stays silent it is started again by itself.',
          }
        : { title: 'The service runs', text: `It records into ${state.database}.` }
    case 'attached':
      return {
        title: 'Another Watchkeeper serves',
        text: `It is at ${state.place.origin} and uses ${state.database}. This app shows what it knows.`,
      }
    case 'restarting':
      return {
        title: 'The service is being started again',
        text: `It stopped unexpectedly (${state.how}). What it had recorded is kept.`,
      }
    case 'given-up':
      return {
        title: 'The service cannot be kept running',
        text: `It stopped ${state.crashes} times within five minutes, last with ${state.how}. Nothing is being watched now. It is tried again within the hour, or at once by “Try again”.`,
      }
    case 'refused':
      return state.why === 'in-use'
        ? {
            title: 'Another Watchkeeper uses the database',
            text: `${sentence(state.reason)} Its access key cannot be read by this user: open that one in a browser, end it, or set WATCHKEEPER_DATABASE to a file of your own.`,
          }
        : {
            title: 'The service cannot start',
            text: `${sentence(state.reason)} It is tried again every half minute.`,
          }
    case 'stopping':
      return { title: 'The service is stopping', text: 'The last stamp is being written.' }
    case 'stopped':
      return { title: 'The service has stopped', text: 'Nothing is being watched.' }
    default:
      return state satisfies never
  }
}

function sentence(reason: string): string {
  const text = reason.trim()
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
