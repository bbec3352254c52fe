import { describe, expect, it } from 'vitest'
import type { HostList } from '../../../electron/shared/api/hosts.ts'
import type { RunningFlight } from '../../../electron/shared/api/machine.ts'
import type { Overview } from '../../../electron/shared/api/overview.ts'
import { hostStates } from '../../../electron/shared/host-words.ts'
import { overviewOf, type OverviewParts } from '../../../electron/service/overview/overview.ts'
import { startTestService } from '../../support/service.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const counts = (change: Partial<HostList['counts']> = {}): HostList['counts'] => ({
  ...(Object.fromEntries(hostStates.map((state) => [state, 0])) as HostList['counts']),
  ...change,
})
const parts = (change: Partial<OverviewParts> = {}): OverviewParts => ({
  machine: { stampFailure: null } as RunningFlight,
  hosts: { total: 0, all: 0, counts: counts(), tags: [], groups: [], hosts: [] },
  standing: { total: 0, paused: 0, late: 0, failing: 0, problems: [] },
  lateWatchers: [],
  telemetryTrouble: null,
  health: { enabled: true, isLive: true, hasBegun: true, problems: [] },
  offline: null,
  mutes: [],
  incident: () => null,
  windows: [],
  ...change,
})
const hosts = (all: number, change: Partial<HostList['counts']>): Pick<OverviewParts, 'hosts'> => ({
  hosts: { total: 0, all, counts: counts(change), tags: [], groups: [], hosts: [] },
})

describe('the overview', () => {
  it.each<[string, Partial<OverviewParts>, Overview['state'], string]>([
    ['nothing to watch', {}, 'up', 'No problems: recorder on'],
    ['a recorder that is off', { machine: null }, 'problem', '1 problem: recorder off'],
    [
      'a recorder that cannot write',
      {
        machine: {
          stampFailure: { since: '2026-11-21T11:00:00Z', count: 3, reason: 'disk full' },
        } as RunningFlight,
      },
      'problem',
      '1 problem: recorder cannot write',
    ],
    [
      'records that cannot be stored',
      { telemetryTrouble: 'the disk is full' },
      'degraded',
      '1 problem: telemetry unavailable',
    ],
    ['hosts that are well', hosts(3, { up: 3 }), 'up', 'No problems: 3 hosts, all well'],
    ['one host', hosts(1, { up: 1 }), 'up', 'No problems: 1 host, all well'],
    ['slow hosts', hosts(3, { up: 2, degraded: 1 }), 'degraded', '1 problem: 1 degraded of 3 hosts'],
    [
      'hosts down and slow',
      hosts(9, { up: 6, down: 2, degraded: 1 }),
      'problem',
      '3 problems: 2 down, 1 degraded of 9 hosts',
    ],
    [
      'hosts nobody sees',
      hosts(2, { unobserved: 2 }),
      'unobserved',
      'Not everything is seen: 2 unobserved of 2 hosts',
    ],
    [
      'no connection',
      { ...hosts(2, { unobserved: 2 }), offline: 'this machine is offline' },
      'unobserved',
      'Not everything is seen: this machine is offline',
    ],
    [
      'late watchers',
      { standing: { total: 4, paused: 1, late: 1, failing: 1, problems: [] } },
      'problem',
      '2 problems: 1 late, 1 failing, 1 paused of 4 watchers',
    ],
  ])('of %s', (_, change, state, sentence) => {
    const overview = overviewOf(parts(change), nowMs)
    expect(overview.state).toBe(state)
    expect(overview.sentence).toBe(sentence)
  })

  it('is paused by a window over everything, unless the recorder itself fails', () => {
    const windows = [
      { id: 1, coversAll: false, isPause: false, activeUntilMs: nowMs + 1 },
      { id: 2, coversAll: true, isPause: true, activeUntilMs: null },
      { id: 3, coversAll: true, isPause: true, activeUntilMs: nowMs + 30_000 },
      { id: 4, coversAll: true, isPause: false, activeUntilMs: nowMs + 60_000 },
    ]
    const paused = overviewOf(parts({ ...hosts(1, { down: 1 }), windows }), nowMs)
    expect(paused.state).toBe('paused')
    expect(paused.sentence).toMatch(/^Watching is paused: /)
    expect(paused.paused).toEqual({ ids: [3], until: '2026-11-21T12:01:00.000Z' })
    expect(overviewOf(parts({ machine: null, windows }), nowMs).state).toBe('problem')
  })

  it('knows only mutes over everything, the longest of them', () => {
    const mutes = [
      { id: 1, room: 'hosts', item: null, untilMs: nowMs + 9 },
      { id: 2, room: null, item: null, untilMs: nowMs + 5 },
      { id: 3, room: null, item: null, untilMs: nowMs + 7 },
    ]
    expect(overviewOf(parts({ mutes }), nowMs).muted).toEqual({
      ids: [2, 3],
      until: '2026-11-21T12:00:00.007Z',
    })
  })

  it('lists real problems with their sentences and their places in the UI', async () => {
    const { fetch } = await startTestService()
    const post = async (route: string, body: unknown): Promise<{ id: string }> => {
      const response = await fetch(`/api/v1/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return (await response.json()) as { id: string }
    }
    const schedule = { kind: 'period', periodMs: 3_600_000 }
    const failing = await post('watchers', { name: 'Backup', schedule })
    const paused = await post('watchers', { name: 'Old', schedule })
    await post(`watchers/${failing.id}/triggers`, { kind: 'fail', exitStatus: 3 })
    await post(`watchers/${paused.id}/triggers`, { kind: 'fail' })
    await post(`watchers/${paused.id}/pause`, {})
    const overview = (await (await fetch('/api/v1/overview')).json()) as Overview
    expect(overview.problemCount).toBe(1)
    expect(overview.problems).toMatchObject([
      {
        room: 'watchers',
        name: 'Backup',
        state: 'failing',
        severity: 'problem',
        path: `/watchers/${failing.id}`,
      },
    ])
    await expect
      .poll(async () => ((await (await fetch('/api/v1/overview')).json()) as Overview).problems[0]?.incident)
      .toBeTypeOf('number')
    await post('mutes', { room: 'watchers', item: failing.id, hours: 1 })
    const { problems } = (await (await fetch('/api/v1/overview')).json()) as Overview
    await post(`incidents/${problems[0]?.incident ?? 0}/acknowledge`, {})
    const after = (await (await fetch('/api/v1/overview')).json()) as Overview
    expect(after.problems[0]).toMatchObject({ acknowledged: true, muted: { ids: [1] } })
    expect(after.muted).toBeNull()
    expect(overview.rooms.map(({ text }) => text)).toEqual([
      'recorder on',
      'no hosts',
      '1 failing, 1 paused of 2 watchers',
      expect.stringMatching(/^(no report of this machine yet|this machine is well)$/),
    ])
    expect((await fetch('/api/v1/overview', { key: null })).status).toBe(401)
    expect((await fetch('/api/v1/hosts/check', { method: 'POST' })).status).toBe(202)
  })
})
