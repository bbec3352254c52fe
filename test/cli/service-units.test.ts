import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { absolutePaths } from '../../electron/cli/own-command.ts'
import { launchdUnit } from '../../electron/cli/units/launchd.ts'
import { systemdUnit } from '../../electron/cli/units/systemd.ts'
import { taskUnit } from '../../electron/cli/units/task-scheduler.ts'
import type { UnitParts } from '../../electron/cli/units/unit.ts'
import { command, runCli } from '../support/cli.ts'
import { hasProgram } from '../support/private-bus.ts'
import { tellSkipped } from '../support/skipped.ts'
import { temporaryFolder } from '../support/temporary.ts'

const parts = (change: Partial<UnitParts> = {}): UnitParts => ({
  command: [process.execPath, '/opt/watch keeper/watchkeeper.js', 'serve', '-d', '/var/lib/w k/50%.db'],
  database: '/var/lib/w k/50%.db',
  missingFolders: ['/var/lib/w k'],
  mayEcho: true,
  files: new Map(),
  scope: 'system',
  user: null,
  home: '/home/me',
  ...change,
})
const canVerify = hasProgram('systemd-analyze')
if (!canVerify) tellSkipped('units are not verified: systemd-analyze is missing (Debian: systemd)')
const canTrace = canVerify && hasProgram('strace')
if (!canTrace) tellSkipped('what a unit lets through is not compared: strace is missing (Debian: strace)')

/** Returns the calls of a set of systemd's, with the sets within it. */
function callsOf(word: string): string[] {
  if (!word.startsWith('@')) return [word]
  const { stdout } = spawnSync('systemd-analyze', ['syscall-filter', word], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(callsOf)
}

describe('the unit for systemd', () => {
  it.skipIf(!canVerify).each([
    ['of the system', parts()],
    ['of the system, run by another user', parts({ user: 'daemon' })],
    ['of a user', parts({ scope: 'user' })],
  ])('%s is one that systemd-analyze has nothing against', (_, given) => {
    const file = path.join(temporaryFolder(), 'watchkeeper.service')
    writeFileSync(file, systemdUnit(given).text)
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', ...(given.scope === 'user' ? ['--user'] : []), file],
      { encoding: 'utf8' },
    )
    expect(stderr.split('\n').filter((line) => line.includes('watchkeeper.service'))).toEqual([])
    // Without a session, a user's manager has nowhere for its files, and says so.
    if (given.scope === 'system') expect(status).toBe(0)
  })

  it('lets the service write wherever its options tell it to', () => {
    const { text } = systemdUnit(parts({ files: new Map([['--health-log', '/var/log/wk/report.log']]) }))
    // One that is not there must not keep the service from starting.
    expect(text).toContain('ReadWritePaths="/var/lib/w k" -/var/log/wk\n')
    expect(absolutePaths(['--health-log', 'r.log', '--log=x.log', '--listen', '1:2'])).toEqual([
      '--health-log',
      path.resolve('r.log'),
      `--log=${path.resolve('x.log')}`,
      '--listen',
      '1:2',
    ])
  })

  it('is made with every folder that it may write to and that is missing, for who runs it', () => {
    const { install } = systemdUnit(
      parts({
        user: 'watch',
        missingFolders: ['/var/lib/w k', '/var/log/wk'],
        files: new Map([['-l', '/var/log/wk/x']]),
      }),
    )
    expect(install[0]).toEqual(['install', '-d', '-m', '0700', '-o', 'watch', '/var/lib/w k', '/var/log/wk'])
  })

  it.skipIf(!canVerify).each([
    // Figures of systemd 252, on which 100 is wide open; root must read everything, and drives.
    ['of the system, run by another user', parts({ user: 'daemon' }), 30],
    ['of the system, run by root', parts(), 45],
    ['of a user', parts({ scope: 'user' }), 80],
  ])('%s is as closed as its work allows', (_, given, most) => {
    const file = path.join(temporaryFolder(), 'watchkeeper.service')
    writeFileSync(file, systemdUnit(given).text)
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${most}`, '--no-pager', file],
      { encoding: 'utf8' },
    )
    expect([status, stdout.trim().split('\n').at(-1)]).toEqual([0, expect.any(String)])
  })

  it('of a user leaves ping its rights where echoes are sent by it', () => {
    expect(systemdUnit(parts({ scope: 'user' })).text).toContain('NoNewPrivileges=yes\n')
    expect(systemdUnit(parts({ scope: 'user', mayEcho: false })).text).not.toMatch(
      /^(?:NoNew|Restrict[A-RT-Z])/m,
    )
  })

  it.skipIf(!canTrace)(
    'allows every call that the service makes',
    async () => {
      const folder = temporaryFolder()
      const trace = path.join(folder, 'trace')
      const database = path.join(folder, 'w.db')
      const serve = spawn(
        'strace',
        // With -D it is the service that is our child.
        [
          '-D',
          '-f',
          '-qq',
          '-o',
          trace,
          process.execPath,
          command,
          'serve',
          '-d',
          database,
          '--listen',
          '127.0.0.1:0',
        ],
        { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: folder } },
      )
      const ended = new Promise((resolve) => serve.on('close', resolve))
      onTestFinished(() => void serve.kill('SIGKILL'))
      const health = async (): Promise<string> => (await runCli(['health', 'status', '-d', database])).stdout
      while (!(await health()).includes('Processor'));
      serve.kill('SIGTERM')
      await ended
      const filter = /^SystemCallFilter=(.*)$/m.exec(systemdUnit(parts()).text)?.[1]?.split(' ') ?? []
      const allowed = new Set(filter.flatMap(callsOf))
      // The ends of calls that were interrupted stand on lines of their own.
      const made = new Set(
        readFileSync(trace, 'utf8')
          .split('\n')
          .flatMap((line) => /^\d+\s+([a-z_0-9]+)\(/.exec(line)?.[1] ?? []),
      )
      expect(made.size).toBeGreaterThan(40)
      expect([...made].filter((call) => !allowed.has(call))).toEqual([])
    },
    60_000,
  )

  it('waits for our word, watches over us, and names what is run so that systemd reads it right', () => {
    const { text, file, install } = systemdUnit(parts({ user: 'watch' }))
    expect(file).toBe('/etc/systemd/system/watchkeeper.service')
    for (const line of [
      'Type=notify',
      'WatchdogSec=60',
      'Restart=on-failure',
      'User=watch',
      'ProtectSystem=strict',
      'ReadWritePaths="/var/lib/w k"',
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).toContain(
      `ExecStart=${process.execPath} "/opt/watch keeper/watchkeeper.js" serve -d "/var/lib/w k/50%%.db"\n`,
    )
    expect(install).toEqual([
      ['install', '-d', '-m', '0700', '-o', 'watch', '/var/lib/w k'],
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', 'watchkeeper.service'],
      ['systemctl', 'restart', 'watchkeeper.service'],
    ])
    expect(systemdUnit(parts({ scope: 'user' })).install[0]).toEqual(['systemctl', '--user', 'daemon-reload'])
  })
})

describe('the unit for launchd', () => {
  it('is a property list that starts us at login, and again after a crash', () => {
    const { text, file, install } = launchdUnit(parts({ scope: 'user', home: '/Users/me & you' }), 501)
    expect(XMLValidator.validate(text)).toBe(true)
    expect(file).toBe('/Users/me & you/Library/LaunchAgents/io.github.watchkeeper.Watchkeeper.service.plist')
    const { plist } = new XMLParser().parse(text) as { plist: { dict: { array: { string: string[] } } } }
    expect(plist.dict.array.string).toEqual([...parts().command, '--log', '/var/lib/w k/50%.db.log'])
    expect(install).toEqual([['launchctl', 'bootstrap', 'gui/501', file]])
  })
})

describe('the task for Windows', () => {
  it('is XML whose arguments are quoted as Windows takes them apart', () => {
    const { text, install } = taskUnit(
      parts({
        command: ['C:\\Program Files\\node.exe', 'C:\\w k\\a.js', 'serve', '-d', 'C:\\Data & more\\w.db'],
        database: 'C:\\Data & more\\w.db',
        user: 'me',
        scope: 'user',
      }),
    )
    expect(XMLValidator.validate(text)).toBe(true)
    const task = new XMLParser().parse(text) as {
      Task: { Actions: { Exec: { Command: string; Arguments: string } } }
    }
    expect(task.Task.Actions.Exec).toEqual({
      Command: 'C:\\Program Files\\node.exe',
      Arguments: '"C:\\w k\\a.js" serve -d "C:\\Data & more\\w.db" --log "C:\\Data & more\\w.db.log"',
    })
    expect(install[0]?.slice(0, 4)).toEqual(['schtasks', '/Create', '/TN', 'Watchkeeper'])
  })
})

const isLinux = process.platform === 'linux'
if (!isLinux)
  tellSkipped('`watchkeeper service` is tried with a script that stands in for systemctl, on Linux')

describe.skipIf(!isLinux)('watchkeeper service', () => {
  /** A systemctl that says what it is told and does what the test wants. */
  function fakeSystemctl(code: number): { readonly path: string; readonly said: () => string } {
    const folder = temporaryFolder()
    const log = path.join(folder, 'said')
    writeFileSync(
      path.join(folder, 'systemctl'),
      `#!/bin/sh\necho "$@" >> ${log}\n[ ${code} = 0 ] || echo "Failed: no bus" >&2\nexit ${code}\n`,
      { mode: 0o755 },
    )
    return {
      path: `${folder}:${process.env['PATH'] ?? ''}`,
      said: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    }
  }
  const homeOf = (): string => {
    const home = path.join(temporaryFolder(), 'home')
    mkdirSync(home)
    return home
  }

  it('prints the unit and what would be run, and changes nothing, until it is told yes', async () => {
    const home = homeOf()
    const systemctl = fakeSystemctl(0)
    const env = { HOME: home, PATH: systemctl.path }
    const dry = await runCli(['service', 'install', '--user', '--dry-run', '--', '--listen', '127.0.0.1:9'], {
      env,
    })
    expect(dry.code).toBe(0)
    expect(dry.stdout).toContain('Type=notify')
    expect(dry.stdout).toContain('serve -d ')
    expect(dry.stdout).toContain(' --listen 127.0.0.1:9\n')
    expect(dry.stdout).toContain('$ systemctl --user enable watchkeeper.service')
    expect(await runCli(['service', 'install', '--user'], { env })).toMatchObject({
      code: 2,
      stderr: 'watchkeeper: nothing was changed: say --yes to do it, or --dry-run to look\n',
    })
    expect(existsSync(path.join(home, '.config'))).toBe(false)
    expect(systemctl.said()).toBe('')
  }, 30_000)

  it('installs and removes, leaving what was recorded', async () => {
    const home = homeOf()
    const systemctl = fakeSystemctl(0)
    const env = { HOME: home, PATH: systemctl.path }
    const file = path.join(home, '.config/systemd/user/watchkeeper.service')
    expect(await runCli(['service', 'install', '--user', '--yes'], { env })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(readFileSync(file, 'utf8')).toContain('ExecStart=')
    expect(await runCli(['service', 'remove', '--user', '--yes'], { env })).toMatchObject({ code: 0 })
    expect(existsSync(file)).toBe(false)
    expect(systemctl.said().split('\n').slice(0, 5)).toEqual([
      '--user daemon-reload',
      '--user enable watchkeeper.service',
      '--user restart watchkeeper.service',
      '--user disable --now watchkeeper.service',
      '--user daemon-reload',
    ])
    expect(await runCli(['service', 'remove', '--user', '--yes'], { env })).toMatchObject({ code: 1 })
  }, 30_000)

  it('leaves nothing half done when the service manager refuses', async () => {
    const home = homeOf()
    const env = { HOME: home, PATH: fakeSystemctl(1).path }
    expect(await runCli(['service', 'install', '--user', '--yes'], { env })).toMatchObject({
      code: 1,
      stderr: 'watchkeeper: systemctl --user daemon-reload failed: Failed: no bus\n',
    })
    expect(existsSync(path.join(home, '.config/systemd/user/watchkeeper.service'))).toBe(false)
  }, 30_000)
})
