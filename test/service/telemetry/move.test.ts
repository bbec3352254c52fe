import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { ask } from '../../../electron/service/store/records/work.ts'
import { moveRecords } from '../../../electron/service/telemetry/records/move.ts'
import { openRecordStore } from '../../../electron/service/telemetry/records/open-store.ts'
import { removeRecords } from '../../../electron/service/telemetry/records/purge.ts'
import type { RecordStore } from '../../../electron/service/telemetry/records/store.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { aCrash, aRecord } from '../../support/records.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const clock = systemClock()

const shown = async (store: RecordStore): Promise<unknown> =>
  (await store.ask('topCrashes', { sinceMs: 0, withHidden: true, most: 10, ownMachines: [] })).crashes.map(
    ({ guilty, crashes, counted, firstBuild, builds }) => ({
      frame: [guilty.function, guilty.module, guilty.first_ms, guilty.counted],
      crashes,
      counted,
      firstBuild,
      builds,
    }),
  )

describe.skipIf(noPostgres !== null)(
  `moving to PostgreSQL${noPostgres === null ? '' : ` (skipped: ${noPostgres})`}`,
  () => {
    let server: TestPostgres
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server.stop())

    it('takes counted crashes and first builds along, also where ids are others, and twice is as once', async () => {
      const file = path.join(temporaryFolder(), 'records.db')
      const from = await openRecordStore({ kind: 'sqlite', file }, clock)
      const frames = ['f() app', 'g() app']
      for (let index = 0; index < 130; index += 1)
        await from.insert(
          {
            record: aCrash([frames[index % 2] ?? ''], { build: String(40 + (index % 3)) }),
            serverMs: nowMs + index,
          },
          10,
        )
      for (let index = 0; index < 15; index += 1)
        await from.insert(
          { record: aRecord({ classification: 'org.clearlinux/crash/unknown' }), serverMs: nowMs },
          10,
        )
      // The record of the first build is gone: nothing but the frame's own row remembers it.
      await from.write(function* () {
        yield* ask("INSERT INTO term (kind, text) VALUES ('build', '39')")
        yield* ask(
          "UPDATE guilty SET first_ms = ?, first_build_id = (SELECT id FROM term WHERE text = '39') WHERE function = 'f()'",
          nowMs - 1_000,
        )
      })
      const address = server.database('target')
      const to = await openRecordStore({ kind: 'postgres', address }, clock)
      const other = aCrash(['other() app'], { build: '1' })
      const { id } = await to.insert({ record: other, serverMs: nowMs }, 0)
      await to.write(() => removeRecords([id ?? 0]))
      for (let run = 0; run < 2; run += 1) {
        await moveRecords({ file, address }, () => undefined)
        expect(await shown(to)).toEqual(await shown(from))
        const summary = await to.ask('summary', null)
        expect(summary).toMatchObject({ records: 70, counted: 75 })
      }
      await from.close()
      await to.close()
    })
  },
)
