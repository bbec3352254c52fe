import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type { Calendar, FlightPage, GapPage, MachineHistory } from '../../electron/shared/api/machine.ts'
import type { GapKind } from '../../electron/shared/vocabulary.ts'
import { queryOf, type TimeRange } from '../time-range.ts'
import { getJson } from './client.ts'

/** The page grows with time even when nothing happens. */
const refreshMs = 60_000
export const pageSize = 20

export function useMachineHistory(range: Ref<TimeRange>) {
  return useQuery({
    queryKey: ['machine', 'history', range],
    queryFn: ({ signal }) => getJson<MachineHistory>('machine', queryOf(range.value), signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

export function useGaps(range: Ref<TimeRange>, page: Ref<number>, kind: Ref<GapKind | 'all'>) {
  const query = computed(() => ({
    ...queryOf(range.value),
    limit: pageSize,
    offset: (page.value - 1) * pageSize,
    kind: kind.value === 'all' ? undefined : kind.value,
  }))
  return useQuery({
    queryKey: ['machine', 'gaps', query],
    queryFn: ({ signal }) => getJson<GapPage>('machine/gaps', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

export function useFlights(range: Ref<TimeRange>, page: Ref<number>) {
  const query = computed(() => ({
    ...queryOf(range.value),
    limit: pageSize,
    offset: (page.value - 1) * pageSize,
  }))
  return useQuery({
    queryKey: ['machine', 'flights', query],
    queryFn: ({ signal }) => getJson<FlightPage>('machine/flights', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

export function useCalendar(year: Ref<number>) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return useQuery({
    queryKey: ['machine', 'calendar', year],
    queryFn: ({ signal }) => getJson<Calendar>('machine/calendar', { year: year.value, zone }, signal),
    placeholderData: keepPreviousData,
  })
}
