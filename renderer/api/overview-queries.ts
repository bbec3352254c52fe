import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type { Finding, Overview, OverviewHistory, Setup } from '../../electron/shared/api/overview.ts'
import type { ServiceInfo, StoragePart } from '../../electron/shared/api/service.ts'
import type { JobProposal } from '../../electron/shared/api/watchers.ts'
import { queryOf, type TimeRange } from '../time-range.ts'
import { getJson } from './client.ts'

/** The present moves on, even where nothing happens. */
const refreshMs = 30_000

export function useOverview() {
  return useQuery({
    queryKey: ['overview', 'now'],
    queryFn: ({ signal }) => getJson<Overview>('overview', {}, signal),
    refetchInterval: refreshMs,
  })
}

export function useOverviewHistory(range: Ref<TimeRange>) {
  return useQuery({
    queryKey: ['overview', 'history', range],
    queryFn: ({ signal }) => getJson<OverviewHistory>('overview/history', queryOf(range.value), signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

export function useSetup() {
  return useQuery({
    queryKey: ['setup'],
    queryFn: ({ signal }) => getJson<Setup>('setup', {}, signal),
  })
}

/** What a text leads to; nothing is asked for an empty one. */
export function useFindings(q: Ref<string>) {
  return useQuery({
    queryKey: ['search', q],
    queryFn: ({ signal }) => getJson<Finding[]>('search', { q: q.value }, signal),
    enabled: computed(() => q.value !== ''),
    placeholderData: keepPreviousData,
    gcTime: 30_000,
  })
}

/** Jobs of this machine's schedulers that could be watched. */
export function useJobProposals() {
  return useQuery({
    queryKey: ['watchers', 'proposals'],
    queryFn: ({ signal }) => getJson<JobProposal[]>('watchers/proposals', {}, signal),
    staleTime: 60_000,
    retry: false,
  })
}

export function useServiceInfo() {
  return useQuery({
    queryKey: ['service'],
    queryFn: ({ signal }) => getJson<ServiceInfo>('service', {}, signal),
  })
}

export function useStorage() {
  return useQuery({
    queryKey: ['storage'],
    queryFn: ({ signal }) => getJson<StoragePart[]>('service/storage', {}, signal),
  })
}
