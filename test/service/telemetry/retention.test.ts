import { expect, it } from 'vitest'
import type { PurgeAnswer } from '../../../electron/shared/api/telemetry.ts'
import { ask } from '../../../electron/service/store/records/work.ts'
import { startTestService, type TestService } from '../../support/service.ts'
import { aCrash, aRecord } from '../../support/records.ts'

const nowMs = Date.now()
const dayMs = 86_400_000

async function purge(test: TestService, dryRun: boolean): Promise<PurgeAnswer> {
  const response = await test.fetch('/api/v1/telemetry/purge', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dryRun }),
  })
  expect(response.status).toBe(200)
  return (await response.json()) as PurgeAnswer
}

async function limit(test: TestService, mostBytes: number): Promise<void> {
  const { telemetry } = test.service
  await telemetry.change({ retention: { ...telemetry.settings.retention, mostBytes } })
}

it('lets frames go with their records, so that no record goes for the room of what is gone', async () => {
  const test = await startTestService()
  const store = test.service.telemetry.store()
  const mostBytes = 10_000_000
  await limit(test, mostBytes)
  await Promise.all(
    Array.from({ length: 8_000 }, (_, index) =>
      store.insert(
        { record: aCrash([`f${index}${'x'.repeat(380)}() app`]), serverMs: nowMs - 2 * 3_600_000 },
        50,
      ),
    ),
  )
  expect(await store.bytes()).toBeGreaterThan(mostBytes)
  const first = await purge(test, false)
  expect(first.bySize).toBeGreaterThan(0)
  const { records } = await store.ask('summary', null)
  expect(records).toBe(8_000 - first.bySize)
  expect(records).toBeGreaterThan(4_000)
  for (let run = 0; run < 3; run += 1) expect((await purge(test, false)).bySize).toBe(0)
  const [guilties] = await store.write(function* () {
    return yield* ask<{ n: number }>('SELECT count(*) AS n FROM guilty')
  })
  expect(guilties?.n).toBe(records)
})

it('does not count by size, in a dry run, what goes by age', async () => {
  const test = await startTestService()
  const store = test.service.telemetry.store()
  const old = Array.from({ length: 2_500 }, () => nowMs - 40 * dayMs)
  const fresh = Array.from({ length: 500 }, () => nowMs)
  for (const serverMs of [...old, ...fresh])
    void store.insert(
      { record: aRecord({ classification: 'a/b/c', payload: 'x'.repeat(9_000) }), serverMs },
      0,
    )
  await store.insert({ record: aRecord({ classification: 'a/b/c' }), serverMs: nowMs }, 0)
  await limit(test, Math.round((await store.bytes()) / 2))
  expect(await purge(test, true)).toEqual({ dryRun: true, byAge: 2_500, bySize: 0 })
  expect(await purge(test, false)).toEqual({ dryRun: false, byAge: 2_500, bySize: 0 })
  await limit(test, 0)
  await Promise.all(
    Array.from({ length: 1_500 }, () =>
      store.insert(
        { record: aRecord({ classification: 'a/b/c', payload: 'x'.repeat(9_000) }), serverMs: nowMs },
        0,
      ),
    ),
  )
  await limit(test, Math.max(10_000_000, Math.round((await store.bytes()) / 2)))
  expect((await purge(test, true)).bySize).toBeGreaterThan(500)
})
