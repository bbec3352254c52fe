import type { HealthChange } from '../../shared/api/health.ts'
import { byteText } from '../../shared/health-words.ts'
import { rowsIn, textAt, type DaemonReport, type Json, type Row } from './report.ts'

/** What is different between two reports: what somebody did to a machine, not what passes by itself. Pure. */

/** A report with what was installed then. */
export interface ReportState {
  readonly report: DaemonReport
  readonly packages: Readonly<Record<string, string>> | null
}

/** One list of things: a function, what names a row of it, and which of its values matter. */
interface Area {
  readonly area: string
  readonly from: string
  readonly name: (row: Row) => string
  readonly values: readonly string[]
}

const byKey =
  (key: string) =>
  (row: Row): string =>
    textAt(row, key)

function portName(row: Row): string {
  const address = textAt(row, 'address')
  return `${textAt(row, 'protocol')} ${address.includes(':') ? `[${address}]` : address}:${textAt(row, 'port')}`
}

const areas: readonly Area[] = [
  {
    area: 'System',
    from: 'Hardware_system',
    name: () => '',
    values: [
      'system', 'kernel', 'kernel_build', 'architecture', 'processor', 'cores', 'processors', 'memory_bytes', 'vendor', 'model',
      'firmware', 'firmware_date',
    ], // prettier-ignore
  },
  { area: 'Drives', from: 'Hardware_drives', name: byKey('drive'), values: ['model', 'bytes', 'smart', 'reallocated', 'pending', 'media_errors'] },
  { area: 'Arrays', from: 'Hardware_raid', name: byKey('array'), values: ['state', 'level', 'missing'] },
  { area: 'Disks', from: 'Disk_mounts', name: byKey('mount'), values: ['device', 'type', 'total_bytes', 'read_only'] },
  { area: 'Network', from: 'Network_interfaces', name: byKey('interface'), values: ['state', 'megabits'] },
  { area: 'Ports', from: 'Network_ports', name: portName, values: [] },
  { area: 'Services', from: 'Services_failed', name: byKey('unit'), values: ['active'] },
  { area: 'Services', from: 'Services_watched', name: byKey('unit'), values: ['active'] },
  { area: 'Sensors', from: 'Hardware_temperatures', name: byKey('sensor'), values: ['critical'] },
  { area: 'Batteries', from: 'Hardware_battery', name: byKey('battery'), values: [] },
  { area: 'Memory errors', from: 'Hardware_memory', name: byKey('controller'), values: ['corrected', 'uncorrected'] },
  { area: 'Clock', from: 'Clock_sync', name: () => '', values: ['synchronised', 'kept_by'] },
  { area: 'Clock', from: 'Clock_zone', name: () => '', values: ['zone', 'utc_offset_minutes'] },
] // prettier-ignore

/** Figures that pass by themselves are told only when they moved by this much (per cent of the whole). */
const leastMove = 5

/** Returns what changed from one report to a later one. */
export function changesBetween(before: ReportState, after: ReportState): HealthChange[] {
  return [
    ...areas.flatMap((area) => areaChanges(area, before.report, after.report)),
    ...moduleChanges(before.report, after.report),
    ...packageChanges(before.packages, after.packages),
    ...spaceChanges(before.report, after.report),
  ]
}

function areaChanges(
  { area, from, name, values }: Area,
  before: DaemonReport,
  after: DaemonReport,
): HealthChange[] {
  const old = rowsIn(before, from)
  const now = rowsIn(after, from)
  // A function that told nothing once says nothing of what was there.
  if (old.length === 0 || now.length === 0)
    return from === 'Services_failed' ? listChanges(area, name, old, now, values) : []
  return listChanges(area, name, old, now, values)
}

function listChanges(
  area: string,
  name: (row: Row) => string,
  old: readonly Row[],
  now: readonly Row[],
  values: readonly string[],
): HealthChange[] {
  const was = new Map(old.map((row) => [name(row), row]))
  const is = new Map(now.map((row) => [name(row), row]))
  const changes: HealthChange[] = []
  for (const [what, row] of is) {
    const earlier = was.get(what)
    if (!earlier) {
      changes.push({ area, what, how: 'added', before: '', after: described(row, values) })
      continue
    }
    for (const key of values) {
      const [from, to] = [worded(key, earlier[key]), worded(key, row[key])]
      if (from !== to)
        changes.push({
          area,
          what: [what, words(key)].filter(Boolean).join(' '),
          how: 'changed',
          before: from,
          after: to,
        })
    }
  }
  for (const [what, row] of was)
    if (!is.has(what)) changes.push({ area, what, how: 'removed', before: described(row, values), after: '' })
  return changes
}

const words = (key: string): string => key.replace(/_bytes$/, '').replaceAll('_', ' ')

function described(row: Row, values: readonly string[]): string {
  return values
    .map((key) => (typeof row[key] === 'boolean' ? (row[key] ? words(key) : '') : worded(key, row[key])))
    .filter((text) => text !== '')
    .join(', ')
}

function worded(key: string, value: Json | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' && key.endsWith('bytes')) return byteText(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function moduleChanges(before: DaemonReport, after: DaemonReport): HealthChange[] {
  const names = (report: DaemonReport): string[] | null => {
    const list = rowsIn(report, 'Hardware_modules')[0]?.['modules']
    return Array.isArray(list) ? list.map(String) : null
  }
  const old = names(before)
  const now = names(after)
  return old === null || now === null ? [] : setChanges('Kernel modules', old, now)
}

function setChanges(area: string, old: readonly string[], now: readonly string[]): HealthChange[] {
  return [
    ...now
      .filter((name) => !old.includes(name))
      .map((what) => ({ area, what, how: 'added' as const, before: '', after: '' })),
    ...old
      .filter((name) => !now.includes(name))
      .map((what) => ({ area, what, how: 'removed' as const, before: '', after: '' })),
  ]
}

function packageChanges(old: ReportState['packages'], now: ReportState['packages']): HealthChange[] {
  if (old === null || now === null) return []
  const area = 'Packages'
  const changes: HealthChange[] = []
  for (const [what, after] of Object.entries(now)) {
    const before = old[what] ?? ''
    if (before !== after)
      changes.push({ area, what, how: before === '' ? 'added' : 'changed', before, after })
  }
  for (const [what, before] of Object.entries(old))
    if (!(what in now)) changes.push({ area, what, how: 'removed', before, after: '' })
  return changes
}

function spaceChanges(before: DaemonReport, after: DaemonReport): HealthChange[] {
  const percents = (report: DaemonReport): Map<string, number> =>
    new Map([
      ...rowsIn(report, 'Disk_mounts').flatMap((row): [string, number][] =>
        typeof row['percent'] === 'number' ? [[`disk ${textAt(row, 'mount')}`, row['percent']]] : [],
      ),
      ...rowsIn(report, 'Mem_memory').flatMap(({ percent }): [string, number][] =>
        typeof percent === 'number' ? [['memory', percent]] : [],
      ),
    ])
  const old = percents(before)
  return [...percents(after)].flatMap(([what, now]): HealthChange[] => {
    const was = old.get(what)
    if (was === undefined || Math.abs(now - was) < leastMove) return []
    return [
      {
        area: 'Room',
        what,
        how: 'changed',
        before: `${was.toFixed(0)} % used`,
        after: `${now.toFixed(0)} % used`,
      },
    ]
  })
}
