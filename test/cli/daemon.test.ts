import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseDaemonConfig } from '../../electron/cli/daemon/config.ts'
import { isAlive, runningPid, takePidfile } from '../../electron/cli/daemon/pidfile.ts'
import { runCli, startServe, type CliResult } from '../support/cli.ts'
import { hasProgram } from '../support/private-bus.ts'
import { tellSkipped } from '../support/skipped.ts'
import { temporaryFolder } from '../support/temporary.ts'

const isLinux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0
if (!isRoot)
  tellSkipped('what other users are told of a daemon is not tried: only root can become another user')
if (!isLinux) tellSkipped('what a daemon holds is not looked at: only Linux shows it in /proc')

interface Daemon {
  readonly database: string
  readonly pidfile: string
  readonly log: string
  run(what: string, ...more: readonly string[]): Promise<CliResult>
  pid(): number
}

/** Where a daemon of a test lives; it is ended with the test, whatever happens. */
function daemonIn(folder = temporaryFolder()): Daemon {
  const database = path.join(folder, 'w.db')
  const pidfile = `${database}.pid`
  onTestFinished(async () => {
    await runCli(['daemon', 'stop', '-d', database])
  })
  return {
    database,
    pidfile,
    log: `${database}.log`,
    run: (what, ...more) =>
      runCli([
        'daemon',
        what,
        '-d',
        database,
        ...(what === 'start' || what === 'restart' ? ['--', '--listen', '127.0.0.1:0'] : []),
        ...more,
      ]),
    pid: () => Number(readFileSync(pidfile, 'utf8')),
  }
}
const until = async (fits: () => boolean): Promise<void> => {
  while (!fits()) await new Promise((resolve) => setImmediate(resolve))
}
const isGone = (pid: number): boolean => !isAlive(pid)

describe('watchkeeper daemon', () => {
  it('starts in the background, holds nothing of its caller, says how it is, and ends in order', async () => {
    const { run, pid, pidfile, log, database } = daemonIn()
    const started = await run('start')
    expect(started).toMatchObject({ code: 0, stderr: '' })
    expect(started.stdout).toMatch(
      /^Watchkeeper records in the background \(process \d+\), the UI is at http:/,
    )
    expect(readFileSync(pidfile, 'utf8')).toBe(`${pid()}\n`)
    expect(await run('status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`It runs (process ${pid()})`) as string,
    })
    if (isLinux) {
      expect(readlinkSync(`/proc/${pid()}/cwd`)).toBe('/')
      const opened = readdirSync(`/proc/${pid()}/fd`).map(
        (fd) => [fd, readlinkSync(`/proc/${pid()}/fd/${fd}`)] as const,
      )
      expect(new Map(opened).get('0')).toBe('/dev/null')
      expect(new Map(opened).get('1')).toBe(log)
      expect(new Map(opened).get('2')).toBe(log)
      // A session of its own, without a terminal: sixth and seventh field of proc_pid_stat(5).
      const stat = readFileSync(`/proc/${pid()}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      expect(Number(stat[3])).toBe(pid())
      expect(stat[4]).toBe('0')
    }
    const key = readFileSync(`${database}.key`, 'utf8').trim()
    expect(readFileSync(log, 'utf8')).not.toContain(key)
    expect(statSync(log).mode & 0o077).toBe(0)
    const was = pid()
    expect(await run('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(isGone(was)).toBe(true)
    expect(existsSync(pidfile)).toBe(false)
    expect(readFileSync(log, 'utf8')).toContain('Flight recorder shut down.')
    expect(await run('status')).toMatchObject({ code: 3, stdout: 'It does not run\n' })
  }, 60_000)

  it('refuses to start twice, and to stop what does not run, in the words of system-health-daemon', async () => {
    const { run, pidfile, pid } = daemonIn()
    await run('start')
    const first = pid()
    expect(await run('start')).toMatchObject({
      code: 1,
      stderr: `watchkeeper: pidfile ${pidfile} already exist. Daemon already running?\n`,
    })
    expect(pid()).toBe(first)
    await run('stop')
    expect(await run('stop')).toEqual({
      code: 0,
      stdout: '',
      stderr: `pidfile ${pidfile} does not exist. Daemon not running?\n`,
    })
  }, 60_000)

  it('takes its pidfile away on SIGTERM, opens its logs anew on SIGHUP, and is another after restart', async () => {
    const { run, pid, pidfile, log, database } = daemonIn()
    await run('start')
    renameSync(log, `${log}.old`)
    process.kill(pid(), 'SIGHUP')
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('opened anew'))
    const before = pid()
    expect(await runCli(['daemon', 'restart', '-d', database])).toMatchObject({ code: 0 })
    // The options of the last start hold, so that it is not suddenly somewhere else.
    const { origin } = JSON.parse(readFileSync(`${database}.service.json`, 'utf8')) as { origin: string }
    expect(origin).not.toContain(':8737')
    expect(pid()).not.toBe(before)
    expect(isGone(before)).toBe(true)
    const last = pid()
    process.kill(last, 'SIGTERM')
    await until(() => isGone(last))
    expect(existsSync(pidfile)).toBe(false)
  }, 60_000)

  it('is found and started again where it was told to be, and elsewhere only when told so', async () => {
    const { database } = daemonIn()
    const folder = path.dirname(database)
    const at = (name: string): string => path.join(folder, name)
    const config = at('daemon.cfg')
    writeFileSync(
      config,
      `[Collector]\npid_path = ${at('c.pid')}\noutput_log = ${at('output.log')}\nerror_log = ${at('error.log')}\ninterval = 1\n`,
    )
    const daemon = (what: string, ...more: readonly string[]): Promise<CliResult> =>
      runCli(['daemon', what, '-d', database, ...more])
    expect(
      await daemon('start', '-c', config, '--log', at('own.log'), '--', '--listen', '127.0.0.1:0'),
    ).toMatchObject({ code: 0 })
    const pidIn = (name: string): number => Number(readFileSync(at(name), 'utf8'))
    const first = pidIn('c.pid')
    expect((await daemon('status')).stdout).toContain(`It runs (process ${first})`)
    expect(await daemon('restart')).toMatchObject({ code: 0, stderr: '' })
    const second = pidIn('c.pid')
    expect(second).not.toBe(first)
    expect(isGone(first)).toBe(true)
    expect(existsSync(`${database}.pid`)).toBe(false)
    expect(existsSync(`${database}.log`)).toBe(false)
    expect(readFileSync(at('own.log'), 'utf8').match(/Flight recorder shut down/g)).toHaveLength(1)
    // The configuration holds as well: its reports go on.
    const size = statSync(at('output.log')).size
    await until(() => statSync(at('output.log')).size > size)
    expect(await daemon('restart', '--pidfile', at('other.pid'))).toMatchObject({ code: 0, stderr: '' })
    expect(isGone(second)).toBe(true)
    expect(existsSync(at('c.pid'))).toBe(false)
    const third = pidIn('other.pid')
    // What is gone from the disk does not keep it from being ended.
    renameSync(config, `${config}.old`)
    expect(await daemon('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(isGone(third)).toBe(true)
  }, 60_000)

  it('goes on when it could not be started again, and is when only the folder of its log is gone', async () => {
    const { database, pid } = daemonIn()
    const folder = path.dirname(database)
    const logs = path.join(folder, 'logs')
    mkdirSync(logs)
    const log = path.join(logs, 'own.log')
    await runCli(['daemon', 'start', '-d', database, '--log', log, '--', '--listen', '127.0.0.1:0'])
    const first = pid()
    for (const place of ['--log', '--pidfile']) {
      const refused = await runCli(['daemon', 'restart', '-d', database, place, path.join(folder, 'no/file')])
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('no such') as string })
      expect(runningPid(`${database}.pid`)).toBe(first)
    }
    renameSync(logs, `${logs}.old`)
    expect(await runCli(['daemon', 'restart', '-d', database])).toMatchObject({ code: 0, stderr: '' })
    expect(pid()).not.toBe(first)
    expect(readFileSync(log, 'utf8')).not.toBe('')
  }, 60_000)

  it.skipIf(!isRoot)(
    'is not said to be away by who may not read where it has its pidfile',
    async () => {
      const { database } = daemonIn()
      const folder = path.dirname(database)
      const pidfile = path.join(folder, 'own.pid')
      await runCli(['daemon', 'start', '-d', database, '--pidfile', pidfile, '--', '--listen', '127.0.0.1:0'])
      chmodSync(folder, 0o755)
      const asked = (what: string, ...more: readonly string[]): Promise<CliResult> =>
        runCli(['daemon', what, '-d', database, ...more], { uid: 65_534 })
      const why = `${database}.daemon.json cannot be read: permission denied`
      expect(await asked('status')).toMatchObject({
        code: 4,
        stdout: `Whether it runs is not known: ${why}\n`,
      })
      expect(await asked('stop')).toMatchObject({ code: 1, stderr: `watchkeeper: ${why}\n` })
      expect(await asked('status', '--pidfile', pidfile)).toMatchObject({
        code: 0,
        stdout: `It runs (process ${readFileSync(pidfile, 'utf8').trim()})\n`,
      })
    },
    60_000,
  )

  it.skipIf(!isRoot)(
    'tells every user whether it runs, or that it cannot be told',
    async () => {
      const { run, database, pidfile, pid } = daemonIn()
      const folder = path.dirname(database)
      await run('start')
      expect(statSync(pidfile).mode & 0o777).toBe(0o644)
      const asked = (): Promise<CliResult> => runCli(['daemon', 'status', '-d', database], { uid: 65_534 })
      chmodSync(folder, 0o755)
      expect(await asked()).toMatchObject({ code: 0, stdout: `It runs (process ${pid()})\n` })
      chmodSync(folder, 0o700)
      expect(await asked()).toMatchObject({
        code: 4,
        stdout: `Whether it runs is not known: ${pidfile} cannot be read: permission denied\n`,
      })
    },
    60_000,
  )

  it('starts over a pidfile that a crash left behind, also when its number is another program’s', async () => {
    const { run, pid, pidfile } = daemonIn()
    await run('start')
    const first = pid()
    process.kill(first, 'SIGKILL')
    await until(() => isGone(first))
    expect(await run('status')).toMatchObject({
      code: 1,
      stdout: `It does not run; ${pidfile} was left behind\n`,
    })
    expect(await run('start')).toMatchObject({ code: 0 })
    await run('stop')
    if (!isLinux) return
    writeFileSync(pidfile, `${process.pid}\n`)
    expect(await run('start')).toMatchObject({ code: 0 })
    expect(pid()).not.toBe(process.pid)
  }, 60_000)

  it('is known by its pidfile through whatever path, and takes away no file that is none', async () => {
    const { run, database } = daemonIn()
    const folder = path.dirname(database)
    symlinkSync(folder, path.join(folder, 'link'))
    const linked = path.join(folder, 'link', 'a.pid')
    const real = path.join(folder, 'a.pid')
    expect(
      await runCli(['daemon', 'start', '-d', database, '--pidfile', linked, '--listen', '127.0.0.1:0']),
    ).toMatchObject({ code: 0 })
    expect(await runCli(['daemon', 'status', '-d', database, '--pidfile', real])).toMatchObject({ code: 0 })
    expect(await runCli(['daemon', 'stop', '-d', database, '--pidfile', real])).toMatchObject({
      code: 0,
      stderr: '',
    })
    const text = path.join(folder, 'keep.txt')
    writeFileSync(text, 'hello')
    await runCli(['daemon', 'stop', '-d', database, '--pidfile', text])
    expect(readFileSync(text, 'utf8')).toBe('hello')
    expect(await run('start', '-l', path.join(folder, 'nowhere', 'x.log'))).toMatchObject({ code: 1 })
    expect(existsSync(path.join(folder, 'nowhere'))).toBe(false)
  }, 60_000)

  it('says in one line why it could not start, and leaves no pidfile', async () => {
    const { run, pidfile } = daemonIn()
    expect(await run('start', '--nonsense')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: "watchkeeper: error: unknown option '--nonsense'\n",
    })
    expect(existsSync(pidfile)).toBe(false)
    const folder = temporaryFolder()
    const serve = await startServe(['-d', path.join(folder, 'w.db')])
    const second = daemonIn(folder)
    const refused = await second.run('start')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^watchkeeper: another Watchkeeper already uses .*\n$/)
    expect(existsSync(second.pidfile)).toBe(false)
    await serve.end('SIGTERM')
  }, 60_000)

  it('runs by the configuration of system-health-daemon, with its text in its file', async () => {
    const folder = temporaryFolder()
    const config = path.join(folder, 'daemon.cfg')
    const output = path.join(folder, 'log', 'output.log')
    writeFileSync(
      config,
      `# packaged\n[Collector]\npid_path = ${folder}/x.pid\noutput_log: ${output}\nerror_log = ${folder}/log/error.log\ninterval = 1\n`,
    )
    const args = ['-c', config, '-d', path.join(folder, 'w.db')]
    onTestFinished(async () => {
      await runCli(['daemon', 'stop', ...args])
    })
    expect(await runCli(['daemon', 'start', ...args, '--', '--listen', '127.0.0.1:0'])).toMatchObject({
      code: 0,
    })
    const reports = (): number =>
      existsSync(output) ? readFileSync(output, 'utf8').split('\nDaemon report\n').length - 1 : 0
    await until(() => reports() >= 2)
    expect(readFileSync(output, 'utf8')).toMatch(
      /^\nDaemon report\nDate: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?\nCPU report\nDate: .*\n1min: [\d.]+\n5min: [\d.]+\n15min: [\d.]+\n/,
    )
    await runCli(['daemon', 'stop', ...args])
    expect(existsSync(`${folder}/x.pid`)).toBe(false)
  }, 60_000)
})

describe('the configuration of system-health-daemon', () => {
  const whole = 'pid_path=/p\noutput_log=/o\nerror_log=/e\ninterval=10\n'
  it('is read with a section and without one', () => {
    const expected = { pidPath: '/p', outputLog: '/o', errorLog: '/e', intervalS: 10 }
    expect(parseDaemonConfig(whole, 'x')).toEqual(expected)
    expect(parseDaemonConfig(`[Other]\ninterval=9\n[Collector]\n; note\n${whole}`, 'x')).toEqual(expected)
  })

  it.each([
    ['', 'x lacks pid_path, output_log, error_log, interval in [Collector]'],
    [whole.replace('10', 'often'), "interval 'often' is not a whole number of seconds"],
    [whole.replace('10', '0'), "interval '0' is not"],
    ['nonsense', "x: 'nonsense' is not a line such as interval = 10"],
  ])('is refused when it is %j', (text, words) => {
    expect(() => parseDaemonConfig(text, 'x')).toThrow(words)
  })
})

describe('a pidfile', () => {
  it('is taken once, and not from one that runs', () => {
    const file = path.join(temporaryFolder(), 'x.pid')
    expect(takePidfile(file)).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`)
    writeFileSync(file, '999999999\n')
    expect(runningPid(file)).toBeNull()
    writeFileSync(file, 'nonsense')
    expect(runningPid(file)).toBeNull()
    expect(takePidfile(file)).toBe(true)
  })
})

const canNotify = isLinux && hasProgram('socat')
if (!canNotify) tellSkipped('what systemd is told is not tested: socat is missing (Debian: socat)')

describe.skipIf(!canNotify)('a service that systemd started', () => {
  it('says when it is ready, that it goes on, and when it stops; SIGHUP does not end it', async () => {
    const folder = temporaryFolder()
    const socket = path.join(folder, 'notify')
    const listener = spawn('socat', ['-u', `UNIX-RECV:${socket}`, 'STDOUT'])
    onTestFinished(() => {
      listener.kill()
    })
    let told = ''
    listener.stdout.on('data', (chunk: Buffer) => (told += `${chunk.toString()}\n`))
    await until(() => existsSync(socket))
    const serve = await startServe(['-d', path.join(folder, 'w.db')], {
      env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' },
    })
    await until(() => (told.match(/WATCHDOG=1/g) ?? []).length >= 3)
    expect(told).toContain(
      `READY=1\nSTATUS=Recording; the UI is at ${serve.origin}/\nMAINPID=${serve.child.pid}`,
    )
    serve.child.kill('SIGHUP')
    await serve.line(/opened anew/)
    expect((await serve.end('SIGTERM')).code).toBe(0)
    await until(() => told.includes('STOPPING=1'))
  }, 30_000)
})
