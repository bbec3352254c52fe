import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { runProgram, type RunProgram } from './evidence/collect.ts'
import type { MachineSample } from './schema.ts'

/** Where the machine's power comes from, and the charge of its battery in percent. */
export type Power = Pick<MachineSample, 'power' | 'battery'>

const notKnown: Power = { power: null, battery: null }

/**
 * Returns a function that tells the machine's power. Linux tells it in files, which are read each time; macOS and Windows by a
 * program, which is run at most once in `programEveryMs` while the last answer serves.
 */
export function powerReader(
  platform: NodeJS.Platform,
  monotonicMs: () => number,
  run: RunProgram = runProgram,
  suppliesFolder = '/sys/class/power_supply',
): () => Power {
  switch (platform) {
    case 'linux': {
      const supplies = findSupplies(suppliesFolder)
      return () => readSupplies(supplies)
    }
    case 'darwin':
      return askProgram(monotonicMs, async () => parsePmset(await run('/usr/bin/pmset', ['-g', 'batt'])))
    case 'win32':
      return askProgram(monotonicMs, async () => parseWindowsBattery(await run('powershell', windowsQuery)))
    default:
      return () => notKnown
  }
}

/** A battery loses about a percent in this time; a program costs too much to be asked at every stamp. */
const programEveryMs = 120_000

function askProgram(monotonicMs: () => number, ask: () => Promise<Power>): () => Power {
  let last = notKnown
  let askedAtMs = -Infinity
  return () => {
    if (monotonicMs() - askedAtMs >= programEveryMs) {
      askedAtMs = monotonicMs()
      void ask().then((answer) => {
        last = answer
      })
    }
    return last
  }
}

/** Reads what `pmset -g batt` prints (pmset(1)). */
export function parsePmset(text: string): Power {
  const source = /Now drawing from '([^']+)'/.exec(text)?.[1]
  const charge = /(\d{1,3})%;/.exec(text)?.[1]
  return {
    power: source === undefined ? null : source === 'Battery Power' ? 'battery' : 'mains',
    battery: charge === undefined ? null : Number(charge),
  }
}

const windowsQuery = [
  '-NoProfile',
  '-NonInteractive',
  '-Command',
  'Get-CimInstance Win32_Battery | Select-Object -First 1 BatteryStatus,EstimatedChargeRemaining | ConvertTo-Json -Compress',
]

/** Reads a Win32_Battery as JSON; status 1 is discharging (https://learn.microsoft.com/en-us/windows/win32/cimwin32prov/win32-battery). */
export function parseWindowsBattery(text: string): Power {
  try {
    const { BatteryStatus: status, EstimatedChargeRemaining: charge } = JSON.parse(text) as Record<
      string,
      unknown
    >
    return {
      power: typeof status === 'number' ? (status === 1 ? 'battery' : 'mains') : null,
      battery: typeof charge === 'number' ? Math.min(charge, 100) : null,
    }
  } catch {
    return notKnown
  }
}

interface Supply {
  readonly folder: string
  readonly type: string
}

/** Finds the supplies once, so that a machine without a battery pays nothing for it at each stamp. */
function findSupplies(folder: string): Supply[] {
  try {
    return readdirSync(folder)
      .map((name) => path.join(folder, name))
      .map((supply) => ({ folder: supply, type: readText(path.join(supply, 'type')) ?? '' }))
      .filter(({ folder: supply }) => readText(path.join(supply, 'scope')) !== 'Device')
  } catch {
    return []
  }
}

/** Reads mains and battery as https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-power describes them. */
function readSupplies(supplies: readonly Supply[]): Power {
  if (supplies.length === 0) return notKnown
  const batteries = supplies.filter(({ type }) => type === 'Battery')
  const charges = batteries.flatMap(({ folder }) => {
    const charge = Number(readText(path.join(folder, 'capacity')) ?? Number.NaN)
    return Number.isFinite(charge) ? [charge] : []
  })
  const battery =
    charges.length > 0 ? Math.round(charges.reduce((sum, charge) => sum + charge, 0) / charges.length) : null
  const isDischarging = batteries.some(
    ({ folder }) => readText(path.join(folder, 'status')) === 'Discharging',
  )
  if (isDischarging) return { power: 'battery', battery }
  const mains = supplies.filter(({ type }) => type === 'Mains' || type === 'USB')
  const isPlugged = mains.some(({ folder }) => readText(path.join(folder, 'online')) === '1')
  return { power: isPlugged || batteries.length > 0 ? 'mains' : null, battery }
}

function readText(file: string): string | null {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : null
  } catch {
    return null
  }
}
