import type { Limits } from '../../shared/health-words.ts'
import { rowsIn, textAt, type DaemonReport, type Json, type Row } from './report.ts'
import type { Figure } from './schema.ts'

/** The figures in a report: what is charted and judged is what the report itself says. Pure. */

type Add = (kind: Figure['kind'], item: string, value: Json | undefined, more?: Partial<Figure>) => void

/** Returns the figures of a report. */
export function figuresOf(report: DaemonReport): Figure[] {
  const figures: Figure[] = []
  const add: Add = (kind, item, value, more = {}) => {
    if (typeof value === 'number' && Number.isFinite(value)) figures.push({ kind, item, value, ...more })
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
    mean((row) => at(row, 'iowait')),
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

/** Processors run close to their limit without harm, and slow down by themselves; only the limit itself is a fault. */
function sensorLimits(critical: Json | undefined): Limits | null {
  if (typeof critical !== 'number') return null
  return { careful: critical - 5, warning: critical, critical: critical + 5 }
}

/** At most so many numbers of one plug-in are kept. */
const mostOfPlugIn = 20

/** Returns the numbers of plug-ins' functions, each by its function, its row's `name` and its key. */
export function plugInFigures(report: DaemonReport, functions: ReadonlySet<string>): Figure[] {
  return report.worker_reports
    .flatMap(({ function_reports: all }) => all)
    .filter(({ name }) => functions.has(name))
    .flatMap(({ name }) =>
      rowsIn(report, name)
        .flatMap((row) => {
          const label = typeof row['name'] === 'string' ? ` ${row['name']}` : ''
          return Object.entries(row).flatMap(([key, value]): Figure[] =>
            typeof value === 'number' && Number.isFinite(value)
              ? [{ kind: 'plug-in', item: `${name}${label} ${key}`.slice(0, 200), value }]
              : [],
          )
        })
        .slice(0, mostOfPlugIn),
    )
}
