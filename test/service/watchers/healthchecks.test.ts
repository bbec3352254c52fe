import { beforeEach, describe, expect, it } from 'vitest'
import type { NewKey } from '../../../electron/shared/api/service.ts'
import type { Watcher, WatcherAddresses, WatcherEvents } from '../../../electron/shared/api/watchers.ts'
import { startTestService, type TestService } from '../../support/service.ts'

const rid = '11111111-2222-4333-8444-555555555555'
let test: TestService
let watcher: Watcher
let pingKey: string

const json = async <T>(path: string, init: RequestInit = {}): Promise<T> =>
  (await (await test.fetch(path, init)).json()) as T
const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const open = (path: string, init: RequestInit = {}): Promise<Response> =>
  test.fetch(path, { ...init, key: null })
const events = async (): Promise<WatcherEvents['events']> =>
  (await json<WatcherEvents>(`/api/v1/watchers/${watcher.id}/events`)).events
const state = async (): Promise<string> => (await json<Watcher>(`/api/v1/watchers/${watcher.id}`)).state

beforeEach(async () => {
  test = await startTestService()
  watcher = await json(
    '/api/v1/watchers',
    post({ name: 'job', schedule: { kind: 'period', periodMs: 3_600_000 } }),
  )
  ;({ pingKey } = await json<WatcherAddresses>('/api/v1/watchers/addresses'))
})

describe('pings of healthchecks', () => {
  it('answer as the original: text, limit, open to other origins, not cached', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
      const response = await open(`/ping/${watcher.uuid}`, { method })
      expect([method, response.status]).toEqual([method, 200])
      if (method !== 'HEAD') expect(await response.text()).toBe('OK')
      expect(response.headers.get('ping-body-limit')).toBe('100000')
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('cache-control')).toContain('no-store')
    }
    expect((await events()).filter(({ kind }) => kind === 'success')).toHaveLength(4)
  })

  it.each([
    ['', 200, 'OK', 'success', 'up'],
    ['/', 200, 'OK', 'success', 'up'],
    ['/start', 200, 'OK', 'start', 'running'],
    ['/fail', 200, 'OK', 'fail', 'failing'],
    ['/log', 200, 'OK', 'log', 'new'],
    ['/0', 200, 'OK', 'success', 'up'],
    ['/1', 200, 'OK', 'fail', 'failing'],
    ['/255', 200, 'OK', 'fail', 'failing'],
    ['/256', 400, 'invalid url format', null, 'new'],
    ['/-1', 400, 'invalid url format', null, 'new'],
    ['/frob', 400, 'invalid url format', null, 'new'],
    ['?rid=nonsense', 400, 'invalid uuid format', null, 'new'],
    [`/start?rid=${rid}`, 200, 'OK', 'start', 'running'],
  ])('to an id with %j answer %i %s', async (tail, status, text, kind, after) => {
    for (const prefix of ['/ping/', '/']) {
      const response = await open(`${prefix}${watcher.uuid}${tail}`)
      expect([prefix, response.status, await response.text()]).toEqual([prefix, status, text])
    }
    const [newest] = await events()
    expect(newest?.kind === 'created' ? null : newest?.kind).toBe(kind)
    expect(await state()).toBe(after)
  })

  it('by slug need the ping key, and create what is not there when asked to', async () => {
    expect((await open(`/ping/${pingKey}/job/start`)).status).toBe(200)
    const wrong = await open(`/ping/wrong/job`)
    expect([wrong.status, await wrong.text()]).toEqual([404, 'not found'])
    const missing = await open(`/ping/${pingKey}/other`)
    expect([missing.status, await missing.text()]).toEqual([404, 'not found'])
    const made = await open(`/ping/${pingKey}/other?create=1`)
    expect([made.status, await made.text()]).toEqual([201, 'Created'])
    const again = await open(`/ping/${pingKey}/other/7?create=1`)
    expect([again.status, await again.text()]).toEqual([200, 'OK'])
    const upper = await open(`/ping/${pingKey}/Other`)
    expect([upper.status, await upper.text()]).toEqual([400, 'invalid url format'])
    expect(await json<Watcher>('/api/v1/watchers/other')).toMatchObject({
      state: 'failing',
      graceMs: 3_600_000,
    })
  })

  it('keep the end of a body of any type, and its bytes', async () => {
    const long = `${'x'.repeat(150_000)}the end`
    await open(`/ping/${watcher.uuid}`, {
      method: 'POST',
      body: long,
      headers: { 'content-type': 'application/json' },
    })
    const [newest] = await events()
    expect(newest?.bodyBytes).toBe(100_000)
    const body = await (
      await test.fetch(`/api/v1/watchers/${watcher.id}/events/${newest?.n ?? 0}/body`)
    ).text()
    expect(body).toBe(long.slice(-100_000))
    const binary = new Uint8Array([0, 255, 10, 13, 128])
    expect((await open(`/ping/${watcher.uuid}`, { method: 'POST', body: binary })).status).toBe(200)
    expect((await events())[0]?.bodyBytes).toBe(5)
  })

  it('measure runs by their id', async () => {
    await open(`/ping/${watcher.uuid}/start?rid=${rid}`)
    await open(`/ping/${watcher.uuid}/start`)
    await open(`/ping/${watcher.uuid}?rid=${rid}`)
    const shown = await json<Watcher>(`/api/v1/watchers/${watcher.id}`)
    expect(shown.runs.map(({ run }) => run)).toEqual([''])
    expect((await events())[0]?.durationMs).not.toBeNull()
  })

  it('from other sites are refused, since they have effects', async () => {
    const response = await open(`/ping/${watcher.uuid}`, { headers: { origin: 'https://evil.example' } })
    expect(response.status).toBe(403)
    expect(await state()).toBe('new')
  })
})

describe('the management API of healthchecks', () => {
  it.each(['v1', 'v2', 'v3'])(
    '%s creates, matches, shows, changes, pauses, resumes and deletes',
    async (version) => {
      const base = `/api/${version}/checks/`
      const made = await test.fetch(
        base,
        post({ name: 'Backup', tags: 'db prod', timeout: 3600, grace: 60, unique: ['name'] }),
      )
      expect(made.status).toBe(201)
      const check = (await made.json()) as Record<string, string>
      expect(check).toMatchObject({
        name: 'Backup',
        slug: 'backup',
        tags: 'db prod',
        timeout: 3600,
        grace: 60,
        status: 'new',
        n_pings: 0,
      })
      const matched = await test.fetch(base, post({ name: 'Backup', timeout: 7200, unique: ['name'] }))
      expect([matched.status, ((await matched.json()) as { timeout: number }).timeout]).toEqual([200, 7200])
      const path = `${base}${check['uuid'] ?? ''}`
      expect((await test.fetch(path)).status).toBe(200)
      expect(await json(path, post({ schedule: '0 3 * * *', tz: 'Europe/Berlin' }))).toMatchObject({
        schedule: '0 3 * * *',
        tz: 'Europe/Berlin',
      })
      expect((await test.fetch(`${path}/resume`, { method: 'POST' })).status).toBe(409)
      expect(await json(`${path}/pause`, { method: 'POST', body: '' })).toMatchObject({ status: 'paused' })
      expect(await json(`${path}/resume`, { method: 'POST' })).toMatchObject({ status: 'new' })
      await open(new URL(check['ping_url'] ?? '').pathname)
      expect(await json(path)).toMatchObject({
        status: 'up',
        last_ping: expect.stringMatching(/\+00:00$/) as string,
      })
      const { pings } = await json<{ pings: { type: string }[] }>(`${path}/pings/`)
      expect(pings.map(({ type }) => type)).toEqual(['success'])
      await open(`${new URL(check['ping_url'] ?? '').pathname}/fail`)
      expect(await json(`${path}/flips/?seconds=60`)).toMatchObject([{ up: 0 }])
      expect(await json(`${base}?tag=db&tag=prod`)).toMatchObject({ checks: [{ name: 'Backup' }] })
      expect(await json(`${base}?tag=none`)).toEqual({ checks: [] })
      expect((await test.fetch(path, { method: 'DELETE' })).status).toBe(200)
      expect((await test.fetch(path)).status).toBe(404)
    },
  )

  it('takes the key from the body, and refuses a wrong one', async () => {
    const given = await open('/api/v3/checks/', post({ name: 'x', api_key: test.service.key }))
    expect(given.status).toBe(201)
    const wrong = await open('/api/v3/checks/', post({ name: 'y', api_key: 'nope' }))
    expect([wrong.status, await wrong.json()]).toEqual([401, { error: 'wrong api key' }])
    expect((await open('/api/v3/checks/')).status).toBe(401)
  })

  it('shows a read-only key neither ids nor addresses, and says that it does so', async () => {
    const { key } = await json<NewKey>('/api/v1/keys', post({ name: 'dash', scope: 'read' }))
    const headers = { 'x-api-key': key }
    const response = await open('/api/v3/checks/', { headers })
    expect(response.headers.get('x-key-scope')).toBe('read')
    const { checks } = (await response.json()) as { checks: Record<string, string>[] }
    expect(checks[0]).not.toHaveProperty('uuid')
    expect(checks[0]).not.toHaveProperty('ping_url')
    expect((await open(`/api/v3/checks/${checks[0]?.['unique_key'] ?? ''}`, { headers })).status).toBe(200)
    expect((await open('/api/v3/checks/', { ...post({ name: 'z' }), headers })).status).toBe(401)
    for (const route of ['channels', 'export/database', 'watchers/addresses', 'keys'])
      expect([route, (await open(`/api/v1/${route}`, { headers })).status]).toEqual([route, 403])
    // Nothing that it reads triggers a watcher.
    for (const route of ['/api/v1/watchers', '/api/v1/watchers/job', '/api/v1/notices', '/api/v3/checks/']) {
      const text = await (await open(route, { headers })).text()
      for (const secret of [watcher.id, watcher.uuid, watcher.token])
        expect([route, text.includes(secret)]).toEqual([route, false])
    }
    const remove = `/nights-watch/v1/watcher/delete?id=${watcher.id}&auth_key=${key}&auth_key=/get`
    expect((await open(remove)).status).toBe(401)
  })

  it.each([
    [{ name: 5 }, 'json validation error: name is not a string'],
    [{ name: 'x'.repeat(101) }, 'json validation error: name is too long'],
    [{ timeout: '60' }, 'json validation error: timeout is not a number'],
    [{ timeout: 0 }, 'json validation error: timeout is too small'],
    [{ grace: 31_536_001 }, 'json validation error: grace is too large'],
    [{ unique: ['colour'] }, 'json validation error: an item in unique has unexpected value'],
    [{ name: null }, 'json validation error: name is not a string'],
    [{ schedule: '99 * * * *' }, null],
    [{ schedule: '0 0 * * *', tz: 'Mars/Phobos' }, null],
    [{ slug: 'Nope!' }, 'json validation error: slug does not match pattern'],
  ])('refuses %j', async (body, error) => {
    const response = await test.fetch('/api/v3/checks/', post(body))
    expect(response.status).toBe(400)
    const answer = (await response.json()) as { error: string }
    expect(answer.error).toContain('json validation error: ')
    if (error !== null) expect(answer.error).toBe(error)
  })
  it('refuses what is no JSON', async () => {
    const response = await test.fetch('/api/v3/checks/', { method: 'POST', body: '{"name"' })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'json validation error: could not parse request body' },
    ])
  })

  it('tells kinds by words in the body: failing first, then succeeding, then starting', async () => {
    const check = await json<Record<string, string>>(
      '/api/v3/checks/',
      post({
        name: 'words',
        filter_http_body: true,
        failure_kw: 'ERROR,FATAL',
        success_kw: 'done',
        start_kw: 'begin',
      }),
    )
    const path = new URL(check['ping_url'] ?? '').pathname
    const kinds: string[] = []
    for (const body of ['begin', 'all done', 'done with ERROR', 'nothing']) {
      await open(path, { method: 'POST', body })
      const { events: list } = await json<WatcherEvents>('/api/v1/watchers/words/events?limit=1')
      kinds.push(`${list[0]?.kind ?? ''}${list[0]?.ignored ? ' ignored' : ''}`)
    }
    expect(kinds).toEqual(['start', 'success', 'fail', 'success ignored'])
  })
})
