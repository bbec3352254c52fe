import { beforeEach, describe, expect, it } from 'vitest'
import type { Watcher, WatcherAddresses, WatcherEvents } from '../../../electron/shared/api/watchers.ts'
import { goDuration } from '../../../electron/service/watchers/wire/heartbeats.ts'
import { startTestService, type TestService } from '../../support/service.ts'

let test: TestService
let watcher: Watcher
let keys: WatcherAddresses

const json = async <T>(path: string, init: RequestInit = {}): Promise<T> =>
  (await (await test.fetch(path, init)).json()) as T
const open = (path: string, init: RequestInit = {}): Promise<Response> =>
  test.fetch(path, { ...init, key: null })
const newest = async (id = watcher.id): Promise<string> => {
  const { events } = await json<WatcherEvents>(`/api/v1/watchers/${id}/events?limit=1`)
  const { kind, comment, durationMs, exitStatus, run } = events[0] ?? {
    kind: 'none',
    comment: '',
    durationMs: null,
    exitStatus: null,
    run: '',
  }
  return [kind, exitStatus ?? '', durationMs ?? '', run, comment].join('|')
}

beforeEach(async () => {
  test = await startTestService()
  watcher = await json('/api/v1/watchers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'core job', schedule: { kind: 'period', periodMs: 3_600_000 } }),
  })
  keys = await json('/api/v1/watchers/addresses')
})

describe('Uptime Kuma push', () => {
  it.each([
    ['', 'success||||'],
    ['?status=up&msg=OK&ping=12', 'success||12||OK'],
    ['?status=down&msg=no+answer', 'fail||||no answer'],
    ['?status=UP', 'fail||||'],
  ])('%j is %s', async (query, expected) => {
    const response = await open(`/api/push/${watcher.token}${query}`, {
      method: query === '' ? 'POST' : 'GET',
    })
    expect([response.status, await response.json()]).toEqual([200, { ok: true }])
    expect(await newest()).toBe(expected)
  })
  it.each(['x', '%TOKEN%?ping=-1', '%TOKEN%?ping=1e12', '%TOKEN%?ping=abc'])(
    'refuses %s with 404',
    async (path) => {
      const response = await open(`/api/push/${path.replace('%TOKEN%', watcher.token)}`)
      expect([response.status, await response.json()]).toEqual([
        404,
        { ok: false, msg: 'Monitor not found or not active.' },
      ])
    },
  )
})

describe('Dead Man’s Snitch and heartbeats', () => {
  it.each([
    ['/%T', 200, 'Got it, thanks!', 'success||||'],
    ['/%T?m=just+fine&s=', 200, 'Got it, thanks!', 'success||||just fine'],
    ['/%T?s=0', 200, 'Got it, thanks!', 'success|0|||'],
    ['/%T?s=3&m=no', 200, 'Got it, thanks!', 'fail|3|||no'],
    ['/heartbeat/%T', 200, 'OK', 'success||||'],
    ['/heartbeat/%T/fail', 200, 'OK', 'fail||||'],
    ['/api/v1/heartbeat/%T/2', 200, 'OK', 'fail|2|||'],
    ['/heartbeat/%T/256', 404, 'Not Found', 'created||||'],
    ['/heartbeat/nope', 404, 'Not Found', 'created||||'],
  ])('%s answers %i %s', async (path, status, text, expected) => {
    const response = await open(path.replace('%T', watcher.token), { method: 'POST', body: 'said' })
    expect([response.status, await response.text()]).toEqual([status, text])
    expect(await newest()).toBe(expected)
  })
})

describe('Gatus external endpoints', () => {
  it.each([
    ['core_job', 'true&duration=1.5s', true, 200, '', 'success||1500||'],
    ['core_job', 'false&error=broken', true, 200, '', 'fail||||broken'],
    ['core_job', 'maybe', true, 400, 'missing or invalid success query parameter', 'created||||'],
    ['core_job', 'true&duration=soon', true, 400, 'invalid duration: soon', 'created||||'],
    ['core_job', 'true', false, 401, 'invalid Authorization header', 'created||||'],
    ['no_where', 'true', true, 404, 'not found', 'created||||'],
  ])('%s?success=%s (token: %s) answers %i', async (key, query, hasToken, status, text, expected) => {
    const headers: Record<string, string> = hasToken ? { authorization: `Bearer ${watcher.token}` } : {}
    const response = await open(`/api/v1/endpoints/${key}/external?success=${query}`, {
      method: 'POST',
      headers,
    })
    expect([response.status, await response.text()]).toEqual([status, text])
    expect(await newest()).toBe(expected)
  })
  it('refuses a wrong token', async () => {
    const response = await open('/api/v1/endpoints/core_job/external?success=true', {
      method: 'POST',
      headers: { authorization: 'Bearer nope' },
    })
    expect([response.status, await response.text()]).toEqual([401, 'invalid token'])
  })
  it.each([
    ['1.5s', 1_500],
    ['200ms', 200],
    ['1h2m3s', 3_723_000],
    ['0', 0],
    ['5', null],
    ['-1s', null],
    ['', null],
  ])('reads the duration %j as %s ms', (text, ms) => expect(goDuration(text)).toBe(ms))
})

describe('Cronitor and Sentry', () => {
  it('create what they do not know, and tell starts from ends', async () => {
    const base = `/p/${keys.pingKey}/nightly`
    expect((await open(`${base}?state=run&series=abc`)).status).toBe(200)
    expect(await newest('nightly')).toBe('start|||abc|')
    expect((await open(`${base}?state=fail&series=abc&status_code=9&message=boom`)).status).toBe(200)
    expect(await newest('nightly')).toMatch(/^fail\|9\|\d+\|abc\|boom$/)
    for (const odd of ['sideways', 'constructor'])
      expect((await open(`${base}?state=${odd}`)).status).toBe(400)
    expect((await open('/p/wrong/nightly')).status).toBe(403)
  })
  it('take a check-in with its monitor’s settings', async () => {
    const path = `/api/42/cron/sentry-job/${keys.pingKey}/`
    const id = '11111111-2222-4333-8444-555555555555'
    const monitor_config = {
      schedule: { type: 'crontab', value: '0 4 * * *' },
      timezone: 'Europe/Vienna',
      checkin_margin: 5,
      max_runtime: 30,
      failure_issue_threshold: 3,
    }
    const init = {
      method: 'POST',
      body: JSON.stringify({ check_in_id: id, status: 'in_progress', monitor_config }),
    }
    expect((await open(path, init)).status).toBe(202)
    expect(await json<Watcher>('/api/v1/watchers/sentry-job')).toMatchObject({
      state: 'running',
      schedule: { kind: 'cron', expression: '0 4 * * *', zone: 'Europe/Vienna' },
      graceMs: 300_000,
      runLimitMs: 1_800_000,
      tolerance: 2,
    })
    expect((await open(`${path}?status=ok&check_in_id=${id}`)).status).toBe(202)
    expect(await newest('sentry-job')).toMatch(/^success\|\|\d+\|/)
    expect((await open(`${path}?status=odd`)).status).toBe(400)
    expect((await open(`${path}?status=ok&check_in_id=x`)).status).toBe(400)
    expect(
      (
        await open(path, {
          method: 'POST',
          body: JSON.stringify({ status: 'ok', monitor_config: { schedule: { type: 'moon' } } }),
        })
      ).status,
    ).toBe(400)
    expect((await open('/api/42/cron/sentry-job/wrong/?status=ok')).status).toBe(403)
  })
})

describe('badges', () => {
  it('show one watcher, a tag and all, without a key, in three forms', async () => {
    await open(`/${watcher.id}`)
    const svg = await open(`/b/2/${watcher.badgeKey}.svg`)
    expect(svg.headers.get('content-type')).toContain('image/svg+xml')
    expect(svg.headers.get('access-control-allow-origin')).toBe('*')
    const text = await svg.text()
    expect(text).toContain('core job')
    expect(text).toContain('#4c1')
    expect(await (await open(`/badge/${watcher.badgeKey}.json`)).json()).toEqual({
      status: 'up',
      total: 1,
      grace: 0,
      down: 0,
    })
    expect(await (await open(`/badge/${keys.badgeKey}.shields`)).json()).toMatchObject({
      schemaVersion: 1,
      label: 'watchers',
      message: 'up',
    })
    await open(`/ping/${watcher.uuid}/fail`)
    expect(await (await open(`/badge/${keys.badgeKey}.json`)).json()).toEqual({
      status: 'down',
      total: 1,
      grace: 0,
      down: 1,
    })
    expect((await open('/badge/nope.svg')).status).toBe(404)
    expect((await open(`/badge/${watcher.badgeKey}.png`)).status).toBe(404)
    expect((await open(`/b/2/${watcher.badgeKey}-2.svg`)).status).toBe(200)
    expect(await (await open(`/badge/${keys.badgeKey}-2.json`)).json()).toMatchObject({ status: 'down' })
    // A badge's key triggers nothing, nor does what follows a secret that takes no action.
    expect((await open(`/${watcher.id}/fail`)).status).toBe(404)
    expect((await open(`/${watcher.token}/fail`)).status).toBe(404)
    expect((await open(`/${watcher.badgeKey}`)).status).toBe(404)
  })
  it('escape names', async () => {
    const made = await json<Watcher>('/api/v1/watchers', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: '<script>&"', schedule: { kind: 'period', periodMs: 3_600_000 } }),
    })
    expect(await (await open(`/b/3/${made.badgeKey}.svg`)).text()).toContain('&lt;script&gt;&amp;&quot;')
  })
})
