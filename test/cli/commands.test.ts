import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { latestVersion } from '../../electron/service/store/migrate.ts'
import { command, runCli, runProgram, startServe } from '../support/cli.ts'
import { makeFlightRecorderDatabase, openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) process.stdout.write('skipped: only root can become another user\n')
const hasFull = existsSync('/dev/full')
if (!hasFull) process.stdout.write('skipped: there is no /dev/full to print to\n')
if (!existsSync('/dev/full')) process.stdout.write('skipped: this system has no /dev/full\n')

const newDatabase = (): string => path.join(temporaryFolder(), 'w.db')

/** A failure is one line on standard error, nothing on standard output, and the exit code. */
async function expectFailure(args: readonly string[], code: number, words: string | RegExp): Promise<void> {
  const result = await runCli(args)
  expect(result.stderr).toMatch(words)
  expect(result.stderr.trim().split('\n')).toHaveLength(1)
  expect(result.stderr).not.toMatch(/\bat .*:\d+:\d+/)
  expect([result.code, result.stdout]).toEqual([code, ''])
}

describe('watchkeeper', () => {
  it('is the bin that package.json names, and can be started as a program', () => {
    expect(path.resolve(packageJson.bin.watchkeeper)).toBe(command)
    expect(statSync(command).mode & 0o111).not.toBe(0)
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('tells its version and its commands', async () => {
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` })
    const help = await runCli(['--help'])
    expect(help.code).toBe(0)
    for (const name of ['serve', 'report', 'status', 'key', 'open', 'export', 'import', 'doctor'])
      expect(help.stdout).toContain(`  ${name} `)
  })

  it.each(['serve', 'report', 'status', 'key', 'open', 'export', 'import', 'doctor'])(
    '%s --help names the database option',
    async (name) => {
      const { code, stdout } = await runCli([name, '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain('-d, --database')
    },
  )

  it('without a command shows its help and fails', async () => {
    expect(await runCli([])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: watchkeeper') as string,
    })
  })

  it.each<[string[], RegExp]>([
    [['fly'], /unknown command 'fly'/],
    [['serve', '--fly'], /unknown option '--fly'/],
    [['serve', 'extra'], /too many arguments/],
    [['serve', '-i', '0'], /^watchkeeper: argument -i\/--interval: '0' is not valid positive float$/m],
    [['serve', '-i', '-3'], /'-3' is not valid positive float/],
    [['serve', '-i', 'nan'], /'nan' is not valid positive float/],
    [['serve', '-i', 'inf'], /'inf' is not valid positive float/],
    [['serve', '-i', '1e9'], /'1e9' is longer than 2000000 s/],
    [['report', '-d', ''], /argument -d\/--database: '' is not a path/],
    [['serve', '-i', '0x10'], /'0x10' is not valid positive float/],
    [['serve', '-v', 'bogus'], /argument -v\/--verbosity: 'bogus' is not valid loglevel/],
    [['serve', '--listen', 'a b'], /argument --listen: 'a b' is not an address/],
    [['report', '--table', '--json'], /cannot be used with/],
    [['export', 'x.txt'], /does not tell a format/],
    [['export', '-', '--format', 'db'], /cannot be written to standard output/],
    [['import', '--from', 'wtmp'], /--from needs a file/],
    [['import', '--from', 'diary', 'x'], /argument 'diary' is invalid/],
  ])('%j is a usage error', async (args, words) => {
    await expectFailure(args, 2, words)
  })
})

describe('report', () => {
  const example = [
    'DOWNTIME #1: -INF => 2020-09-13 12:26:40 (INF)',
    '',
    'UPTIME #1: 2020-09-13 12:26:40 => 2020-09-13 12:30:00 (0:03:20)',
    '\tFLIGHT #3: 2020-09-13 12:27:30 => 2020-09-13 12:27:40 (0:00:10)',
    '\tFLIGHT #1: 2020-09-13 12:26:40 => 2020-09-13 12:28:20 (0:01:40)',
    '\tFLIGHT #2: 2020-09-13 12:27:30 => 2020-09-13 12:30:00 (0:02:30)',
    '',
  ].join('\n')

  function exampleDatabase(): string {
    const database = newDatabase()
    makeFlightRecorderDatabase(database, [
      [100, 1600000100],
      [150, 1600000200],
      [10, 1600000060],
    ])
    return database
  }

  it('prints flight-reports’ text byte for byte from flight-recorder’s own file', async () => {
    expect(await runCli(['report', '-d', exampleDatabase()])).toEqual({
      code: 0,
      stdout: example,
      stderr: '',
    })
  })

  it('prints in the time zone of the process', async () => {
    const { stdout } = await runCli(['report', '-d', exampleDatabase()], { env: { TZ: 'Asia/Kolkata' } })
    expect(stdout).toContain('UPTIME #1: 2020-09-13 17:56:40 => 2020-09-13 18:00:00 (0:03:20)')
  })

  it('prints nothing for an empty table', async () => {
    const database = newDatabase()
    makeFlightRecorderDatabase(database, [])
    expect(await runCli(['report', '-d', database])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it.skipIf(!isRoot)('reads a file that it may not write, as another user', async () => {
    const database = exampleDatabase()
    const { code, stdout } = await runCli(['report', '-d', database], { uid: 65_534 })
    // The folder of the test belongs to root alone, unless it is opened.
    expect([code, stdout]).toEqual([3, ''])
    const { chmodSync } = await import('node:fs')
    chmodSync(path.dirname(database), 0o755)
    expect(await runCli(['report', '-d', database], { uid: 65_534 })).toEqual({
      code: 0,
      stdout: example,
      stderr: '',
    })
  })

  it.skipIf(!hasFull)('fails when what it prints cannot be written', async () => {
    const { code, stderr } = await runProgram('sh', [
      '-c',
      '"$0" "$1" report -d "$2" > /dev/full',
      process.execPath,
      command,
      exampleDatabase(),
    ])
    expect([code, stderr.trim().split('\n')]).toEqual([
      1,
      [expect.stringContaining('the output could not be written')],
    ])
  })

  it('tells more as a table, JSON, CSV and for an instant', async () => {
    const database = exampleDatabase()
    const table = await runCli(['report', '--table', '-d', database])
    expect(table.stdout).toMatch(/up +\d+\.\d\d %/)
    expect(table.stdout).toContain('availability')
    const history = JSON.parse(
      (await runCli(['report', '--json', '--until', '2020-09-13T12:30:00Z', '-d', database])).stdout,
    ) as Record<string, unknown>
    expect(history['figures']).toMatchObject({
      windowMs: 200_000,
      ms: { up: 200_000 },
      availability: 100,
      flights: 3,
    })
    const csv = await runCli(['report', '--csv', '-d', database])
    expect(csv.stdout.split('\n')[0]).toBe(
      'id,from,to,seconds,kind,kind_confidence,cause,cause_confidence,reasons,note',
    )
    expect(await runCli(['report', '--at', '2020-09-13T12:28:00Z', '-d', database])).toMatchObject({
      code: 0,
      stdout: 'Up: for 1 min 20 s by then, of 3 min 20 s in all.\n',
    })
    expect((await runCli(['report', '--last', '1h', '-d', database])).stdout).toContain('(1 h)')
  })

  it('fails with flight-reports’ exit code where there is no file, and makes none', async () => {
    const database = newDatabase()
    await expectFailure(['report', '-d', database], 3, 'DB connection failed: unable to open database file')
    expect(existsSync(database)).toBe(false)
    await expectFailure(['report', '-d', '/no/such/folder/w.db'], 3, 'unable to open database file')
  })

  it.each<[string, (file: string) => void, RegExp]>([
    ['that is no database', (file) => writeFileSync(file, 'dear diary'), /is not a database/],
    [
      'of another program',
      (file) => openRaw(file).exec('CREATE TABLE diary (day TEXT)').close(),
      /holds no flights/,
    ],
    [
      'of a newer Watchkeeper',
      (file) =>
        openRaw(file)
          .exec(`PRAGMA user_version = ${latestVersion + 1}; CREATE TABLE x (y)`)
          .close(),
      /newer Watchkeeper/,
    ],
    [
      'with a time that cannot be printed',
      (file) => makeFlightRecorderDatabase(file, [[1, 1e15]]),
      /outside the years/,
    ],
  ])('fails on a file %s with one line', async (_name, make, words) => {
    const database = newDatabase()
    make(database)
    const result = await runCli(['report', '-d', database])
    expect([result.code, result.stderr.trim().split('\n').length]).toEqual([1, 1])
    expect(result.stderr).toMatch(words)
  })

  it.each([
    ['--since', 'yesterday'],
    ['--last', '3x'],
    ['--at', 'noon'],
  ])('refuses %s %s', async (option, value) => {
    await expectFailure(
      ['report', option, value, '-d', exampleDatabase()],
      2,
      new RegExp(`'${value}' is not`),
    )
  })
})

describe('a service in the foreground', () => {
  it('records, answers, tells of itself, and ends in order within 2 s', async () => {
    const database = newDatabase()
    const serve = await startServe(['-d', database, '-i', '0.2', '-v', 'debug'])
    expect(await runCli(['key', '-d', database])).toEqual({ code: 0, stdout: `${serve.key}\n`, stderr: '' })
    expect(await runCli(['open', '--print', '-d', database])).toMatchObject({
      code: 0,
      stdout: `${serve.origin}/#key=${serve.key}\n`,
    })
    const status = await runCli(['status', '-d', database])
    expect([status.code, status.stdout]).toEqual([
      0,
      expect.stringContaining(`The service runs at ${serve.origin}`),
    ])
    expect(JSON.parse((await runCli(['status', '--json', '-d', database])).stdout)).toMatchObject({
      running: true,
      machine: { id: 1 },
      problem: null,
    })
    await serve.line(/Updated flight record #1/)
    const { code, ms } = await serve.end('SIGTERM')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(2_000)
    expect(serve.errors.at(-1)).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO {5}MAIN: Flight recorder shut down\.$/,
    )
    expect(existsSync(`${database}-wal`)).toBe(false)
    const report = await runCli(['report', '-d', database])
    expect(report.stdout).toMatch(/^DOWNTIME #1: -INF => .* \(INF\)\n\nUPTIME #1: .*\n\tFLIGHT #1: .*\n$/)
    expect(await runCli(['status', '-d', database])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('No service runs') as string,
    })
  })

  it.each(['SIGINT', 'SIGHUP'] as const)('ends in order on %s', async (signal) => {
    const database = newDatabase()
    const serve = await startServe(['-d', database])
    expect(await serve.end(signal)).toMatchObject({ code: 0 })
    const raw = openRaw(database)
    expect(raw.prepare('SELECT ended FROM flight_detail').pluck().get()).toBe(signal)
    raw.close()
  })

  it('ends in order though it is told twice', async () => {
    const database = newDatabase()
    const serve = await startServe(['-d', database])
    serve.child.kill('SIGTERM')
    expect((await serve.end('SIGTERM')).code).toBe(0)
    expect(serve.errors.at(-1)).toContain('Flight recorder shut down.')
    expect(existsSync(`${database}.service.json`)).toBe(false)
  })

  it('refuses a second one on the same file with the address of the first', async () => {
    const database = newDatabase()
    const serve = await startServe(['-d', database])
    await expectRefusal(
      ['serve', '-d', database, '--listen', '127.0.0.1:0'],
      `already uses ${database}: it is at ${serve.origin} (process ${serve.child.pid})`,
    )
    const raw = openRaw(database)
    expect(raw.prepare('SELECT count(*) FROM flight').pluck().get()).toBe(1)
    raw.close()
  })

  it('says what is in its way when the address is taken', async () => {
    const blocker = net.createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as net.AddressInfo
    await expectRefusal(
      ['serve', '-d', newDatabase(), '--listen', `127.0.0.1:${port}`],
      'choose another address with --listen',
    )
    blocker.close()
  })

  it('refuses --no-auth for other machines', async () => {
    await expectRefusal(
      ['serve', '-d', newDatabase(), '--no-auth', '--listen', '0.0.0.0:0'],
      '--no-auth is only allowed',
    )
  })

  it('logs to a file when told to', async () => {
    const folder = temporaryFolder()
    const serve = await startServe(['-d', path.join(folder, 'w.db'), '-l', path.join(folder, 'w.log')])
    await serve.end('SIGTERM')
    expect(serve.errors).toEqual([])
    expect(readFileSync(path.join(folder, 'w.log'), 'utf8')).toMatch(
      /INFO {5}RECORDER: Opened flight record #1: ts=\d+\.\d{3}\n/,
    )
    await expectRefusal(
      ['serve', '-d', path.join(folder, 'v.db'), '-l', path.join(folder, 'no', 'w.log')],
      'cannot write the log',
    )
  })

  it('goes on recording when whoever reads its output has gone away', async () => {
    const database = newDatabase()
    const child = spawn(process.execPath, [
      command,
      'serve',
      '-d',
      database,
      '-i',
      '0.1',
      '-v',
      'debug',
      '--listen',
      '127.0.0.1:0',
    ])
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    await new Promise<void>((resolve) => child.stderr.once('data', () => resolve()))
    child.stdout.destroy()
    child.stderr.destroy()
    await expect.poll(() => readRow(database), { timeout: 10_000 }).toBeGreaterThan(0.5)
    child.kill('SIGTERM')
    expect(await closed).toBe(0)
  })

  it('keeps its key out of systemd’s journal', async () => {
    const child = spawn(
      process.execPath,
      [command, 'serve', '-d', newDatabase(), '--listen', '127.0.0.1:0'],
      {
        env: { ...process.env, JOURNAL_STREAM: '8:1' },
      },
    )
    let printed = ''
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        if (printed.includes('The UI is at http://127.0.0.1:')) resolve()
      })
    })
    child.kill('SIGTERM')
    await new Promise((resolve) => child.on('close', resolve))
    expect(printed).not.toContain('#key=')
  })

  it('takes a database name without a folder for one in the current folder', async () => {
    const folder = temporaryFolder()
    makeFlightRecorderDatabase(path.join(folder, 'flights.db'), [[1, 1600000000]])
    expect((await runCli(['report', '-d', 'flights.db'], { cwd: folder })).code).toBe(0)
  })

  async function expectRefusal(args: readonly string[], words: string): Promise<void> {
    const { code, stderr, stdout } = await runCli(args)
    const last = stderr.trim().split('\n').at(-1) ?? ''
    expect(last).toContain('watchkeeper: ')
    expect(last).toContain(words)
    expect([code, stdout]).toEqual([1, ''])
  }
})

/** Returns the duration of flight 1 in seconds, 0 while there is none. */
function readRow(database: string): number {
  if (!existsSync(database)) return 0
  const raw = openRaw(database)
  try {
    return Number(raw.prepare('SELECT duration FROM flight WHERE id = 1').pluck().get() ?? 0)
  } catch {
    return 0
  } finally {
    raw.close()
  }
}

describe('npm start', () => {
  it('becomes the service, so that a signal to npm ends it in order', async () => {
    const database = newDatabase()
    const child = spawn('npm', ['start', '--', '-d', database, '--listen', '127.0.0.1:0'], {
      cwd: path.resolve('.'),
    })
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    let printed = ''
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        if (/Open http:\/\/127\.0\.0\.1:\d+\/#key=\S+/.test(printed)) resolve()
      })
    })
    child.kill('SIGTERM')
    await closed
    await expect.poll(async () => (await runCli(['status', '-d', database])).code).toBe(3)
    const raw = openRaw(database)
    expect(raw.prepare('SELECT ended FROM flight_detail').pluck().get()).toBe('SIGTERM')
    raw.close()
  })
})

describe('key, open and status without a service', () => {
  it('say so and fail', async () => {
    const database = newDatabase()
    await expectFailure(['key', '-d', database], 3, 'no readable access key')
    await expectFailure(['open', '-d', database], 3, 'no service runs')
    expect(await runCli(['status', '--json', '-d', database])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('"running": false') as string,
    })
  })
})

describe('export', () => {
  it('writes each format, refuses to replace a file unasked, and leaves no half one', async () => {
    const folder = temporaryFolder()
    const database = path.join(folder, 'w.db')
    makeFlightRecorderDatabase(database, [
      [100, 1600000100],
      [10, 1600001000],
    ])
    const file = (name: string): string => path.join(folder, name)
    for (const name of ['copy.db', 'history.json', 'gaps.csv']) {
      expect(await runCli(['export', file(name), '-d', database])).toMatchObject({
        code: 0,
        stdout: `Wrote ${file(name)}\n`,
      })
    }
    expect((await runCli(['report', '-d', file('copy.db')])).stdout).toContain('UPTIME #2')
    expect(
      (JSON.parse(readFileSync(file('history.json'), 'utf8')) as { flights: unknown[] }).flights,
    ).toHaveLength(2)
    expect(readFileSync(file('gaps.csv'), 'utf8').trim().split('\n')).toHaveLength(3)
    await expectFailure(
      ['export', file('gaps.csv'), '-d', database],
      1,
      'is there already; --force replaces it',
    )
    expect((await runCli(['export', file('gaps.csv'), '--force', '-d', database])).code).toBe(0)
    expect(
      (await runCli(['export', '-', '--format', 'flights-csv', '-d', database])).stdout.split('\n'),
    ).toHaveLength(4)
    await expectFailure(['export', '/no/such/folder/x.csv', '-d', database], 1, 'cannot write')
    await expectFailure(['export', file('x.csv'), '-d', file('missing.db')], 3, 'unable to open')
  })
})

describe('import', () => {
  it('takes flight-recorder’s history over, tells the same again doubles nothing, and can only look', async () => {
    const folder = temporaryFolder()
    const theirs = path.join(folder, 'theirs.db')
    const database = path.join(folder, 'w.db')
    makeFlightRecorderDatabase(theirs, [
      [100, 1600000100],
      [10, 1600001000],
    ])
    expect((await runCli(['import', theirs, '--dry-run', '-d', database])).stdout).toBe(
      'flight-recorder: 2 found, none imported (--dry-run)\n',
    )
    expect(existsSync(database)).toBe(false)
    expect((await runCli(['import', theirs, '-d', database])).stdout).toBe(
      'flight-recorder: 2 found, 2 imported, 0 known already\n',
    )
    expect((await runCli(['import', theirs, '-d', database])).stdout).toBe(
      'flight-recorder: 2 found, 0 imported, 2 known already\n',
    )
    expect((await runCli(['report', '-d', database])).stdout).toBe(
      (await runCli(['report', '-d', theirs])).stdout,
    )
    await expectFailure(['import', database, '-d', database], 1, 'is the database itself')
    await expectFailure(['import', path.join(folder, 'none'), '-d', database], 1, 'does not exist')
    await expectFailure(
      ['import', '--from', 'tuptime', theirs, '-d', database],
      1,
      'cannot be read as a database of tuptime',
    )
  })

  it('works beside a running service', async () => {
    const folder = temporaryFolder()
    const theirs = path.join(folder, 'theirs.db')
    const database = path.join(folder, 'w.db')
    makeFlightRecorderDatabase(theirs, [[100, 1600000100]])
    await startServe(['-d', database])
    expect((await runCli(['import', theirs, '-d', database])).stdout).toBe(
      'flight-recorder: 1 found, 1 imported, 0 known already\n',
    )
    expect((await runCli(['report', '-d', database])).stdout).toContain('UPTIME #2')
  })
})

describe('doctor', () => {
  it('finds nothing wrong with a service that runs', async () => {
    const database = newDatabase()
    mkdirSync(path.dirname(database), { recursive: true })
    await startServe(['-d', database])
    const { code, stdout } = await runCli(['doctor', '-d', database])
    expect(stdout).toContain('and records')
    expect(stdout.includes('FAIL') ? stdout : code).toBe(0)
  })
  it('names damage and how it is mended', async () => {
    const database = newDatabase()
    await (await startServe(['-d', database])).end('SIGTERM')
    const bytes = readFileSync(database)
    writeFileSync(
      database,
      Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(bytes.length - 4_096, 0x5a)]),
    )
    const { code, stdout, stderr } = await runCli(['doctor', '-d', database])
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/FAIL {2}.*(?:damaged|malformed).*\n {6}→ restart the service/)
  })
  it('names the fault of a damaged file, and its fix', async () => {
    const database = newDatabase()
    writeFileSync(database, 'garbage')
    const { code, stdout } = await runCli(['doctor', '-d', database])
    expect(code).toBe(1)
    expect(stdout).toMatch(/FAIL {2}.*is not a database\n {6}→ name the right file/)
    const findings = JSON.parse((await runCli(['doctor', '--json', '-d', database])).stdout) as {
      level: string
    }[]
    expect(findings.filter(({ level }) => level === 'fault')).toHaveLength(1)
  })
})
