import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createSupervisor, type ServiceProcess, type Supervisor } from '../../electron/main/supervisor.ts'
import type { FromService, ToService } from '../../electron/shared/shell/service-messages.ts'
import { shellClock } from '../support/shell-clock.ts'

/** A process that does what the test says. */
class Process extends EventEmitter implements ServiceProcess {
  pid: number | undefined
  readonly told: ToService[] = []
  terminated = 0

  constructor(pid: number) {
    super()
    this.pid = pid
  }
  postMessage(message: ToService): void {
    this.told.push(message)
  }
  kill(): boolean {
    this.terminated += 1
    return true
  }
  say(message: FromService): void {
    this.emit('message', message)
  }
  end(code: number): void {
    this.pid = undefined
    this.emit('exit', code)
  }
  kinds(): string[] {
    return this.told.map(({ kind }) => kind)
  }
}

const place = { origin: 'http://127.0.0.1:8737', key: 'k' }
const ready: FromService = { kind: 'ready', place, database: '/w.db' }

function bench() {
  const clock = shellClock()
  const processes: Process[] = []
  const killed: number[] = []
  const states: string[] = []
  const lines: string[] = []
  const notices: { title: string; answer: (reason: string | null, isUnusable: boolean) => void }[] = []
  const supervisor: Supervisor = createSupervisor({
    clock,
    userData: '/data',
    canNotify: true,
    fork() {
      const made = new Process(1_000 + processes.length)
      processes.push(made)
      return made
    },
    forceEnd: (pid) => killed.push(pid),
    log: (line) => lines.push(line),
    onState: ({ kind }) => states.push(kind),
    onNotice: ({ title }, answer) => notices.push({ title, answer }),
  })
  const newest = (): Process => {
    const last = processes.at(-1)
    if (!last) throw new Error('nothing was started')
    return last
  }
  return { clock, processes, killed, states, lines, notices, supervisor, newest }
}

describe('the supervisor', () => {
  it('starts a service, says where it is, and asks it every five seconds', () => {
    const { supervisor, newest, clock, states } = bench()
    supervisor.start()
    expect(newest().told).toEqual([{ kind: 'start', userData: '/data', canNotify: true, lastEnd: null }])
    newest().say(ready)
    expect(supervisor.state).toMatchObject({ kind: 'running', place, isSilent: false, crash: null })
    for (let n = 1; n <= 30; n += 1) {
      clock.advance(5_000)
      newest().say({ kind: 'pong', id: n })
    }
    expect(
      newest()
        .kinds()
        .filter((kind) => kind === 'ping'),
    ).toHaveLength(30)
    expect(states).toEqual(['starting', 'running'])
  })

  it('ends a service that does not answer, after having said so, and starts another', () => {
    const { supervisor, newest, clock, killed, processes } = bench()
    supervisor.start()
    newest().say(ready)
    clock.advance(15_000)
    expect(supervisor.state).toMatchObject({ kind: 'running', isSilent: true })
    clock.advance(40_000)
    expect(killed).toEqual([])
    clock.advance(10_000)
    expect(killed).toEqual([1_000])
    newest().end(9)
    expect(supervisor.state).toMatchObject({ kind: 'restarting', how: 'exit code 9, SIGKILL' })
    clock.advance(1_000)
    expect(processes).toHaveLength(2)
    expect(newest().told[0]).toMatchObject({ kind: 'start' })
    expect((newest().told[0] as { lastEnd: string }).lastEnd).toContain('exit code 9, SIGKILL')
  })

  it('lets a service that is starting take its time, but not for ever, and hears of its errors', () => {
    const { supervisor, newest, clock, killed, lines } = bench()
    supervisor.start()
    clock.advance(29 * 60_000)
    expect(killed).toEqual([])
    newest().emit('error', 'FatalError', 'v8::internal::Heap')
    expect(lines).toEqual(['the service met an error of V8: FatalError at v8::internal::Heap'])
    clock.advance(2 * 60_000)
    expect(killed).toEqual([1_000])
  })

  it('compares places as pages write them', () => {
    const { supervisor, newest } = bench()
    supervisor.start()
    newest().say({ kind: 'ready', place: { origin: 'http://NAS:80', key: null }, database: '/w.db' })
    expect(supervisor.state).toMatchObject({ place: { origin: 'http://nas' } })
  })

  it('forgives silence that ends, and silence while the machine slept', () => {
    const { supervisor, newest, clock, killed } = bench()
    supervisor.start()
    newest().say(ready)
    clock.advance(40_000)
    newest().say({ kind: 'pong', id: 1 })
    expect(supervisor.state).toMatchObject({ isSilent: false })
    clock.advance(50_000)
    supervisor.power('resume')
    clock.advance(20_000)
    expect(killed).toEqual([])
    clock.advance(3_600_000, { stalled: true })
    expect(killed).toEqual([])
  })

  it('gives up after five quick crashes, tries again in an hour, and at once when told', () => {
    const { supervisor, newest, clock, processes, states } = bench()
    supervisor.start()
    for (let crash = 1; crash <= 5; crash += 1) {
      newest().end(1)
      if (crash < 5) clock.advance(2_000)
    }
    expect(processes).toHaveLength(5)
    expect(supervisor.state).toMatchObject({ kind: 'given-up', crashes: 5 })
    clock.advance(3_599_000)
    expect(processes).toHaveLength(5)
    clock.advance(2_000)
    expect(processes).toHaveLength(6)
    newest().end(1)
    supervisor.retry()
    expect(processes).toHaveLength(7)
    expect(states.filter((kind) => kind === 'given-up')).toHaveLength(1)
  })

  it('attaches to another service, and tries its own when that one is lost', () => {
    const { supervisor, newest, processes, clock } = bench()
    supervisor.start()
    newest().say({ kind: 'refused', why: 'in-use', reason: 'taken', database: '/w.db', other: place })
    expect(supervisor.state).toEqual({ kind: 'attached', place, database: '/w.db' })
    expect(newest().kinds()).toEqual(['start', 'stop'])
    newest().end(0)
    clock.advance(3_600_000)
    expect(processes).toHaveLength(1)
    supervisor.attachedLost()
    expect(processes).toHaveLength(2)
    newest().say(ready)
    expect(supervisor.state.kind).toBe('running')
  })

  it('says why a service refuses, tries again, and never counts that as a crash', () => {
    const { supervisor, newest, processes, clock } = bench()
    supervisor.start()
    for (let n = 1; n <= 10; n += 1) {
      newest().say({
        kind: 'refused',
        why: 'cannot-start',
        reason: 'disk full',
        database: '/w.db',
        other: null,
      })
      newest().end(0)
      expect(supervisor.state).toMatchObject({ kind: 'refused', reason: 'disk full' })
      clock.advance(30_000)
      expect(processes).toHaveLength(n + 1)
    }
  })

  it('asks, waits and ends, and starts nothing afterwards', async () => {
    const { supervisor, newest, clock, killed, processes } = bench()
    supervisor.start()
    newest().say(ready)
    const stopped = supervisor.stop('shutdown')
    expect(newest().told.at(-1)).toEqual({ kind: 'stop', how: 'shutdown' })
    expect(supervisor.state.kind).toBe('stopping')
    clock.advance(5_000)
    expect(newest().terminated).toBe(0)
    clock.advance(1_000)
    expect(newest().terminated).toBe(1)
    clock.advance(2_000)
    expect(killed).toEqual([1_000])
    newest().end(9)
    await stopped
    expect(supervisor.state.kind).toBe('stopped')
    supervisor.retry()
    supervisor.start()
    clock.advance(3_600_000)
    expect(processes).toHaveLength(1)
  })

  it('ends at once when there is nothing to stop, even while it waits to try again', async () => {
    const { supervisor, newest, clock, processes } = bench()
    supervisor.start()
    newest().end(1)
    await supervisor.stop('quit')
    clock.advance(3_600_000)
    expect(processes).toHaveLength(1)
  })

  it('drops what is no message, and answers notices only to the service that asked', () => {
    const { supervisor, newest, lines, notices, clock, processes } = bench()
    supervisor.start()
    const first = newest()
    for (const nonsense of [
      null,
      'ready',
      { kind: 'ready' },
      { kind: 'ready', place: { origin: 'file:///', key: null }, database: '' },
    ])
      first.emit('message', nonsense)
    expect(supervisor.state.kind).toBe('starting')
    expect(lines).toHaveLength(4)
    first.say({ kind: 'notice', id: 7, title: 'Down', text: '', replaces: 'x', isUrgent: true, path: '/' })
    notices[0]?.answer('refused', true)
    expect(first.told.at(-1)).toEqual({ kind: 'notice-result', id: 7, reason: 'refused', isUnusable: true })
    first.end(1)
    clock.advance(1_000)
    const told = first.told.length
    notices[0]?.answer(null, false)
    expect(first.told).toHaveLength(told)
    expect(processes).toHaveLength(2)
  })
})
