// Looks at a packed app before it is signed: what is in it, for which processor, and which fuses it has. By hand:
// `node build/verify-package.mjs <folder> <platform> <processor>`.
import { listPackage, statFile } from '@electron/asar'
import { FuseState, getCurrentFuseWire } from '@electron/fuses'
import { closeSync, existsSync, globSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { executableOf, fuses } from './electron-builder.mjs'
import { allowedInArchive } from './package-contents.mjs'

function resourcesOf(appFolder, platform) {
  return platform === 'darwin'
    ? path.join(appFolder, 'Watchkeeper.app', 'Contents', 'Resources')
    : path.join(appFolder, 'resources')
}

/** Returns the system and processor that a native file is for, by its header; null for anything else. */
function nativeTarget(file) {
  const bytes = Buffer.alloc(1_024)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, bytes, 0, bytes.length, 0)
  } finally {
    closeSync(handle)
  }
  // ELF's e_machine, Mach-O's cputype and COFF's Machine, as their specifications number them.
  if (bytes.readUInt32BE(0) === 0x7f454c46)
    return { 0x3e: 'linux-x64', 0xb7: 'linux-arm64' }[bytes.readUInt16LE(18)] ?? 'linux-other'
  if (bytes.readUInt32LE(0) === 0xfeedfacf)
    return { 0x01000007: 'darwin-x64', 0x0100000c: 'darwin-arm64' }[bytes.readUInt32LE(4)] ?? 'darwin-other'
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    const header = bytes.readUInt32LE(0x3c)
    const machine = header + 6 <= bytes.length ? bytes.readUInt16LE(header + 4) : 0
    return { 0x8664: 'win32-x64', 0xaa64: 'win32-arm64' }[machine] ?? 'win32-other'
  }
  return null
}

/** Returns everything that is not as it should be. */
export async function verifyPackage(appFolder, platform, arch) {
  const resources = resourcesOf(appFolder, platform)
  const archive = path.join(resources, 'app.asar')
  const complaints = []
  const names = listPackage(archive, { isPack: false })
    .map((name) => name.replaceAll('\\', '/').replace(/^\//, ''))
    .filter((name) => !('files' in statFile(archive, path.normalize(name))))
  for (const name of names)
    if (!allowedInArchive.some((allowed) => allowed.test(name)))
      complaints.push(`${name} does not belong into the archive`)
  for (const needed of [
    'package.json',
    'dist/main/main.js',
    'dist/main/preload.cjs',
    'dist/node/service.js',
    'dist/node/cli.js',
    'dist/node/reader-worker.js',
    'dist/node/records-worker.js',
    'dist/node/records-intake-worker.js',
    'dist/node/plugin-worker.js',
    'dist/ui/index.html',
    `node_modules/better-sqlite3/prebuilds/${platform}-${arch}.node`,
    'node_modules/koffi/src/koffi/index.js',
    `node_modules/@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`,
    ...{
      win32: ['dist/icons/tray/up.ico', 'node_modules/node-notifier/vendor/snoreToast/snoretoast-x64.exe'],
      darwin: ['dist/icons/tray/upTemplate.png', 'dist/icons/tray/upTemplate@2x.png'],
      linux: ['dist/icons/tray/up.png', 'dist/icons/tray/up@2x.png', 'dist/icons/app/256x256.png'],
    }[platform],
  ])
    if (!names.includes(needed)) complaints.push(`${needed} is missing`)
  const natives = globSync('**/*.node', { cwd: `${archive}.unpacked` })
  for (const native of natives) {
    const target = nativeTarget(path.join(`${archive}.unpacked`, native))
    if (target !== `${platform}-${arch}`) complaints.push(`${native} is for ${target}`)
  }
  const packedNatives = names.filter((name) => name.endsWith('.node'))
  if (natives.length !== 2 || packedNatives.length !== 2)
    complaints.push(
      `there are ${natives.length} native files beside the archive and ${packedNatives.length} in it; each should be 2`,
    )
  for (const name of globSync('**/*', { cwd: `${archive}.unpacked`, withFileTypes: true }))
    if (name.isFile() && !/\.node$|[\\/]vendor([\\/]|$)/.test(path.join(name.parentPath, name.name)))
      complaints.push(`${name.name} must not lie outside of the archive`)
  for (const needed of [
    'third-party-notices.txt',
    path.join('bin', platform === 'win32' ? 'watchkeeper.cmd' : 'watchkeeper'),
  ])
    if (!existsSync(path.join(resources, needed))) complaints.push(`${needed} is missing`)
  const wire = await getCurrentFuseWire(executableOf(appFolder, platform))
  for (const [fuse, isOn] of Object.entries(fuses))
    if (wire[fuse] !== (isOn ? FuseState.ENABLE : FuseState.DISABLE))
      complaints.push(`fuse ${fuse} is ${wire[fuse]}`)
  return complaints
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const complaints = await verifyPackage(...process.argv.slice(2, 5))
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`)
  process.exit(complaints.length === 0 ? 0 : 1)
}
