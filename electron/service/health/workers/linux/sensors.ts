import { realpathSync } from 'node:fs'
import path from 'node:path'
import { notOffered, textAt, type Row } from '../../report.ts'
import { numberIn, rounded, type SystemFiles } from '../files.ts'

/** Temperatures, fans and batteries, from the kernel's own folders: https://docs.kernel.org/hwmon/sysfs-interface.html */

interface Chip {
  readonly folder: string
  /** Name that stays the same over boots, while the numbers of the folders do not. */
  readonly name: string
}

function chipsOf(files: SystemFiles): Chip[] {
  const found = files.names('/sys/class/hwmon').map((entry) => {
    const folder = `/sys/class/hwmon/${entry}`
    return { folder, name: files.text(`${folder}/name`)?.trim() ?? entry, device: deviceOf(files, folder) }
  })
  found.sort((a, b) => (a.device < b.device ? -1 : 1))
  const seen = new Map<string, number>()
  return found.map(({ folder, name }) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return { folder, name: count === 1 ? name : `${name} #${count}` }
  })
}

function deviceOf(files: SystemFiles, folder: string): string {
  try {
    return realpathSync(path.join(files.root, folder, 'device'))
  } catch {
    return folder
  }
}

/** Sensors that are not connected say such things as 255 °C, or -273. */
const leastCelsius = -60
const mostCelsius = 200
/** What an input says to which nothing is connected: the end of a signed byte. */
const unconnected: ReadonlySet<number> = new Set([127, 127.5, 128])
/** A limit outside this is a number that nobody has set. */
const leastLimit = 40
const mostLimit = 150

/** Returns each sensor with its own limit; sensors that cannot be believed are left out. */
export async function temperatureRows(files: SystemFiles): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const chip of chipsOf(files))
    for (const input of inputs(files, chip, 'temp')) {
      const celsius = await milli(files, `${input}_input`)
      if (celsius === null || celsius <= leastCelsius || celsius >= mostCelsius) continue
      if (unconnected.has(celsius) || numberIn(files.text(`${input}_fault`)) === 1) continue
      const label = files.text(`${input}_label`)?.trim() || path.basename(input)
      const critical = await milli(files, `${input}_crit`)
      rows.push({
        sensor: `${chip.name} ${label}`,
        celsius: rounded(celsius, 1),
        critical: critical !== null && critical >= leastLimit && critical <= mostLimit ? critical : null,
        chip: chip.name,
        label,
      })
    }
  const named = new Set(rows.map(({ chip }) => chip))
  for (const zone of files.names('/sys/class/thermal').filter((name) => name.startsWith('thermal_zone'))) {
    const kind = files.text(`/sys/class/thermal/${zone}/type`)?.trim() ?? zone
    const celsius = await milli(files, `/sys/class/thermal/${zone}/temp`)
    // The same sensor is often shown in both places.
    if (celsius === null || celsius <= 0 || celsius >= mostCelsius) continue
    if (named.has(kind) || named.has(kind.replaceAll('-', '_'))) continue
    rows.push({ sensor: kind, celsius: rounded(celsius, 1), critical: null, chip: kind, label: zone })
  }
  return rows.length === 0 ? notOffered('no sensor of temperature') : uniqueBy(rows, 'sensor')
}

export async function fanRows(files: SystemFiles): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const chip of chipsOf(files))
    for (const input of inputs(files, chip, 'fan')) {
      const rpm = numberIn(await files.slowText(`${input}_input`))
      if (rpm === null) continue
      const label = files.text(`${input}_label`)?.trim() || path.basename(input)
      rows.push({ fan: `${chip.name} ${label}`, rpm })
    }
  return rows.length === 0 ? notOffered('no fan that tells its speed') : uniqueBy(rows, 'fan')
}

/** Returns the batteries that the machine itself lives on: https://docs.kernel.org/power/power_supply_class.html */
export async function batteryRows(files: SystemFiles): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const name of files.names('/sys/class/power_supply')) {
    const at = (file: string): Promise<string | null> =>
      files.slowText(`/sys/class/power_supply/${name}/${file}`)
    // A mouse has a battery too.
    if ((await at('type'))?.trim() !== 'Battery' || (await at('scope'))?.trim() === 'Device') continue
    const full = numberIn(await at('energy_full')) ?? numberIn(await at('charge_full'))
    const design = numberIn(await at('energy_full_design')) ?? numberIn(await at('charge_full_design'))
    const microwatts = numberIn(await at('power_now'))
    rows.push({
      battery: name,
      percent: numberIn(await at('capacity')),
      state: (await at('status'))?.trim().toLowerCase() ?? 'unknown',
      health_percent:
        full !== null && design !== null && design > 0 ? rounded((100 * full) / design, 1) : null,
      cycles: numberIn(await at('cycle_count')),
      watts: microwatts === null ? null : rounded(microwatts / 1e6),
    })
  }
  return rows.length === 0 ? notOffered('no battery') : rows
}

function inputs(files: SystemFiles, { folder }: Chip, kind: 'temp' | 'fan'): string[] {
  return files
    .names(folder)
    .flatMap((name) => new RegExp(`^(${kind}\\d+)_input$`).exec(name)?.[1] ?? [])
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => `${folder}/${name}`)
}

async function milli(files: SystemFiles, file: string): Promise<number | null> {
  const value = numberIn(await files.slowText(file))
  return value === null ? null : value / 1_000
}

function uniqueBy(rows: readonly Row[], key: string): Row[] {
  const seen = new Map<string, number>()
  return rows.map((row) => {
    const name = textAt(row, key)
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count === 1 ? row : { ...row, [key]: `${name} #${count}` }
  })
}
