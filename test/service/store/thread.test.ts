import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startThread } from '../../../electron/service/store/thread.ts'
import { fakeClock } from '../../support/fake-clock.ts'

const file = new URL('../../support/slow-thread.ts', import.meta.url)

function slowThread() {
  const flags = new Int32Array(new SharedArrayBuffer(16))
  const clock = fakeClock()
  const thread = startThread(file, { flags }, clock)
  const asked = thread.ask('anything', null).catch((error: unknown) => String(error))
  return {
    clock,
    thread,
    asked,
    raise: (flag: number) => {
      Atomics.store(flags, flag, 1)
      Atomics.notify(flags, flag)
    },
    isRaised: (flag: number) => Atomics.load(flags, flag) === 1,
  }
}

describe('a thread that is ended', () => {
  it('while it loads is waited for, however long that takes, since cutting it off would abort the process', async () => {
    const slow = slowThread()
    slow.raise(3)
    const stopped = slow.thread.stop()
    for (let count = 0; count < 20; count += 1) {
      slow.clock.advance(60_000)
      await turn()
    }
    slow.raise(0)
    await stopped
    expect(slow.isRaised(1)).toBe(true)
    expect(await slow.asked).toContain('the service is stopping')
  })

  it('in a question that takes too long is cut off', async () => {
    const slow = slowThread()
    slow.raise(0)
    while (!slow.isRaised(2)) await turn()
    const stopped = slow.thread.stop()
    let isStopped = false
    void stopped.then(() => (isStopped = true))
    while (!isStopped) {
      slow.clock.advance(1_000)
      await turn()
    }
    expect(slow.isRaised(1)).toBe(false)
    expect(await slow.asked).toContain('the service is stopping')
  })
})
