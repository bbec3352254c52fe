import { describe, expect, it } from 'vitest'
import { observedMs } from '../../../electron/service/telemetry/teller.ts'
import { aCrash, aRecord } from '../../support/records.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { openRaw } from '../../support/raw-database.ts'
import { startTestService, type TestService } from '../../support/service.ts'

const hourMs = 3_600_000

interface Told {
  readonly item: string
  readonly kind: string
  readonly to_state: string
}

async function told(test: TestService, count: number): Promise<Told[]> {
  const db = openRaw(test.service.database)
  try {
    for (let tries = 0; tries < 200; tries += 1) {
      const rows = db
        .prepare("SELECT item, kind, to_state FROM transition WHERE room = 'telemetry' ORDER BY id")
        .all() as Told[]
      if (rows.length >= count) return rows
      await new Promise((resolve) => setImmediate(resolve))
      await test.service.telemetry.store().ask('summary', null)
    }
    return db
      .prepare("SELECT item, kind, to_state FROM transition WHERE room = 'telemetry' ORDER BY id")
      .all() as Told[]
  } finally {
    db.close()
  }
}

describe('notices of telemetry', () => {
  it('tell of a new guilty frame once, and of one that is back', async () => {
    const clock = fakeClock()
    const test = await startTestService({ clock })
    const { telemetry } = test.service
    const crash = async (build: string, frame = 'f() app'): Promise<void> => {
      await telemetry.collector.takeOwn(aCrash([frame], { build }))
      clock.advance(3_000)
    }
    await crash('1')
    await crash('1')
    expect(await told(test, 1)).toEqual([{ item: 'guilty 1', kind: 'info', to_state: 'new' }])
    await test.fetch('/api/v1/telemetry/guilties/1', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fixed: true, fixedBuild: '3' }),
    })
    await crash('2')
    await crash('3')
    await crash('4')
    expect(await told(test, 2)).toEqual([
      { item: 'guilty 1', kind: 'info', to_state: 'new' },
      { item: 'guilty 1', kind: 'info', to_state: 'back' },
    ])
    await telemetry.change({ alerts: { newGuilty: false } })
    await crash('4', 'g() app')
    expect(await told(test, 3)).toHaveLength(2)
  })

  it('tell of many new frames at once, with short titles', async () => {
    const clock = fakeClock()
    const test = await startTestService({ clock })
    const { telemetry } = test.service
    await Promise.all(
      Array.from({ length: 700 }, (_, index) =>
        telemetry.collector.takeOwn(aCrash([`f${index}${'x'.repeat(200)}() app`])),
      ),
    )
    clock.advance(3_000)
    const [crowd, ...more] = await told(test, 1)
    expect(more).toEqual([])
    expect(crowd).toMatchObject({ item: 'guilties from 1', kind: 'info', to_state: 'new' })
    const db = openRaw(test.service.database)
    const facts = db.prepare("SELECT facts FROM transition WHERE room = 'telemetry'").pluck().get() as string
    db.close()
    const { name, details } = JSON.parse(facts) as { name: string; details: string[] }
    expect(name).toMatch(/^700 new crashes, first: f0x+…$/)
    expect(name.length).toBeLessThanOrEqual(80 + 30)
    expect(details).toHaveLength(5)
    // After a crowd the next ones are waited for, so that a flood is a notice a minute.
    for (let index = 0; index < 10; index += 1) {
      await telemetry.collector.takeOwn(aCrash([`g${index}() app`]))
      clock.advance(3_000)
    }
    expect(await told(test, 2)).toHaveLength(1)
    clock.advance(60_000)
    expect((await told(test, 2)).map(({ item }) => item)).toEqual(['guilties from 1', 'guilties from 701'])
    for (const name of ['h() app', 'i() app']) await telemetry.collector.takeOwn(aCrash([name]))
    clock.advance(61_000)
    expect((await told(test, 4)).map(({ item }) => item).slice(2)).toEqual(['guilty 711', 'guilty 712'])
  })

  it('tell of a machine that stopped reporting only when asked to, and only of time in which we looked', async () => {
    const clock = fakeClock()
    const test = await startTestService({ clock, intervalMs: 60_000 })
    const { telemetry } = test.service
    const nowMs = clock.glance().wallMs
    for (const [machine, ago] of [
      ['silent', 80],
      ['silent', 20],
      ['once', 20],
      ['there', 80],
      ['there', 1],
    ] as const)
      await telemetry
        .store()
        .insert({ record: aRecord({ machine, classification: 'a/b/c' }), serverMs: nowMs - ago * hourMs }, 0)
    clock.advance(61_000)
    expect(await told(test, 1)).toEqual([])
    await telemetry.change({ alerts: { silentMachines: true, silentHours: 12 } })
    clock.advance(11 * 60_000)
    // The service began a moment ago: nobody looked at the twenty hours before.
    expect(await told(test, 1)).toEqual([])
    for (let hour = 0; hour < 13; hour += 1) {
      clock.advance(hourMs)
      await telemetry.store().ask('summary', null)
    }
    expect(await told(test, 2)).toContainEqual({
      item: 'machine silent',
      kind: 'problem',
      to_state: 'silent',
    })
    expect((await told(test, 2)).map(({ item }) => item)).not.toContain('machine once')
    await telemetry.collector.takeOwn(aRecord({ machine: 'silent', classification: 'a/b/c' }))
    clock.advance(11 * 60_000)
    expect(await told(test, 4)).toContainEqual({
      item: 'machine silent',
      kind: 'recovery',
      to_state: 'reporting',
    })
  }, 60_000)

  it('count only observed time', () => {
    expect(observedMs(0, 100, [])).toBe(100)
    expect(observedMs(0, 100, [{ fromMs: 20, toMs: 50, why: 'asleep' }])).toBe(70)
    expect(observedMs(30, 100, [{ fromMs: -50, toMs: 50, why: 'asleep' }])).toBe(50)
    expect(observedMs(0, 100, [{ fromMs: -10, toMs: 500, why: 'asleep' }])).toBe(0)
  })
})
