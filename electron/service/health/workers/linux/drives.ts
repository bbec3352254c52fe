import type { Clock } from '../../../clock.ts'
import { notOffered, type Row } from '../../report.ts'
import { numberIn, type SystemFiles } from '../files.ts'
import type { RunProgram } from '../../../system/programs.ts'
import { asleepWords, smartOf, type Smart } from '../smart.ts'

/** Drives with what they say of their own health. */

const drives = /^(?:sd[a-z]+|nvme\d+n\d+|vd[a-z]+|xvd[a-z]+|hd[a-z]+|mmcblk\d+)$/
/** How often (ms) drives are asked by smartctl: it is a program, and wakes what sleeps lightly. */
const smartEveryMs = 6 * 3_600_000

export interface DriveWatch {
  rows(): Promise<readonly Row[]>
}

export function createDriveWatch(
  files: SystemFiles,
  clock: Clock,
  run: RunProgram,
  isWanted: () => boolean,
): DriveWatch {
  let asked: { readonly atMs: number; readonly found: ReadonlyMap<string, Smart | string> } | null = null
  /** A drive is known by more than the name it happens to have. */
  const identity = (name: string): string =>
    ['wwid', 'device/wwid', 'device/model', 'size']
      .map((file) => files.text(`/sys/block/${name}/${file}`)?.trim() ?? '')
      .join(' ')
  let identities: ReadonlyMap<string, string> = new Map()

  const askAll = async (names: readonly string[]): Promise<ReadonlyMap<string, Smart | string>> => {
    const found = new Map<string, Smart | string>()
    for (const name of names.filter((one) => /^(?:sd|hd|nvme)/.test(one))) {
      // A drive that sleeps is let sleep: smartctl(8), --nocheck.
      const done = await run('smartctl', ['--json', '--nocheck=standby', '-a', `/dev/${name}`])
      if (done === null) return new Map(names.map((one) => [one, 'smartctl is not installed']))
      found.set(name, smartOf(done.output))
    }
    return found
  }

  return {
    async rows() {
      const names = files.names('/sys/block').filter((name) => drives.test(name))
      if (names.length === 0) return notOffered('no drive of its own')
      const nowMs = clock.glance().monotonicMs
      const known = identities
      const isSame = (name: string): boolean => known.get(name) === identity(name)
      const isKnown =
        asked !== null && names.every((name) => (asked?.found.has(name) ?? false) && isSame(name))
      if (isWanted() && (!isKnown || asked === null || nowMs - asked.atMs >= smartEveryMs)) {
        const found = await askAll(names)
        const earlier = asked?.found
        // A drive that sleeps now keeps what it said when it was awake.
        const kept = [...found].map(([name, said]): [string, Smart | string] => {
          const was = earlier?.get(name)
          return [name, said === asleepWords && was !== undefined && isSame(name) ? was : said]
        })
        identities = new Map(names.map((name) => [name, identity(name)]))
        asked = {
          atMs: nowMs,
          found: new Map([...names.map((name): [string, string] => [name, 'it is not asked']), ...kept]),
        }
      }
      return names.map((name) =>
        driveRow(files, name, isWanted() ? asked?.found.get(name) : 'smartctl is switched off'),
      )
    },
  }
}

function driveRow(files: SystemFiles, name: string, said: Smart | string | undefined): Row {
  const at = (file: string): string | null => files.text(`/sys/block/${name}/${file}`)
  const sectors = numberIn(at('size'))
  const rotates = numberIn(at('queue/rotational'))
  const smart = typeof said === 'object' ? said : null
  return {
    drive: name,
    model: (at('device/model') ?? at('device/name'))?.trim() ?? null,
    bytes: sectors === null ? null : sectors * 512,
    rotating: rotates === null ? null : rotates === 1,
    smart: smart?.state ?? null,
    // What turns does not wear as flash does, whatever its firmware counts under such a number.
    worn_percent: rotates === 1 ? null : (smart?.wornPercent ?? flashWear(at('device/life_time'))),
    celsius: smart?.celsius ?? null,
    hours: smart?.hours ?? null,
    reallocated: smart?.reallocated ?? null,
    pending: smart?.pending ?? null,
    media_errors: smart?.mediaErrors ?? null,
    note: typeof said === 'string' ? said : null,
  }
}

/** eMMC tells its wear in tenths, `0x0B` beyond all: https://docs.kernel.org/driver-api/mmc/mmc-dev-attrs.html */
function flashWear(text: string | null): number | null {
  const tenths = (text?.match(/0x[0-9a-fA-F]{2}/g) ?? []).map(Number).filter((value) => value > 0)
  return tenths.length === 0 ? null : Math.max(...tenths) * 10
}

/** Reads `/proc/mdstat`: each array with how many of its drives work. */
export function raidRows(text: string | null): readonly Row[] {
  if (text === null) return notOffered('no arrays of drives')
  const rows: Row[] = []
  for (const block of text.split(/\n(?=md\S* :)/)) {
    const [, array, state, level] =
      /^(md\S*) : (\S+)(?: \([^)]*\))? (?:(raid\d+|linear|multipath)\b)?/.exec(block) ?? []
    if (array === undefined) continue
    const [, wanted, working] = /\[(\d+)\/(\d+)\]/.exec(block) ?? []
    const doing = /(resync|recovery|reshape|check)\s*=\s*([\d.]+)%/.exec(block)
    rows.push({
      array,
      level: level ?? null,
      state: state ?? 'unknown',
      drives: wanted === undefined ? null : Number(wanted),
      working: working === undefined ? null : Number(working),
      missing:
        wanted === undefined || working === undefined
          ? deadOf(block, state)
          : Number(wanted) - Number(working),
      doing: doing === null ? null : `${doing[1] ?? ''} ${doing[2] ?? ''} %`,
    })
  }
  return rows.length === 0 ? notOffered('no arrays of drives') : rows
}

/** An array that was not put together, or of which a part is gone, lacks at least one drive; containers are never active. */
function deadOf(block: string, state: string | undefined): number {
  return (state === 'inactive' && !/external:/.test(block)) || state === 'broken' ? 1 : 0
}
