import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type { DeliveryState } from '../../electron/shared/alert-words.ts'
import type { Channel, Incident, Maintenance, Mute, NoticePage } from '../../electron/shared/api/alerts.ts'
import { getJson } from './client.ts'
import { pageSize } from './machine-queries.ts'

const refreshMs = 30_000

export function useNotices(page: Ref<number>, state: Ref<DeliveryState | 'all'>, item?: Ref<string>) {
  const query = computed(() => ({
    limit: pageSize,
    offset: (page.value - 1) * pageSize,
    state: state.value === 'all' ? undefined : state.value,
    ...(item && { room: 'watchers', item: item.value }),
  }))
  return useQuery({
    queryKey: ['alerts', 'notices', query],
    queryFn: ({ signal }) => getJson<NoticePage>('notices', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

export function useChannels() {
  return useQuery({
    queryKey: ['alerts', 'channels'],
    queryFn: ({ signal }) => getJson<Channel[]>('channels', {}, signal),
  })
}

export function useMutes() {
  return useQuery({
    queryKey: ['alerts', 'mutes'],
    queryFn: ({ signal }) => getJson<Mute[]>('mutes', {}, signal),
    refetchInterval: refreshMs,
  })
}

export function useMaintenance() {
  return useQuery({
    queryKey: ['alerts', 'maintenance'],
    queryFn: ({ signal }) => getJson<Maintenance[]>('maintenance', {}, signal),
    refetchInterval: refreshMs,
  })
}

export function useOpenIncidents() {
  return useQuery({
    queryKey: ['alerts', 'incidents'],
    queryFn: ({ signal }) => getJson<Incident[]>('incidents', { open: 'true' }, signal),
    refetchInterval: refreshMs,
  })
}
