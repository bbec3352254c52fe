import { describe, expect, it } from 'vitest'
import type { Arrival } from '../../../electron/service/telemetry/records/insert.ts'
import { createIntake, IntakeRefusal } from '../../../electron/service/telemetry/records/intake.ts'
import type { Accepted } from '../../../electron/service/telemetry/schema.ts'
import { aRecord } from '../../support/records.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const arrival = (payload: string): Arrival => ({ record: aRecord({ payload }), serverMs: nowMs })

class BadData extends Error {}

/** A store whose batches end when the test says so. */
function bench({ lanes = 1, mostInBatch = 100 } = {}) {
  const batches: { payloads: string[]; done(): void; fail(error: Error): void }[] = []
  const write = (arrivals: readonly Arrival[]): Promise<readonly Accepted[]> =>
    new Promise((resolve, reject) => {
      const payloads = arrivals.map(({ record }) => record.payload)
      const accepted = payloads.map((text): Accepted => ({
        outcome: 'stored',
        id: Number(/\d+$/.exec(text)?.[0]),
        serverMs: nowMs,
      }))
      batches.push({ payloads, done: () => resolve(accepted), fail: reject })
    })
  const intake = createIntake({
    lanes: Array.from({ length: lanes }, () => write),
    mostInBatch,
    isOfTheData: (error) => error instanceof BadData,
  })
  return { batches, intake, add: (payload: string) => intake.add(arrival(payload), 0) }
}

describe('records on their way into a store', () => {
  it('are written together when they come together, and each hears of its own', async () => {
    const { batches, add } = bench()
    const first = [add('record 1'), add('record 2')]
    await soon()
    const later = [add('record 3'), add('record 4')]
    await soon()
    expect(batches.map(({ payloads }) => payloads)).toEqual([['record 1', 'record 2']])
    batches[0]?.done()
    expect((await Promise.all(first)).map(({ id }) => id)).toEqual([1, 2])
    expect(batches[1]?.payloads).toEqual(['record 3', 'record 4'])
    batches[1]?.done()
    expect((await Promise.all(later)).map(({ id }) => id)).toEqual([3, 4])
  })

  it('go no more than so many, and no longer than so much, in one batch', async () => {
    const { batches, add } = bench({ lanes: 9, mostInBatch: 3 })
    const many = Array.from({ length: 7 }, (_, index) => add(`record ${index}`))
    await soon()
    expect(batches.map(({ payloads }) => payloads.length)).toEqual([3, 3, 1])
    const long = ['a', 'b', 'c'].map((letter) => add(`${letter.repeat(600_000)} 1`))
    await soon()
    expect(batches.slice(3).map(({ payloads }) => payloads.length)).toEqual([1, 1, 1])
    for (const { done } of batches) done()
    await Promise.all([...many, ...long])
  })

  it('do not fail for a bad one among them', async () => {
    const { batches, add } = bench()
    const good = add('record 1')
    const bad = add('record 2')
    await soon()
    batches[0]?.fail(new BadData('no number'))
    await soon()
    expect(batches[1]?.payloads).toEqual(['record 1'])
    batches[1]?.done()
    await soon()
    batches[2]?.fail(new BadData('no number'))
    await expect(bad).rejects.toThrow('no number')
    expect((await good).id).toBe(1)
  })

  it('fail together when the store is away, and are not tried one by one', async () => {
    const { batches, add } = bench()
    const both = [add('record 1'), add('record 2')]
    await soon()
    batches[0]?.fail(new Error('the disk is full'))
    for (const one of both) await expect(one).rejects.toThrow('the disk is full')
    expect(batches).toHaveLength(1)
    const next = add('record 3')
    await soon()
    batches[1]?.done()
    expect((await next).id).toBe(3)
  })

  it('wait for other work, and that for them', async () => {
    const { batches, intake, add } = bench({ lanes: 2 })
    const first = add('record 1')
    await soon()
    let ends: () => void = () => undefined
    const told: string[] = []
    const between = intake.between(async () => {
      told.push('begun')
      await new Promise<void>((resolve) => (ends = resolve))
    })
    const second = add('record 2')
    await soon()
    expect([told, batches.length]).toEqual([[], 1])
    batches[0]?.done()
    await first
    await soon()
    expect([told, batches.length]).toEqual([['begun'], 1])
    ends()
    await between
    expect(batches[1]?.payloads).toEqual(['record 2'])
    batches[1]?.done()
    await second
    await expect(intake.between(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    const third = add('record 3')
    await soon()
    batches[2]?.done()
    await third
  })

  it('are told to come again when too many wait already', async () => {
    const { batches, intake, add } = bench()
    const running = add('record 0')
    await soon()
    const waiting = Array.from({ length: 20_000 }, (_, index) => add(`record ${index}`))
    await expect(add('one more')).rejects.toEqual(
      new IntakeRefusal('more records wait than the database takes; come again'),
    )
    const closing = intake.close()
    await expect(add('too late')).rejects.toThrow('stopping')
    batches[0]?.done()
    expect((await running).id).toBe(0)
    await closing
    const left = await Promise.allSettled(waiting)
    expect(left.every(({ status }) => status === 'rejected')).toBe(true)
    expect(batches).toHaveLength(1)
  })
})
