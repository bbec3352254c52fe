import type { WtmpRecord } from '../evidence/wtmp.ts'
import type { FoundRun, PresentMachine } from './types.ts'

/** A boot record and the boot clock agree on a boot to within this. */
const sameBootMs = 120_000

/**
 * Returns the machine's runs from wtmp: from a boot to its shutdown record, or to the last sign of life before the next boot.
 * The last run reaches to the present only when it is the boot that goes on now.
 */
export function runsFromWtmp(
  records: readonly WtmpRecord[],
  { nowMs, bootedAtMs }: PresentMachine,
): FoundRun[] {
  const runs: FoundRun[] = []
  const close = (begun: WtmpRecord, endMs: number, ended: FoundRun['ended']): void => {
    if (endMs > begun.atMs) runs.push(run(begun.atMs, endMs, begun.host, ended))
  }
  let boot: WtmpRecord | null = null
  let lastMs = 0
  for (const record of records) {
    if (record.kind === 'boot') {
      if (boot) close(boot, lastMs, 'unclean')
      boot = record
      lastMs = record.atMs
    } else if (record.kind === 'shutdown') {
      if (boot) close(boot, record.atMs, 'clean')
      boot = null
    } else {
      lastMs = Math.max(lastMs, record.atMs)
    }
  }
  if (boot) {
    const isNow = bootedAtMs !== null && Math.abs(boot.atMs - bootedAtMs) <= sameBootMs
    close(boot, isNow ? nowMs : lastMs, null)
  }
  return runs
}

function run(beginMs: number, endMs: number, release: string, ended: FoundRun['ended']): FoundRun {
  return {
    key: String(Math.round(beginMs / 1_000)),
    beginMs,
    endMs,
    asleepMs: 0,
    bootId: null,
    os: release || null,
    ended,
  }
}

/** Returns the runs of uptimed's records file: `uptime:boottime:system` in seconds, a line each (uptimed(8)). */
export function runsFromUptimed(text: string): FoundRun[] {
  return text.split('\n').flatMap((line): FoundRun[] => {
    const match = /^(\d+):(\d+):(.*)$/.exec(line.trim())
    if (!match) return []
    const beginMs = Number(match[2]) * 1_000
    return [
      {
        key: match[2] ?? '',
        beginMs,
        endMs: beginMs + Number(match[1]) * 1_000,
        asleepMs: 0,
        bootId: null,
        os: match[3]?.trim() || null,
        ended: null,
      },
    ]
  })
}

/** Returns the boots of `journalctl --list-boots -o json`. The journal does not say here how a boot ended. */
export function runsFromJournalBoots(text: string): FoundRun[] {
  let boots: unknown
  try {
    boots = JSON.parse(text)
  } catch {
    return []
  }
  if (!Array.isArray(boots)) return []
  return (boots as Record<string, unknown>[]).flatMap((boot): FoundRun[] => {
    const id = boot['boot_id']
    const beginMs = Math.floor(Number(boot['first_entry']) / 1_000)
    const endMs = Math.floor(Number(boot['last_entry']) / 1_000)
    if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id) || !(endMs > beginMs)) return []
    const bootId = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return [{ key: id, beginMs, endMs, asleepMs: 0, bootId, os: null, ended: null }]
  })
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const moment = String.raw`\w{3} (\w{3}) +(\d{1,2}) (\d{2}):(\d{2})(?::(\d{2}))?(?: (\d{4}))?`

/**
 * Returns the runs from what `last -x -F` (Linux) or `last reboot shutdown` (macOS) printed. The lines run back in time;
 * macOS leaves out the year, which is counted back from `nowMs`.
 */
export function runsFromLast(text: string, machine: PresentMachine): FoundRun[] {
  const { nowMs } = machine
  const marks: WtmpRecord[] = []
  let latestMs = nowMs
  for (const line of text.split('\n')) {
    const match = new RegExp(`^(reboot|shutdown)\\s.*?${moment}`).exec(line)
    if (!match) continue
    const atMs = localTime(match.slice(2), latestMs)
    if (atMs === null) continue
    latestMs = atMs
    const release = /system boot\s+(\S+)/.exec(line)?.[1] ?? ''
    marks.push({ atMs, kind: match[1] === 'reboot' ? 'boot' : 'shutdown', host: release })
    const crashed = match[1] === 'reboot' ? new RegExp(`- ${moment}`).exec(line.slice(match[0].length)) : null
    const endMs = crashed ? localTime(crashed.slice(1), nowMs) : null
    // `last` prints the next boot as the end of a run that crashed, so that time is only known to be no later.
    if (endMs !== null && endMs > atMs && !/crash/.test(line))
      marks.push({ atMs: endMs - 1, kind: 'other', host: '' })
  }
  return runsFromWtmp(
    marks.sort((a, b) => a.atMs - b.atMs),
    machine,
  )
}

function localTime(parts: readonly (string | undefined)[], latestMs: number): number | null {
  const [monthName = '', day, hour, minute, second = '0', year] = parts
  const month = months.indexOf(monthName)
  if (month < 0) return null
  const at = (fullYear: number): number =>
    new Date(fullYear, month, Number(day), Number(hour), Number(minute), Number(second)).getTime()
  if (year !== undefined) return at(Number(year))
  const latestYear = new Date(latestMs).getFullYear()
  return at(latestYear) <= latestMs ? at(latestYear) : at(latestYear - 1)
}
