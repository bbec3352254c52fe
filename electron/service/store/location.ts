import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** What decides where data lives; given by parameter so that each platform can be tested on any other. */
export interface Surroundings {
  readonly platform: NodeJS.Platform
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const databaseName = 'watchkeeper.db'

/** Returns the database of a headless service: `~/.watchkeeper/watchkeeper.db` on every platform. */
export function headlessDatabase({ platform, home }: Surroundings): string {
  return pathOf(platform).join(home, '.watchkeeper', databaseName)
}

/**
 * Returns the database of the desktop app: Electron's user-data folder
 * (https://www.electronjs.org/docs/latest/api/app#appgetpathname).
 */
export function desktopDatabase({ platform, home, env }: Surroundings): string {
  const join = pathOf(platform).join
  switch (platform) {
    case 'win32':
      return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Watchkeeper', databaseName)
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'Watchkeeper', databaseName)
    default:
      return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'Watchkeeper', databaseName)
  }
}

/**
 * Returns the database that a command without `-d` means: `WATCHKEEPER_DATABASE`, else the headless one, unless only
 * the desktop app has one, or only its service runs.
 */
export function defaultDatabase(
  surroundings: Surroundings,
  exists: (file: string) => boolean = existsSync,
  isInUse: (file: string) => boolean = () => false,
): string {
  const named = surroundings.env['WATCHKEEPER_DATABASE']
  if (named) return named
  const headless = headlessDatabase(surroundings)
  const desktop = desktopDatabase(surroundings)
  if (!exists(desktop)) return headless
  return !exists(headless) || (isInUse(desktop) && !isInUse(headless)) ? desktop : headless
}

/**
 * Returns the database of the service in the desktop app: `WATCHKEEPER_DATABASE`, else the one in the app's own folder,
 * unless only a headless service has left one.
 */
export function shellDatabase(
  surroundings: Surroundings,
  userData: string,
  exists: (file: string) => boolean = existsSync,
): string {
  const named = surroundings.env['WATCHKEEPER_DATABASE']
  if (named) return named
  const headless = headlessDatabase(surroundings)
  const own = pathOf(surroundings.platform).join(userData, databaseName)
  return !exists(own) && exists(headless) ? headless : own
}

/** The files that stand beside a database and belong to it. */
export interface SideFiles {
  readonly lock: string
  readonly service: string
  readonly key: string
  readonly backups: string
  /** Folder of triggers that could not be delivered while no service ran. */
  readonly spool: string
  /** The file of telemetry records. */
  readonly records: string
  /** Folder of this machine's own records that wait to be sent to another collector. */
  readonly telemetrySpool: string
}

/** Returns the side files of a database; `database` should have gone through {@link canonicalPath}. */
export function sideFiles(database: string): SideFiles {
  return {
    lock: `${database}.lock`,
    service: `${database}.service.json`,
    key: `${database}.key`,
    backups: `${database}.backups`,
    spool: `${database}.spool`,
    records:
      path.basename(database) === databaseName
        ? path.join(path.dirname(database), 'records.db')
        : `${database}.records.db`,
    telemetrySpool: `${database}.telemetry-spool`,
  }
}

/** Returns the absolute path of a file with links resolved, so that two names of one database share one lock. */
export function canonicalPath(file: string): string {
  const absolute = path.resolve(file)
  try {
    return realpathSync(absolute)
  } catch {
    try {
      return path.join(realpathSync(path.dirname(absolute)), path.basename(absolute))
    } catch {
      return absolute
    }
  }
}

function pathOf(platform: NodeJS.Platform): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix
}
