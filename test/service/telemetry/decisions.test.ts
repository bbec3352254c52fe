import Database from 'better-sqlite3'
import path from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { keepDecisions, restoreDecisions } from '../../../electron/service/telemetry/decisions.ts'
import { decideGuilty } from '../../../electron/service/telemetry/records/decide.ts'
import { openRecordStore } from '../../../electron/service/telemetry/records/open-store.ts'
import { aCrash, aRecord } from '../../support/records.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)

it('gives a new file of records what was decided, with the first build of each frame', async () => {
  const clock = systemClock()
  const settings = new Database(':memory:')
  settings.exec('CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const open = (name: string) =>
    openRecordStore({ kind: 'sqlite', file: path.join(temporaryFolder(), name) }, clock)
  const old = await open('old.db')
  // Ids of terms differ from file to file.
  await old.insert({ record: aRecord({ build: '39' }), serverMs: nowMs }, 0)
  for (const build of ['40', '41'])
    await old.insert({ record: aCrash(['f() app'], { build }), serverMs: nowMs + Number(build) }, 0)
  await old.write(() => decideGuilty(1, { comment: 'ours' }, nowMs))
  keepDecisions(settings, await old.ask('decisions', null))
  await old.close()
  const fresh = await open('fresh.db')
  const restore = () => fresh.write((writer) => restoreDecisions(settings, nowMs, writer))
  expect(await restore()).toBe(true)
  expect(await fresh.ask('guiltyDetails', { id: 1 })).toMatchObject({
    guilty: { function: 'f()', comment: 'ours' },
    firstBuild: '40',
  })
  await fresh.insert({ record: aCrash(['f() app'], { build: '42' }), serverMs: nowMs + 1_000 }, 0)
  expect((await fresh.ask('guiltyDetails', { id: 1 }))?.firstBuild).toBe('40')
  // What was decided since is not taken back.
  await fresh.write(() => decideGuilty(1, { comment: 'not ours' }, nowMs))
  expect(await restore()).toBe(false)
  expect((await fresh.ask('guiltyDetails', { id: 1 }))?.guilty.comment).toBe('not ours')
  await fresh.close()
  settings.close()
})
