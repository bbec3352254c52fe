import type { Limits } from '../../shared/health-words.ts'
import { faultOf, rowsIn, textAt, type DaemonReport, type Json, type Row } from './report.ts'
import type { Figure } from './schema.ts'

/** The figures in a report: what is charted and judged is what the report itself says. Pure. */

type Add = (kind: Figure['kind'], item: string, value: Json | undefined, more?: Partial<Figure>) => void

/** The function that tells of each kind; those that are missing are not told by a function. */
const sources: Readonly<Partial<Record<Figure['kind'], string>>> = {
  'cpu-busy': 'CPU_timePercentage',
  'cpu-waiting': 'CPU_timePercentage',
  'load-5': 'CPU_avgLoad',
  'cpu-pressure': 'Processes_pressure',
  'memory-pressure': 'Mem_pressure',
  'disk-pressure': 'Disk_pressure',
  'memory-used': 'Mem_memory',
  'swap-used': 'Mem_swap',
  'disk-used': 'Disk_mounts',
  'inodes-used': 'Disk_mounts',
  'disk-read': 'Disk_rates',
  'disk-written': 'Disk_rates',
  'disk-busy': 'Disk_rates',
  'net-in': 'Network_interfaces',
  'net-out': 'Network_interfaces',
  'net-errors': 'Network_interfaces',
  temperature: 'Hardware_temperatures',
  fan: 'Hardware_fans',
  battery: 'Hardware_battery',
  'battery-health': 'Hardware_battery',
  'drive-failing': 'Hardware_drives',
  'drive-worn': 'Hardware_drives',
  'drive-pending': 'Hardware_drives',
  'raid-missing': 'Hardware_raid',
  'memory-errors': 'Hardware_memory',
  processes: 'Processes_counts',
  zombies: 'Processes_counts',
  'services-failed': 'Services_states',
  'service-down': 'Services_watched',
  'clock-offset': 'Clock_sync',
}

/** Returns the function that tells of a figure; undefined where it is none. */
function sourceOf({ kind, item }: Pick<Figure, 'kind' | 'item'>): string | undefined {
  if (kind === 'plug-in') return item.split(' ')[0]
  // Drives tell their heat themselves.
  return kind === 'temperature' && item.startsWith('drive ') ? 'Hardware_drives' : sources[kind]
}

/**
 * Returns whether a report says that a thing is no longer there: its function told something, and nothing of it. One that failed says
 * nothing, nor does a mount that does not answer.
 */
export function isGone({ kind, item }: Pick<Figure, 'kind' | 'item'>, report: DaemonReport): boolean {
  const name = sourceOf({ kind, item })
  if (name === undefined) return true
  const all = report.worker_reports.flatMap(({ function_reports: functions }) => functions)
  const found = all.find((one) => one.name === name)
  // A plug-in whose file was taken away.
  if (!found) return kind === 'plug-in'
  if (faultOf(found.data)?.kind === 'failed') return false
  return !found.data.some((row) => row['mount'] === item && 'error' in row)
}

/** Returns the figures of a report. */
export function figuresOf(report: DaemonReport): Figure[] {
  const figures: Figure[] = []
  const told = new Map(
    report.worker_reports.flatMap(({ function_reports: all }) =>
      all.map(({ name, datetime }) => [name, datetime]),
    ),
  )
  const add: Add = (kind, item, value, more = {}) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return
    const when = told.get(sourceOf({ kind, item }) ?? '')
    figures.push({ kind, item, value, ...(when !== undefined && { told: when }), ...more })
  }
  const rows = (name: string): readonly Row[] => rowsIn(report, name)
  processor(rows, add)
  memory(rows, add)
  disks(rows, add)
  for (const row of rows('Network_interfaces')) {
    const item = textAt(row, 'interface')
    add('net-in', item, row['in_bytes_per_s'])
    add('net-out', item, row['out_bytes_per_s'])
    add('net-errors', item, row['errors_per_s'])
  }
  hardware(rows, add)
  const [counts] = rows('Processes_counts')
  add('processes', '', counts?.['total'])
  add('zombies', '', counts?.['zombies'])
  const [states] = rows('Services_states')
  add('services-failed', '', states?.['failed'])
  for (const row of rows('Services_watched'))
    add(
      'service-down',
      textAt(row, 'unit'),
      row['active'] === 'active' || row['active'] === 'reloading' ? 0 : 1,
    )
  const [sync] = rows('Clock_sync')
  // A clock that nobody keeps has no offset to speak of.
  if (sync?.['synchronised'] === true && typeof sync['offset_ms'] === 'number')
    add('clock-offset', '', Math.abs(sync['offset_ms']))
  return figures
}

type Rows = (name: string) => readonly Row[]

function processor(rows: Rows, add: Add): void {
  const shares = rows('CPU_timePercentage')
  const mean = (value: (row: Row) => number): number | undefined =>
    shares.length === 0 ? undefined : shares.reduce((sum, row) => sum + value(row), 0) / shares.length
  const at = (row: Row, key: string): number => (typeof row[key] === 'number' ? row[key] : 0)
  add(
    'cpu-busy',
    '',
    mean((row) => Math.max(0, 100 - at(row, 'idle') - at(row, 'iowait'))),
  )
  add(
    'cpu-waiting',
    '',
    // macOS and Windows do not tell.
    shares.some((row) => typeof row['iowait'] === 'number') ? mean((row) => at(row, 'iowait')) : undefined,
  )
  add('load-5', '', rows('CPU_avgLoad')[0]?.['5min'])
  const pressure = (name: string): Json | undefined =>
    rows(name).find(({ waiting }) => waiting === 'some')?.['percent_60s']
  add('cpu-pressure', '', pressure('Processes_pressure'))
  add('memory-pressure', '', pressure('Mem_pressure'))
  add('disk-pressure', '', pressure('Disk_pressure'))
}

function memory(rows: Rows, add: Add): void {
  add('memory-used', '', rows('Mem_memory')[0]?.['percent'])
  add('swap-used', '', rows('Mem_swap')[0]?.['percent'])
  for (const row of rows('Hardware_memory'))
    add('memory-errors', textAt(row, 'controller'), row['uncorrected'])
}

function disks(rows: Rows, add: Add): void {
  for (const row of rows('Disk_mounts')) {
    const item = textAt(row, 'mount')
    // What nobody can write to does not get full.
    if (row['read_only'] === true) continue
    const free = row['free_bytes']
    add('disk-used', item, row['percent'], typeof free === 'number' ? { freeBytes: free } : {})
    add('inodes-used', item, row['inodes_percent'])
  }
  for (const row of rows('Disk_rates')) {
    const item = textAt(row, 'device')
    add('disk-read', item, row['read_bytes_per_s'])
    add('disk-written', item, row['written_bytes_per_s'])
    add('disk-busy', item, row['busy_percent'])
  }
}

function hardware(rows: Rows, add: Add): void {
  for (const row of rows('Hardware_temperatures')) {
    const limits = sensorLimits(row['critical'])
    add('temperature', textAt(row, 'sensor'), row['celsius'], limits ? { ownLimits: limits } : {})
  }
  for (const row of rows('Hardware_fans')) add('fan', textAt(row, 'fan'), row['rpm'])
  for (const row of rows('Hardware_battery')) {
    add('battery', textAt(row, 'battery'), row['percent'])
    add('battery-health', textAt(row, 'battery'), row['health_percent'])
  }
  for (const row of rows('Hardware_drives')) {
    const item = textAt(row, 'drive')
    if (row['smart'] !== null) add('drive-failing', item, row['smart'] === 'failing' ? 1 : 0)
    add('drive-worn', item, row['worn_percent'])
    add('drive-pending', item, row['pending'])
    add('temperature', `drive ${item}`, row['celsius'])
  }
  for (const row of rows('Hardware_raid')) add('raid-missing', textAt(row, 'array'), row['missing'])
}

/** Processors run at their limit without harm, and slow down by themselves; only beyond it something is wrong. */
function sensorLimits(critical: Json | undefined): Limits | null {
  if (typeof critical !== 'number') return null
  return { careful: critical, warning: critical + 2, critical: critical + 7 }
}

/** At most so many numbers of one plug-in are kept. */
const mostOfPlugIn = 20

/** Returns the numbers of plug-ins' functions, each by its function, its row's `name` and its key. */
export function plugInFigures(report: DaemonReport, functions: ReadonlySet<string>): Figure[] {
  return report.worker_reports
    .flatMap(({ function_reports: all }) => all)
    .filter(({ name }) => functions.has(name))
    .flatMap(({ name, datetime }) =>
      rowsIn(report, name)
        .flatMap((row) => {
          const label = typeof row['name'] === 'string' ? ` ${row['name']}` : ''
          return Object.entries(row).flatMap(([key, value]): Figure[] =>
            typeof value === 'number' && Number.isFinite(value)
              ? [{ kind: 'plug-in', item: `${name}${label} ${key}`.slice(0, 200), value, told: datetime }]
              : [],
          )
        })
        .slice(0, mostOfPlugIn),
    )
}
