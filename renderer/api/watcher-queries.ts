import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, ref, type Ref } from 'vue'
import type {
  Watcher,
  WatcherAddresses,
  WatcherEvents,
  WatcherFlip,
  WatcherList,
} from '../../electron/shared/api/watchers.ts'
import { getJson } from './client.ts'
import { pageSize } from './machine-queries.ts'

/** States change with time alone, too. */
const refreshMs = 15_000

/** What the list of watchers is narrowed to. */
export interface WatcherFilter {
  readonly q: string
  readonly state: string
  readonly tag: string
  readonly sort: 'problems' | 'name' | 'due' | 'created'
}

export const watchersPageSize = 50

export function useWatchers(filter: Ref<WatcherFilter>, page: Ref<number>) {
  const query = computed(() => ({
    q: filter.value.q.trim() || undefined,
    state: filter.value.state === 'all' ? undefined : filter.value.state,
    tag: filter.value.tag === 'all' ? undefined : filter.value.tag,
    sort: filter.value.sort,
    limit: watchersPageSize,
    offset: (page.value - 1) * watchersPageSize,
  }))
  return useQuery({
    queryKey: ['watchers', 'list', query],
    queryFn: ({ signal }) => getJson<WatcherList>('watchers', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

/** How many watchers have a problem, for the navigation. */
export function useProblemCount() {
  return useQuery({
    queryKey: ['watchers', 'problems'],
    queryFn: async ({ signal }) =>
      (await getJson<WatcherList>('watchers', { state: 'problem', limit: 1 }, signal)).total,
    refetchInterval: refreshMs,
  })
}

export function useWatcher(id: Ref<string>, enabled: Ref<boolean>) {
  return useQuery({
    queryKey: ['watchers', 'one', id],
    queryFn: ({ signal }) => getJson<Watcher>(`watchers/${encodeURIComponent(id.value)}`, {}, signal),
    refetchInterval: refreshMs,
    enabled,
  })
}

export function useWatcherEvents(
  id: Ref<string>,
  page: Ref<number>,
  size = pageSize,
  enabled: Ref<boolean> = ref(true),
) {
  const query = computed(() => ({ limit: size, offset: (page.value - 1) * size }))
  return useQuery({
    queryKey: ['watchers', 'events', id, query],
    queryFn: ({ signal }) =>
      getJson<WatcherEvents>(`watchers/${encodeURIComponent(id.value)}/events`, query.value, signal),
    placeholderData: keepPreviousData,
    enabled,
  })
}

export function useWatcherFlips(id: Ref<string>) {
  return useQuery({
    queryKey: ['watchers', 'flips', id],
    queryFn: ({ signal }) =>
      getJson<WatcherFlip[]>(`watchers/${encodeURIComponent(id.value)}/flips`, {}, signal),
  })
}

export function useWatcherAddresses() {
  return useQuery({
    queryKey: ['watchers', 'addresses'],
    queryFn: ({ signal }) => getJson<WatcherAddresses>('watchers/addresses', {}, signal),
    staleTime: Infinity,
  })
}
