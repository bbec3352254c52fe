/** The words of health: levels, and what is measured of a machine. Used alike in code, API, UI and documents. */

/** Best first. */
export const healthLevels = ['ok', 'careful', 'warning', 'critical'] as const
export type HealthLevel = (typeof healthLevels)[number]

export const healthLevelWords: Readonly<Record<HealthLevel, string>> = {
  ok: 'ok',
  careful: 'careful',
  warning: 'warning',
  critical: 'critical',
}

export const metricUnits = ['percent', 'bytes', 'bytes-per-second', 'celsius', 'rpm', 'ms', 'days', 'count', 'per-second', 'number'] as const // prettier-ignore
export type MetricUnit = (typeof metricUnits)[number]

/** From which value on a metric has a level; null where it never has it. */
export interface Limits {
  readonly careful: number | null
  readonly warning: number | null
  readonly critical: number | null
}

/** A kind of figure, of which a machine may have several: one a disk, one an interface. */
export interface MetricKind {
  readonly label: string
  readonly unit: MetricUnit
  /** Which side of a limit is bad. */
  readonly bad: 'above' | 'below'
  readonly limits: Limits
  /** A level must be reached for this long (s) before it counts. */
  readonly sustainS: number
  /** By how much a value must have left a limit before its level ends. */
  readonly slack: number
  /** Where it stands on the page. */
  readonly group: string
  readonly about: string
}

const none: Limits = { careful: null, warning: null, critical: null }
const limits = (careful: number | null, warning: number | null, critical: number | null): Limits => ({
  careful,
  warning,
  critical,
})
const percent = { unit: 'percent', bad: 'above', slack: 2 } as const
const speed = { unit: 'bytes-per-second', bad: 'above', slack: 0, limits: none, sustainS: 300 } as const

/**
 * Every kind, with limits that say nothing on a healthy machine: a busy processor is no fault, a disk is told of only when little
 * room is left on it (see `spareBytes` of the settings), and a sensor is judged by the limit that its maker gave it.
 */
export const metricKinds = {
  'cpu-busy': { label: 'Processor', ...percent, limits: limits(95, null, null), sustainS: 900, group: 'Processor', about: 'time in which the processors worked, of all of them' },
  'cpu-waiting': { label: 'Idle, waiting for disks', ...percent, limits: none, sustainS: 900, group: 'Processor', about: 'time in which processors had nothing to do but wait for a disk' },
  'load-5': { label: 'Load, 5 min', unit: 'number', bad: 'above', slack: 0.5, limits: none, sustainS: 900, group: 'Processor', about: 'programs that run or wait to' },
  'cpu-pressure': { label: 'Programs kept waiting for a processor', ...percent, limits: none, sustainS: 600, group: 'Pressure', about: 'time in which some program waited for a processor, last minute' },
  'memory-pressure': { label: 'Programs kept waiting for memory', ...percent, limits: limits(10, 30, 60), sustainS: 300, group: 'Pressure', about: 'time in which some program waited for memory, last minute' },
  'disk-pressure': { label: 'Programs kept waiting for disks', ...percent, limits: none, sustainS: 600, group: 'Pressure', about: 'time in which some program waited for a disk, last minute' },
  'memory-used': { label: 'Memory', ...percent, limits: limits(92, 96, 99), sustainS: 300, group: 'Memory', about: 'memory that is in use and cannot be given to another program' },
  'swap-used': { label: 'Swap', ...percent, limits: limits(90, null, null), sustainS: 900, group: 'Memory', about: 'swap space that is in use' },
  'disk-used': { label: 'Disk', ...percent, limits: limits(85, 90, 97), sustainS: 60, slack: 1, group: 'Disk space', about: 'space that is in use, as df counts it' },
  'inodes-used': { label: 'Inodes', ...percent, limits: limits(85, 90, 97), sustainS: 60, slack: 1, group: 'Disk space', about: 'file entries that are in use' },
  'disk-days': { label: 'Disk full in', unit: 'days', bad: 'below', slack: 0.5, limits: limits(7, 2, null), sustainS: 1_800, group: 'Disk space', about: 'days until a disk is full, if it goes on as in the last day or more' },
  'disk-read': { label: 'Reads', ...speed, group: 'Disk activity', about: 'what was read' },
  'disk-written': { label: 'Writes', ...speed, group: 'Disk activity', about: 'what was written' },
  'disk-busy': { label: 'Busy', ...percent, limits: none, sustainS: 900, group: 'Disk activity', about: 'time in which a drive was at work' },
  'net-in': { label: 'In', ...speed, group: 'Network', about: 'what came in' },
  'net-out': { label: 'Out', ...speed, group: 'Network', about: 'what went out' },
  'net-errors': { label: 'Errors', unit: 'per-second', bad: 'above', slack: 0, limits: none, sustainS: 300, group: 'Network', about: 'packets that were broken, both ways' },
  temperature: { label: 'Temperature', unit: 'celsius', bad: 'above', slack: 3, limits: none, sustainS: 120, group: 'Temperatures', about: 'of a sensor; judged by the limit that the sensor itself has' },
  fan: { label: 'Fan', unit: 'rpm', bad: 'below', slack: 50, limits: none, sustainS: 120, group: 'Fans', about: 'speed; many fans may stand still' },
  battery: { label: 'Battery', unit: 'percent', bad: 'below', slack: 2, limits: none, sustainS: 60, group: 'Battery', about: 'charge' },
  'battery-health': { label: 'Battery health', unit: 'percent', bad: 'below', slack: 2, limits: limits(60, null, null), sustainS: 600, group: 'Battery', about: 'what a full battery holds of what it held when it was new' },
  'drive-failing': { label: 'Drive fails', unit: 'count', bad: 'above', slack: 0, limits: limits(null, null, 1), sustainS: 0, group: 'Drives', about: '1 when a drive says of itself that it fails (SMART)' },
  'drive-worn': { label: 'Drive worn', ...percent, limits: limits(80, 90, 100), sustainS: 0, slack: 1, group: 'Drives', about: 'what is used up of a drive’s life' },
  'drive-pending': { label: 'Unreadable sectors', unit: 'count', bad: 'above', slack: 0, limits: limits(1, 10, null), sustainS: 0, group: 'Drives', about: 'sectors that could not be read and wait to be replaced' },
  'raid-missing': { label: 'Drives missing', unit: 'count', bad: 'above', slack: 0, limits: limits(null, null, 1), sustainS: 30, group: 'Drives', about: 'drives that an array should have and has not' },
  'memory-errors': { label: 'Memory errors', unit: 'count', bad: 'above', slack: 0, limits: limits(null, null, 1), sustainS: 0, group: 'Memory', about: 'errors since the boot that memory could not correct' },
  processes: { label: 'Processes', unit: 'count', bad: 'above', slack: 0, limits: none, sustainS: 300, group: 'Processes', about: 'how many there are' },
  zombies: { label: 'Zombies', unit: 'count', bad: 'above', slack: 0, limits: limits(50, null, null), sustainS: 900, group: 'Processes', about: 'processes that have ended and that nobody asked after' },
  'services-failed': { label: 'Services failed', unit: 'count', bad: 'above', slack: 0, limits: limits(1, null, null), sustainS: 60, group: 'Services', about: 'units that systemd calls failed' },
  'service-down': { label: 'Service not running', unit: 'count', bad: 'above', slack: 0, limits: limits(null, 1, null), sustainS: 30, group: 'Services', about: '1 when a service that you named does not run' },
  'clock-offset': { label: 'Clock off by', unit: 'ms', bad: 'above', slack: 50, limits: limits(500, null, null), sustainS: 900, group: 'Clock', about: 'what the kernel still has to correct of its clock' },
  'own-cpu': { label: 'Watchkeeper’s processor time', unit: 'percent', bad: 'above', slack: 1, limits: none, sustainS: 900, group: 'Watchkeeper', about: 'of one processor' },
  'own-memory': { label: 'Watchkeeper’s memory', unit: 'bytes', bad: 'above', slack: 0, limits: none, sustainS: 900, group: 'Watchkeeper', about: 'what the service holds' },
  'plug-in': { label: 'Plug-in', unit: 'number', bad: 'above', slack: 0, limits: none, sustainS: 60, group: 'Plug-ins', about: 'a number that a plug-in tells' },
} as const satisfies Readonly<Record<string, MetricKind>> // prettier-ignore

export type MetricKindName = keyof typeof metricKinds
export const metricKindNames = Object.keys(metricKinds) as MetricKindName[]

/** Returns a kind by its name, without what only its own entry tells. */
export function metricKind(name: MetricKindName): MetricKind {
  return metricKinds[name]
}

/** Returns the name of a metric: its kind, and which one of them it is. */
export function metricName(kind: MetricKindName, item: string): string {
  if (kind === 'plug-in') return item
  return item === '' ? metricKinds[kind].label : `${metricKinds[kind].label} ${item}`
}

/** Returns a number of bytes in words; 1 kB is 1,000 bytes. */
export function byteText(bytes: number): string {
  const size = Math.abs(bytes)
  if (size >= 1e12) return `${(bytes / 1e12).toFixed(2)} TB`
  if (size >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  if (size >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  if (size >= 1e3) return `${(bytes / 1e3).toFixed(1)} kB`
  return `${Math.round(bytes)} B`
}

/** Returns a value with its unit. */
export function metricText(value: number, unit: MetricUnit): string {
  const few = (digits: number): string => String(Number(value.toFixed(digits)))
  switch (unit) {
    case 'percent':
      return `${few(value < 10 ? 1 : 0)} %`
    case 'bytes':
      return byteText(value)
    case 'bytes-per-second':
      return `${byteText(value)}/s`
    case 'celsius':
      return `${few(0)} °C`
    case 'rpm':
      return `${few(0)} rpm`
    case 'ms':
      return `${few(Math.abs(value) < 10 ? 2 : 0)} ms`
    case 'days':
      return `${few(1)} days`
    case 'per-second':
      return `${few(2)}/s`
    case 'count':
    case 'number':
      return few(2)
    default:
      return unit satisfies never
  }
}

/** Why a report was kept. */
export const reportReasons = ['regular', 'start', 'alert', 'recovery', 'asked'] as const
export type ReportReason = (typeof reportReasons)[number]

export const reportReasonWords: Readonly<Record<ReportReason, string>> = {
  regular: 'regular',
  start: 'after a start',
  alert: 'when a problem began',
  recovery: 'when a problem ended',
  asked: 'asked for',
}
