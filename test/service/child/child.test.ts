import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DesktopNotice, DesktopNotifier } from '../../../electron/service/alerts/channels/desktop.ts'
import type { SendResult } from '../../../electron/service/alerts/schema.ts'
import { runChild } from '../../../electron/service/child/child.ts'
import { systemClock } from '../../../electron/service/clock.ts'
import { createLog } from '../../../electron/service/log.ts'
import { shellPort, type ShellPort } from '../../../electron/service/child/port.ts'
import type { FromService, ToService } from '../../../electron/shared/shell/service-messages.ts'
import { lastEnding } from '../../support/raw-database.ts'
import { quietEdges } from '../../support/recorder-bench.ts'
import { startTestService } from '../../support/service.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** The shell's end of the port, in memory. */
function bench(options: { userData?: string; port?: number; desktop?: DesktopNotifier } = {}) {
  const userData = options.userData ?? temporaryFolder()
  const home = temporaryFolder()
  const heard: FromService[] = []
  const waiting = new Set<() => void>()
  let listener: (message: ToService) => void = () => undefined
  const port: ShellPort = {
    post(message) {
      heard.push(message)
      for (const wake of [...waiting]) wake()
    },
    onMessage(next) {
      listener = next
    },
  }
  const left: number[] = []
  const clock = systemClock()
  const child = runChild({
    port,
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.glance().wallMs),
    surroundings: { platform: process.platform, home, env: {} },
    listen: { host: '127.0.0.1', port: options.port ?? 0 },
    options: { edges: quietEdges() },
    leave: (code) => left.push(code),
    ...(options.desktop && { desktop: options.desktop }),
  })
  onTestFinished(() => child.stop('quit'))
  return {
    userData,
    home,
    heard,
    left,
    child,
    say: (message: ToService) => listener(message),
    start: (change: Partial<Extract<ToService, { kind: 'start' }>> = {}) =>
      listener({ kind: 'start', userData, canNotify: true, lastEnd: null, ...change }),
    next: <Kind extends FromService['kind']>(kind: Kind) =>
      new Promise<Extract<FromService, { kind: Kind }>>((resolve) => {
        const look = (): void => {
          const found = heard.find((message) => message.kind === kind)
          if (!found) return
          waiting.delete(look)
          resolve(found as Extract<FromService, { kind: Kind }>)
        }
        waiting.add(look)
        look()
      }),
  }
}

async function get<T>({ origin, key }: { origin: string; key: string | null }, route: string): Promise<T> {
  const response = await fetch(`${origin}/api/v1/${route}`, { headers: { 'x-api-key': key ?? '' } })
  return (await response.json()) as T
}

describe('the service as a child of the shell', () => {
  it('serves from the folder of the app, answers, and ends as it was told', async () => {
    const { start, next, say, heard, left, userData } = bench()
    start()
    const { place, database } = await next('ready')
    expect(database).toBe(path.join(userData, 'watchkeeper.db'))
    expect(place.key).toMatch(/^[\w-]{43}$/)
    say({ kind: 'ping', id: 4 })
    expect(await next('pong')).toEqual({ kind: 'pong', id: 4 })
    const before = await get<{ lastStamp: string }>(place, 'machine/now')
    say({ kind: 'power', event: 'suspend' })
    await next('power-noted')
    const after = await get<{ lastStamp: string }>(place, 'machine/now')
    expect(after.lastStamp > before.lastStamp).toBe(true)
    say({ kind: 'stop', how: 'shutdown' })
    await next('stopped')
    expect(left).toEqual([0])
    expect(lastEnding(database)).toBe('shutdown')
    expect(heard.filter(({ kind }) => kind === 'ready')).toHaveLength(1)
  })

  it('goes on with the database of a headless service when the app has none', async () => {
    const { start, next, home } = bench()
    const headless = path.join(home, '.watchkeeper')
    mkdirSync(headless)
    writeFileSync(path.join(headless, 'watchkeeper.db'), '')
    start()
    expect((await next('ready')).database).toBe(path.join(headless, 'watchkeeper.db'))
  })

  it('takes another port when the usual one is taken, and tells the user once', async () => {
    const blocker = net.createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      blocker.close()
    })
    const { port } = blocker.address() as net.AddressInfo
    const userData = temporaryFolder()
    for (let run = 1; run <= 2; run += 1) {
      const { start, next, child } = bench({ userData, port })
      start()
      const { place } = await next('ready')
      expect(new URL(place.origin).port).not.toBe(String(port))
      const { events } = await get<{ events: { kind: string; text: string }[] }>(place, 'service')
      expect(events.filter(({ kind }) => kind === 'port-taken')).toHaveLength(1)
      expect(events[0]?.text).toContain(`port ${port}`)
      await child.stop('quit')
    }
  })

  it('tells of the crash before it', async () => {
    const { start, next } = bench()
    start({ lastEnd: 'It stopped unexpectedly (exit code 1).' })
    const { place } = await next('ready')
    const { events } = await get<{ events: { kind: string; text: string }[] }>(place, 'service')
    expect(events).toMatchObject([
      { kind: 'service-restarted', text: 'It stopped unexpectedly (exit code 1).' },
    ])
  })

  it('names the other service on its database, with its key', async () => {
    const userData = temporaryFolder()
    const { service } = await startTestService({ database: path.join(userData, 'watchkeeper.db') })
    const { start, next, left, say } = bench({ userData })
    start()
    expect(await next('refused')).toMatchObject({
      why: 'in-use',
      other: { origin: service.origin, key: service.key },
    })
    say({ kind: 'stop', how: 'quit' })
    await next('stopped')
    expect(left).toEqual([0])
  })

  it('says in one sentence why it cannot start, and leaves nothing behind', async () => {
    const file = path.join(temporaryFolder(), 'a-file')
    writeFileSync(file, '')
    const { start, next } = bench({ userData: path.join(file, 'below') })
    start()
    const { why, reason, other } = await next('refused')
    expect(why).toBe('cannot-start')
    expect(reason).toMatch(/a-file/)
    expect(reason).not.toMatch(/\n|at Object/)
    expect(other).toBeNull()
    expect(existsSync(path.join(file, 'below'))).toBe(false)
  })

  it('shows notices by the shell, and by the system where the shell cannot', async () => {
    const shown: DesktopNotice[] = []
    const results: SendResult[] = [{ sent: true }, { sent: false, reason: 'no service' }]
    const desktop: DesktopNotifier = {
      problem: () => null,
      async show(notice) {
        shown.push(notice)
        return results.shift() ?? { sent: true }
      },
    }
    const { start, next, say, heard } = bench({ desktop })
    start()
    const { place } = await next('ready')
    const [channel] = await get<{ id: number; kind: string }[]>(place, 'channels')
    expect(channel?.kind).toBe('desktop')
    const test = async (): Promise<{ sent: boolean; reason: string | null }> =>
      (await (
        await fetch(`${place.origin}/api/v1/channels/${channel?.id ?? 0}/test`, {
          method: 'POST',
          headers: { 'x-api-key': place.key ?? '' },
        })
      ).json()) as { sent: boolean; reason: string | null }
    const answer = (n: number, reason: string | null, isUnusable: boolean): Promise<void> =>
      expect
        .poll(() => heard.filter(({ kind }) => kind === 'notice').length)
        .toBe(n)
        .then(() => say({ kind: 'notice-result', id: n, reason, isUnusable }))
    const [first] = await Promise.all([test(), answer(1, null, false)])
    expect(first).toEqual({ sent: true, reason: null })
    expect(shown).toEqual([])
    const [second] = await Promise.all([test(), answer(2, 'not signed', true)])
    expect(second.sent).toBe(true)
    expect(shown).toHaveLength(1)
    const [third] = await Promise.all([test(), answer(3, 'not signed', true)])
    expect(third).toEqual({ sent: false, reason: 'not signed' })
    const [fourth] = await Promise.all([test(), answer(4, 'was closed', false)])
    expect(fourth).toEqual({ sent: false, reason: 'was closed' })
    expect(shown).toHaveLength(2)
  })
})

describe('the port', () => {
  it('drops everything that is no message', () => {
    let give: (event: { data: unknown }) => void = () => undefined
    const heard: ToService[] = []
    shellPort({
      postMessage: () => undefined,
      on: (_event, listener) => {
        give = listener
      },
    }).onMessage((message) => heard.push(message))
    for (const data of [
      null,
      'start',
      {},
      { kind: 'stop' },
      { kind: 'stop', how: 'now' },
      { kind: 'ping', id: 1, more: true },
    ])
      give({ data })
    give({ data: { kind: 'ping', id: 1 } })
    expect(heard).toEqual([{ kind: 'ping', id: 1 }])
  })
})
