import { describe, expect, it } from 'vitest'
import type {
  GuiltyDetails,
  PurgeAnswer,
  Regroup,
  SkipList,
  SkipPreview,
  TopCrashes,
} from '../../../electron/shared/api/telemetry.ts'
import { startTestService, type TestService } from '../../support/service.ts'
import { aCrash, aRecord } from '../../support/records.ts'

const nowMs = Date.now()
const dayMs = 86_400_000
const abort = { function: 'abort()', module: 'libc.so.6' }

async function api<T>(test: TestService, method: string, path: string, body?: unknown): Promise<T> {
  const response = await test.fetch(`/api/v1/telemetry/${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

async function withCrashes(): Promise<TestService> {
  const test = await startTestService()
  const store = test.service.telemetry.store()
  for (let index = 0; index < 500; index += 1)
    void store.insert({ record: aCrash(['abort() libc.so.6', `f${index % 3}() app`]), serverMs: nowMs }, 0)
  await store.insert({ record: aCrash(['g() app'], { build: '41001' }), serverMs: nowMs }, 0)
  return test
}
const counts = async (test: TestService): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await api<TopCrashes>(test, 'GET', 'crashes')).crashes.map(({ function: name, crashes }) => [
      name,
      crashes,
    ]),
  )

describe('deciding who is guilty', () => {
  it('previews, changes, blames anew in the background, and undoes', async () => {
    const test = await withCrashes()
    const { regrouper } = test.service.telemetry
    expect(await counts(test)).toEqual({ 'abort()': 500, 'g()': 1 })
    const preview = await api<SkipPreview>(test, 'POST', 'skip-list/preview', { add: [abort] })
    expect(preview.complete).toBe(true)
    const moves = preview.moves.map(({ from, to, records }) => [from?.function, to?.function, records])
    expect(moves.sort()).toEqual([
      ['abort()', 'f0()', 167],
      ['abort()', 'f1()', 167],
      ['abort()', 'f2()', 166],
    ])
    const change = await api<Regroup>(test, 'POST', 'skip-list', { add: [abort] })
    expect(change.what).toBe('skip abort() - [libc.so.6]')
    await regrouper.idle()
    expect(await counts(test)).toEqual({ 'f0()': 167, 'f1()': 167, 'f2()': 166, 'g()': 1 })
    await expect(api(test, 'POST', 'skip-list', { add: [abort] })).rejects.toThrow('409')
    await expect(api(test, 'POST', 'skip-list', { remove: [{ function: 'x', module: '' }] })).rejects.toThrow(
      '404',
    )
    await expect(api(test, 'POST', 'skip-list', {})).rejects.toThrow('400')
    const list = await api<SkipList>(test, 'GET', 'skip-list')
    expect(list.frames).toMatchObject([abort])
    expect(list.regroups).toMatchObject([{ id: change.id, moved: 500, undoable: true }])
    expect(list.regroups[0]?.done).not.toBeNull()
    await api(test, 'POST', `regroups/${change.id}/undo`)
    await regrouper.idle()
    expect(await counts(test)).toEqual({ 'abort()': 500, 'g()': 1 })
    await expect(api(test, 'POST', 'regroups/999/undo')).rejects.toThrow('404')
    await api(test, 'POST', 'skip-list', { add: [abort] })
    await api(test, 'POST', 'skip-list/reset')
    await regrouper.idle()
    expect(await counts(test)).toEqual({ 'abort()': 500, 'g()': 1 })
  })

  it('keeps comments, hides, and tells when what was fixed is back', async () => {
    const test = await withCrashes()
    const store = test.service.telemetry.store()
    const [{ id } = { id: 0 }] = (await api<TopCrashes>(test, 'GET', 'crashes')).crashes
    await api(test, 'PATCH', `guilties/${id}`, { comment: 'x'.repeat(80) })
    await expect(api(test, 'PATCH', `guilties/${id}`, { comment: 'x'.repeat(81) })).rejects.toThrow('400')
    await expect(api(test, 'PATCH', `guilties/${id}`, {})).rejects.toThrow('400')
    await expect(api(test, 'PATCH', 'guilties/999', { hidden: true })).rejects.toThrow('404')
    await api(test, 'PATCH', `guilties/${id}`, { hidden: true })
    expect(await counts(test)).toEqual({ 'g()': 1 })
    expect((await api<TopCrashes>(test, 'GET', 'crashes?hidden=true')).crashes).toHaveLength(2)
    await api(test, 'PATCH', `guilties/${id}`, { hidden: false, fixed: true, fixedBuild: '41100' })
    await store.insert({ record: aCrash(['abort() libc.so.6'], { build: '41099' }), serverMs: nowMs }, 0)
    expect((await api<GuiltyDetails>(test, 'GET', `guilties/${id}`)).back).toBeNull()
    await store.insert({ record: aCrash(['abort() libc.so.6'], { build: '41200' }), serverMs: nowMs }, 0)
    const details = await api<GuiltyDetails>(test, 'GET', `guilties/${id}`)
    expect(details.back).not.toBeNull()
    expect(details.comment).toBe('x'.repeat(80))
    expect(details.machines.map(({ build }) => build)).toEqual(['41200', '41099', '41000'])
  })

  it('says what is new in a build', async () => {
    const test = await withCrashes()
    const isNew = async (query: string): Promise<unknown[]> =>
      (await api<TopCrashes>(test, 'GET', `crashes${query}`)).crashes.map((crash) => [
        crash.function,
        crash.isNew,
      ])
    expect(await isNew('')).toEqual([
      ['abort()', false],
      ['g()', true],
    ])
    expect(await isNew('?build=41000')).toEqual([['abort()', true]])
    expect(await isNew('?build=none')).toEqual([])
    await expect(isNew('?last=x')).rejects.toThrow('400')
  })
})

describe('letting go of records', () => {
  it('counts in a dry run what it then lets go of, by age and by size', async () => {
    const test = await startTestService()
    const { telemetry } = test.service
    const store = telemetry.store()
    for (const days of [1, 34, 36, 40])
      await store.insert({ record: aRecord({ classification: 'a/b/c' }), serverMs: nowMs - days * dayMs }, 0)
    await store.insert({ record: aRecord(), serverMs: nowMs - 2 * dayMs }, 0)
    const aged = { byAge: 3, bySize: 0 }
    expect(await api<PurgeAnswer>(test, 'POST', 'purge', { dryRun: true })).toEqual({ dryRun: true, ...aged })
    expect((await store.ask('summary', null)).records).toBe(5)
    expect(await api<PurgeAnswer>(test, 'POST', 'purge', {})).toEqual({ dryRun: false, ...aged })
    expect((await store.ask('summary', null)).records).toBe(2)
    await Promise.all(
      Array.from({ length: 3_000 }, () =>
        store.insert(
          { record: aRecord({ classification: 'a/b/c', payload: 'x'.repeat(9_000) }), serverMs: nowMs },
          0,
        ),
      ),
    )
    const mostBytes = Math.round((await store.bytes()) / 2)
    await telemetry.change({ retention: { ...telemetry.settings.retention, mostBytes } })
    const planned = await api<PurgeAnswer>(test, 'POST', 'purge', { dryRun: true })
    expect(planned.bySize).toBeGreaterThan(1_000)
    const done = await api<PurgeAnswer>(test, 'POST', 'purge', {})
    expect(done.bySize).toBeGreaterThan(1_000)
    expect(await store.bytes()).toBeLessThan(mostBytes)
    const { records, oldestMs } = await store.ask('summary', null)
    expect(records).toBe(3_002 - done.bySize)
    expect(oldestMs).toBe(nowMs)
  })
})
