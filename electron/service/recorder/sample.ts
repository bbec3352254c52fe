import { readdirSync, readFileSync, existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { MachineSample } from './schema.ts'

const powerSupplies = '/sys/class/power_supply'

/**
 * Returns a function that samples the machine without starting any program. Where power supplies are looked for is
 * decided once, so that a machine without a battery pays nothing for it.
 */
export function machineSampler(
  platform: NodeJS.Platform = process.platform,
  suppliesFolder: string = powerSupplies,
): () => MachineSample {
  const supplies = platform === 'linux' ? findSupplies(suppliesFolder) : []
  return () => ({
    load: platform === 'win32' ? null : Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    memoryFree: os.freemem(),
    memoryTotal: os.totalmem(),
    ...readPower(supplies),
  })
}

interface Supply {
  readonly folder: string
  readonly type: string
}

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
function readPower(supplies: readonly Supply[]): Pick<MachineSample, 'power' | 'battery'> {
  if (supplies.length === 0) return { power: null, battery: null }
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

/** Returns the system's name and build, such as `Linux 6.1.0-18-amd64 #1 SMP …`. */
export function systemBuild(): string {
  return `${os.type()} ${os.release()} ${os.version()}`.slice(0, 200)
}
