import { notOffered, type Row } from '../../report.ts'
import type { SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import type { Bus } from '../../../system/bus.ts'
import { systemd } from '../../../system/systemd.ts'
import { packagesRow, type PackageList } from './packages.ts'

const manager = 'org.freedesktop.systemd1.Manager'

/** A unit as `ListUnits…` tells it: https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html */
type UnitTuple = readonly [name: string, description: string, load: string, active: string, sub: string]

/** Lists beyond this would only fill the page. */
const mostUnits = 100

/** Returns true where systemd is process 1: sd_booted(3). */
export function runsSystemd(files: SystemFiles): boolean {
  return files.names('/run/systemd').includes('system')
}

/** Tells of systemd's units without starting a program. `watched` are units that must be active. */
export function servicesWorker(
  files: SystemFiles,
  bus: Bus,
  packages: PackageList,
  watched: () => readonly string[],
): Worker {
  const isThere = (): boolean => runsSystemd(files)
  const away = notOffered('this machine does not run systemd')
  const units = async (
    member: string,
    args: readonly (readonly string[])[],
  ): Promise<readonly UnitTuple[]> => {
    const [list] = await bus.call({ ...systemd, interface: manager, member, args })
    return list as readonly UnitTuple[]
  }
  const property = async (name: string): Promise<unknown> => {
    const [value] = await bus.call({
      ...systemd,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      args: [manager, name],
    })
    return value
  }
  return {
    name: 'Services',
    functions: [
      {
        name: 'Services_failed',
        run: async () =>
          isThere()
            ? (await units('ListUnitsFiltered', [['failed']])).slice(0, mostUnits).map(unitRow)
            : away,
      },
      { name: 'Services_packages', everyMs: 600_000, run: () => packagesRow(packages) },
      {
        name: 'Services_states',
        run: async () => {
          if (!isThere()) return away
          const [state, units, failed] = await Promise.all(
            ['SystemState', 'NNames', 'NFailedUnits'].map(property),
          )
          return [{ system: String(state), units: Number(units), failed: Number(failed) }]
        },
      },
      {
        name: 'Services_watched',
        run: async () => {
          const names = watched().map((name) => (/\.[a-z]+$/.test(name) ? name : `${name}.service`))
          if (names.length === 0) return []
          if (!isThere()) return away
          const found = (await units('ListUnitsByNames', [names])).map(unitRow)
          // systemd says nothing of a name that can be none of its own.
          const missing = names.filter((name) => !found.some(({ unit }) => unit === name))
          return [
            ...found,
            ...missing.map((unit) => ({
              unit,
              active: 'not-found',
              sub: '',
              loaded: 'not-found',
              description: '',
            })),
          ]
        },
      },
    ],
  }
}

function unitRow([unit, description, load, active, sub]: UnitTuple): Row {
  return { unit, active, sub, loaded: load, description }
}
