import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FlightPage, MachineHistory } from '../../electron/shared/api/machine.ts'
import type { Overview } from '../../electron/shared/api/overview.ts'
import type { Watcher, WatcherEvents } from '../../electron/shared/api/watchers.ts'
import { startBrowser } from '../support/browser.ts'
import { runProgram } from '../support/cli.ts'
import { minute, scenarioHouse } from '../support/scenario-house.ts'
import { tellSkipped } from '../support/skipped.ts'
import { clientHeaders, eventId } from '../support/telemetry.ts'
import { temporaryFolder } from '../support/temporary.ts'

const { code } = await runProgram('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).catch(() => ({
  code: 1,
}))
const canMount = code === 0
if (!canMount)
  tellSkipped('a disk that is full for ten minutes: no tmpfs can be mounted in a namespace of its own here')

let browser: Browser
beforeAll(async () => (browser = await startBrowser()))
afterAll(() => browser.close())

describe.skipIf(!canMount)('a disk that is full for ten minutes', () => {
  it('is a problem in words, answers no trigger as if it were kept, and is over by itself', async () => {
    const disk = temporaryFolder()
    const house = await scenarioHouse({ disk, database: path.join(disk, 'w.db') })
    const watcher = await house.api<Watcher>('POST', 'watchers', {
      name: 'Heartbeat',
      schedule: { kind: 'period', periodMs: 30 * minute },
    })
    const trigger = async () => (await fetch(`${house.origin}/${watcher.id}?comment=kept`)).status
    expect(await trigger()).toBe(200)
    const record = async () => {
      const headers = { ...clientHeaders, event_id: eventId() }
      return (await fetch(`${house.origin}/v2/collector`, { method: 'POST', headers, body: 'hello\n' }))
        .status
    }
    expect(await record()).toBe(201)
    await house.tell({ do: 'pass', ms: minute, stepMs: 1_000 })
    const ballast = path.join(disk, 'ballast')
    await house.tell({ do: 'fill', file: ballast })
    await house.tell({ do: 'pass', ms: minute, stepMs: 1_000 })
    const { page, complaints } = await house.open(browser, '/overview')
    await page.getByTestId('standing').getByText('recorder cannot write').waitFor()
    await page
      .getByText(/cannot write its stamps/)
      .first()
      .waitFor()
    const answers = await Promise.all(Array.from({ length: 20 }, trigger))
    expect(answers.filter((status) => status === 200)).toEqual([])
    const refusals = await Promise.all(Array.from({ length: 20 }, record))
    expect(new Set(refusals)).toEqual(new Set([503]))
    await house.tell({ do: 'pass', ms: 9 * minute, stepMs: 1_000 })
    expect((await fetch(`${house.origin}/healthz`)).status).toBe(503)
    const during = await house.api<Overview>('GET', 'overview')
    expect([during.state, during.problems[0]?.room]).toEqual(['problem', 'recorder'])
    await house.tell({ do: 'free', file: ballast })
    await house.tell({ do: 'pass', ms: minute, stepMs: 1_000 })
    expect((await fetch(`${house.origin}/healthz`)).status).toBe(200)
    expect(await trigger()).toBe(200)
    expect(await record()).toBe(201)
    const { records } = await house.api<{ records: unknown[] }>('GET', 'telemetry/records')
    expect(records).toHaveLength(2)
    await page
      .getByTestId('standing')
      .getByText(/^No problems/)
      .waitFor({ timeout: 40_000 })
    const { events } = await house.api<WatcherEvents>('GET', `watchers/${watcher.id}/events`)
    expect(events.filter(({ kind }) => kind === 'success')).toHaveLength(2)
    const { figures } = await house.api<MachineHistory>('GET', 'machine')
    expect([figures.gaps, figures.ms.down]).toEqual([0, 0])
    expect((await house.api<FlightPage>('GET', 'machine/flights')).total).toBe(1)
    expect(complaints.filter((line) => !/status of 50\d/.test(line))).toEqual([])
  }, 120_000)
})
