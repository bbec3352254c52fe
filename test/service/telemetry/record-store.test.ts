import { beforeEach, afterEach, expect, it } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { openRecordStore } from '../../../electron/service/telemetry/records/open-store.ts'
import type { RecordPlace, RecordStore } from '../../../electron/service/telemetry/records/store.ts'
import { removeRecords } from '../../../electron/service/telemetry/records/purge.ts'
import { sweep } from '../../../electron/service/telemetry/records/sweep.ts'
import { changeSkip, writeMoves } from '../../../electron/service/telemetry/records/regroup.ts'
import { usualPlan } from '../../../electron/service/telemetry/purge-rules.ts'
import type { NewRecord, RecordFilter } from '../../../electron/service/telemetry/schema.ts'
import { aCrash, aRecord } from '../../support/records.ts'
import { onBothStores } from './both-stores.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const dayMs = 86_400_000
const clock = systemClock()

/** The one contract that both stores keep. */
function contract(place: () => RecordPlace): void {
  let store: RecordStore
  beforeEach(async () => {
    store = await openRecordStore(place(), clock)
  })
  afterEach(() => store.close())

  const add = async (record: NewRecord, serverMs = nowMs): Promise<number> =>
    (await store.insert({ record, serverMs }, 0)).id ?? 0
  const list = async (filter: RecordFilter, limit = 100): Promise<number[]> =>
    (
      await store.ask('list', { filter, before: null, limit, withPayload: false, patienceMs: 10_000 })
    ).records.map(({ id }) => id)

  it('gives back what was stored, to the letter', async () => {
    const record = aRecord({
      payload: 'Grüße "\\ 漢字 😀\n\t\n',
      hostType: 'Ä|b|c',
      classification: 'a/b/c',
      payloadVersion: 2_147_483_646,
      clientS: 253_402_300_799,
      external: true,
    })
    const id = await add(record)
    expect(await store.ask('one', { id })).toEqual({ ...record, id, serverMs: nowMs, guiltyId: null })
    expect(await store.ask('one', { id: id + 1 })).toBeNull()
  })

  it('stores a record that is sent again once', async () => {
    const record = aRecord()
    const first = await store.insert({ record, serverMs: nowMs }, 0)
    const again = await store.insert({ record, serverMs: nowMs + 5_000 }, 0)
    expect(first.outcome).toBe('stored')
    expect(again).toMatchObject({ outcome: 'repeated', id: first.id })
    const old = aRecord({ recordVersion: 2, event: 'N/A' })
    expect(await add(old)).not.toBe(await add(old))
    expect(await list({})).toHaveLength(3)
  })

  it('stores each once when the same are sent side by side', async () => {
    const records = Array.from({ length: 30 }, () => aCrash(['f() app']))
    const accepted = await Promise.all(
      [...records, ...records, ...records].map((record) => store.insert({ record, serverMs: nowMs }, 0)),
    )
    expect(accepted.filter(({ outcome }) => outcome === 'stored').length).toBeLessThanOrEqual(90)
    expect(await list({})).toHaveLength(30)
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(30)
  })

  it('filters by each field alone and by all together, newest first', async () => {
    const target = aCrash(['f() app'], {
      machine: 'm1',
      build: '26100.4349',
      system: 'windows',
      external: true,
      event: 'f'.repeat(32),
      payload: 'first\n#0 f() - [app]\nneedle 42\n',
    })
    for (let index = 0; index < 5; index += 1) await add(aRecord({ machine: `other${index}` }))
    const id = await add(target, nowMs + 1_000)
    for (let index = 0; index < 5; index += 1) await add(aRecord({ machine: `later${index}` }), nowMs + 2_000)
    const filters: RecordFilter[] = [
      { machine: 'm1' },
      { build: '26100.4349' },
      { system: 'windows' },
      { external: true },
      { severity: 3 },
      { event: 'f'.repeat(32) },
      { classification: 'org.clearlinux/crash/clr' },
      { classification: 'org.clearlinux/crash/*' },
      { classification: '%crash%' },
      { payload: 'needle \\d+$' },
      { notPayload: '^hello' },
      { receivedAfterMs: nowMs, receivedBeforeMs: nowMs + 2_000 },
    ]
    for (const filter of filters) expect(await list(filter), JSON.stringify(filter)).toEqual([id])
    expect(await list(Object.assign({}, ...filters) as RecordFilter)).toEqual([id])
    expect(await list({ build: 'none' })).toEqual([])
    expect(await list({ classification: 'no/such/*' })).toEqual([])
    const all = await list({})
    expect(all).toHaveLength(11)
    expect(all).toEqual([...all].sort((a, b) => b - a))
    expect(await list({ fromId: id })).toHaveLength(6)
  })

  it('pages without losing or repeating, also through a filter', async () => {
    for (let index = 0; index < 40; index += 1)
      await add(aRecord({ severity: (index % 4) + 1, payload: `number ${index}` }))
    for (const filter of [{}, { severity: 2 }, { payload: '[02468]$' }] satisfies RecordFilter[]) {
      const seen: number[] = []
      let before: number | null = null
      do {
        const piece: Awaited<ReturnType<typeof store.ask<'list'>>> = await store.ask('list', {
          filter,
          before,
          limit: 7,
          withPayload: false,
          patienceMs: 10_000,
        })
        seen.push(...piece.records.map(({ id }) => id))
        before = piece.before
      } while (before !== null)
      expect(seen).toEqual(await list(filter))
      expect(new Set(seen).size).toBe(seen.length)
    }
  })

  it('finds windows of time though clocks were set back, and with clients whose clocks are wrong', async () => {
    const early = await add(aRecord({ clientS: 0 }), nowMs - 10 * dayMs)
    const late = await add(aRecord({ clientS: 253_402_300_799 }), nowMs)
    const stepped = await add(aRecord({ clientS: 1_700_000_000 }), nowMs - 5 * dayMs)
    expect(await list({ receivedAfterMs: nowMs - 6 * dayMs })).toEqual([stepped, late])
    expect(await list({ receivedAfterMs: nowMs - dayMs })).toEqual([late])
    expect(await list({ receivedBeforeMs: nowMs - 7 * dayMs })).toEqual([early])
    expect(await list({ capturedAfterS: 1_700_000_000 })).toEqual([late])
    expect(await list({ capturedFromS: 1_700_000_000, capturedToS: 1_700_000_001 })).toEqual([stepped])
  })

  it('ends a pattern that explodes, refuses one that is none, and answers the next question', async () => {
    await add(aRecord({ payload: `${'a'.repeat(5_000)}!` }))
    await expect(list({ payload: '^(a+)+$' })).rejects.toThrow('the pattern takes too long')
    await expect(list({ payload: '(' })).rejects.toThrow('the pattern cannot be used')
    expect(await list({ payload: '!$' })).toHaveLength(1)
  })

  it('counts a storm beyond its limit and stores no more of it', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => store.insert({ record: aCrash(['f() app']), serverMs: nowMs }, 50)),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(50)
    expect(outcomes.filter(({ outcome }) => outcome === 'counted')).toHaveLength(150)
    await store.insert({ record: aCrash(['g() app']), serverMs: nowMs }, 50)
    await store.insert({ record: aCrash(['f() app']), serverMs: nowMs + 3_600_000 }, 50)
    expect(await list({})).toHaveLength(52)
    const { crashes } = await store.ask('topCrashes', {
      sinceMs: nowMs - dayMs,
      withHidden: false,
      most: 10,
      ownMachines: [],
    })
    expect(crashes.map(({ guilty, crashes: count, counted }) => [guilty.function, count, counted])).toEqual([
      ['f()', 201, 150],
      ['g()', 1, 0],
    ])
  })

  it('groups crashes by guilty frame and build, the newest builds first', async () => {
    for (const build of ['9', '100', '99', '15.1']) await add(aCrash(['f() app'], { build, machine: build }))
    await add(aCrash(['g() lib'], { build: '100', machine: 'x' }))
    await add(aCrash(['old() lib']), nowMs - 8 * dayMs)
    const asked = { sinceMs: nowMs - 7 * dayMs, withHidden: false, most: 10, ownMachines: ['x'] }
    const top = await store.ask('topCrashes', asked)
    expect(top.builds).toEqual(['100', '99', '15.1', '9'])
    expect(top.total).toBe(2)
    expect(top.crashes[0]).toMatchObject({ crashes: 4, machines: 4, firstBuild: '9', ofThisMachine: 0 })
    expect(top.crashes[1]).toMatchObject({ crashes: 1, ofThisMachine: 1 })
    const one = await store.ask('topCrashes', { ...asked, build: '100' })
    expect(one.crashes.map(({ crashes }) => crashes)).toEqual([1, 1])
    const details = await store.ask('guiltyDetails', { id: top.crashes[0]?.guilty.id ?? 0 })
    expect(details?.machines.map(({ build }) => build)).toEqual(['100', '99', '15.1', '9'])
    const traces = await store.ask('backtraces', { id: top.crashes[0]?.guilty.id ?? 0, build: '99' })
    expect(traces).toMatchObject([
      { program: '/usr/bin/app', signal: '11', frames: [{ function: 'f()', module: 'app' }] },
    ])
  })

  it('previews a change of the skip list, makes it, and undoes it', async () => {
    for (let index = 0; index < 12; index += 1) await add(aCrash(['abort() libc.so.6', 'f() app']))
    await add(aCrash(['abort() libc.so.6']))
    await add(aCrash(['g() app']))
    const change = { add: [{ function: 'abort()', module: 'libc.so.6' }], remove: [] }
    expect(await store.ask('previewSkip', { change, patienceMs: 10_000 })).toEqual({
      moves: [
        {
          from: { function: 'abort()', module: 'libc.so.6' },
          to: { function: 'f()', module: 'app' },
          records: 12,
          counted: 0,
        },
      ],
      looked: 13,
      isComplete: true,
    })
    const run = async (what: { add: readonly object[]; remove: readonly object[] }): Promise<void> => {
      const row = await store.write((writer) =>
        changeSkip({ change: what as never, what: 'test', nowMs }, writer),
      )
      expect(row).not.toBeNull()
      let after = 0
      for (;;) {
        const piece = await store.ask('regroupPiece', { after, upTo: 1_000, most: 5 })
        await store.write(() => writeMoves({ piece, after, revision: 2, regroupId: row?.id ?? 0 }))
        if (piece.lastId === null) break
        after = piece.lastId
      }
    }
    const counts = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (
          await store.ask('topCrashes', { sinceMs: 0, withHidden: true, most: 10, ownMachines: [] })
        ).crashes.map(({ guilty, crashes }) => [guilty.function, crashes]),
      )
    await run(change)
    expect(await counts()).toEqual({ 'f()': 12, 'abort()': 1, 'g()': 1 })
    expect(
      await store.insert({ record: aCrash(['abort() libc.so.6', 'h() app']), serverMs: nowMs }, 0),
    ).toMatchObject({
      outcome: 'stored',
    })
    expect(await counts()).toMatchObject({ 'h()': 1 })
    await run({ add: [], remove: change.add })
    expect(await counts()).toEqual({ 'abort()': 14, 'g()': 1 })
    expect((await store.ask('regroups', { most: 10 })).map(({ moved }) => moved)).toEqual([13, 12])
  })

  it('finds and removes what retention lets go of', async () => {
    const kept = await add(aRecord({ classification: 'a/b/c' }), nowMs - 34 * dayMs)
    await add(aRecord({ classification: 'a/b/c' }), nowMs - 36 * dayMs)
    await add(aRecord(), nowMs - 2 * dayMs)
    const fresh = await add(aRecord(), nowMs - 1_000)
    const piece = await store.ask('purgePiece', { plan: usualPlan, nowMs, after: 0, most: 100 })
    expect(piece.ids).toHaveLength(2)
    expect(await store.write(() => removeRecords(piece.ids))).toBe(2)
    await store.write(() => sweep({ nowMs, quarantineMs: dayMs }))
    expect(await list({})).toEqual([fresh, kept])
  })

  it('answers every view of an empty store', async () => {
    expect(await store.ask('buildCounts', null)).toEqual([])
    expect(await store.ask('shares', null)).toMatchObject({ total: 0 })
    expect(await store.ask('population', { nowMs })).toEqual([])
    expect(await store.ask('machineChecks', { year: 2026 })).toMatchObject({ total: 0 })
    expect(await store.ask('thermal', { nowMs })).toMatchObject({ total: 0 })
    expect(await store.ask('updateMatrix', { sinceMs: 0 })).toEqual({ versions: [], steps: [] })
    expect(await store.ask('summary', null)).toMatchObject({ records: 0, crashes: 0 })
    expect(await store.ask('choices', null)).toEqual({ classifications: [], builds: [], systems: [] })
    expect(await store.ask('grouped', { filter: {}, by: ['build', 'day'] })).toEqual([])
    expect(await store.bytes()).toBeGreaterThanOrEqual(0)
  })

  it('answers every view of a store with records', async () => {
    const ping = { classification: 'org.clearlinux/heartbeat/ping' }
    await add(aRecord({ ...ping, machine: 'a' }), nowMs - 10 * dayMs)
    await add(aRecord({ ...ping, machine: 'a' }), nowMs)
    await add(aRecord({ ...ping, machine: 'b', external: true }), nowMs - 2 * dayMs)
    await add(aRecord({ ...ping, machine: 'c', system: 'debian', build: '12' }), nowMs)
    for (const current of ['10', '10', '9'])
      await add(
        aRecord({
          classification: 'org.clearlinux/swupd-client/update',
          payload: `update\nx\ncurrent_version=${current}\nserver_version=10\n`,
        }),
      )
    await add(
      aRecord({
        classification: 'org.clearlinux/mce/corrected',
        payload: 'CPU 0 BANK 4\nSTATUS 9c00000000010092 MCGSTATUS 0\n',
      }),
    )
    await add(aRecord({ classification: 'org.clearlinux/mce/thermal', payload: 'THERMAL' }))
    expect(await store.ask('buildCounts', null)).toEqual([
      { build: '12', records: 1 },
      { build: '41000', records: 8 },
    ])
    expect(await store.ask('population', { nowMs })).toEqual([
      { build: '41000', internal: [1, 1, 1, 1, 1], external: [1, 1, 1, 1, 0] },
    ])
    expect(await store.ask('updateMatrix', { sinceMs: nowMs - dayMs })).toEqual({
      versions: ['9', '10'],
      steps: [{ from: '9', to: '10', updates: 1 }],
    })
    expect(await store.ask('machineChecks', { year: 2026 })).toMatchObject({
      total: 1,
      weeks: [{ week: '2026-11-15', name: 'corrected', records: 1 }],
      statuses: [{ name: '00010092', records: 1 }],
      banks: [{ name: '4', records: 1 }],
    })
    const heat = await store.ask('thermal', { nowMs })
    expect(heat.total).toBe(1)
    expect(heat.weeks.map(({ records }) => records)).toEqual([0, 0, 0, 0, 1])
    const stats = await store.ask('shares', null)
    expect(stats.total).toBe(9)
    expect(stats.classifications[0]).toEqual({ name: 'org.clearlinux/heartbeat/ping', records: 4 })
    expect(stats.hostTypes).toEqual([{ name: 'Acme|Box|1', records: 9 }])
    expect(
      await store.ask('grouped', { filter: { classification: 'org.clearlinux/heartbeat/*' }, by: ['day'] }),
    ).toEqual([
      { day: '2026-11-21', records: 2, machines: 2 },
      { day: '2026-11-11', records: 1, machines: 1 },
      { day: '2026-11-19', records: 1, machines: 1 },
    ])
  })
}

onBothStores('records', contract)
