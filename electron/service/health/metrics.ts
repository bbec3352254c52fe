import os from 'node:os'
import type { Counter, Gauge, Registry } from 'prom-client'
import { healthLevels } from '../../shared/health-words.ts'
import type { Health } from './index.ts'
import { rowsIn, textAt, type Json, type Row } from './report.ts'
import { shownMetrics } from './view.ts'

/** A family of node_exporter, filled from the rows of a report: https://github.com/prometheus/node_exporter#collectors */
interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  /** Function of the report. */
  readonly from: string
  /** Returns the samples of a row: values of the labels, and the number. */
  samples(row: Row): readonly (readonly [labels: readonly string[], value: Json | undefined])[]
}

const one =
  (key: string, ...labels: readonly string[]) =>
  (row: Row) => [[labels.map((label) => textAt(row, label)), row[key]] as const]
const family = (
  type: Family['type'],
  name: string,
  help: string,
  from: string,
  labels: readonly string[],
  samples: Family['samples'],
): Family => ({ type, name: `node_${name}`, help, from, labels, samples })
const counter = family.bind(null, 'counter')
const gauge = family.bind(null, 'gauge')

/** Modes of processors under node_exporter's names; it counts guests apart. */
const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const
const disk = ['device', 'type', 'mount'] as const
const diskLabels = ['device', 'fstype', 'mountpoint'] as const
const asNumber = (value: Json | undefined): number | undefined =>
  typeof value === 'boolean' ? Number(value) : undefined

/** Sensors of hwmon; what else tells a temperature has no chip. */
const ofChip =
  (sample: (row: Row) => readonly [labels: readonly string[], value: Json | undefined]) =>
  (row: Row): ReturnType<Family['samples']> => {
    if (!('hwmon_chip' in row)) return []
    const [labels, value] = sample(row)
    return [[[textAt(row, 'hwmon_chip'), textAt(row, 'hwmon_sensor'), ...labels], value]]
  }
/** `0` for `mc0`. */
const ofController = (key: string) => (row: Row) => [
  [[textAt(row, 'controller').replace(/^mc/, '')], row[key]] as const,
]

const families: readonly Family[] = [
  counter('cpu_seconds_total', 'Seconds the CPUs spent in each mode.', 'CPU_currentTimes', ['cpu', 'mode'], (row) =>
    modes.map((mode) => [[textAt(row, 'CPU'), mode], row[mode]] as const),
  ),
  gauge('load1', '1m load average.', 'CPU_avgLoad', [], one('1min')),
  gauge('load5', '5m load average.', 'CPU_avgLoad', [], one('5min')),
  gauge('load15', '15m load average.', 'CPU_avgLoad', [], one('15min')),
  counter('context_switches_total', 'Total number of context switches.', 'CPU_stats', [], one('ctx_switches')),
  counter('intr_total', 'Total number of interrupts serviced.', 'CPU_stats', [], one('interrupts')),
  gauge('memory_MemTotal_bytes', 'Memory information field MemTotal_bytes.', 'Mem_memory', [], one('total_bytes')),
  gauge('memory_MemAvailable_bytes', 'Memory information field MemAvailable_bytes.', 'Mem_memory', [], one('available_bytes')),
  gauge('memory_MemFree_bytes', 'Memory information field MemFree_bytes.', 'Mem_memory', [], one('free_bytes')),
  gauge('memory_Buffers_bytes', 'Memory information field Buffers_bytes.', 'Mem_memory', [], one('buffers_bytes')),
  gauge('memory_SwapTotal_bytes', 'Memory information field SwapTotal_bytes.', 'Mem_swap', [], one('total_bytes')),
  gauge('memory_SwapFree_bytes', 'Memory information field SwapFree_bytes.', 'Mem_swap', [], one('free_bytes')),
  gauge('filesystem_size_bytes', 'Filesystem size in bytes.', 'Disk_mounts', diskLabels, one('total_bytes', ...disk)),
  gauge('filesystem_avail_bytes', 'Filesystem space available to non-root users in bytes.', 'Disk_mounts', diskLabels, one('free_bytes', ...disk)),
  gauge('filesystem_free_bytes', 'Filesystem free space in bytes.', 'Disk_mounts', diskLabels, (row) => [[disk.map((label) => textAt(row, label)), minus(row['total_bytes'], row['used_bytes'])]]),
  gauge('memory_Cached_bytes', 'Memory information field Cached_bytes.', 'Mem_memory', [], one('page_cache_bytes')),
  gauge('memory_SReclaimable_bytes', 'Memory information field SReclaimable_bytes.', 'Mem_memory', [], one('reclaimable_bytes')),
  gauge('uname_info', 'Labeled system information as provided by the uname system call.', 'Hardware_system', ['domainname', 'machine', 'nodename', 'release', 'sysname', 'version'], (row) => [[[textAt(row, 'domainname') || '(none)', textAt(row, 'architecture'), os.hostname(), textAt(row, 'kernel'), os.type(), textAt(row, 'kernel_build')], 1]]),
  gauge('filesystem_files', 'Filesystem total file nodes.', 'Disk_mounts', diskLabels, one('inodes_total', ...disk)),
  gauge('filesystem_files_free', 'Filesystem total free file nodes.', 'Disk_mounts', diskLabels, one('inodes_free', ...disk)),
  gauge('filesystem_readonly', 'Filesystem read-only status.', 'Disk_mounts', diskLabels, (row) => [
    [disk.map((label) => textAt(row, label)), asNumber(row['read_only'])],
  ]),
  counter('disk_read_bytes_total', 'The total number of bytes read successfully.', 'Disk_rates', ['device'], one('read_bytes', 'device')),
  counter('disk_written_bytes_total', 'The total number of bytes written successfully.', 'Disk_rates', ['device'], one('written_bytes', 'device')),
  counter('disk_io_time_seconds_total', 'Total seconds spent doing I/Os.', 'Disk_rates', ['device'], one('busy_s', 'device')),
  ...(['in', 'out'] as const).flatMap((way) => {
    const word = way === 'in' ? 'receive' : 'transmit'
    const labels = ['device']
    const of = (what: string) => one(`${way}_${what}`, 'interface')
    return [
      counter(`network_${word}_bytes_total`, `Network device statistic ${word}_bytes.`, 'Network_interfaces', labels, of('bytes')),
      counter(`network_${word}_packets_total`, `Network device statistic ${word}_packets.`, 'Network_interfaces', labels, of('packets')),
      counter(`network_${word}_errs_total`, `Network device statistic ${word}_errs.`, 'Network_interfaces', labels, of('errors')),
      counter(`network_${word}_drop_total`, `Network device statistic ${word}_drop.`, 'Network_interfaces', labels, of('drops')),
    ]
  }),
  ...(['Processes_pressure', 'Mem_pressure', 'Disk_pressure'] as const).map((from) => {
    const kind = from === 'Processes_pressure' ? 'cpu' : from === 'Mem_pressure' ? 'memory' : 'io'
    return counter(`pressure_${kind}_waiting_seconds_total`, `Total time in seconds that processes have waited for ${kind === 'io' ? 'IO due to congestion' : kind === 'cpu' ? 'CPU time' : 'memory'}.`, from, [], (row) =>
      row['waiting'] === 'some' ? [[[], row['seconds']] as const] : [],
    )
  }),
  gauge('hwmon_temp_celsius', 'Hardware monitor for temperature (input).', 'Hardware_temperatures', ['chip', 'sensor'], ofChip((row) => [[], row['celsius']])),
  gauge('hwmon_sensor_label', 'Label for given chip and sensor.', 'Hardware_temperatures', ['chip', 'sensor', 'label'], ofChip((row) => [[textAt(row, 'label')], row['label'] === row['hwmon_sensor'] ? undefined : 1])),
  gauge('hwmon_chip_names', 'Annotation metric for human-readable chip names.', 'Hardware_temperatures', ['chip', 'chip_name'], (row) => ('hwmon_chip' in row ? [[[textAt(row, 'hwmon_chip'), textAt(row, 'chip').replace(/ #\d+$/, '')], 1]] : [])),
  gauge('thermal_zone_temp', 'Zone temperature in Celsius.', 'Hardware_zones', ['zone', 'type'], one('celsius', 'zone', 'type')),
  counter('edac_correctable_errors_total', 'Total correctable memory errors.', 'Hardware_memory', ['controller'], ofController('corrected')),
  counter('edac_uncorrectable_errors_total', 'Total uncorrectable memory errors.', 'Hardware_memory', ['controller'], ofController('uncorrected')),
  counter('cpu_core_throttles_total', 'Number of times this CPU core has been throttled.', 'Hardware_throttling', ['core', 'package'], one('core', 'core_id', 'package_id')),
  counter('cpu_package_throttles_total', 'Number of times this CPU package has been throttled.', 'Hardware_throttling', ['package'], one('package', 'package_id')),
  gauge('timex_sync_status', 'Is clock synchronized to a reliable server (1 = yes, 0 = no).', 'Clock_sync', [], (row) => [[[], asNumber(row['synchronised'])]]),
  gauge('timex_offset_seconds', 'Time offset in between local system and reference clock.', 'Clock_sync', [], (row) => [[[], seconds(row['offset_ms'])]]),
  gauge('timex_maxerror_seconds', 'Maximum error in seconds.', 'Clock_sync', [], (row) => [[[], seconds(row['max_error_ms'])]]),
  gauge('procs_running', 'Number of processes in runnable state.', 'Processes_counts', [], one('running')),
  gauge('procs_blocked', 'Number of processes blocked waiting for I/O to complete.', 'Processes_counts', [], one('blocked')),
] // prettier-ignore

function minus(all: Json | undefined, part: Json | undefined): number | undefined {
  return typeof all === 'number' && typeof part === 'number' ? all - part : undefined
}

function seconds(ms: Json | undefined): number | undefined {
  return typeof ms === 'number' ? ms / 1_000 : undefined
}

/** Registers the room's figures: Watchkeeper's own, and node_exporter's names where they mean the same. */
export async function healthMetrics(registry: Registry, health: Health): Promise<() => Promise<void>> {
  const prom = await import('prom-client')
  const registers = [registry]
  const own = new prom.Gauge({
    name: 'watchkeeper_health',
    help: 'A figure of this machine, in its own unit.',
    labelNames: ['kind', 'item'],
    registers,
  })
  const level = new prom.Gauge({
    name: 'watchkeeper_health_level',
    help: 'Its level: 0 ok, 1 careful, 2 warning, 3 critical.',
    labelNames: ['kind', 'item'],
    registers,
  })
  const age = new prom.Gauge({
    name: 'watchkeeper_health_report_timestamp_seconds',
    help: 'When the last report was made.',
    registers: [],
  })
  const boot = new prom.Gauge({
    name: 'node_boot_time_seconds',
    help: 'Node boot time, in unixtime.',
    registers: [],
  })
  const known = new Map<Family, Counter | Gauge>()
  for (const one of families) {
    const options = { name: one.name, help: one.help, labelNames: [...one.labels], registers: [] }
    known.set(one, one.type === 'counter' ? new prom.Counter(options) : new prom.Gauge(options))
  }
  const shown = new Set<string>()
  /** A name stands only while there is something to tell: a nought that nobody measured would be a lie. */
  const show = (metric: Counter | Gauge, name: string, isWanted: boolean): void => {
    if (isWanted === shown.has(name)) return
    if (isWanted) {
      registry.registerMetric(metric)
      shown.add(name)
    } else {
      registry.removeSingleMetric(name)
      shown.delete(name)
    }
  }
  return () => {
    own.reset()
    level.reset()
    for (const { kind, item, value, standing } of health.isLive ? shownMetrics(health) : []) {
      if (value !== null) own.set({ kind, item }, value)
      level.set({ kind, item }, healthLevels.indexOf(standing.level))
    }
    const isWanted = health.settings.nodeNames && health.isLive
    for (const [family, metric] of known) show(metric, family.name, isWanted && fill(family, metric, health))
    const bootMs = health.bootMs()
    if (bootMs !== null) boot.set(Math.round(bootMs / 1_000))
    show(boot, 'node_boot_time_seconds', isWanted && bootMs !== null)
    if (health.reportMs !== null) age.set(health.reportMs / 1_000)
    show(age, 'watchkeeper_health_report_timestamp_seconds', health.reportMs !== null)
    return Promise.resolve()
  }
}

/** Fills a family from a report; false when the report says nothing of it. */
function fill({ from, labels, samples }: Family, metric: Counter | Gauge, { report }: Health): boolean {
  metric.reset()
  const seen = new Set<string>()
  for (const row of rowsIn(report, from))
    for (const [values, value] of samples(row)) {
      const key = values.join('\0')
      // Processors of one core all tell the same of it.
      if (typeof value !== 'number' || seen.has(key)) continue
      seen.add(key)
      const named = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']))
      // A counter begins at nought after its reset, so this sets it.
      metric.inc(named, value)
    }
  return seen.size > 0
}
