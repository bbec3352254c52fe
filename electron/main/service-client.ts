import { createParser } from 'eventsource-parser'
import { Overview } from '../shared/api/overview.ts'
import { checked, type ServicePlace } from '../shared/shell/service-messages.ts'
import { throttle } from '../shared/throttle.ts'
import type { ShellClock } from './clock.ts'

/** Follows a service by its native API, be it the shell's own or another one. */
export interface ServiceClient {
  /** Null until the service has told, and after it has been lost. */
  readonly overview: Overview | null
  /** Sends a request of the native API. @throws Error with the service's sentence */
  send(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void>
  close(): void
}

export interface ServiceClientParts {
  readonly clock: ShellClock
  readonly place: ServicePlace
  onOverview(overview: Overview | null): void
  /** The service has not answered for a while. */
  onLost(): void
}

const patienceMs = 5_000
/** The service sends something every 15 s; silence for longer is a dead connection. */
const silenceMs = 40_000
const retryMs = 1_000
/** An attached service that is away for so many tries (1 s apart) is lost. */
const triesToLose = 5
/** Whatever changes, the overview is asked for at most so often (ms). */
const askEveryMs = 1_000
/** What changes with time alone, such as the end of a mute, is seen by asking anyway. */
const askAnywayMs = 60_000

/** Follows the service at `place` until it is closed. */
export function followService({ clock, place, onOverview, onLost }: ServiceClientParts): ServiceClient {
  const ending = new AbortController()
  const { signal } = ending
  let overview: Overview | null = null
  let failures = 0
  const headers: Record<string, string> = {
    'user-agent': 'watchkeeper-tray',
    ...(place.key !== null && { authorization: `Bearer ${place.key}` }),
  }
  const tell = (next: Overview | null): void => {
    if (signal.aborted) return
    overview = next
    onOverview(next)
  }

  const ask = async (): Promise<void> => {
    if (signal.aborted) return
    try {
      const response = await fetch(`${place.origin}/api/v1/overview`, {
        headers,
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      })
      if (response.ok) tell(checked(Overview, await response.json()))
    } catch {
      // The stream notices when the service is away.
    }
  }
  const asking = throttle(clock, askEveryMs, () => void ask())

  const listen = async (): Promise<void> => {
    const silence = new AbortController()
    let timer = clock.after(silenceMs, () => silence.abort())
    const response = await fetch(`${place.origin}/api/v1/events`, {
      headers,
      signal: AbortSignal.any([signal, silence.signal]),
    }).finally(() => timer.cancel())
    if (!response.ok || !response.body) throw new Error(`the service answers ${response.status}`)
    const parser = createParser({
      onEvent({ event }) {
        if (event !== 'snapshot' && event !== 'delta') return
        failures = 0
        asking.call()
      },
    })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (;;) {
      timer = clock.after(silenceMs, () => silence.abort())
      const part = (await reader.read().finally(() => timer.cancel())) as {
        done: boolean
        value?: Uint8Array
      }
      if (part.done) return
      parser.feed(decoder.decode(part.value, { stream: true }))
    }
  }

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs()
      await listen().catch(() => undefined)
      if (signal.aborted) return
      // One that took the connection and then said nothing has been waited for long enough.
      failures += clock.monotonicMs() - beganMs >= silenceMs ? triesToLose : 1
      if (failures >= triesToLose) {
        failures = 0
        tell(null)
        onLost()
      }
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
    }
  }
  const askAnyway = (): void => {
    if (signal.aborted) return
    asking.call()
    clock.after(askAnywayMs, askAnyway)
  }
  void follow()
  clock.after(askAnywayMs, askAnyway)

  return {
    get overview() {
      return overview
    },
    async send(method, path, body) {
      const response = await fetch(`${place.origin}/api/v1/${path}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      })
      if (response.ok) {
        asking.call()
        return
      }
      const answer = (await response.json().catch(() => null)) as { error?: unknown } | null
      throw new Error(
        typeof answer?.error === 'string' ? answer.error : `the service answers ${response.status}`,
      )
    },
    close() {
      asking.stop()
      ending.abort()
    },
  }
}
