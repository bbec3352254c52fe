import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WatcherSource } from '../../../electron/shared/api/watchers.ts'
import {
  resultOfAgent,
  resultOfService,
  resultOfTask,
} from '../../../electron/service/watchers/sources/unit.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { hasProgram, privateBus } from '../../support/private-bus.ts'
import { tellSkipped } from '../../support/skipped.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { watcherBench, type WatcherBench } from '../../support/watcher-bench.ts'

const hour = 3_600_000
const canRun = process.platform === 'linux' && hasProgram('dbus-daemon')
if (!canRun) tellSkipped('units as sources are not tested: dbus-daemon is missing (Debian: dbus-daemon)')

function write(file: string, atMs: number, text = 'backup'): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  utimesSync(file, atMs / 1_000, atMs / 1_000)
}

/** Lets looks at real files come back, and everything that follows from them. */
async function settle(bench: WatcherBench, clock: FakeClock, until: () => boolean): Promise<void> {
  const giveUpMs = Date.now() + 20_000
  while (!until()) {
    if (Date.now() > giveUpMs) throw new Error('nothing happened')
    await bench.pass(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(clock.read().wallMs).toBeGreaterThan(0)
}

async function fileWatcher(source: WatcherSource, clock: FakeClock) {
  const bench = await watcherBench(clock)
  const { watcher } = await bench.watchers.create({
    name: 'Nightly backup',
    schedule: { kind: 'period', periodMs: 26 * hour },
    source,
  })
  const state = (): string => {
    const entry = bench.watchers.get(watcher.id)
    return entry === null ? 'gone' : bench.watchers.judged(entry).state
  }
  return { bench, id: watcher.id, state }
}

describe('a file as a watcher', () => {
  it('is well while its newest change is newer than the period, late at the very deadline, and well again', async () => {
    const clock = fakeClock()
    const folder = temporaryFolder()
    const nowMs = clock.read().wallMs
    write(path.join(folder, 'old.tar'), nowMs - 50 * hour)
    write(path.join(folder, 'new.tar'), nowMs - 20 * hour)
    const { bench, id, state } = await fileWatcher({ kind: 'file', path: path.join(folder, '*.tar') }, clock)
    expect(state()).toBe('up')
    const [event] = bench.watchers.events(id, { limit: 1, offset: 0 })
    expect(event).toMatchObject({ kind: 'success', atMs: nowMs - 20 * hour, agent: 'file' })
    expect(event?.comment).toContain('new.tar')
    await bench.pass(6 * hour - 1_000, 60_000)
    expect(state()).toBe('up')
    await bench.pass(2_000)
    expect(state()).toBe('late')
    expect(bench.transitions.map(({ kind }) => kind)).toEqual(['problem'])
    write(path.join(folder, 'newest.tar'), clock.read().wallMs)
    await settle(bench, clock, () => state() === 'up')
    expect(bench.transitions.map(({ kind }) => kind)).toEqual(['problem', 'recovery'])
    expect(bench.watchers.events(id, { limit: 10, offset: 0 }).map(({ kind }) => kind)).toEqual([
      'success',
      'success',
      'created',
    ])
  })

  it('that is too old already is late at once, though Watchkeeper was not running when it was due', async () => {
    const clock = fakeClock()
    const file = path.join(temporaryFolder(), 'dump.sql')
    write(file, clock.read().wallMs - 30 * hour)
    const { state } = await fileWatcher({ kind: 'file', path: file }, clock)
    expect(state()).toBe('late')
  })

  it('that is not there counts from the moment the watcher was made', async () => {
    const clock = fakeClock()
    const { bench, state } = await fileWatcher(
      { kind: 'file', path: path.join(temporaryFolder(), 'never', '*.tar') },
      clock,
    )
    await settle(bench, clock, () =>
      bench.watchers.ids().every((id) => bench.watchers.get(id)?.wakeMs !== null),
    )
    await bench.pass(26 * hour, 600_000)
    expect(state()).toBe('late')
  })

  it('blames nobody for the time in which this machine was asleep', async () => {
    const clock = fakeClock()
    const file = path.join(temporaryFolder(), 'dump.sql')
    write(file, clock.read().wallMs - 20 * hour)
    const { bench, state } = await fileWatcher({ kind: 'file', path: file }, clock)
    await bench.pass(hour, 60_000)
    clock.suspend(10 * hour)
    await bench.pass(60_000)
    expect(state()).toBe('unobserved')
    expect(bench.transitions.map(({ kind }) => kind)).toEqual(['info'])
  })

  it('that is smaller than it must be has failed', async () => {
    const clock = fakeClock()
    const file = path.join(temporaryFolder(), 'dump.sql')
    write(file, clock.read().wallMs - hour, '')
    const { bench, id, state } = await fileWatcher({ kind: 'file', path: file, leastBytes: 1_000 }, clock)
    expect(state()).toBe('failing')
    expect(bench.watchers.events(id, { limit: 1, offset: 0 })[0]?.comment).toContain('0 B, less than')
  })

  it('is refused when its path means another file tomorrow', async () => {
    const bench = await watcherBench(fakeClock())
    await expect(
      bench.watchers.create({
        name: 'x',
        schedule: { kind: 'period', periodMs: hour },
        source: { kind: 'file', path: 'backup/*.tar' },
      }),
    ).rejects.toThrow("'backup/*.tar' is not an absolute path")
    await expect(bench.watchers.look({ kind: 'file', path: './x' })).rejects.toThrow('absolute')
  })

  it('can be looked at without being kept, also when it is not there', async () => {
    const bench = await watcherBench(fakeClock())
    const folder = temporaryFolder()
    const look = () => bench.watchers.look({ kind: 'file', path: path.join(folder, '*.x') })
    expect(await look()).toEqual({ found: null, fault: null })
    write(path.join(folder, 'a.x'), Date.UTC(2026, 5, 1))
    expect((await look()).found).toMatchObject({ kind: 'success', atMs: Date.UTC(2026, 5, 1) })
    rmSync(path.join(folder, 'a.x'))
    expect((await look()).found).toBeNull()
    expect(bench.watchers.ids()).toEqual([])
  })
})

describe('what service managers say', () => {
  it('is a result of systemd only when the run has ended', () => {
    const ended = new Map<string, unknown>([
      ['Result', 'success'],
      ['ExecMainStartTimestamp', 1_795_000_000_000_000],
      ['ExecMainExitTimestamp', 1_795_000_060_000_000],
      ['ExecMainCode', 1],
      ['ExecMainStatus', 0],
    ])
    expect(resultOfService('backup.service', ended)).toMatchObject({
      kind: 'success',
      atMs: 1_795_000_060_000,
      durationMs: 60_000,
      exitStatus: 0,
    })
    const failed = new Map([...ended, ['Result', 'exit-code'], ['ExecMainStatus', 3]] as [string, unknown][])
    expect(resultOfService('backup.service', failed)).toMatchObject({
      kind: 'fail',
      exitStatus: 3,
      comment: 'backup.service ended with exit-code',
    })
    const running = new Map([...ended, ['ExecMainStartTimestamp', 1_795_000_070_000_000]] as [
      string,
      unknown,
    ][])
    expect(resultOfService('backup.service', running)).toBeNull()
    expect(resultOfService('backup.service', new Map([['ExecMainExitTimestamp', 0]]))).toBeNull()
  })

  it('is a result of the Windows task scheduler only when the task has run', () => {
    const of = (result: number, at = '2026-11-21T03:00:00.0000000Z') =>
      resultOfTask('\\Backup', JSON.stringify({ at, result }))
    expect(of(0)).toMatchObject({ kind: 'success', atMs: Date.UTC(2026, 10, 21, 3), exitStatus: null })
    expect(of(2)).toMatchObject({ kind: 'fail', exitStatus: 2 })
    expect(of(0x80070005)).toMatchObject({ kind: 'fail', exitStatus: null })
    expect(of(0x41301)).toBeNull()
    expect(of(0, '1999-11-30T00:00:00Z')).toBeNull()
  })

  it('is a result of launchd for each run, which it counts from each boot on', () => {
    const text = (runs: number, code: string, state = 'not running') =>
      `system/com.example.backup = {\n\tstate = ${state}\n\n\truns = ${runs}\n\tlast exit code = ${code}\n}\n`
    expect(resultOfAgent('com.example.backup', text(3, '0'), 'boot-a', 1_000)).toMatchObject({
      kind: 'success',
      atMs: 1_000,
      key: 'com.example.backup#boot-a#3',
    })
    expect(resultOfAgent('x', text(3, '78: EX_CONFIG'), null, 1)).toMatchObject({
      kind: 'fail',
      exitStatus: 78,
    })
    expect(resultOfAgent('x', text(0, '(never exited)'), null, 1)).toBeNull()
    expect(resultOfAgent('x', text(4, '0', 'running'), null, 1)).toBeNull()
  })
})

describe.skipIf(!canRun)('a unit of systemd as a watcher', () => {
  it('takes each result once, good and bad, over a real bus', async () => {
    const address = await privateBus()
    const socket = /unix:path=([^,]+)/.exec(address)?.[1] ?? ''
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../support/fake-systemd.ts', import.meta.url))],
      { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address }, stdio: ['pipe', 'pipe', 'inherit'] },
    )
    onTestFinished(() => {
      child.kill()
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const said = async (): Promise<string> => String((await lines.next()).value)
    expect(await said()).toBe('ready')
    const tell = async (result: string, endedMs: number, status: number): Promise<void> => {
      child.stdin.write(`${JSON.stringify({ result, endedMs, status })}\n`)
      expect(await said()).toBe('set')
    }
    const clock = fakeClock()
    const nowMs = clock.read().wallMs
    await tell('success', nowMs - hour, 0)
    const bench = await watcherBench(clock, { sources: { systemBus: socket, userBus: null } })
    const create = (unit: string) =>
      bench.watchers.create({
        name: unit,
        schedule: { kind: 'period', periodMs: 26 * hour },
        source: { kind: 'unit', unit },
      })
    const { watcher } = await create('backup')
    const kinds = () => bench.watchers.events(watcher.id, { limit: 10, offset: 0 }).map(({ kind }) => kind)
    expect(kinds()).toEqual(['success', 'created'])
    await tell('exit-code', nowMs - 60_000, 7)
    // The bus answers in real time, the rounds are of the fake clock.
    const giveUpMs = Date.now() + 20_000
    while (kinds().length < 3 && Date.now() < giveUpMs) {
      await bench.pass(31_000, 31_000)
      await bench.watchers.look({ kind: 'unit', unit: 'backup' })
    }
    expect(kinds()).toEqual(['fail', 'success', 'created'])
    expect(bench.watchers.get(watcher.id)?.facts).toMatchObject({
      lastExitStatus: 7,
      lastFailMs: nowMs - 60_000,
    })
    expect(await bench.watchers.look({ kind: 'unit', unit: 'away' })).toEqual({
      found: null,
      fault: 'there is no unit away.service',
    })
    expect(await bench.watchers.look({ kind: 'unit', unit: 'x', user: true })).toEqual({
      found: null,
      fault: 'this user has no systemd of its own here',
    })
  }, 40_000)
})
