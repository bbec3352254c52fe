import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type { Incident } from '../../electron/shared/api/alerts.ts'
import type {
  Host,
  HostHistory,
  HostList,
  HostUptime,
  ProbingInfo,
  Proposal,
} from '../../electron/shared/api/hosts.ts'
import { queryOf, type TimeRange } from '../time-range.ts'
import { getJson } from './client.ts'

const refreshMs = 15_000

/** What the list of hosts is narrowed to. */
export interface HostFilter {
  readonly q: string
  readonly state: string
  readonly tag: string
  readonly group: string
  readonly sort: 'problems' | 'name' | 'latency' | 'created'
}

export const hostsPageSize = 50
const chosen = (value: string): string | undefined => (value === 'all' ? undefined : value)

export function useHosts(filter: Ref<HostFilter>, page: Ref<number>) {
  const query = computed(() => ({
    q: filter.value.q.trim() || undefined,
    state: chosen(filter.value.state),
    tag: chosen(filter.value.tag),
    group: chosen(filter.value.group),
    sort: filter.value.sort,
    limit: hostsPageSize,
    offset: (page.value - 1) * hostsPageSize,
  }))
  return useQuery({
    queryKey: ['hosts', 'list', query],
    queryFn: ({ signal }) => getJson<HostList>('hosts', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

/** All hosts by name, for choosing one. */
export function useHostNames(enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['hosts', 'names'],
    queryFn: async ({ signal }) =>
      (await getJson<HostList>('hosts', { sort: 'name', limit: 1_000 }, signal)).hosts.map(
        ({ id, name }) => ({
          id,
          name,
        }),
      ),
    enabled,
    staleTime: refreshMs,
  })
}

/** How many hosts have a problem, for the navigation. */
export function useHostProblemCount() {
  return useQuery({
    queryKey: ['hosts', 'problems'],
    queryFn: async ({ signal }) =>
      (await getJson<HostList>('hosts', { state: 'problem', limit: 1 }, signal)).total,
    refetchInterval: refreshMs,
  })
}

export function useHost(id: Ref<string>, enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['hosts', 'one', id],
    queryFn: ({ signal }) => getJson<Host>(`hosts/${encodeURIComponent(id.value)}`, {}, signal),
    refetchInterval: refreshMs,
    enabled,
  })
}

/** The past is asked for less often than the present changes. */
export function useHostHistory(
  id: Ref<string>,
  probe: Ref<number | null>,
  range: Ref<TimeRange>,
  enabled: Ref<boolean>,
) {
  const query = computed(() => ({
    ...(range.value.kind === 'all' ? { last: '20y' } : queryOf(range.value)),
    probe: probe.value ?? undefined,
  }))
  return useQuery({
    queryKey: ['host-past', 'history', id, query],
    queryFn: ({ signal }) =>
      getJson<HostHistory>(`hosts/${encodeURIComponent(id.value)}/history`, query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
    enabled,
  })
}

export function useHostUptime(id: Ref<string>, enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['host-past', 'uptime', id],
    queryFn: ({ signal }) => getJson<HostUptime>(`hosts/${encodeURIComponent(id.value)}/uptime`, {}, signal),
    refetchInterval: 2 * refreshMs,
    enabled,
  })
}

export function useProbing() {
  return useQuery({
    queryKey: ['hosts', 'probing'],
    queryFn: ({ signal }) => getJson<ProbingInfo>('hosts/probing', {}, signal),
    refetchInterval: refreshMs,
  })
}

export function useProposals(enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['host-past', 'proposals'],
    queryFn: ({ signal }) => getJson<Proposal[]>('hosts/proposals', {}, signal),
    enabled,
  })
}

/** Problems of all rooms in a window. */
export function useIncidents(range: Ref<TimeRange>) {
  const query = computed(() => ({ ...queryOf(range.value), limit: 1_000 }))
  return useQuery({
    queryKey: ['alerts', 'incidents', 'window', query],
    queryFn: ({ signal }) => getJson<Incident[]>('incidents', query.value, signal),
    refetchInterval: 2 * refreshMs,
    placeholderData: keepPreviousData,
  })
}
