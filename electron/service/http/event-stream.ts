import type { ServerResponse } from 'node:http'
import type { StreamDelta, StreamSnapshot } from '../../shared/api/service.ts'
import type { Clock, Timer } from '../clock.ts'

/** Followers of the event stream: each gets a snapshot first, then every delta with a growing revision. */
export interface EventHub {
  /** Adds a follower; false when there are too many. */
  follow(response: ServerResponse): boolean
  publish(delta: DeltaWithoutRevision): void
  close(): void
  readonly followers: number
}

type WithoutRevision<T> = T extends { revision: number } ? Omit<T, 'revision'> : never
export type DeltaWithoutRevision = WithoutRevision<StreamDelta>

const mostFollowers = 100
/** Proxies and NATs drop silent connections after a minute or so. */
const heartbeatMs = 15_000
/** A follower that does not read is dropped rather than kept in memory. */
const mostBufferedBytes = 1_048_576

export function createEventHub(clock: Clock, snapshot: () => Omit<StreamSnapshot, 'revision'>): EventHub {
  const responses = new Set<ServerResponse>()
  let revision = 0
  let timer: Timer | null = null

  const send = (response: ServerResponse, text: string): void => {
    if (response.writableLength > mostBufferedBytes) response.destroy()
    else response.write(text)
  }

  const beat = (): void => {
    timer = null
    if (responses.size === 0) return
    for (const response of responses) send(response, ': still here\n\n')
    timer = clock.after(heartbeatMs, beat)
  }

  return {
    get followers() {
      return responses.size
    },
    follow(response) {
      if (responses.size >= mostFollowers) return false
      responses.add(response)
      response.on('close', () => responses.delete(response))
      response.write(`event: snapshot\ndata: ${JSON.stringify({ revision, ...snapshot() })}\n\n`)
      timer ??= clock.after(heartbeatMs, beat)
      return true
    },
    publish(delta) {
      revision += 1
      if (responses.size === 0) return
      const text = `event: delta\ndata: ${JSON.stringify({ revision, ...delta })}\n\n`
      for (const response of responses) send(response, text)
    },
    close() {
      timer?.cancel()
      for (const response of responses) response.end()
      responses.clear()
    },
  }
}
