// Fetches the native package of another system, which `npm ci` leaves out; the version is that of the lockfile.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { koffiPackage, nativesFolder, root } from './package-contents.mjs'

/** Makes sure that the natives for a target are there. Returns why they are not, or null. */
export function fetchNatives(platform, arch) {
  const name = koffiPackage(platform, arch)
  if (existsSync(path.join(root, 'node_modules', name, 'package.json'))) return null
  const folder = nativesFolder(platform, arch)
  if (existsSync(path.join(folder, 'node_modules', name, 'package.json'))) return null
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))
  const { version, integrity } = packages[`node_modules/${name}`] ?? {}
  if (version === undefined) return `the lockfile does not know ${name}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: { [name]: version } }),
  )
  // The integrity that was locked holds here as well.
  writeFileSync(
    path.join(folder, 'package-lock.json'),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: { [name]: version } },
        [`node_modules/${name}`]: { version, integrity },
      },
    }),
  )
  const npm = spawnSync(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', `--os=${platform}`, `--cpu=${arch}`],
    { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' },
  )
  if (npm.status === 0) return null
  return `${name} could not be fetched: ${(npm.stderr || npm.error?.message || '').trim().split('\n').at(-1)}`
}
