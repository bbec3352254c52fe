import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import path from 'node:path'
import { notOffered, type Row } from '../../report.ts'
import type { SystemFiles } from '../files.ts'

/** Which packages are installed, from the package managers' own files. */

export interface Packages {
  readonly manager: string
  /** Versions by name. */
  readonly versions: ReadonlyMap<string, string>
  readonly digest: string
}

export interface PackageList {
  /** Returns the packages; null where no known manager keeps them. What has not changed is not read again. */
  read(): Promise<Packages | null>
}

/** Reads dpkg's status file: deb-status is a list of stanzas, of which those that are installed count. */
export function parseDpkg(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const stanza of text.split('\n\n')) {
    if (!/^Status: \S+ \S+ installed$/m.test(stanza)) continue
    const name = /^Package: (\S+)$/m.exec(stanza)?.[1]
    const version = /^Version: (\S+)$/m.exec(stanza)?.[1]
    const architecture = /^Architecture: (\S+)$/m.exec(stanza)?.[1]
    if (name === undefined || version === undefined) continue
    const key = found.has(name) ? `${name}:${architecture ?? ''}` : name
    found.set(key, version)
  }
  return found
}

/** Reads apk's list of Alpine Linux: `P:` names, `V:` versions. */
export function parseApk(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n\n').flatMap((stanza): [string, string][] => {
      const name = /^P:(.+)$/m.exec(stanza)?.[1]
      const version = /^V:(.+)$/m.exec(stanza)?.[1]
      return name !== undefined && version !== undefined ? [[name, version]] : []
    }),
  )
}

/** Reads the names of pacman's folders, such as `bash-5.2.037-1`. */
export function parsePacman(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    names.flatMap((folder): [string, string][] => {
      const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(folder) ?? []
      return name !== undefined && version !== undefined ? [[name, version]] : []
    }),
  )
}

const places = [
  { manager: 'dpkg', file: '/var/lib/dpkg/status', parse: parseDpkg },
  { manager: 'apk', file: '/lib/apk/db/installed', parse: parseApk },
] as const
const pacmanFolder = '/var/lib/pacman/local'

export function createPackageList(files: SystemFiles): PackageList {
  let known: { readonly stamp: string; readonly packages: Packages } | null = null
  const remember = (manager: string, stamp: string, versions: ReadonlyMap<string, string>): Packages => {
    const text = [...versions].map((pair) => pair.join(' ')).sort()
    const digest = createHash('sha256').update(text.join('\n')).digest('hex')
    known = { stamp, packages: { manager, versions, digest } }
    return known.packages
  }
  return {
    async read() {
      for (const { manager, file, parse } of places) {
        const stamp = stampOf(files, file)
        if (stamp === null) continue
        if (known?.stamp === stamp) return known.packages
        const text = await files.slowText(file)
        if (text !== null) return remember(manager, stamp, parse(text))
      }
      const stamp = stampOf(files, pacmanFolder)
      if (stamp === null) return null
      return known?.stamp === stamp
        ? known.packages
        : remember('pacman', stamp, parsePacman(files.names(pacmanFolder)))
    },
  }
}

function stampOf(files: SystemFiles, file: string): string | null {
  try {
    const { mtimeMs, size, ino } = statSync(path.join(files.root, file))
    return `${file} ${mtimeMs} ${size} ${ino}`
  } catch {
    return null
  }
}

export async function packagesRow(list: PackageList): Promise<readonly Row[]> {
  const packages = await list.read()
  if (packages === null) return notOffered('no list of packages by dpkg, apk or pacman')
  return [{ manager: packages.manager, packages: packages.versions.size, digest: packages.digest }]
}
