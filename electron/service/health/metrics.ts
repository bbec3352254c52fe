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

const families: readonly Family[] = [
  counter('cpu_seconds_total', 'Seconds the CPUs spent in each mode.', 'CPU_currentTimes', ['cpu', 'mode'], (row) =>
    modes.map((mode) => [[textAt(row, 'CPU'), mode], row[mode]] as const),
  ),
  gauge('load1', '1m load average.', 'CPU_avgLoad', [], one('1min')),
  gauge('load5', '5m load average.', 'CPU_avgLoad', [], one('5min')),
  gauge('load15', '15m load average.', 'CPU_avgLoad', [], one('15min')),
  counter('context_switches_total', 'Total number of context switches.', 'CPU_stats', [], one('ctx_switches')),
  counter('intr_total', 'Total number of interrupts serviced.', 'CPU_stats', [], one('interrupts')),
  counter('softirqs_total', 'Total number of softirq calls.', 'CPU_stats', [], one('soft_interrupts')),
  gauge('memory_MemTotal_bytes', 'Memory information field MemTotal_bytes.', 'Mem_memory', [], one('total_bytes')),
  gauge('memory_MemAvailable_bytes', 'Memory information field MemAvailable_bytes.', 'Mem_memory', [], one('available_bytes')),
  gauge('memory_MemFree_bytes', 'Memory information field MemFree_bytes.', 'Mem_memory', [], one('free_bytes')),
  gauge('memory_Buffers_bytes', 'Memory information field Buffers_bytes.', 'Mem_memory', [], one('buffers_bytes')),
  gauge('memory_SwapTotal_bytes', 'Memory information field SwapTotal_bytes.', 'Mem_swap', [], one('total_bytes')),
  gauge('memory_SwapFree_bytes', 'Memory information field SwapFree_bytes.', 'Mem_swap', [], one('free_bytes')),
  gauge('filesystem_size_bytes', 'Filesystem size in bytes.', 'Disk_mounts', diskLabels, one('total_bytes', ...disk)),
  gauge('filesystem_avail_bytes', 'Filesystem space available to non-root users in bytes.', 'Disk_mounts', diskLabels, one('free_bytes', ...disk)),
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
  gauge('hwmon_temp_celsius', 'Hardware monitor for temperature (input).', 'Hardware_temperatures', ['chip', 'sensor'], one('celsius', 'chip', 'label')),
  counter('edac_correctable_errors_total', 'Total correctable memory errors.', 'Hardware_memory', ['controller'], one('corrected', 'controller')),
  counter('edac_uncorrectable_errors_total', 'Total uncorrectable memory errors.', 'Hardware_memory', ['controller'], one('uncorrected', 'controller')),
  counter('cpu_core_throttles_total', 'Number of times this CPU core has been throttled.', 'Hardware_throttling', ['core', 'package'], one('core', 'core_id', 'package_id')),
  counter('cpu_package_throttles_total', 'Number of times this CPU package has been throttled.', 'Hardware_throttling', ['package'], one('package', 'package_id')),
  gauge('timex_sync_status', 'Is clock synchronized to a reliable server (1 = yes, 0 = no).', 'Clock_sync', [], (row) => [[[], asNumber(row['synchronised'])]]),
  gauge('timex_offset_seconds', 'Time offset in between local system and reference clock.', 'Clock_sync', [], (row) => [[[], seconds(row['offset_ms'])]]),
  gauge('timex_maxerror_seconds', 'Maximum error in seconds.', 'Clock_sync', [], (row) => [[[], seconds(row['max_error_ms'])]]),
  gauge('procs_running', 'Number of processes in runnable state.', 'Processes_counts', [], one('running')),
  gauge('procs_blocked', 'Number of processes blocked waiting for I/O to complete.', 'Processes_counts', [], one('blocked')),
] // prettier-ignore

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
    registers,
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
  let areNodeNames = false
  const showNodeNames = (isWanted: boolean): void => {
    if (isWanted === areNodeNames) return
    areNodeNames = isWanted
    for (const metric of [boot, ...known.values()])
      if (isWanted) registry.registerMetric(metric)
      else registry.removeSingleMetric(metric === boot ? 'node_boot_time_seconds' : nameOf(known, metric))
  }
  return () => {
    own.reset()
    level.reset()
    const shown = health.isLive ? shownMetrics(health) : []
    for (const { kind, item, value, standing } of shown) {
      if (value !== null) own.set({ kind, item }, value)
      level.set({ kind, item }, healthLevels.indexOf(standing.level))
    }
    if (health.reportMs !== null) age.set(health.reportMs / 1_000)
    showNodeNames(health.settings.nodeNames && health.isLive)
    if (areNodeNames) fill(known, health)
    const bootMs = health.bootMs()
    if (bootMs !== null) boot.set(Math.round(bootMs / 1_000))
    return Promise.resolve()
  }
}

function nameOf(known: ReadonlyMap<Family, Counter | Gauge>, metric: Counter | Gauge): string {
  for (const [{ name }, one] of known) if (one === metric) return name
  return ''
}

function fill(known: ReadonlyMap<Family, Counter | Gauge>, { report }: Health): void {
  for (const [{ from, labels, samples }, metric] of known) {
    metric.reset()
    const seen = new Set<string>()
    for (const row of rowsIn(report, from))
      for (const [values, value] of samples(row)) {
        // Processors of one core all tell the same of it.
        if (typeof value !== 'number' || seen.has(values.join('\0'))) continue
        seen.add(values.join('\0'))
        const named = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']))
        // A counter begins at nought after its reset, so this sets it.
        metric.inc(named, value)
      }
  }
}
