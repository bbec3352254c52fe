import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { bytesBeside } from '../../../electron/service/telemetry/records/blocks.ts'
import { decideGuilty } from '../../../electron/service/telemetry/records/decide.ts'
import { removeGuilties } from '../../../electron/service/telemetry/records/guilties.ts'
import { openRecordStore } from '../../../electron/service/telemetry/records/open-store.ts'
import { removeRecords } from '../../../electron/service/telemetry/records/purge.ts'
import { changeSkip, finishRegroup, writeMoves } from '../../../electron/service/telemetry/records/regroup.ts'
import type { RecordPlace, RecordStore } from '../../../electron/service/telemetry/records/store.ts'
import { beginTermSweep, removeTerms, sweep } from '../../../electron/service/telemetry/records/sweep.ts'
import type { Frame, NewRecord } from '../../../electron/service/telemetry/schema.ts'
import { ask } from '../../../electron/service/store/records/work.ts'
import { aCrash, aRecord } from '../../support/records.ts'
import { onBothStores } from './both-stores.ts'

const hourMs = 3_600_000
const nowMs = Date.UTC(2026, 10, 21, 12)
const clock = systemClock()
const quarantineMs = 86_400_000

function contract(place: () => RecordPlace): void {
  let at: RecordPlace
  let store: RecordStore
  beforeEach(async () => {
    at = place()
    store = await openRecordStore(at, clock)
  })
  afterEach(() => store.close())

  const add = async (record: NewRecord, serverMs = nowMs, stormLimit = 0): Promise<number> =>
    (await store.insert({ record, serverMs }, stormLimit)).id ?? 0
  const all = async (): Promise<number[]> =>
    (
      await store.ask('list', {
        filter: {},
        before: null,
        limit: 10_000,
        withPayload: false,
        patienceMs: 10_000,
      })
    ).records.map(({ id }) => id)
  const crashes = async () =>
    (await store.ask('topCrashes', { sinceMs: 0, withHidden: true, most: 10, ownMachines: [] })).crashes
  const counts = async (): Promise<Record<string, readonly [number, number]>> =>
    Object.fromEntries(
      (await crashes()).map(({ guilty, crashes: count, counted }) => [guilty.function, [count, counted]]),
    )
  const sweepAll = async (): Promise<void> => {
    await store.write(() => sweep({ nowMs: nowMs + hourMs, quarantineMs }))
    const idle = await store.ask('idleGuilties', null)
    if (idle.length > 0) await store.write((writer) => removeGuilties(idle, writer))
    const upTo = await store.write(beginTermSweep)
    const orphans = await store.ask('orphanTerms', null)
    if (orphans.length > 0) await store.write((writer) => removeTerms(orphans, upTo, writer))
  }
  const skip = async (change: { add: readonly Frame[]; remove: readonly Frame[] }): Promise<void> => {
    const row = await store.write((writer) => changeSkip({ change, what: 'test', nowMs }, writer))
    let after = 0
    for (;;) {
      const piece = await store.ask('regroupPiece', { after, upTo: 100_000, most: 50 })
      const begin = after
      await store.write(() => writeMoves({ piece, after: begin, revision: 2, regroupId: row?.id ?? 0 }))
      if (piece.lastId === null) break
      after = piece.lastId
    }
    const storms = await store.ask('stormMoves', null)
    await store.write(() => finishRegroup(row?.id ?? 0, nowMs, storms))
  }

  it('lets go of frames and storms with their records, but of none that was decided or counted', async () => {
    for (const name of ['plain', 'commented', 'hidden', 'fixed', 'counted', 'kept'])
      await add(aCrash([`${name}() app`]), nowMs, 50)
    for (let index = 0; index < 60; index += 1) await add(aCrash(['counted() app']), nowMs, 50)
    const ids = new Map((await crashes()).map(({ guilty }) => [guilty.function, guilty.id]))
    const decide = (name: string, change: object): Promise<unknown> =>
      store.write(() => decideGuilty(ids.get(`${name}()`) ?? 0, change, nowMs))
    await decide('commented', { comment: 'ours' })
    await decide('hidden', { hidden: true })
    await decide('fixed', { fixed: true })
    const gone = (await all()).filter((id) => id !== 6)
    await store.write(() => removeRecords(gone))
    await sweepAll()
    const left = await store.write(function* () {
      return yield* ask<{ function: string }>('SELECT function FROM guilty ORDER BY function')
    })
    expect(left.map((row) => row.function)).toEqual([
      'commented()',
      'counted()',
      'fixed()',
      'hidden()',
      'kept()',
    ])
    const storms = await store.write(function* () {
      return yield* ask<{ dropped: number }>('SELECT dropped FROM storm')
    })
    expect(storms).toEqual([{ dropped: 11 }])
    expect(await add(aCrash(['plain() app']))).toBeGreaterThan(0)
    expect(await counts()).toMatchObject({ 'plain()': [1, 0], 'counted()': [11, 11] })
  })

  it('keeps the texts that frames and counted crashes name when their records are gone', async () => {
    for (let index = 0; index < 60; index += 1) await add(aCrash(['f() app'], { build: '7' }), nowMs, 50)
    await add(aCrash(['f() app'], { build: '8' }), nowMs + 1_000)
    await store.write(() => removeRecords(Array.from({ length: 50 }, (_, index) => index + 1)))
    await sweepAll()
    expect((await crashes()).map(({ firstBuild, builds }) => [firstBuild, builds])).toEqual([
      [
        '7',
        [
          { build: '8', crashes: 1 },
          { build: '7', crashes: 10 },
        ],
      ],
    ])
  })

  it('lets go of texts that nothing has, and finds them again when they come again', async () => {
    const other = await openRecordStore(at.kind === 'postgres' ? at : place(), clock)
    const writer = at.kind === 'postgres' ? other : store
    const old = await add(aRecord({ build: '5', machine: 'm' }))
    await writer.insert({ record: aRecord({ build: '6' }), serverMs: nowMs }, 0)
    const list = async (): Promise<number> =>
      (
        await store.ask('list', {
          filter: { build: '5' },
          before: null,
          limit: 5,
          withPayload: false,
          patienceMs: 5_000,
        })
      ).records.length
    await writer.insert({ record: aRecord({ build: '5' }), serverMs: nowMs }, 0)
    expect(await list()).toBe(2)
    await store.write(() => removeRecords([old, old + 2]))
    await sweepAll()
    expect((await store.ask('choices', null)).builds).toEqual(['6'])
    // Whoever remembered the text of old must not write a record without one.
    await writer.insert({ record: aRecord({ build: '5' }), serverMs: nowMs }, 0)
    expect((await store.ask('choices', null)).builds).toEqual(['6', '5'])
    expect(await list()).toBe(1)
    expect(await store.ask('buildCounts', null)).toEqual([
      { build: '5', records: 1 },
      { build: '6', records: 1 },
    ])
    await other.close()
  })

  it('takes the first build together with the first time, however late it comes', async () => {
    await add(aCrash(['f() app'], { build: '20' }), nowMs)
    await add(aCrash(['f() app'], { build: '10' }), nowMs - 1_000)
    await add(aCrash(['f() app'], { build: '30' }), nowMs + 1_000)
    expect((await crashes())[0]?.firstBuild).toBe('10')
    for (const [build, ms] of [
      ['9', nowMs],
      ['8', nowMs - 5_000],
    ] as const)
      await add(aCrash(['abort() libc', 'f() app'], { build }), ms)
    await skip({ add: [{ function: 'abort()', module: 'libc' }], remove: [] })
    const [found] = await crashes()
    expect([found?.crashes, found?.firstBuild, found?.guilty.first_ms]).toEqual([5, '8', nowMs - 5_000])
  })

  it('takes counted crashes where most of their stored siblings go, tells so before, and brings them back', async () => {
    const abort = { function: 'abort()', module: 'libc' }
    for (let index = 0; index < 30; index += 1)
      await add(aCrash(['abort() libc', `${index % 3 === 0 ? 'g' : 'f'}() app`]), nowMs, 20)
    for (let index = 0; index < 40; index += 1) await add(aCrash(['f() app']), nowMs, 30)
    expect(await counts()).toEqual({ 'abort()': [30, 10], 'f()': [40, 10] })
    const preview = await store.ask('previewSkip', {
      change: { add: [abort], remove: [] },
      patienceMs: 10_000,
    })
    expect(preview.moves.map(({ to, records, counted }) => [to?.function, records, counted])).toEqual([
      ['f()', 13, 10],
      ['g()', 7, 0],
    ])
    await skip({ add: [abort], remove: [] })
    expect(await counts()).toEqual({ 'f()': [63, 20], 'g()': [7, 0] })
    const counted = (): Promise<Record<string, number>> =>
      store.write(function* () {
        const rows = yield* ask<{ function: string; counted: number }>('SELECT function, counted FROM guilty')
        return Object.fromEntries(rows.map((row) => [row.function, row.counted]))
      })
    expect(await counted()).toEqual({ 'abort()': 0, 'f()': 20, 'g()': 0 })
    await skip({ add: [], remove: [abort] })
    expect(await counts()).toEqual({ 'abort()': [30, 10], 'f()': [40, 10] })
    expect(await counted()).toEqual({ 'abort()': 10, 'f()': 10, 'g()': 0 })
  })

  it('guards crashes that name no frame against storms, by what their payloads begin with', async () => {
    const crash = (classification: string, payload: string) => aRecord({ classification, payload })
    const outcomes: string[] = []
    for (let index = 0; index < 60; index += 1) {
      const records = [
        crash('org.clearlinux/crash/unknown', `Crash from third party\nPID: ${index}\n`),
        crash('org.clearlinux/kernel/panic', `panic at 0x${index.toString(16)}\n`),
        crash('org.example/app/panic', 'oh no'),
        crash('org.clearlinux/hello/world', 'hello\n'),
      ]
      for (const record of records)
        outcomes.push(
          `${record.classification} ${(await store.insert({ record, serverMs: nowMs }, 50)).outcome}`,
        )
    }
    const sums: Record<string, number> = {}
    for (const outcome of outcomes) sums[outcome] = (sums[outcome] ?? 0) + 1
    expect(sums).toEqual({
      'org.clearlinux/crash/unknown stored': 50,
      'org.clearlinux/crash/unknown counted': 10,
      'org.clearlinux/kernel/panic stored': 50,
      'org.clearlinux/kernel/panic counted': 10,
      'org.example/app/panic stored': 50,
      'org.example/app/panic counted': 10,
      'org.clearlinux/hello/world stored': 60,
    })
    expect(
      (
        await store.insert(
          { record: crash('org.clearlinux/crash/unknown', 'another\n'), serverMs: nowMs },
          50,
        )
      ).outcome,
    ).toBe('stored')
    expect((await store.ask('summary', null)).counted).toBe(30)
    expect(await counts()).toEqual({})
  })

  it('knows the room of records exactly in PostgreSQL, also of an older schema', async () => {
    if (at.kind !== 'postgres') return
    for (let index = 0; index < 200; index += 1) await add(aRecord({ payload: 'x'.repeat(10) }))
    for (let index = 0; index < 100; index += 1) await add(aRecord({ payload: 'x'.repeat(9_000) }))
    const room = 300 * bytesBeside + 200 * 10 + 100 * 9_000
    expect(await store.bytes()).toBe(room)
    await store.write(() => removeRecords([1, 2, 300]))
    expect(await store.bytes()).toBe(room - 3 * bytesBeside - 20 - 9_000)
    await store.write(function* () {
      yield* ask('ALTER TABLE record_block DROP COLUMN records')
      yield* ask('ALTER TABLE record_block DROP COLUMN bytes')
      yield* ask('ALTER TABLE record DROP COLUMN origin_id')
      yield* ask('ALTER TABLE storm DROP COLUMN blamed_id')
      yield* ask("DELETE FROM state WHERE name = 'terms'")
      yield* ask('UPDATE record_schema SET version = 1')
    })
    const newer = await openRecordStore(at, clock)
    expect(await newer.bytes()).toBe(room - 3 * bytesBeside - 20 - 9_000)
    await newer.close()
  })
}

onBothStores('the upkeep of records', contract)
