import { createParser } from 'eventsource-parser'
import { readonly, ref, watch } from 'vue'
import type { RunningFlight } from '../../electron/shared/api/machine.ts'
import type { StreamDelta, StreamSnapshot } from '../../electron/shared/api/service.ts'
import { ApiFailure, request } from './client.ts'
import { accessKey } from './key.ts'
import { queryClient } from './query-client.ts'

/** How the page hangs together with the service. */
export type Connection = 'connecting' | 'live' | 'lost' | 'locked'

const connection = ref<Connection>('connecting')
const machine = ref<RunningFlight | null>(null)
const version = ref<string | null>(null)
const lostSince = ref<number | null>(null)
const recordsSeen = ref(0)
const isChecking = ref(true)

/** What the service last told by itself. */
export const live = {
  connection: readonly(connection),
  machine: readonly(machine),
  version: readonly(version),
  lostSince: readonly(lostSince),
  /** Counts how often records of telemetry have come or changed. */
  recordsSeen: readonly(recordsSeen),
  /** True until the service has answered to the present key. */
  isChecking: readonly(isChecking),
}

const firstRetryMs = 500
const longestRetryMs = 5_000
/** The service sends something every 15 s; silence for longer is a dead connection. */
const silenceMs = 40_000
/** A service that takes the connection and then says nothing is stuck. */
const firstSilenceMs = 10_000

let running: AbortController | null = null

/** Follows the service until the page is closed, over restarts of the service and changes of the key. */
export function followService(): void {
  watch(accessKey, restart, { immediate: true })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && connection.value === 'lost') restart()
  })
}

function restart(): void {
  running?.abort()
  running = new AbortController()
  isChecking.value = true
  void follow(running.signal)
}

async function follow(signal: AbortSignal): Promise<void> {
  let retryMs = firstRetryMs
  while (!signal.aborted) {
    try {
      await listen(signal, () => {
        retryMs = firstRetryMs
      })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiFailure && error.kind === 'unauthorised') {
        connection.value = 'locked'
        isChecking.value = false
        return
      }
    }
    if (signal.aborted) return
    lostSince.value ??= Date.now()
    connection.value = 'lost'
    await new Promise((resolve) => setTimeout(resolve, retryMs))
    retryMs = Math.min(retryMs * 2, longestRetryMs)
  }
}

async function listen(signal: AbortSignal, onLive: () => void): Promise<void> {
  const silence = new AbortController()
  const first = setTimeout(() => silence.abort(), firstSilenceMs)
  const response = await request('/api/v1/events', {
    signal: AbortSignal.any([signal, silence.signal]),
  }).finally(() => clearTimeout(first))
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!reader) return
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === 'snapshot') {
        take(JSON.parse(data) as StreamSnapshot)
        onLive()
      } else if (event === 'delta') apply(JSON.parse(data) as StreamDelta)
    },
  })
  for (;;) {
    const timer = setTimeout(() => silence.abort(), silenceMs)
    const { done, value } = await reader.read().finally(() => clearTimeout(timer))
    if (done) return
    parser.feed(value)
  }
}

function take(snapshot: StreamSnapshot): void {
  // A newer service may bring a newer page.
  if (version.value !== null && version.value !== snapshot.version) location.reload()
  version.value = snapshot.version
  machine.value = snapshot.machine
  connection.value = 'live'
  isChecking.value = false
  lostSince.value = null
  void queryClient.invalidateQueries()
}

function apply(delta: StreamDelta): void {
  // Figures come with every report; what is wrong with them comes with its notice.
  if (delta.topic !== 'machine' && delta.topic !== 'health')
    void queryClient.invalidateQueries({ queryKey: ['overview'] })
  switch (delta.topic) {
    case 'machine':
      machine.value = delta.machine
      return
    case 'history':
      void queryClient.invalidateQueries({ queryKey: ['machine'] })
      return
    case 'service':
      void queryClient.invalidateQueries({ queryKey: ['service'] })
      void queryClient.invalidateQueries({ queryKey: ['setup'] })
      return
    case 'watchers':
      void queryClient.invalidateQueries({ queryKey: ['watchers'] })
      return
    case 'hosts':
      void queryClient.invalidateQueries({ queryKey: ['hosts'] })
      return
    case 'telemetry':
      recordsSeen.value += 1
      void queryClient.invalidateQueries({ queryKey: ['telemetry'] })
      return
    case 'health':
      void queryClient.invalidateQueries({ queryKey: ['health'] })
      return
    case 'notices':
      void queryClient.invalidateQueries({ queryKey: ['alerts'] })
      return
    default:
      delta satisfies never
  }
}
