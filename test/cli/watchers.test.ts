import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Watcher, WatcherEvents } from '../../electron/shared/api/watchers.ts'
import { command, runCli, runProgram, startServe, type CliResult, type ServeProcess } from '../support/cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A service and the command beside it, with a home of its own. */
async function house(): Promise<{
  home: string
  database: string
  serve: () => Promise<ServeProcess>
  run: (...args: string[]) => Promise<CliResult>
}> {
  const home = temporaryFolder()
  const database = path.join(home, 'w.db')
  const env = { HOME: home, WATCHKEEPER_DATABASE: database }
  return {
    home,
    database,
    serve: () => startServe(['-d', database], { env }),
    run: (...args) => runCli(args, { env }),
  }
}

const api = async <T>({ origin, key }: ServeProcess, route: string): Promise<T> =>
  (await (await fetch(`${origin}/api/v1/${route}`, { headers: { 'x-api-key': key ?? '' } })).json()) as T

describe('watchkeeper watcher', () => {
  it('adds, lists, shows, pauses, unpauses and removes', async () => {
    const { run, serve } = await house()
    await serve()
    const added = await run(
      'watcher',
      'add',
      'Nightly backup',
      '--cron',
      '0 3 * * *',
      '--zone',
      'Europe/Berlin',
      '--grace',
      '30m',
      '--limit',
      '2h',
      '--tag',
      'db',
    )
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(added.stdout).toContain('Added Nightly backup')
    const shown = JSON.parse((await run('watcher', 'show', 'nightly-backup', '--json')).stdout) as Watcher
    expect(shown).toMatchObject({
      schedule: { kind: 'cron', expression: '0 3 * * *', zone: 'Europe/Berlin' },
      graceMs: 1_800_000,
      runLimitMs: 7_200_000,
      tags: ['db'],
    })
    expect((await run('trigger', 'Nightly backup', '-m', 'by hand')).stdout).toContain('Triggered')
    expect((await run('watcher', 'list')).stdout).toMatch(/^up\s+\w{8}\s+Nightly backup\s+in /m)
    expect((await run('watcher', 'pause', shown.id, '-m', 'holiday')).code).toBe(0)
    expect((await run('watcher', 'show', shown.id)).stdout).toContain('Paused (holiday)')
    expect(await run('watcher', 'pause', shown.id)).toMatchObject({
      code: 1,
      stderr: 'watchkeeper: it is already paused\n',
    })
    expect((await run('watcher', 'unpause', shown.id)).code).toBe(0)
    expect((await run('watcher', 'remove', shown.id)).code).toBe(0)
    expect((await run('watcher', 'list')).stdout).toContain('No watchers')
  })

  it.each([
    [['watcher', 'add', 'x'], 2, 'give one of --every, --cron and --calendar'],
    [['watcher', 'add', 'x', '--every', '5q'], 2, "'5q' is not a length"],
    [['watcher', 'add', 'x', '--every', '1h', '--cron', '* * * * *'], 2, 'give one of'],
    [['watcher', 'add', 'x', '--cron', '99 * * * *'], 1, 'is not a cron expression'],
    [['watcher', 'add', '!!!', '--every', '1h'], 1, 'no letter or digit'],
    [['watcher', 'show', 'nope'], 1, "there is no watcher 'nope'"],
    [['trigger', 'nope'], 1, "there is no watcher 'nope'"],
    [['run', 'x', 'ls', '-d', '/'], 2, 'give the command after --'],
    [['run', 'http://nas:99999/ping/x', '--', 'echo', 'x'], 2, 'is not an address'],
    [['trigger', 'x', '--exit-status', '256'], 2, 'is not a number from 0 to 255'],
    [['watcher', 'list', '--url', 'nonsense'], 2, 'is not an address'],
    [['watcher', 'list', '--url', 'http://127.0.0.1:1'], 3, 'does not answer'],
    [['watcher', 'list', '--key', 'wrong'], 1, 'the access key is wrong'],
  ])('%j ends with %i in one line', async (args, code, words) => {
    const { run, serve } = await house()
    await serve()
    const result = await run(...args)
    expect(result.code).toBe(code)
    expect(result.stderr).toContain(words)
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(result.stdout).toBe('')
  })

  it('says that no service runs', async () => {
    const { run, database } = await house()
    expect(await run('watcher', 'list')).toMatchObject({
      code: 3,
      stderr: `watchkeeper: no service runs on ${database}\n`,
    })
  })
})

describe('watchkeeper run', () => {
  it('passes output and exit code through, and tells how it went with the end of the output', async () => {
    const { run, serve } = await house()
    const service = await serve()
    await run('watcher', 'add', 'job', '--every', '1h')
    const result = await run('run', 'job', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3')
    expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' })
    const { events } = await api<WatcherEvents>(service, 'watchers/job/events')
    expect(events.map(({ kind, exitStatus }) => [kind, exitStatus])).toEqual([
      ['fail', 3],
      ['start', null],
      ['created', null],
    ])
    expect(events[0]?.run).toBe(events[1]?.run)
    expect(events[0]?.durationMs).not.toBeNull()
    const body = await fetch(`${service.origin}/api/v1/watchers/job/events/${events[0]?.n ?? 0}/body`, {
      headers: { 'x-api-key': service.key ?? '' },
    })
    expect((await body.text()).split('\n').sort().join()).toBe(',err,out')
  })

  it('keeps 100 kB of the end of a long output, and passes all of it', async () => {
    const { run, serve } = await house()
    const service = await serve()
    await run('watcher', 'add', 'job', '--every', '1h')
    const { code, stdout } = await run(
      'run',
      'job',
      '--',
      'sh',
      '-c',
      'i=0; while [ $i -lt 40000 ]; do echo "line $i"; i=$((i+1)); done',
    )
    expect([code, stdout.split('\n').length]).toEqual([0, 40_001])
    const { events } = await api<WatcherEvents>(service, 'watchers/job/events?limit=1')
    expect(events[0]?.bodyBytes).toBe(100_000)
  })

  it.each([
    [['/nonexistent'], 127],
    [['/etc'], 126],
    [['sh', '-c', 'kill -9 $$'], 137],
    [['sh', '-c', 'exit 255'], 255],
  ])('%j ends with %i', async (command, code) => {
    const { run, serve } = await house()
    const service = await serve()
    await run('watcher', 'add', 'job', '--every', '1h')
    expect((await run('run', 'job', '--', ...command)).code).toBe(code)
    const { events } = await api<WatcherEvents>(service, 'watchers/job/events?limit=1')
    expect(events[0]).toMatchObject({ kind: 'fail', exitStatus: code })
  })

  it('takes a ping address, and its options to the command', async () => {
    const { run, serve } = await house()
    const service = await serve()
    const { uuid } = JSON.parse(
      (await run('watcher', 'add', 'job', '--every', '1h', '--json')).stdout,
    ) as Watcher
    const result = await run(
      'run',
      `${service.origin}/ping/${uuid}`,
      '--no-start',
      '--',
      'echo',
      '--key',
      'not-ours',
    )
    expect(result).toEqual({ code: 0, stdout: '--key not-ours\n', stderr: '' })
    expect((await api<Watcher>(service, 'watchers/job')).triggers).toBe(1)
  })

  it('lets the command meet a closed pipe when nobody reads its output', async () => {
    const { serve, database, home } = await house()
    await serve()
    const { code, stdout } = await runProgram(
      'sh',
      ['-c', `${process.execPath} ${command} run nope -d ${database} -- yes | head -1`],
      { env: { HOME: home } },
    )
    expect([code, stdout]).toEqual([0, 'y\n'])
  })

  it('reports when the command ends, though what it left running still holds its output', async () => {
    const { run, serve } = await house()
    const service = await serve()
    await run('watcher', 'add', 'job', '--every', '1h')
    const result = await run('run', 'job', '--', 'sh', '-c', '(sleep 2; echo later) & echo now')
    expect([result.code, result.stdout]).toEqual([0, 'now\nlater\n'])
    const { events } = await api<WatcherEvents>(service, 'watchers/job/events?limit=1')
    expect(events[0]).toMatchObject({ kind: 'success', bodyBytes: 4 })
    expect(events[0]?.durationMs).toBeLessThan(2_000)
  })

  it('runs the command all the same when the watcher is not known', async () => {
    const { run, serve } = await house()
    await serve()
    const result = await run('run', 'nope', '--', 'echo', 'done')
    expect([result.code, result.stdout]).toEqual([0, 'done\n'])
    expect(result.stderr).toBe("watchkeeper: the signal was refused: there is no watcher 'nope'\n")
  })

  it('keeps its signals while no service runs; the service takes them in with their true times, once', async () => {
    const { run, serve, database } = await house()
    const first = await serve()
    await run('watcher', 'add', 'job', '--every', '1h')
    await first.end('SIGTERM')
    const before = Date.now()
    const result = await run('run', 'job', '--', 'sh', '-c', 'echo offline; exit 1')
    const after = Date.now()
    expect([result.code, result.stdout]).toEqual([1, 'offline\n'])
    expect(result.stderr).toContain('the signal is kept in')
    const spool = `${database}.spool`
    const files = readdirSync(spool).sort()
    expect(files).toHaveLength(2)
    const kept = files.map((file) => readFileSync(path.join(spool, file), 'utf8'))
    writeFileSync(path.join(spool, '000-broken.json'), '{"id": 1')
    const second = await serve()
    await expect.poll(() => readdirSync(spool)).toEqual(['000-broken.json.refused'])
    const { events } = await api<WatcherEvents>(second, 'watchers/job/events')
    expect(events.map(({ kind }) => kind)).toEqual(['fail', 'start', 'created'])
    for (const { at } of events.slice(0, 2)) {
      expect(Date.parse(at)).toBeGreaterThanOrEqual(before)
      expect(Date.parse(at)).toBeLessThanOrEqual(after)
    }
    await second.end('SIGTERM')
    // A file that comes back, as from a copy, counts no second time.
    files.forEach((file, index) => writeFileSync(path.join(spool, file), kept[index] ?? ''))
    const third = await serve()
    await expect.poll(() => readdirSync(spool)).toEqual(['000-broken.json.refused'])
    expect((await api<Watcher>(third, 'watchers/job')).triggers).toBe(2)
  })

  it('keeps its signals for a service elsewhere in the user’s home, and delivers them at the next chance', async () => {
    const { run, serve, home } = await house()
    const service = await serve()
    const { uuid } = JSON.parse(
      (await run('watcher', 'add', 'job', '--every', '1h', '--json')).stdout,
    ) as Watcher
    const address = `${service.origin}/ping/${uuid}`
    await service.end('SIGKILL')
    expect((await run('trigger', address)).stdout).toContain('is delivered later')
    const spool = path.join(home, '.watchkeeper', 'spool')
    expect(readdirSync(spool)).toHaveLength(1)
    const { port } = new URL(service.origin)
    const again = await startServe(['-d', path.join(home, 'w.db'), '--listen', `127.0.0.1:${port}`])
    expect((await run('trigger', address)).code).toBe(0)
    expect(readdirSync(spool)).toEqual([])
    expect((await api<Watcher>(again, 'watchers/job')).triggers).toBe(2)
  })
})

describe('watchkeeper key', () => {
  it('makes keys that allow less, lists and removes them', async () => {
    const { run, serve } = await house()
    const { origin } = await serve()
    const reading = (await run('key', 'add', 'dashboard')).stdout.trim()
    const triggering = (await run('key', 'add', 'cron', '--scope', 'trigger')).stdout.trim()
    await run('watcher', 'add', 'job', '--every', '1h')
    const status = async (key: string, route: string, method = 'GET', body?: string): Promise<number> =>
      (
        await fetch(`${origin}/api/v1/${route}`, {
          method,
          headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body }),
        })
      ).status
    expect(await status(reading, 'watchers')).toBe(200)
    expect(await status(reading, 'watchers/job', 'DELETE')).toBe(403)
    expect(await status(reading, 'watchers/job/triggers', 'POST', '{}')).toBe(403)
    expect(await status(triggering, 'watchers/job/triggers', 'POST', '{}')).toBe(200)
    expect(await status(triggering, 'watchers')).toBe(403)
    expect((await run('key', 'list')).stdout).toMatch(/^1 {2}read .*dashboard\n2 {2}trigger .*cron\n$/)
    expect((await run('key', 'remove', '1')).code).toBe(0)
    expect(await status(reading, 'watchers')).toBe(401)
  })
})
