import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../electron/service/clock.ts'
import type { Echoer } from '../../../../electron/service/hosts/icmp/echo.ts'
import { flightTable, stopped } from '../../../../electron/service/hosts/icmp/flight-table.ts'
import { openFping } from '../../../../electron/service/hosts/icmp/fping.ts'
import { openPing } from '../../../../electron/service/hosts/icmp/ping-command.ts'
import { createPinger } from '../../../../electron/service/hosts/icmp/pinger.ts'
import { runProgram } from '../../../support/cli.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { inPrivateNetwork, noPrivateNetwork } from '../../../support/private-network.ts'
import { turns } from '../../../support/watcher-bench.ts'

const script = fileURLToPath(new URL('./sockets-in-namespace.ts', import.meta.url))
const reason = process.platform === 'linux' ? noPrivateNetwork() : 'this is not Linux'
if (reason !== null) process.stdout.write(`skipped: echoes in a private network, since ${reason}\n`)

interface Outcome {
  readonly answered: number
  readonly total: number
  readonly median: number
  readonly heldAnswered: number
  readonly unrouted: { kind: string }
  readonly bad: { kind: string }
  readonly viaSix: { kind: string; from: string }
  readonly afterStop: { kind: string }
  readonly leakedFds: number
}

describe.skipIf(reason !== null).each(['datagram', 'raw'])('a %s socket', (kind) => {
  it('loses none of 10,000 echoes, keeps true times, gives up nobody whose answer waits, and unloads cleanly', async () => {
    const { code, stdout, stderr } = await inPrivateNetwork(script, [kind])
    expect(stderr.replace(/.*ExperimentalWarning.*\n.*\n/, '')).toBe('')
    expect(code).toBe(0)
    const outcome = JSON.parse(stdout) as Outcome
    expect(outcome.answered).toBe(outcome.total)
    expect(outcome.median).toBeLessThan(1)
    expect(outcome.heldAnswered).toBe(300)
    expect(outcome.unrouted.kind).toBe('fault')
    expect(outcome.bad.kind).toBe('fault')
    expect(outcome.viaSix).toMatchObject({ kind: 'answer', from: '::1' })
    expect(['answer', 'fault']).toContain(outcome.afterStop.kind)
    expect(outcome.leakedFds).toBe(0)
  })
})

describe('echoes on their way', () => {
  it('are ended once: foreign, duplicate and late answers find nobody', async () => {
    const clock = fakeClock()
    const table = flightTable(clock, 4, () => undefined)
    const ends: string[] = []
    const slot = table.take('127.0.0.1', Buffer.alloc(16), 56, (result) => ends.push(result.kind))
    slot.sentMs = clock.glance().monotonicMs
    table.launched(slot, 1_000)
    const { index, nonce } = slot
    expect(table.find(index, nonce ^ 1)).toBeNull()
    expect(table.find(index + 1, nonce)).toBeNull()
    table.end(slot, { kind: 'answer', ms: 1, from: null })
    expect(table.find(index, nonce)).toBeNull()
    const next = table.take('127.0.0.2', Buffer.alloc(16), 56, (result) => ends.push(result.kind))
    next.sentMs = clock.glance().monotonicMs
    table.launched(next, 1_000)
    expect(next.index).toBe(index)
    expect(table.find(index, nonce)).toBeNull()
    clock.advance(1_000)
    await turns()
    expect(ends).toEqual(['answer', 'timeout'])
    expect(table.size).toBe(0)
  })

  it('all end when their way is given up', () => {
    const table = flightTable(fakeClock(), 4, () => undefined)
    const ends: unknown[] = []
    for (let count = 0; count < 3; count += 1)
      table.take('127.0.0.1', Buffer.alloc(16), 56, (result) => ends.push(result))
    table.stop()
    expect(ends).toEqual([stopped, stopped, stopped])
  })
})

/** Sends one echo to this machine and to an address for documentation. */
async function tryWay(way: Echoer): Promise<string[]> {
  const send = (address: string): Promise<string> =>
    new Promise((resolve) => way.send({ address, timeoutMs: 500, bytes: 56 }, ({ kind }) => resolve(kind)))
  const kinds = await Promise.all([send('127.0.0.1'), send('127.0.0.1'), send('::1')])
  await way.stop()
  return kinds
}

describe('programs that are gone back to', () => {
  it.each(['fping', 'ping'])('%s answers, or says why it cannot', async (name) => {
    const found = name === 'fping' ? await openFping(systemClock()) : await openPing()
    if (!('send' in found)) {
      process.stdout.write(`skipped: echoes by ${name}, since ${found.why}\n`)
      return
    }
    const kinds = await tryWay(found)
    expect(kinds.slice(0, 2)).toEqual(['answer', 'answer'])
  })

  it('that are not there are named', async () => {
    expect(await openFping(systemClock(), 'no-such-fping')).toMatchObject({ why: 'fping is not installed' })
    expect(await openPing('linux', 'no-such-ping')).toMatchObject({ why: 'the system has no ping' })
  })

  it('that are not there keep nobody waiting at the end', async () => {
    const programs = new URL('../../../../electron/service/hosts/icmp/programs.ts', import.meta.url)
    const script = `import { runToEnd } from '${programs.href}'; console.log(await runToEnd('no-such-program', []))`
    const { code, stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', script])
    expect([code, stdout]).toEqual([0, 'null\n'])
  })

  it('leave a fault, not a failure, where there is no way at all', async () => {
    const pinger = createPinger(systemClock(), [])
    const result = await new Promise<{ kind: string }>((resolve) =>
      pinger.echo({ address: '127.0.0.1', timeoutMs: 500, bytes: 56 }, resolve),
    )
    expect(result.kind).toBe('fault')
    expect(await pinger.way(4)).toEqual({ way: 'none', refusals: [] })
    await pinger.stop()
  })
})
