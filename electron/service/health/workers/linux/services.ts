import { notOffered, type Row } from '../../report.ts'
import type { SystemFiles } from '../files.ts'
import type { Worker } from '../worker.ts'
import type { Bus } from './bus.ts'
import { packagesRow, type PackageList } from './packages.ts'

const systemd = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
} as const
const manager = 'org.freedesktop.systemd1.Manager'

/** A unit as `ListUnits…` tells it: https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html */
type UnitTuple = readonly [name: string, description: string, load: string, active: string, sub: string]

/** Lists beyond this would only fill the page. */
const mostUnits = 100

/** Tells of systemd's units without starting a program. `watched` are units that must be active. */
export function servicesWorker(
  files: SystemFiles,
  bus: Bus,
  packages: PackageList,
  watched: () => readonly string[],
): Worker {
  /** systemd is process 1 where this folder is there: sd_booted(3). */
  const isThere = (): boolean =>
    files.names('/run/systemd/system').length > 0 || files.names('/run/systemd').includes('system')
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
          const names = watched()
          if (names.length === 0) return []
          return isThere() ? (await units('ListUnitsByNames', [names])).map(unitRow) : away
        },
      },
    ],
  }
}

function unitRow([unit, description, load, active, sub]: UnitTuple): Row {
  return { unit, active, sub, loaded: load, description }
}
