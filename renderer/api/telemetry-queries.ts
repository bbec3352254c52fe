import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import type {
  BuildCounts,
  Choices,
  ClientState,
  GuiltyDetails,
  MachineChecks,
  Plugins,
  PluginView,
  Population,
  Quarantine,
  RecordDetails,
  RecordPage,
  SkipList,
  Stats,
  TelemetrySettings,
  TelemetrySummary,
  Thermal,
  TopCrashes,
  TracedRecords,
  UpdateMatrix,
} from '../../electron/shared/api/telemetry.ts'
import { getJson } from './client.ts'

const refreshMs = 30_000
const recordsPageSize = 50

/** What the list of records is narrowed to; empty texts are no filter. */
export interface RecordsFilter {
  readonly classification: string
  readonly severity: string
  readonly machine: string
  readonly build: string
  readonly system: string
  readonly source: string
  readonly payload: string
  readonly notPayload: string
  readonly from: string
  readonly to: string
  readonly guilty: string
}

export const noFilter: RecordsFilter = {
  classification: '',
  severity: '',
  machine: '',
  build: '',
  system: '',
  source: '',
  payload: '',
  notPayload: '',
  from: '',
  to: '',
  guilty: '',
}

/** Returns the part of an address that a filter makes. */
export function queryOfFilter(filter: RecordsFilter): Record<string, string> {
  const names = Object.keys(noFilter) as (keyof RecordsFilter)[]
  return Object.fromEntries(
    names.flatMap((name) => (filter[name].trim() === '' ? [] : [[name, filter[name]]])),
  )
}

/** Records, newest first, piece by piece; brought up to date only by whoever asks for it. */
export function useRecords(filter: Ref<RecordsFilter>) {
  return useInfiniteQuery({
    queryKey: ['telemetry-still', 'records', filter],
    queryFn: ({ pageParam, signal }) =>
      getJson<RecordPage>(
        'telemetry/records',
        {
          ...queryOfFilter(filter.value),
          limit: recordsPageSize,
          ...(pageParam !== null && { before: pageParam }),
        },
        signal,
      ),
    initialPageParam: null as number | null,
    getNextPageParam: ({ before }) => before,
    placeholderData: keepPreviousData,
    retry: false,
  })
}

export function useRecord(id: Ref<number | null>) {
  return useQuery({
    queryKey: ['telemetry-still', 'record', id],
    queryFn: ({ signal }) => getJson<RecordDetails>(`telemetry/records/${id.value ?? 0}`, {}, signal),
    enabled: computed(() => id.value !== null),
  })
}

function useView<T>(path: string, query: Ref<Readonly<Record<string, string | number | undefined>>>) {
  return useQuery({
    queryKey: ['telemetry', path, query],
    queryFn: ({ signal }) => getJson<T>(`telemetry${path}`, query.value, signal),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  })
}

const nothing = computed(() => ({}))

export const useTelemetry = () => useView<TelemetrySummary>('', nothing)
export const useChoices = () => useView<Choices>('/choices', nothing)
export const useBuilds = () => useView<BuildCounts>('/builds', nothing)
export const useStats = () => useView<Stats>('/stats', nothing)
export const useThermal = () => useView<Thermal>('/thermal', nothing)
export const useUpdates = () => useView<UpdateMatrix>('/updates', nothing)
export const useSkipList = () => useView<SkipList>('/skip-list', nothing)
export const useClient = () => useView<ClientState>('/client', nothing)
export const usePlugins = () => useView<Plugins>('/plugins', nothing)
export const useQuarantine = () => useView<Quarantine>('/quarantine', nothing)
export const useTelemetrySettings = () => useView<TelemetrySettings>('/settings', nothing)
export const useCrashes = (query: Ref<Readonly<Record<string, string | number | undefined>>>) =>
  useView<TopCrashes>('/crashes', query)
export const useMachineChecks = (year: Ref<number>) =>
  useView<MachineChecks>(
    '/mce',
    computed(() => ({ year: year.value })),
  )
export const usePopulation = (system: Ref<string>) =>
  useView<Population>(
    '/population',
    computed(() => ({ system: system.value || undefined })),
  )

export function useGuilty(id: Ref<string>) {
  return useQuery({
    queryKey: ['telemetry', 'guilty', id],
    queryFn: ({ signal }) =>
      getJson<GuiltyDetails>(`telemetry/guilties/${encodeURIComponent(id.value)}`, {}, signal),
    retry: false,
  })
}

export function useBacktraces(id: Ref<string>, query: Ref<Readonly<Record<string, string | undefined>>>) {
  return useQuery({
    queryKey: ['telemetry', 'backtraces', id, query],
    queryFn: ({ signal }) =>
      getJson<TracedRecords>(
        `telemetry/guilties/${encodeURIComponent(id.value)}/backtraces`,
        query.value,
        signal,
      ),
    placeholderData: keepPreviousData,
    retry: false,
  })
}

export function usePluginView(name: Ref<string>) {
  return useQuery({
    queryKey: ['telemetry', 'plugin', name],
    queryFn: ({ signal }) =>
      getJson<PluginView>(`telemetry/plugins/${encodeURIComponent(name.value)}`, {}, signal),
    retry: false,
  })
}
