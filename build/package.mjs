// Makes the packages of the desktop app: `npm run package -- --help` says how.
import { Arch, Platform, build } from 'electron-builder'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import './check-node.mjs'
import { configFor } from './electron-builder.mjs'
import { fetchNatives } from './natives.mjs'
import { root } from './package-contents.mjs'
import { writeNotices } from './third-party-notices.mjs'

const help = `npm run package -- [options]

  --platform <name>      linux, win32 or darwin; this system unless given
  --arch <names>         x64, arm64 or both (x64,arm64); this processor unless given
  --targets <names>      such as dir, deb or AppImage,tar.gz; all of the platform unless given
  --output <folder>      release/<platform>-<arch> is made below it; release unless given
  --electron-dist <dir>  a folder with Electron; without it Electron is downloaded from GitHub
  --publish <when>       never (unless given), onTag or always
`
const platforms = { linux: Platform.LINUX, win32: Platform.WINDOWS, darwin: Platform.MAC }
const processors = ['x64', 'arm64']

function fail(reason, code = 1) {
  process.stderr.write(`package: ${reason}\n`)
  process.exit(code)
}

function options() {
  try {
    return parseArgs({
      options: {
        platform: { type: 'string', default: process.platform },
        arch: { type: 'string', default: process.arch },
        targets: { type: 'string' },
        output: { type: 'string', default: 'release' },
        'electron-dist': { type: 'string' },
        publish: { type: 'string', default: 'never' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return fail(`${error.message.split('.')[0]}; see --help`, 2)
  }
}

const values = options()
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const arches = values.arch.split(',')
if (!Object.hasOwn(platforms, values.platform))
  fail(`--platform: '${values.platform}' is none of ${Object.keys(platforms).join(', ')}`, 2)
for (const arch of arches)
  if (!processors.includes(arch)) fail(`--arch: '${arch}' is none of ${processors.join(', ')}`, 2)
const electronDist = values['electron-dist']
if (electronDist !== undefined && !existsSync(path.join(electronDist, 'version')))
  fail(`--electron-dist: there is no Electron in '${electronDist}'`, 2)

const built = spawnSync(process.execPath, [`${root}build/build.mjs`, '--if-stale'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
writeNotices()
for (const arch of arches) {
  const missing = fetchNatives(values.platform, arch)
  if (missing !== null) fail(missing)
  try {
    await build({
      projectDir: root,
      targets: platforms[values.platform].createTarget(values.targets?.split(',') ?? [], Arch[arch]),
      config: configFor(values.platform, arch, {
        // Each processor has a folder of its own: the lists for updates would take each other's place.
        output: path.join(values.output, `${values.platform}-${arch}`),
        ...(electronDist !== undefined && { electronDist }),
      }),
      publish: values.publish,
    })
  } catch (error) {
    const isAway = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(String(error))
    fail(
      isAway
        ? `Electron or a tool for this target could not be downloaded (${error.message.split('\n')[0]}); --electron-dist names a folder with Electron`
        : error.message,
    )
  }
}
