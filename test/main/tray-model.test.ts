import { describe, expect, it } from 'vitest'
import type { Overview, OverviewProblem } from '../../electron/shared/api/overview.ts'
import { remainingWords } from '../../electron/shared/time-text.ts'
import type { ServiceState } from '../../electron/main/service-state.ts'
import { iconOf, tooltipOf, trayLook, type TrayFacts, type TrayItem } from '../../electron/main/tray-model.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const at = (offsetMs: number): string => new Date(nowMs + offsetMs).toISOString()
const running: ServiceState = {
  kind: 'running',
  place: { origin: 'http://127.0.0.1:8737', key: 'k' },
  database: '/w.db',
  isSilent: false,
  crash: null,
}
const overview = (change: Partial<Overview> = {}): Overview => ({
  at: at(0),
  state: 'up',
  sentence: 'No problems: recorder on; 3 hosts, all well',
  rooms: [
    { room: 'recorder', state: 'up', total: 1, problems: 0, text: 'recorder on', path: '/machine' },
    { room: 'hosts', state: 'up', total: 3, problems: 0, text: '3 hosts, all well', path: '/hosts' },
    { room: 'watchers', state: 'up', total: 0, problems: 0, text: 'no watchers', path: '/watchers' },
  ],
  problems: [],
  problemCount: 0,
  muted: null,
  paused: null,
  ...change,
})
const problem = (name: string, state = 'down'): OverviewProblem => ({
  room: 'hosts',
  item: name,
  name,
  state,
  severity: 'problem',
  since: at(-60_000),
  text: 'no answer',
  path: `/hosts/${name}`,
  incident: null,
  acknowledged: false,
  muted: null,
})
const facts = (change: Partial<TrayFacts> = {}): TrayFacts => ({
  service: running,
  overview: overview(),
  nowMs,
  isMac: false,
  failure: null,
  update: null,
  ...change,
})
const labels = (items: readonly TrayItem[]): string[] =>
  items.map((item) => (item.kind === 'separator' ? '—' : item.label))

describe('the icon', () => {
  it.each<[ServiceState, Overview | null, string]>([
    [{ kind: 'starting' }, null, 'starting'],
    [running, null, 'starting'],
    [running, overview(), 'up'],
    [running, overview({ state: 'degraded' }), 'degraded'],
    [running, overview({ state: 'problem' }), 'problem'],
    [running, overview({ state: 'unobserved' }), 'unobserved'],
    [running, overview({ state: 'paused' }), 'paused'],
    [{ ...running, isSilent: true }, overview(), 'stopped'],
    [{ kind: 'attached', place: running.place, database: '/w.db' }, overview(), 'up'],
    [{ kind: 'restarting', how: 'exit code 1', crashes: 1 }, overview(), 'stopped'],
    [{ kind: 'given-up', how: 'exit code 1', crashes: 5 }, overview(), 'stopped'],
    [{ kind: 'refused', why: 'cannot-start', reason: 'disk full', database: '/w.db' }, null, 'stopped'],
    [{ kind: 'stopping' }, overview(), 'stopped'],
    [{ kind: 'stopped' }, null, 'stopped'],
  ])('of %j with %j is %s', (service, known, icon) => {
    expect(iconOf({ service, overview: known })).toBe(icon)
  })
})

describe('the tooltip', () => {
  it('says the state in words, with a mute and what remains of it', () => {
    expect(tooltipOf(facts())).toBe('Watchkeeper: No problems: recorder on; 3 hosts, all well')
    const muted = { ids: [1], until: at(90 * 60_000) }
    expect(tooltipOf(facts({ overview: overview({ muted }) }))).toBe(
      'Watchkeeper: No problems: recorder on; 3 hosts, all well (muted, 1 h 30 min left)',
    )
  })

  it('never gets longer than Windows shows, and never says that all is well while nothing runs', () => {
    const long = overview({ sentence: 'x'.repeat(500), muted: { ids: [1], until: at(3_600_000) } })
    expect(tooltipOf(facts({ overview: long })).length).toBeLessThanOrEqual(127)
    expect(tooltipOf(facts({ overview: long }))).toMatch(/… \(muted, 1 h left\)$/)
    expect(tooltipOf(facts({ service: { kind: 'given-up', how: 'x', crashes: 5 } }))).toBe(
      'Watchkeeper: The service cannot be kept running',
    )
  })
})

describe('the menu', () => {
  it('puts problems first, each with its way, and counts those that have no room', () => {
    const problems = Array.from({ length: 12 }, (_, n) => problem(`host ${n}`))
    const { menu } = trayLook(facts({ overview: overview({ problems, problemCount: 30, state: 'problem' }) }))
    expect(labels(menu).slice(0, 10)).toEqual([
      ...problems.slice(0, 8).map(({ name }) => `${name}: down`),
      '22 more…',
      '—',
    ])
    expect(menu[0]).toMatchObject({ action: { do: 'open', path: '/hosts/host 0' } })
    expect(menu[8]).toMatchObject({ action: { do: 'open', path: '/incidents' } })
  })

  it('shows one line of a name, whatever it holds', () => {
    const name = `evil\n\u202e${'long '.repeat(40)}`
    const { menu } = trayLook(facts({ overview: overview({ problems: [problem(name)], problemCount: 1 }) }))
    const [label = ''] = labels(menu)
    expect(label).not.toMatch(/[\n\u202e]/)
    expect(label.length).toBeLessThanOrEqual(60)
    expect(label).toMatch(/…: down$/)
  })

  it('leaves out rooms in which nothing is watched, and what needs a service while there is none', () => {
    expect(labels(trayLook(facts()).menu)).toEqual([
      'No problems',
      '—',
      'Recorder on',
      '3 hosts, all well',
      '—',
      'Open Watchkeeper',
      'Check all hosts now',
      'Mute notices',
      'Pause watching',
      '—',
      'Hide this icon',
      'Quit…',
    ])
    expect(
      labels(
        trayLook(
          facts({
            service: { kind: 'refused', why: 'in-use', reason: 'taken', database: '/w.db' },
            overview: null,
            isMac: true,
          }),
        ).menu,
      ),
    ).toEqual([
      'Another Watchkeeper uses the database',
      'Try again',
      '—',
      'Open Watchkeeper',
      '—',
      'Hide this icon',
      'Quit Watchkeeper…',
    ])
  })

  it('offers to end a mute and a pause, and tells of a failure, a restart and an update', () => {
    const { menu } = trayLook(
      facts({
        service: { ...running, crash: { how: 'exit code 9, SIGKILL', atMs: nowMs - 60_000 } },
        overview: overview({
          muted: { ids: [4, 5], until: at(3_600_000) },
          paused: { ids: [7], until: at(60_000) },
        }),
        failure: 'the service does not answer',
        update: '2.0.0',
      }),
    )
    expect(labels(menu)).toContain('Not done: the service does not answer')
    expect(labels(menu).some((label) => label.startsWith('Service restarted at '))).toBe(true)
    expect(menu).toContainEqual({
      kind: 'item',
      label: 'Install version 2.0.0 and restart',
      action: { do: 'install-update' },
    })
    const muted = menu.find((item) => item.kind === 'menu' && item.label === 'Muted, 1 h left')
    expect(muted).toMatchObject({
      items: expect.arrayContaining([
        { kind: 'item', label: 'Unmute', action: { do: 'unmute', ids: [4, 5] } },
      ]) as unknown,
    })
    const paused = menu.find((item) => item.kind === 'menu' && item.label === 'Paused, 1 min left')
    expect(paused).toMatchObject({
      items: expect.arrayContaining([
        { kind: 'item', label: 'Watch again', action: { do: 'resume', ids: [7] } },
      ]) as unknown,
    })
  })

  it('ends no maintenance that somebody has planned, and calls nothing well that nobody sees', () => {
    const planned = { ids: [], until: at(3_600_000) }
    const { menu } = trayLook(facts({ overview: overview({ paused: planned, state: 'unobserved' }) }))
    const paused = menu.find((item) => item.kind === 'menu' && item.label === 'Paused, 1 h left')
    expect(paused?.kind === 'menu' ? labels(paused.items) : []).not.toContain('Watch again')
    expect(labels(menu)[0]).toBe('Not everything is seen')
  })

  it('stops telling of a restart after an hour', () => {
    const service = { ...running, crash: { how: 'exit code 1', atMs: nowMs - 3_600_001 } }
    expect(labels(trayLook(facts({ service })).menu).join()).not.toContain('restarted')
  })
})

describe('what remains', () => {
  it.each([
    [1, '1 min'],
    [59_000, '1 min'],
    [61_000, '2 min'],
    [3_600_000, '1 h'],
    [3_660_000, '1 h 1 min'],
    [8 * 3_600_000, '8 h'],
    [-5, '1 min'],
  ])('of %d ms is %s', (ms, words) => {
    expect(remainingWords(at(ms), nowMs)).toBe(words)
  })
})
