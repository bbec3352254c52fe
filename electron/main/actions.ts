import { pauseName, type Overview } from '../shared/api/overview.ts'
import type { ServiceClient } from './service-client.ts'
import type { TrayAction } from './tray-model.ts'

/** What entries of the menu ask of the service. */

export type ServiceAction = Extract<TrayAction, { do: 'mute' | 'unmute' | 'pause' | 'resume' | 'check' }>

/** A request of the native API. */
export interface ApiCall {
  readonly method: 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

/** Returns the requests that an action comes to, at a time (ms UTC). */
export function callsOf(action: ServiceAction, overview: Overview | null, nowMs: number): ApiCall[] {
  switch (action.do) {
    case 'mute':
      return [
        // A shorter mute takes the place of a longer one that is on.
        ...(overview?.muted?.ids ?? []).map((id): ApiCall => ({ method: 'DELETE', path: `mutes/${id}` })),
        {
          method: 'POST',
          path: 'mutes',
          body: action.hours === 'tomorrow' ? { until: 'tomorrow' } : { hours: action.hours },
        },
      ]
    case 'unmute':
      return action.ids.map((id) => ({ method: 'DELETE', path: `mutes/${id}` }))
    case 'pause':
      return [
        ...(overview?.paused?.ids ?? []).map((id): ApiCall => ({
          method: 'DELETE',
          path: `maintenance/${id}`,
        })),
        {
          method: 'POST',
          path: 'maintenance',
          body: {
            name: pauseName,
            begin: new Date(nowMs).toISOString(),
            end: new Date(pauseEnd(action.hours, nowMs)).toISOString(),
          },
        },
      ]
    case 'resume':
      return action.ids.map((id) => ({ method: 'DELETE', path: `maintenance/${id}` }))
    case 'check':
      return [{ method: 'POST', path: 'hosts/check' }]
    default:
      return action satisfies never
  }
}

/** Tomorrow begins at eight, as it does for mutes. */
function pauseEnd(hours: number | 'tomorrow', nowMs: number): number {
  if (hours !== 'tomorrow') return nowMs + hours * 3_600_000
  const now = new Date(nowMs)
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8).getTime()
}

/** Does an action. @throws Error with a sentence */
export async function perform(
  action: ServiceAction,
  client: ServiceClient | null,
  nowMs: number,
): Promise<void> {
  if (client === null) throw new Error('the service does not answer')
  const calls = callsOf(action, client.overview, nowMs)
  // What is new comes first: if it is refused, what is on stays on.
  for (const { method, path, body } of [...calls].reverse()) await client.send(method, path, body)
}
