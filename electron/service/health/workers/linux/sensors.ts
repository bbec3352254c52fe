import { realpathSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../../clock.ts'
import { notOffered, textAt, type Row } from '../../report.ts'
import { numberIn, rounded, shared, type SystemFiles } from '../files.ts'

/** Temperatures, fans and batteries, from the kernel's own folders: https://docs.kernel.org/hwmon/sysfs-interface.html */

interface Chip {
  readonly folder: string
  /** Name that stays the same over boots, while the numbers of the folders do not. */
  readonly name: string
  /** What node_exporter calls it: the kind and the name of its device. */
  readonly nodeName: string
}

function chipsOf(files: SystemFiles): Chip[] {
  const found = files.names('/sys/class/hwmon').map((entry) => {
    const folder = `/sys/class/hwmon/${entry}`
    return { folder, name: files.text(`${folder}/name`)?.trim() ?? entry, device: deviceOf(files, folder) }
  })
  found.sort((a, b) => (a.device < b.device ? -1 : 1))
  const seen = new Map<string, number>()
  return found.map(({ folder, name, device }) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return {
      folder,
      name: count === 1 ? name : `${name} #${count}`,
      nodeName: device === folder ? nodeWord(name) : nodeChip(device),
    }
  })
}

/** `platform_coretemp_0` for `/sys/devices/platform/coretemp.0`. */
function nodeChip(device: string): string {
  return [path.basename(path.dirname(device)), path.basename(device)].map(nodeWord).filter(Boolean).join('_')
}

const nodeWord = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, '_')
    .replace(/^_+|_+$/g, '')

function deviceOf(files: SystemFiles, folder: string): string {
  try {
    const device = realpathSync(path.join(files.root, folder, 'device'))
    return path.join('/', path.relative(realpathSync(files.root), device))
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

/** An input of a chip, with what does not change of it. */
interface Input {
  readonly chip: string
  readonly nodeChip: string
  readonly label: string
  readonly file: string
  readonly critical: number | null
}

/** The sensors of a machine, looked for now and then, and read for each report. */
export interface Sensors {
  temperatures(): Promise<readonly Row[]>
  fans(): Promise<readonly Row[]>
  zones(): Promise<readonly Row[]>
}

/** A stick with a sensor may be plugged in at any time, but not every ten seconds. */
const lookMs = 60_000
const sameMs = 500

export function createSensors(files: SystemFiles, clock: Clock): Sensors {
  const chips = shared(clock, lookMs, () => chipsOf(files))
  const temperatures = shared(clock, lookMs, () => inputsOf(files, chips(), 'temp'))
  const fans = shared(clock, lookMs, () => inputsOf(files, chips(), 'fan'))
  const zones = shared(clock, lookMs, () => zonesOf(files))
  // Two functions of a report tell of them.
  const heat = shared(clock, sameMs, () => zoneHeat(files, zones()))
  return {
    temperatures: async () => temperatureRows(files, await temperatures(), await heat()),
    fans: async () => fanRows(files, await fans()),
    zones: async () => {
      const found = await heat()
      return found.length === 0 ? notOffered('no thermal zone') : found.map((zone) => ({ ...zone }))
    },
  }
}

async function inputsOf(
  files: SystemFiles,
  chips: readonly Chip[],
  kind: 'temp' | 'fan',
): Promise<readonly Input[]> {
  const found: Input[] = []
  for (const chip of chips)
    for (const input of inputs(files, chip, kind)) {
      const critical = kind === 'temp' ? await milli(files, `${input}_crit`) : null
      found.push({
        chip: chip.name,
        nodeChip: chip.nodeName,
        label: files.text(`${input}_label`)?.trim() || path.basename(input),
        file: input,
        critical: critical !== null && critical >= leastLimit && critical <= mostLimit ? critical : null,
      })
    }
  return found
}

/** A part of the machine whose heat the kernel itself looks after: https://docs.kernel.org/driver-api/thermal/sysfs-api.html */
interface Zone {
  readonly zone: string
  readonly type: string
}

function zonesOf(files: SystemFiles): readonly Zone[] {
  return files.names('/sys/class/thermal').flatMap((name): Zone[] => {
    const zone = /^thermal_zone(\d+)$/.exec(name)?.[1]
    if (zone === undefined) return []
    return [{ zone, type: files.text(`/sys/class/thermal/${name}/type`)?.trim() ?? name }]
  })
}

async function zoneHeat(
  files: SystemFiles,
  zones: readonly Zone[],
): Promise<readonly (Zone & { readonly celsius: number })[]> {
  const found: (Zone & { readonly celsius: number })[] = []
  for (const one of zones) {
    const celsius = await milli(files, `/sys/class/thermal/thermal_zone${one.zone}/temp`)
    if (celsius !== null && celsius > 0 && celsius < mostCelsius)
      found.push({ ...one, celsius: rounded(celsius, 1) })
  }
  return found
}

/** Returns each sensor with its own limit; sensors that cannot be believed are left out. */
async function temperatureRows(
  files: SystemFiles,
  found: readonly Input[],
  zones: Awaited<ReturnType<typeof zoneHeat>>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { chip, nodeChip: node, label, file, critical } of found) {
    const celsius = await milli(files, `${file}_input`)
    if (celsius === null || celsius <= leastCelsius || celsius >= mostCelsius) continue
    if (unconnected.has(celsius)) continue
    rows.push({
      sensor: `${chip} ${label}`,
      celsius: rounded(celsius, 1),
      critical,
      chip,
      label,
      hwmon_chip: node,
      hwmon_sensor: path.basename(file),
    })
  }
  const named = new Set(rows.map(({ chip }) => chip))
  for (const { zone, type, celsius } of zones) {
    // The same sensor is often shown in both places.
    if (named.has(type) || named.has(type.replaceAll('-', '_'))) continue
    rows.push({ sensor: type, celsius, critical: null, chip: type, label: `thermal_zone${zone}` })
  }
  return rows.length === 0 ? notOffered('no sensor of temperature') : uniqueBy(rows, 'sensor')
}

async function fanRows(files: SystemFiles, found: readonly Input[]): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { chip, label, file } of found) {
    const rpm = numberIn(await files.slowText(`${file}_input`))
    if (rpm !== null) rows.push({ fan: `${chip} ${label}`, rpm })
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
