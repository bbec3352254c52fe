import path from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Incident, NoticePage } from '../../electron/shared/api/alerts.ts'
import type { HostHistory, HostList } from '../../electron/shared/api/hosts.ts'
import type { MachineHistory } from '../../electron/shared/api/machine.ts'
import type { Overview } from '../../electron/shared/api/overview.ts'
import type { Watcher, WatcherList } from '../../electron/shared/api/watchers.ts'
import { startBrowser } from '../support/browser.ts'
import type { ClockedHouse } from '../support/clocked-house.ts'
import { anchor } from '../support/fake-world.ts'
import { hour, minute, scenarioHouse } from '../support/scenario-house.ts'
import { temporaryFolder } from '../support/temporary.ts'

let browser: Browser
beforeAll(async () => (browser = await startBrowser()))
afterAll(() => browser.close())

/** Everything that was told, oldest first: what was held is not. */
async function told(house: ClockedHouse): Promise<string[]> {
  const { notices } = await house.api<NoticePage>('GET', 'notices?limit=100')
  return notices
    .filter(({ deliveries }) => deliveries.some(({ state }) => state === 'sent' || state === 'waiting'))
    .map(({ severity, title }) => `${severity}: ${title}`)
    .reverse()
}

const triggered = (house: ClockedHouse, { id }: Watcher, headers: Record<string, string> = {}) =>
  fetch(`${house.origin}/${id}`, { headers })

describe('a laptop whose lid is closed overnight over a job’s due time', () => {
  it('tells one line of information, raises no alarm, and changes no figure', async () => {
    const house = await scenarioHouse()
    const watcher = await house.api<Watcher>('POST', 'watchers', {
      name: 'Nightly backup',
      schedule: { kind: 'cron', expression: '0 3 * * *', zone: 'UTC' },
      graceMs: 30 * minute,
    })
    await house.api('POST', 'hosts', { domain: '192.0.2.10', name: 'NAS' })
    await triggered(house, watcher)
    await house.tell({ do: 'pass', ms: hour, stepMs: 1_000 })
    await house.tell({ do: 'sleep', ms: 10 * hour })
    await house.tell({ do: 'pass', ms: 10 * minute, stepMs: 1_000 })
    expect(await told(house)).toEqual(['info: Missed: Nightly backup was due while this machine was asleep'])
    const { percent, ms } = (await house.api<MachineHistory>('GET', 'machine?last=12h')).figures
    expect([ms.down, ms['recorder-off'], Math.round(ms.asleep / hour)]).toEqual([0, 0, 10])
    expect(percent.up + percent.asleep + percent.unknown).toBeCloseTo(100, 5)
    expect((await house.api<HostHistory>('GET', 'hosts/192.0.2.10/history?last=12h')).figures.uptime).toBe(
      100,
    )
    expect(await house.api<Incident[]>('GET', 'incidents')).toEqual([])

    const { page, complaints } = await house.open(browser, '/overview')
    await page
      .getByTestId('standing')
      .getByText('No problems')
      .or(page.getByText('Not everything is seen'))
      .waitFor()
    await page
      .locator('[data-lane=recorder]')
      .getByRole('button', { name: /asleep/ })
      .waitFor()
    await page
      .locator('[data-lane=watchers]')
      .getByRole('button', { name: /Nightly backup/ })
      .waitFor()
    await page
      .locator('[data-lane=watchers]')
      .getByRole('button', { name: /unobserved.*asleep/ })
      .waitFor()
    expect(complaints).toEqual([])
  })
})

describe('an uplink that is cut for an hour', () => {
  it('with 50 hosts and 20 remote watchers is one notice, and nobody else’s fault', async () => {
    const house = await scenarioHouse()
    await house.api('PUT', 'hosts/anchors', { anchors: [anchor] })
    const hosts = Array.from({ length: 50 }, (_, index) => ({ domain: `198.51.100.${index + 100}` }))
    await house.api('PUT', 'hosts/config', { hosts })
    const watchers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        house.api<Watcher>('POST', 'watchers', {
          name: `Job ${index}`,
          schedule: { kind: 'period', periodMs: 30 * minute },
          graceMs: 5 * minute,
        }),
      ),
    )
    const call = () =>
      Promise.all(
        watchers.map((watcher, index) =>
          triggered(house, watcher, { 'x-forwarded-for': `203.0.113.${index + 1}` }),
        ),
      )
    await house.tell({ do: 'pass', ms: 3 * minute, stepMs: 500 })
    await call()
    await house.tell({ do: 'pass', ms: 20 * minute, stepMs: 500 })
    expect(await told(house)).toEqual([])
    await house.tell({ do: 'cut' })
    await house.tell({ do: 'pass', ms: hour, stepMs: 500 })
    expect(await told(house)).toEqual([expect.stringContaining('problem: ')])
    const page = await house.open(browser, '/hosts')
    await page.page.getByText('unobserved').first().waitFor()
    const list = await house.api<WatcherList>('GET', 'watchers?limit=50')
    expect([list.counts.late, list.counts.failing, list.counts.unobserved]).toEqual([0, 0, 20])
    expect((await house.api<HostList>('GET', 'hosts?limit=1')).counts).toMatchObject({
      down: 0,
      unobserved: 50,
    })
    await house.tell({ do: 'mend' })
    await house.tell({ do: 'pass', ms: minute, stepMs: 500 })
    await call()
    await house.tell({ do: 'pass', ms: 5 * minute, stepMs: 500 })
    const notices = await told(house)
    // One live notice: the recovery takes the place of the problem.
    expect(notices).toEqual([expect.stringContaining('problem: '), expect.stringContaining('recovery: ')])
    const after = await house.api<WatcherList>('GET', 'watchers?limit=50')
    expect([after.counts.up, after.counts.late]).toEqual([20, 0])
    expect((await house.api<HostHistory>('GET', 'hosts/198.51.100.100/history?last=2h')).figures.uptime).toBe(
      100,
    )
  }, 180_000)

  it('is found out for remote watchers alone, where no host is probed', async () => {
    const house = await scenarioHouse()
    await house.api('PUT', 'hosts/anchors', { anchors: [anchor] })
    const watcher = await house.api<Watcher>('POST', 'watchers', {
      name: 'Far job',
      schedule: { kind: 'period', periodMs: 30 * minute },
    })
    const call = () => triggered(house, watcher, { 'x-forwarded-for': '203.0.113.7' })
    const state = async () => (await house.api<Watcher>('GET', `watchers/${watcher.id}`)).state
    await call()
    await house.tell({ do: 'pass', ms: 29 * minute, stepMs: 500 })
    await house.tell({ do: 'cut' })
    await house.tell({ do: 'pass', ms: 10 * minute, stepMs: 500 })
    expect(await state()).toBe('unobserved')
    expect(await told(house)).toEqual([expect.stringContaining('problem: ')])
    await house.tell({ do: 'mend' })
    await house.tell({ do: 'pass', ms: minute, stepMs: 500 })
    // Whoever keeps silent while we can be reached is late all the same.
    await house.tell({ do: 'pass', ms: 31 * minute, stepMs: 500 })
    expect(await state()).toBe('late')
    await call()
    expect(await state()).toBe('up')
  }, 120_000)

  it('says nothing of a job on this machine that did not report', async () => {
    const house = await scenarioHouse()
    await house.api('PUT', 'hosts/anchors', { anchors: [anchor] })
    await house.api('POST', 'hosts', { domain: '198.51.100.100' })
    const watcher = await house.api<Watcher>('POST', 'watchers', {
      name: 'Own job',
      schedule: { kind: 'period', periodMs: 30 * minute },
    })
    await house.tell({ do: 'pass', ms: 3 * minute, stepMs: 500 })
    await triggered(house, watcher)
    await house.tell({ do: 'cut' })
    await house.tell({ do: 'pass', ms: 40 * minute, stepMs: 1_000 })
    expect((await house.api<Watcher>('GET', `watchers/${watcher.id}`)).state).toBe('late')
  }, 120_000)
})

describe('a power cut', () => {
  it('is told once at the next start, with its cause, and not again', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    const first = await scenarioHouse({ database })
    const { wallMs } = await first.tell({ do: 'pass', ms: 10 * minute, stepMs: 1_000 })
    await first.kill()
    const next = {
      wallMs: wallMs + 5 * minute,
      bootMs: 30_000,
      bootId: '22222222-2222-4222-8222-222222222222',
    }
    const second = await scenarioHouse({ database, ...next })
    // The logs are looked through and the gap is judged in real time.
    let notices: string[] = []
    for (let count = 0; count < 200 && notices.length === 0; count += 1) {
      await second.tell({ do: 'pass', ms: 1_000, stepMs: 1_000 })
      notices = await told(second)
    }
    await second.tell({ do: 'pass', ms: 2 * minute, stepMs: 1_000 })
    expect(await told(second)).toEqual(notices)
    expect(notices).toHaveLength(1)
    expect(notices[0]).toMatch(/crashed|lost power/i)
    const { page, complaints } = await second.open(browser, '/overview')
    await page
      .locator('[data-lane=recorder]')
      .getByRole('button', { name: /crashed or lost power/ })
      .waitFor()
    await page.goto(`${second.origin}/#/notices`)
    await page
      .getByText(/crashed|lost power/i)
      .first()
      .waitFor()
    expect(complaints).toEqual([])
    const { wallMs: later, bootMs } = await second.tell({ do: 'pass', ms: minute, stepMs: 1_000 })
    await second.tell({ do: 'stop' })
    const third = await scenarioHouse({
      database,
      wallMs: later + 5_000,
      bootMs: bootMs + 5_000,
      bootId: next.bootId,
    })
    await third.tell({ do: 'pass', ms: 2 * minute, stepMs: 1_000 })
    expect(await told(third)).toEqual(notices)
  }, 120_000)
})

describe('a clock that is stepped back an hour in the midst of an incident', () => {
  it('ends the incident once, with the time that it really lasted, and tells nothing twice', async () => {
    const house = await scenarioHouse()
    await house.api('POST', 'hosts', { domain: '192.0.2.20', name: 'Printer' })
    const watcher = await house.api<Watcher>('POST', 'watchers', {
      name: 'Own job',
      schedule: { kind: 'period', periodMs: 5 * minute },
    })
    await triggered(house, watcher)
    await house.tell({ do: 'pass', ms: 2 * minute, stepMs: 500 })
    await house.tell({ do: 'silence', address: '192.0.2.20' })
    await house.tell({ do: 'pass', ms: 10 * minute, stepMs: 500 })
    const before = await told(house)
    expect(before).toHaveLength(2)
    await house.tell({ do: 'step', ms: -hour })
    await house.tell({ do: 'pass', ms: 10 * minute, stepMs: 500 })
    expect(await told(house)).toEqual(before)
    const overview = await house.api<Overview>('GET', 'overview')
    expect(overview.problems.map(({ name }) => name).sort()).toEqual(['Own job', 'Printer'])
    const { page } = await house.open(browser, '/overview')
    await page
      .getByText(/^Down for (19|20) min/)
      .first()
      .waitFor()
    await house.tell({ do: 'answer', address: '192.0.2.20' })
    await triggered(house, watcher)
    await house.tell({ do: 'pass', ms: minute, stepMs: 500 })
    const incidents = await house.api<Incident[]>('GET', 'incidents')
    expect(incidents.map(({ name, closed }) => [name, closed !== null]).sort()).toEqual([
      ['Own job', true],
      ['Printer', true],
    ])
    for (const { durationMs } of incidents) {
      expect(durationMs).toBeGreaterThan(14 * minute)
      expect(durationMs).toBeLessThan(23 * minute)
    }
    expect((await told(house)).filter((line) => line.startsWith('recovery'))).toHaveLength(2)
    await page
      .getByTestId('standing')
      .getByText(/No problems/)
      .waitFor()
  }, 120_000)
})
