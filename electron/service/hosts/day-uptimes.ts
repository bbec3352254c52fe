import { dayMs } from '../../shared/time-text.ts'
import type { BlindSpan } from '../context.ts'
import type { HostStore } from './store.ts'
import { uptimeIn, firstOf } from './view.ts'
import type { WatchedHost } from './watched.ts'

/** More hosts than this are asked of together: one question for all instead of two for each. */
const few = 60

/** Returns the shares of the observed time of the last day in which hosts were up (per cent), by their ids. */
export function dayUptimes(
  store: HostStore,
  hosts: readonly WatchedHost[],
  blind: readonly BlindSpan[],
  nowMs: number,
): Map<number, number | null> {
  const sinceMs = nowMs - dayMs
  const recent = blind.filter(({ toMs }) => toMs > sinceMs)
  const only = hosts.length > few ? null : hosts.map(({ record }) => record.id)
  const incidents = Map.groupBy(store.incidentsSince(sinceMs, only), ({ hostId }) => hostId)
  const spans = Map.groupBy(store.spansSince(sinceMs, only), ({ hostId }) => hostId)
  return new Map(
    hosts.map((host) => {
      const { id } = host.record
      const past = [incidents.get(id) ?? [], spans.get(id) ?? []] as const
      return [id, uptimeIn(firstOf(host), ...past, recent, sinceMs, nowMs)]
    }),
  )
}
