/** The words and limits of telemetry, used alike in code, API, UI and documents. Pure. */

/** Classes whose payload is a backtrace and whose guilty frame is looked for, as telemetrics' crash views have them. */
export const backtraceClasses = [
  'org.clearlinux/crash/clr',
  'org.clearlinux/kernel/bug',
  'org.clearlinux/kernel/stackoverflow',
  'org.clearlinux/kernel/warning',
] as const

export const heartbeatClass = 'org.clearlinux/heartbeat/ping'
export const thermalClass = 'org.clearlinux/mce/thermal'
export const updateClass = 'org.clearlinux/swupd-client/update'
export const clearLinux = 'clear-linux-os'
/** Stands for the system of records that name none. */
export const noSystem = '(none)'

/** Telemetrics' machine-check classes, with the words of its view. */
export const machineCheckClasses = [
  { name: 'org.clearlinux/mce/corrected', word: 'corrected' },
  { name: 'org.clearlinux/mce/SRAO', word: 'SRAO' },
  { name: 'org.clearlinux/mce/SRAR', word: 'SRAR' },
  { name: 'org.clearlinux/mce/UCNA', word: 'UCNA' },
] as const

/** Severities 1 to 4, as telemetrics names them. */
export const severityWords = ['low', 'med', 'high', 'crit'] as const

/** The id that telemetrics' clients and collectors send and expect unless told otherwise. */
export const defaultTid = '6907c830-eed9-4ce9-81ae-76daf8d88f0f'

/** Largest payload (bytes): the collector of telemetrics names this limit, and its clients never send more than 8 KiB. */
export const mostPayloadBytes = 300 * 1_024

/** Longest comment on a guilty frame, as telemetrics has it. */
export const longestComment = 80

/** Most records that `GET /api/records` answers. */
export const mostSeedRecords = 10_000

/** Returns a class as lists show it: telemetrics leaves out its own vendor. */
export function shortClass(classification: string): string {
  return classification.replace(/^org\.clearlinux\//, '')
}

/** Returns a guilty frame as lists show it. */
export function frameLabel(frame: { readonly function: string; readonly module: string }): string {
  return `${frame.function} - [${frame.module}]`
}

/**
 * Orders versions as people do: parts that are numbers by their value, others as text, and a longer version after its beginning.
 *
 * @returns less than 0 when `a` comes first
 */
export function compareVersions(a: string, b: string): number {
  const left = a.split(/[.\-_+~]/)
  const right = b.split(/[.\-_+~]/)
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const one = left[index]
    const other = right[index]
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1
    const order = compareParts(one, other)
    if (order !== 0) return order
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function compareParts(a: string, b: string): number {
  const areNumbers = /^\d+$/.test(a) && /^\d+$/.test(b)
  if (!areNumbers) return a < b ? -1 : a > b ? 1 : 0
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : left > right ? 1 : 0
}
