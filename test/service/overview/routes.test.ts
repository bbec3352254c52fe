import { describe, expect, it } from 'vitest'
import type { Finding, OverviewHistory, Setup } from '../../../electron/shared/api/overview.ts'
import type { Watcher } from '../../../electron/shared/api/watchers.ts'
import type { StoragePart } from '../../../electron/shared/api/service.ts'
import { startTestService, type TestService } from '../../support/service.ts'
import { clientHeaders } from '../../support/telemetry.ts'

const hourly = { kind: 'period', periodMs: 3_600_000 }

function client({ fetch }: TestService, key?: string) {
  return async <T>(method: string, route: string, body?: unknown): Promise<{ status: number; body: T }> => {
    const response = await fetch(`/api/v1/${route}`, {
      method,
      ...(key !== undefined && { key }),
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    })
    return { status: response.status, body: (await response.json()) as T }
  }
}

async function populated() {
  const test = await startTestService()
  const api = client(test)
  const { body: watcher } = await api<Watcher>('POST', 'watchers', { name: 'Mail queue', schedule: hourly })
  await api('POST', `watchers/${watcher.id}/triggers`, { exitStatus: 3 })
  await api('POST', 'hosts', { domain: '127.0.0.9', name: 'Old % server', paused: true })
  const collector = await test.fetch('/v2/collector', {
    method: 'POST',
    key: null,
    headers: clientHeaders,
    body: 'hello',
  })
  return { test, api, watcher, collected: collector.status }
}

describe('the past of all rooms', () => {
  it('has a lane for each, with what each says, in any window', async () => {
    const { api } = await populated()
    await expect
      .poll(async () => (await api<unknown[]>('GET', 'incidents')).body.length, { timeout: 10_000 })
      .toBe(1)
    const { body } = await api<OverviewHistory>('GET', 'overview/history?last=1h')
    expect(body.lanes.map(({ room }) => room)).toEqual([
      'recorder',
      'hosts',
      'watchers',
      'health',
      'telemetry',
    ])
    const watchers = body.lanes.find(({ room }) => room === 'watchers')
    expect(watchers).toMatchObject({ text: '1 incident' })
    expect(watchers?.spans.at(-1)).toMatchObject({
      state: 'problem',
      count: 1,
      text: expect.stringContaining('Mail queue') as string,
    })
    for (const query of ['', '?last=1y', '?since=2020-01-01'])
      expect((await api<OverviewHistory>('GET', `overview/history${query}`)).status).toBe(200)
    for (const query of ['?last=3x', '?since=2026-02-01&until=2026-01-01', '?colour=red'])
      expect((await api('GET', `overview/history${query}`)).status).toBe(400)
  })

  it('and a search show a key that only reads no name by which a watcher is triggered', async () => {
    const { test, api, watcher } = await populated()
    const { body: made } = await api<{ key: string }>('POST', 'keys', { name: 'Grafana', scope: 'read' })
    const reader = client(test, made.key)
    await expect
      .poll(async () => (await api<unknown[]>('GET', 'incidents')).body.length, { timeout: 10_000 })
      .toBe(1)
    const told = JSON.stringify([
      (await reader('GET', 'overview/history?last=1h')).body,
      (await reader('GET', 'search?q=mail')).body,
    ])
    expect(told).toContain('Mail queue')
    expect(told).not.toContain(watcher.id)
    expect((await reader('GET', 'watchers/proposals')).status).toBe(403)
    expect(
      (await reader('POST', 'watchers/look', { source: { kind: 'file', path: '/etc/passwd' } })).status,
    ).toBe(403)
    expect((await reader('GET', 'config')).status).toBe(403)
    expect((await reader('PUT', 'setup', { done: true })).status).toBe(403)
  })
})

describe('a search', () => {
  it('finds hosts, watchers, classes, builds, records and incidents by a part of their name, and takes no pattern', async () => {
    const { api, watcher, collected } = await populated()
    expect(collected).toBe(201)
    const kinds = async (q: string) =>
      (await api<Finding[]>('GET', `search?q=${encodeURIComponent(q)}`)).body.map(
        ({ kind, title, path }) => `${kind} ${title} ${path}`,
      )
    expect(await kinds('MAIL')).toContain(`watcher Mail queue /watchers/${watcher.id}`)
    expect(await kinds('old')).toEqual(['host Old % server /hosts/1'])
    expect(await kinds('%')).toEqual(['host Old % server /hosts/1'])
    expect(await kinds('_')).toEqual([])
    expect(await kinds('org.clear')).toEqual([
      'class org.clearlinux/hello/world /telemetry/records?classification=org.clearlinux%2Fhello%2Fworld',
    ])
    expect(await kinds('1')).toContain('record Record 1 /telemetry/records?record=1')
    expect(await kinds('   ')).toEqual([])
    expect((await api('GET', 'search?q=')).status).toBe(400)
    expect((await api('GET', 'search?q=a&limit=0')).status).toBe(400)
  })
})

describe('the first run', () => {
  it('is to be done on a new service, done when somebody says so or has something to watch, and can be had again', async () => {
    const test = await startTestService()
    const api = client(test)
    expect((await api<Setup>('GET', 'setup')).body).toMatchObject({
      done: false,
      hosts: 0,
      watchers: 0,
      imported: [],
    })
    await api('POST', 'watchers', { name: 'x', schedule: hourly })
    expect((await api<Setup>('GET', 'setup')).body.done).toBe(true)
    expect((await api<Setup>('PUT', 'setup', { done: false })).body.done).toBe(false)
    expect((await api<Setup>('GET', 'setup')).body.done).toBe(false)
    expect((await api<Setup>('PUT', 'setup', { done: true })).body.done).toBe(true)
    expect((await api('PUT', 'setup', { done: 'yes' })).status).toBe(400)
  })
})

describe('what takes room', () => {
  it('is told for every part, and comes to what the files have', async () => {
    const { api } = await populated()
    const { body } = await api<StoragePart[]>('GET', 'service/storage')
    expect(body.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Flights and gaps',
        'Watchers and their triggers',
        'Telemetry records',
        'Backups',
      ]),
    )
    for (const { bytes, kept } of body) expect([bytes >= 0, kept.length > 0]).toEqual([true, true])
  })
})

describe('a change of a watcher', () => {
  it('that says what it began from is refused when somebody else was faster', async () => {
    const { api, watcher } = await populated()
    const path = `watchers/${watcher.id}?revision=${watcher.revision}`
    const first = await api<Watcher>('PATCH', path, { name: 'Mail' })
    expect([first.status, first.body.name]).toEqual([200, 'Mail'])
    expect(first.body.revision).not.toBe(watcher.revision)
    const second = await api<{ error: string }>('PATCH', path, { name: 'Post' })
    expect([second.status, second.body.error]).toEqual([409, expect.stringContaining('changed meanwhile')])
    expect((await api<Watcher>('PATCH', `watchers/${watcher.id}`, { name: 'Post' })).body.name).toBe('Post')
  })
})
