import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type {
  HealthChanges,
  HealthHistory,
  HealthPlugIns,
  HealthSettings,
  HealthSummary,
  KeptReports,
} from '../../electron/shared/api/health.ts'
import { queryOf, type TimeRange } from '../time-range.ts'
import { getJson, request } from './client.ts'

const refreshMs = 30_000
const reportsPageSize = 30

export function useHealth() {
  return useQuery({
    queryKey: ['health', 'summary'],
    queryFn: ({ signal }) => getJson<HealthSummary>('health', {}, signal),
    refetchInterval: refreshMs,
  })
}

/** How many figures somebody should look at, for the navigation. */
export function useHealthProblemCount() {
  return useQuery({
    queryKey: ['health', 'summary'],
    queryFn: ({ signal }) => getJson<HealthSummary>('health', {}, signal),
    select: ({ metrics }) =>
      metrics.filter(({ level }) => level === 'warning' || level === 'critical').length,
    refetchInterval: refreshMs,
  })
}

/** Series of some kinds. The past is asked for less often than the present changes. */
export function useHealthHistory(metric: Ref<string>, range: Ref<TimeRange>) {
  const query = computed(() => ({
    ...(range.value.kind === 'all' ? { last: '20y' } : queryOf(range.value)),
    metric: metric.value,
  }))
  return useQuery({
    queryKey: ['health-past', 'history', query],
    queryFn: ({ signal }) => getJson<HealthHistory>('health/history', query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
    enabled: computed(() => metric.value !== ''),
  })
}

export function useKeptReports() {
  return useInfiniteQuery({
    queryKey: ['health-past', 'reports'],
    queryFn: ({ pageParam, signal }) =>
      getJson<KeptReports>(
        'health/reports',
        { limit: reportsPageSize, ...(pageParam !== null && { before: pageParam }) },
        signal,
      ),
    initialPageParam: null as number | null,
    refetchInterval: refreshMs,
    getNextPageParam: ({ reports, more }) => (more ? (reports[reports.length - 1]?.id ?? null) : null),
  })
}

/** The text of a kept report. */
export function useReportText(id: Ref<number | null>) {
  return useQuery({
    queryKey: ['health-still', 'report', id],
    queryFn: async ({ signal }) =>
      (await request(`/api/v1/health/reports/${id.value}?format=text`, { signal })).text(),
    enabled: computed(() => id.value !== null),
  })
}

/** What changed since a report, until another one or now. */
export function useHealthChanges(from: Ref<number | null>, to: Ref<number | null>) {
  return useQuery({
    queryKey: ['health-past', 'changes', from, to],
    queryFn: ({ signal }) =>
      getJson<HealthChanges>(`health/reports/${from.value}/changes`, { to: to.value ?? undefined }, signal),
    enabled: computed(() => from.value !== null),
  })
}

export function useHealthSettings() {
  return useQuery({
    queryKey: ['health-settings'],
    queryFn: ({ signal }) => getJson<HealthSettings>('health/settings', {}, signal),
  })
}

export function useHealthPlugIns() {
  return useQuery({
    queryKey: ['health-settings', 'plug-ins'],
    queryFn: ({ signal }) => getJson<HealthPlugIns>('health/plugins', {}, signal),
    refetchInterval: refreshMs,
  })
}
