// Makes the packages of the desktop app: `npm run package -- [--platform linux|win32|darwin] [--arch x64|arm64|x64,arm64] [--dir]`.
import { Arch, Platform, build } from 'electron-builder'
import { spawnSync } from 'node:child_process'
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
    dir: { type: 'boolean', default: false },
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
  const config = configFor(values.platform, arch)
  await build({
    projectDir: root,
    targets: platform.createTarget(values.dir ? ['dir'] : [], Arch[arch]),
    config,
    publish: values.publish,
  })
}
