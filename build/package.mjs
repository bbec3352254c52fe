// Makes the packages of the desktop app: `npm run package -- [--platform linux|win32|darwin] [--arch x64,arm64] [--targets dir]`.
// `--electron-dist` names a folder with Electron where it is not to be downloaded.
import { Arch, Platform, build } from 'electron-builder'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import './check-node.mjs'
import { configFor } from './electron-builder.mjs'
import { fetchNatives } from './natives.mjs'
import { root } from './package-contents.mjs'
import { writeNotices } from './third-party-notices.mjs'

const { values } = parseArgs({
  options: {
    platform: { type: 'string', default: process.platform },
    arch: { type: 'string', default: process.arch },
    targets: { type: 'string' },
    output: { type: 'string', default: 'release' },
    'electron-dist': { type: 'string' },
    publish: { type: 'string', default: 'never' },
  },
})
const platforms = { linux: Platform.LINUX, win32: Platform.WINDOWS, darwin: Platform.MAC }
const platform = platforms[values.platform]
if (!platform) {
  process.stderr.write(`--platform: '${values.platform}' is none of ${Object.keys(platforms).join(', ')}\n`)
  process.exit(2)
}
const built = spawnSync(process.execPath, [`${root}build/build.mjs`, '--if-stale'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
writeNotices()
for (const arch of values.arch.split(',')) {
  if (Arch[arch] === undefined) {
    process.stderr.write(`--arch: '${arch}' is not a processor\n`)
    process.exit(2)
  }
  const missing = fetchNatives(values.platform, arch)
  if (missing !== null) {
    process.stderr.write(`${missing}\n`)
    process.exit(1)
  }
  const config = configFor(values.platform, arch, {
    // Each processor has a folder of its own: the lists for updates would take each other's place.
    output: path.join(values.output, `${values.platform}-${arch}`),
    ...(values['electron-dist'] !== undefined && { electronDist: values['electron-dist'] }),
  })
  await build({
    projectDir: root,
    targets: platform.createTarget(values.targets?.split(',') ?? [], Arch[arch]),
    config,
    publish: values.publish,
  })
}
