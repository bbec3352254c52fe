import { describe, expect, it } from 'vitest'
import type {
  ApplyAnswer,
  Host,
  HostHistory,
  HostList,
  HostUptime,
} from '../../../electron/shared/api/hosts.ts'
import type { Incident } from '../../../electron/shared/api/alerts.ts'
import { hostSegments } from '../../../electron/shared/host-words.ts'
import { startTestService, type TestService } from '../../support/service.ts'

/** No host of these tests leaves this machine: ports that are closed make it down, the service's own make it up. */
const closed = { kind: 'tcp', port: 9 }

async function house() {
  const started: TestService = await startTestService()
  const own = { kind: 'tcp', port: Number(new URL(started.service.origin).port) }
  const call = async (
    method: string,
    route: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> => {
    const response = await started.fetch(route, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text }
  }
  const api = async <T>(method: string, route: string, body?: unknown): Promise<T> => {
    const answer = await call(method, `/api/v1/${route}`, body)
    if (answer.status >= 400) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as T
  }
  const state = async (name: string): Promise<string> => (await api<Host>('GET', `hosts/${name}`)).state
  return { ...started, call, api, state, own }
}

const down = (name: string) => ({ domain: name, intervalMs: 1_000, failures: 1, probes: [closed] })

describe("Status' API", () => {
  it('lists all hosts and those that are down, with both sets of names', async () => {
    const { call, api, state, own } = await house()
    await api('POST', 'hosts', { domain: '127.0.0.1', intervalMs: 1_000, probes: [own] })
    await api('POST', 'hosts', down('127.0.0.2'))
    await expect.poll(() => state('127.0.0.2'), { timeout: 10_000 }).toBe('down')
    await expect.poll(() => state('127.0.0.1')).toBe('up')
    const all = (await call('GET', '/status')).body as Record<string, unknown>[]
    expect(all.map(({ domain, status }) => [domain, status])).toEqual([
      ['127.0.0.1', true],
      ['127.0.0.2', false],
    ])
    expect(Object.keys(all[0] ?? {})).toEqual(['id', 'domain', 'last_performed', 'tested_at', 'status'])
    expect(Number.isInteger(all[0]?.['id'])).toBe(true)
    expect(all[0]?.['last_performed']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(all[0]?.['tested_at']).toBe(all[0]?.['last_performed'])
    expect((await call('GET', '/status/down')).body).toMatchObject([{ domain: '127.0.0.2' }])
    expect((await call('GET', '/status/service/127.0.0.2')).body).toMatchObject({
      domain: '127.0.0.2',
      status: false,
    })
  })

  it('opens one incident and closes it with the time of the answer', async () => {
    const { call, api, state, own } = await house()
    const { id } = await api<Host>('POST', 'hosts', down('127.0.0.1'))
    await expect.poll(() => state('127.0.0.1'), { timeout: 10_000 }).toBe('down')
    const path = '/status/service/127.0.0.1/incidents'
    const [open] = (await call('GET', path)).body as Record<string, unknown>[]
    expect(Object.keys(open ?? {})).toEqual([
      'id',
      'check_id',
      'description',
      'down_detection',
      'up_detection',
      'downtime_started',
      'downtime_finished',
    ])
    expect(open).toMatchObject({
      check_id: id,
      description: 'connection refused',
      up_detection: null,
      downtime_finished: null,
    })
    await api('PATCH', `hosts/${id}`, { probes: [own] })
    await expect.poll(() => state('127.0.0.1'), { timeout: 10_000 }).toBe('up')
    const over = (await call('GET', path)).body as Record<string, unknown>[]
    expect(over).toHaveLength(1)
    expect(over[0]?.['up_detection']).toMatch(/^\d{4}-/)
  })

  it('answers as its router does to what it does not know', async () => {
    const { call } = await house()
    expect(await call('GET', '/status')).toEqual({ status: 200, body: [] })
    expect(await call('GET', '/status/down')).toEqual({ status: 200, body: [] })
    expect(await call('GET', '/status/service/nas')).toEqual({
      status: 404,
      body: { error: "there is no service 'nas'" },
    })
    expect(await call('GET', '/status/service/nas/incidents')).toMatchObject({ status: 404 })
    expect(await call('GET', '/status/')).toEqual({ status: 404, body: '404 page not found\n' })
    expect(await call('POST', '/status')).toEqual({ status: 405, body: '' })
    expect(await call('DELETE', '/status/service/nas')).toEqual({ status: 405, body: '' })
  })
})

describe('the native API of hosts', () => {
  it('refuses what cannot be, with a sentence, and keeps nothing of it', async () => {
    const { call, api } = await house()
    const cases: [unknown, RegExp][] = [
      [{}, /domain/],
      [{ domain: '' }, /domain/],
      [{ domain: 'a b' }, /not a host name/],
      [{ domain: '1.2.3' }, /not a host name/],
      [{ domain: '-x-' }, /not a host name/],
      [{ domain: 'x', intervalMs: 10 }, /intervalMs/],
      [{ domain: 'x', probes: [] }, /probes/],
      [{ domain: 'x', probes: [{ kind: 'tcp' }] }, /probes/],
      [{ domain: 'x', probes: [{ kind: 'tcp', port: 70_000 }] }, /probes/],
      [{ domain: 'x', probes: [{ kind: 'gopher' }] }, /none of the words/],
      [{ domain: 'x', probes: [{ kind: 'http', url: 'http://' }] }, /not a web address/],
      [{ domain: 'x', probes: [{ kind: 'http', jsonPath: '$[' }] }, /JSON path/],
      [{ domain: 'x', probes: [{ kind: 'http', jsonValue: '1' }] }, /goes with jsonPath/],
      [{ domain: 'x', probes: [{ kind: 'http', headers: { 'a b': 'c' } }] }, /not a header/],
      [{ domain: 'x', probes: [{ kind: 'dns', record: 'A', server: 'nas' }] }, /not an address/],
      [{ domain: 'foo.1', probes: [{ kind: 'http' }] }, /makes no web address/],
      [{ domain: 'x', parent: 99 }, /no host 99/],
      [{ domain: 'x', channels: [99] }, /no channel 99/],
      [{ domain: 'x', nonsense: 1 }, /nonsense/],
    ]
    for (const [body, words] of cases) {
      const answer = await call('POST', '/api/v1/hosts', body)
      expect(answer.status, JSON.stringify(body)).toBe(400)
      expect((answer.body as { error: string }).error).toMatch(words)
    }
    expect((await api<HostList>('GET', 'hosts')).all).toBe(0)
    for (const route of [
      'hosts/nas',
      'hosts/99',
      'hosts/nas/history',
      'hosts/nas/uptime',
      'hosts/nas/export/latency.csv',
    ])
      expect((await call('GET', `/api/v1/${route}`)).status, route).toBe(404)
    expect((await call('GET', '/api/v1/hosts?state=odd')).status).toBe(400)
    await api('POST', 'hosts', { domain: 'nas.lan', paused: true })
    expect((await call('POST', '/api/v1/hosts', { domain: 'NAS.lan' })).status).toBe(409)
    expect((await call('POST', '/api/v1/hosts/nas.lan/pause')).status).toBe(409)
    expect((await call('GET', '/api/v1/hosts/nas.lan/history?last=nonsense')).status).toBe(400)
    expect(
      (await call('GET', '/api/v1/hosts/nas.lan/history?since=2030-01-01&until=2020-01-01')).status,
    ).toBe(400)
    expect((await call('GET', '/api/v1/hosts/nas.lan/history?probe=999')).status).toBe(404)
    expect((await call('GET', '/api/v1/hosts/nas.lan/export/odd')).status).toBe(400)
  })

  it('finds by id, domain and name, filters, sorts, and does things to many', async () => {
    const { api } = await house()
    const ids: number[] = []
    for (const [index, name] of ['Alpha', 'Beta', 'Gamma'].entries())
      ids.push(
        (
          await api<Host>('POST', 'hosts', {
            domain: `10.0.0.${index + 1}`,
            name,
            paused: true,
            tags: index === 0 ? ['one'] : [],
            group: index === 2 ? 'last' : '',
          })
        ).id,
      )
    for (const name of ['Beta', 'beta', '10.0.0.2', String(ids[1])])
      expect((await api<Host>('GET', `hosts/${name}`)).name).toBe('Beta')
    const names = async (query: string): Promise<string[]> =>
      (await api<HostList>('GET', `hosts?${query}`)).hosts.map(({ name }) => name)
    expect(await names('q=10.0.0.3')).toEqual(['Gamma'])
    expect(await names('tag=one')).toEqual(['Alpha'])
    expect(await names('group=last')).toEqual(['Gamma'])
    expect(await names('state=up')).toEqual([])
    expect(await names('sort=name&limit=1&offset=1')).toEqual(['Beta'])
    expect(await api('POST', 'hosts/bulk', { action: 'tag', ids: [...ids, 4_711], value: 'all' })).toEqual({
      changed: 3,
      unchanged: 1,
    })
    expect(await names('tag=all')).toHaveLength(3)
    await api('POST', 'hosts/bulk', { action: 'untag', ids: [ids[0]], value: 'all' })
    expect(await names('tag=all')).toHaveLength(2)
    await api('POST', 'hosts/bulk', { action: 'group', ids, value: 'same' })
    expect((await api<HostList>('GET', 'hosts')).groups).toEqual(['same'])
    expect(await api('POST', 'hosts/bulk', { action: 'remove', ids: ids.slice(0, 2) })).toEqual({
      changed: 2,
      unchanged: 0,
    })
    expect(await names('')).toEqual(['Gamma'])
  })

  it('tries probes without keeping anything', async () => {
    const { api, own } = await house()
    const { results } = await api<{ results: { ok: boolean; text: string }[] }>('POST', 'hosts/try', {
      domain: '127.0.0.1',
      probes: [own, closed],
    })
    expect(results[0]).toMatchObject({ ok: true, observed: true })
    expect(results[1]).toMatchObject({ ok: false, text: 'connection refused' })
    expect((await api<HostList>('GET', 'hosts')).all).toBe(0)
  })

  it('tells the past as figures that fill the window, with points, and as CSV and JSON', async () => {
    const { api, call, state, service } = await house()
    const { id } = await api<Host>('POST', 'hosts', down('127.0.0.1'))
    await expect.poll(() => state('127.0.0.1'), { timeout: 10_000 }).toBe('down')
    await expect
      .poll(
        async () => {
          await service.series.settle()
          return (await api<HostHistory>('GET', `hosts/${id}/history?last=1h`)).points.length
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
    const { figures, segments, incidents, latency } = await api<HostHistory>(
      'GET',
      `hosts/${id}/history?last=1h`,
    )
    expect(hostSegments.reduce((sum, kind) => sum + figures.parts[kind], 0)).toBe(3_600_000)
    expect(segments[0]).toMatchObject({ kind: 'unobserved', why: 'not-yet' })
    expect(segments.at(-1)).toMatchObject({ kind: 'down' })
    expect(incidents).toMatchObject([{ kind: 'down', closed: null, cause: 'connection refused' }])
    expect(latency.lost).toBe(latency.count)
    const { windows } = await api<HostUptime>('GET', `hosts/${id}/uptime`)
    expect(windows.map(({ window, figures: one }) => [window, one.uptime])).toEqual(
      ['24h', '7d', '30d', '365d'].map((window) => [window, 0]),
    )
    const latencyCsv = (await call('GET', `/api/v1/hosts/${id}/export/latency.csv`)).body as string
    expect(latencyCsv.split('\r\n')[0]).toBe('at,ms')
    expect(latencyCsv.split('\r\n')[1]).toMatch(/^\d{4}-.*Z,$/)
    const incidentsCsv = (await call('GET', `/api/v1/hosts/${id}/export/incidents.csv`)).body as string
    expect(incidentsCsv).toMatch(/^id,kind,cause,opened,closed,duration_ms\r\n\d+,down,"connection refused",/)
    expect((await call('GET', `/api/v1/hosts/${id}/export/incidents.json`)).body).toMatchObject([
      { kind: 'down', closed: null },
    ])
    expect((await call('GET', `/api/v1/hosts/${id}/export/latency.json`)).status).toBe(200)
  })

  it('gives a read-only key what it may see, and refuses it the rest', async () => {
    const { api, fetch } = await house()
    await api('POST', 'hosts', { domain: '10.0.0.1', paused: true })
    const { key } = await api<{ key: string }>('POST', 'keys', { name: 'reader', scope: 'read' })
    expect((await fetch('/api/v1/hosts', { key })).status).toBe(200)
    expect((await fetch('/status', { key })).status).toBe(200)
    expect((await fetch('/api/v1/hosts/config', { key })).status).toBe(403)
    expect((await fetch('/api/v1/hosts/1', { key, method: 'DELETE' })).status).toBe(403)
    expect((await fetch('/api/v1/hosts', { key: null })).status).toBe(401)
  })
})

describe('configuration', () => {
  const file = {
    anchors: ['192.0.2.1'],
    hosts: [
      { domain: 'b.lan', parent: 'a.lan', tags: ['x'], paused: true },
      { domain: 'a.lan', name: 'A', paused: true, probes: [{ kind: 'icmp', packets: 3 }] },
    ],
  }

  it('applied twice changes nothing the second time, and is given back as it was', async () => {
    const { api } = await house()
    expect(await api<ApplyAnswer>('PUT', 'hosts/config?dryRun=true', file)).toMatchObject({
      added: ['b.lan', 'a.lan'],
    })
    expect((await api<HostList>('GET', 'hosts')).all).toBe(0)
    await api('PUT', 'hosts/config', file)
    expect(await api<ApplyAnswer>('PUT', 'hosts/config', file)).toEqual({
      added: [],
      changed: [],
      removed: [],
      unchanged: 2,
    })
    expect(await api('GET', 'hosts/config')).toEqual(file)
    const [child] = (await api<HostList>('GET', 'hosts?q=b.lan')).hosts
    expect(child?.parent).toBe((await api<Host>('GET', 'hosts/a.lan')).id)
  })

  it('keeps ids and history of what stays, and removes only when asked to', async () => {
    const { api } = await house()
    await api('PUT', 'hosts/config', file)
    const before = await api<Host>('GET', 'hosts/a.lan')
    const only = { hosts: [{ domain: 'A.lan', paused: true, intervalMs: 5_000 }] }
    expect(await api<ApplyAnswer>('PUT', 'hosts/config', only)).toMatchObject({
      changed: ['A.lan'],
      removed: [],
    })
    const after = await api<Host>('GET', 'hosts/a.lan')
    expect(after).toMatchObject({
      id: before.id,
      intervalMs: 5_000,
      name: 'A.lan',
      probes: [{ kind: 'icmp' }],
    })
    expect(after.probeStates[0]?.id).toBe(before.probeStates[0]?.id)
    expect(await api<ApplyAnswer>('PUT', 'hosts/config?prune=true', only)).toMatchObject({
      removed: ['b.lan'],
    })
    expect((await api<HostList>('GET', 'hosts')).all).toBe(1)
  })

  it('with one mistake changes nothing at all, and the mistake is named', async () => {
    const { api, call } = await house()
    for (const [hosts, words] of [
      [[{ domain: 'a.lan' }, { domain: 'A.LAN' }], /A\.LAN is in the file twice/],
      [[{ domain: 'a.lan' }, { domain: 'b.lan', parent: 'c.lan' }], /b\.lan: its parent c\.lan is not there/],
      [[{ domain: 'a.lan' }, { domain: 'b.lan', channels: ['none'] }], /b\.lan: there is no channel 'none'/],
      [
        [
          { domain: 'a.lan', parent: 'b.lan' },
          { domain: 'b.lan', parent: 'a.lan' },
        ],
        /behind itself/,
      ],
      [[{ domain: 'a.lan', probes: [{ kind: 'http', jsonPath: '$[' }] }], /a\.lan: the JSON path/],
    ] as const) {
      const answer = await call('PUT', '/api/v1/hosts/config', { hosts })
      expect(answer.status).toBe(400)
      expect((answer.body as { error: string }).error).toMatch(words)
    }
    expect((await call('PUT', '/api/v1/hosts/anchors', { anchors: ['nas.lan'] })).status).toBe(400)
    expect((await api<HostList>('GET', 'hosts')).all).toBe(0)
  })
})

describe('incidents of all rooms', () => {
  it('have a cause, a duration, notes and an acknowledgement, and can be asked for by window', async () => {
    const { api, call, state } = await house()
    const { id } = await api<Host>('POST', 'hosts', down('127.0.0.1'))
    await expect.poll(() => state('127.0.0.1'), { timeout: 10_000 }).toBe('down')
    await expect
      .poll(async () => (await api<Incident[]>('GET', 'incidents')).length, { timeout: 10_000 })
      .toBe(1)
    const [incident] = await api<Incident[]>('GET', 'incidents?open=true&room=hosts')
    expect(incident).toMatchObject({
      room: 'hosts',
      item: String(id),
      text: '127.0.0.1 is down: connection refused.',
      path: `/hosts/${id}`,
      closed: null,
      notes: [],
    })
    const path = `incidents/${incident?.id ?? 0}`
    expect(await api<Incident>('POST', `${path}/notes`, { text: ' the cable ' })).toMatchObject({
      notes: [{ text: 'the cable' }],
    })
    expect((await api<Incident>('POST', `${path}/acknowledge`)).acknowledged).not.toBeNull()
    expect(await api('GET', 'incidents?until=2020-01-01')).toEqual([])
    expect(await api('GET', 'incidents?room=watchers')).toEqual([])
    expect((await call('POST', `/api/v1/${path}/notes`, { text: '  ' })).status).toBe(400)
    expect((await call('POST', '/api/v1/incidents/999/notes', { text: 'x' })).status).toBe(404)
    expect((await call('GET', '/api/v1/incidents?last=odd')).status).toBe(400)
  })
})

describe('metrics and badges', () => {
  it('are told by the names of the blackbox exporter, and of what is not observed nothing is told', async () => {
    const { api, call, state, own } = await house()
    await api('POST', 'hosts', { domain: '127.0.0.1', name: 'up "one"', intervalMs: 1_000, probes: [own] })
    await api('POST', 'hosts', down('127.0.0.2'))
    await api('POST', 'hosts', { domain: '127.0.0.3', paused: true })
    await expect.poll(() => state('127.0.0.2'), { timeout: 10_000 }).toBe('down')
    await expect.poll(() => state('127.0.0.1')).toBe('up')
    const text = (await call('GET', '/metrics')).body as string
    expect(text).toMatch(
      /^probe_success\{host="up \\"one\\"",domain="127\.0\.0\.1",probe="\d+",kind="tcp"\} 1$/m,
    )
    expect(text).toMatch(/^probe_success\{host="127\.0\.0\.2".*\} 0$/m)
    expect(text).toMatch(/^probe_duration_seconds\{host="up \\"one\\"".*\} 0\.\d+/m)
    expect(text).not.toMatch(/127\.0\.0\.3/)
    expect(text).toMatch(/^watchkeeper_hosts\{state="paused"\} 1$/m)
  })

  it('of a host are open at an address that cannot be guessed', async () => {
    const { api, fetch, state } = await house()
    const { badge } = await api<Host>('POST', 'hosts', { ...down('127.0.0.1'), name: '<b>&"' })
    await expect.poll(() => state('127.0.0.1'), { timeout: 10_000 }).toBe('down')
    const open = (path: string): Promise<Response> => fetch(path, { key: null })
    const svg = await (await open(`${badge}/state.svg`)).text()
    expect(svg).toContain('&lt;b&gt;&amp;&quot;: down')
    // In its first moment nothing of it was observed yet.
    await expect
      .poll(async (): Promise<unknown> => (await open(`${badge}/uptime-24h.json`)).json())
      .toMatchObject({ schemaVersion: 1, message: '0 %' })
    expect((await open(`${badge}/latency.svg`)).status).toBe(200)
    expect((await open(`${badge}/odd.svg`)).status).toBe(404)
    const other = badge.endsWith('x') ? 'y' : 'x'
    expect((await open(`${badge.slice(0, -1)}${other}/state.svg`)).status).toBe(404)
  })
})
