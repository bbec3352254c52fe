import type { WatcherSource } from '../../../shared/api/watchers.ts'
import { BusError } from '../../system/bus-message.ts'
import type { Bus } from '../../system/bus.ts'
import type { RunProgram } from '../../system/programs.ts'
import { systemd, unitPath } from '../../system/systemd.ts'
import type { Found, Look } from './rules.ts'

/** Units of the system's service manager as jobs: their last result tells how they ended. */

/** What units are asked with. */
export interface UnitParts {
  readonly platform: NodeJS.Platform
  /** The bus of the system's systemd, or of this user's; null where there is none. */
  bus(isUser: boolean): Bus | null
  readonly run: RunProgram
  readonly uid: number
  readonly bootId: string | null
  now(): number
}

type UnitSource = WatcherSource & { readonly kind: 'unit' }

/** Returns the last result of a unit. */
export async function lookAtUnit(source: UnitSource, parts: UnitParts): Promise<Look> {
  switch (parts.platform) {
    case 'linux':
      return lookAtSystemd(source, parts)
    case 'win32':
      return lookAtTask(source, parts)
    case 'darwin':
      return lookAtAgent(source, parts)
    default:
      return { found: null, fault: `units of ${parts.platform} cannot be looked at` }
  }
}

async function lookAtSystemd({ unit, user = false }: UnitSource, parts: UnitParts): Promise<Look> {
  const bus = parts.bus(user)
  if (bus === null)
    return {
      found: null,
      fault: user ? 'this user has no systemd of its own here' : 'this machine does not run systemd',
    }
  const name = /\.[a-z]+$/.test(unit) ? unit : `${unit}.service`
  try {
    // A unit that nothing refers to is loaded by asking for it.
    const [path] = await bus.call({
      ...systemd,
      interface: 'org.freedesktop.systemd1.Manager',
      member: 'LoadUnit',
      args: [name],
    })
    const at = typeof path === 'string' ? path : unitPath(name)
    const properties = async (kind: string): Promise<ReadonlyMap<string, unknown>> => {
      const [list] = await bus.call({
        destination: systemd.destination,
        path: at,
        interface: 'org.freedesktop.DBus.Properties',
        member: 'GetAll',
        args: [`org.freedesktop.systemd1.${kind}`],
      })
      return new Map(list as readonly (readonly [string, unknown])[])
    }
    const [about, own] = await Promise.all([properties('Unit'), properties('Service')])
    if (about.get('LoadState') === 'not-found') return { found: null, fault: `there is no unit ${name}` }
    return { found: resultOfService(name, own), fault: null }
  } catch (error) {
    if (!(error instanceof BusError)) throw error
    return { found: null, fault: error.message }
  }
}

/**
 * Returns the last result that a service's properties tell:
 * https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
 */
export function resultOfService(name: string, properties: ReadonlyMap<string, unknown>): Found | null {
  const micros = (key: string): number => {
    const value = properties.get(key)
    return typeof value === 'number' ? value : 0
  }
  const endedMs = Math.round(micros('ExecMainExitTimestamp') / 1_000)
  const startedMs = Math.round(micros('ExecMainStartTimestamp') / 1_000)
  // A newer start means that it runs now: its end is still to come.
  if (endedMs === 0 || startedMs > endedMs) return null
  const told = properties.get('Result')
  const result = typeof told === 'string' ? told : ''
  const status = properties.get('ExecMainStatus')
  const isGood = result === 'success'
  return {
    key: `${name}@${endedMs}`,
    atMs: endedMs,
    kind: isGood ? 'success' : 'fail',
    exitStatus: typeof status === 'number' && properties.get('ExecMainCode') === 1 ? status : null,
    durationMs: startedMs === 0 ? null : endedMs - startedMs,
    comment: isGood ? `${name} ended well` : `${name} ended with ${result}`,
  }
}

/** Results of tasks that mean neither success nor failure: running, never run, queued (winerror.h, SCHED_S_…). */
const undecided: ReadonlySet<number> = new Set([0x41301, 0x41303, 0x41325])

async function lookAtTask({ unit }: UnitSource, { run }: UnitParts): Promise<Look> {
  const cut = unit.lastIndexOf('\\')
  const folder = cut < 0 ? '\\' : unit.slice(0, cut + 1)
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
  const script = [
    `$i = Get-ScheduledTaskInfo -TaskPath ${quoted(folder)} -TaskName ${quoted(unit.slice(cut + 1))} -ErrorAction Stop;`,
    "@{ at = $i.LastRunTime.ToUniversalTime().ToString('o'); result = $i.LastTaskResult } | ConvertTo-Json -Compress",
  ].join(' ')
  const answer = await run('powershell', ['-NoProfile', '-NonInteractive', '-Command', script])
  if (answer === null) return { found: null, fault: 'PowerShell is not there' }
  if (answer.code !== 0)
    return { found: null, fault: `there is no task ${unit}, or this user may not ask for it` }
  return { found: resultOfTask(unit, answer.output), fault: null }
}

/** Returns the last result that the task scheduler tells of a task. */
export function resultOfTask(unit: string, json: string): Found | null {
  const { at, result } = JSON.parse(json) as { at?: string; result?: number }
  const atMs = Date.parse(at ?? '')
  // A task that never ran has a date of 1999.
  if (!Number.isFinite(atMs) || atMs < Date.UTC(2001) || result === undefined || undecided.has(result))
    return null
  return {
    key: `${unit}@${atMs}`,
    atMs,
    kind: result === 0 ? 'success' : 'fail',
    exitStatus: result > 0 && result <= 255 ? result : null,
    durationMs: null,
    comment: result === 0 ? `${unit} ended well` : `${unit} ended with 0x${result.toString(16)}`,
  }
}

async function lookAtAgent(
  { unit, user = false }: UnitSource,
  { run, uid, bootId, now }: UnitParts,
): Promise<Look> {
  const answer = await run('launchctl', ['print', user ? `gui/${uid}/${unit}` : `system/${unit}`])
  if (answer === null) return { found: null, fault: 'launchctl is not there' }
  if (answer.code !== 0) return { found: null, fault: `launchd knows no ${unit}` }
  return { found: resultOfAgent(unit, answer.output, bootId, now()), fault: null }
}

/** Returns the last result that `launchctl print` tells. It names no times: a run counts from when it is first seen (ms UTC). */
export function resultOfAgent(
  unit: string,
  text: string,
  bootId: string | null,
  nowMs: number,
): Found | null {
  const number = (pattern: RegExp): number | null => {
    const found = pattern.exec(text)?.[1]
    return found === undefined ? null : Number(found)
  }
  const runs = number(/^\s*runs = (\d+)$/m)
  const status = number(/^\s*last exit code = (\d+)/m)
  const isRunning = /^\s*state = running$/m.test(text)
  if (runs === null || runs === 0 || status === null || isRunning) return null
  return {
    // Runs are counted from each boot on.
    key: `${unit}#${bootId ?? ''}#${runs}`,
    atMs: nowMs,
    kind: status === 0 ? 'success' : 'fail',
    exitStatus: status > 0 && status <= 255 ? status : null,
    durationMs: null,
    comment: status === 0 ? `${unit} ended well` : `${unit} ended with ${status}`,
  }
}
