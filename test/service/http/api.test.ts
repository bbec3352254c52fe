import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import { createParser } from 'eventsource-parser'
import { request as rawRequest } from 'node:http'
import net from 'node:net'
import { describe, expect, it } from 'vitest'
import type { ServiceInfo } from '../../../electron/shared/api/service.ts'
import { openFlightTable, openRaw } from '../../support/raw-database.ts'
import { startTestService, type TestService } from '../../support/service.ts'

const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>
const errorOf = async (response: Response): Promise<[number, unknown]> => [
  response.status,
  (await json(response))['error'],
]

/** Gives the service a gap after flight 1 and one after flight 2, both before it began. */
function addPast({ service }: TestService): void {
  const table = openFlightTable(service.database)
  const hour = 3_600_000
  const begin = Date.now() - 100 * hour
  const made = (offset: number, boot: string, ended: string | null) => ({
    beginMs: begin + offset * hour,
    lengthMs: 5 * hour,
    bootId: boot,
    beginBootMs: 30_000,
    ended,
  })
  const raw = openRaw(service.database)
  raw.exec(
    'UPDATE flight_detail SET flight_id = 1000 WHERE flight_id = 1; UPDATE flight SET id = 1000 WHERE id = 1',
  )
  raw.close()
  table.insert([made(0, 'a', 'SIGTERM'), made(10, 'b', null), made(20, 'c', 'SIGTERM')])
  const renumber = openRaw(service.database)
  for (const [index, id] of (
    renumber.prepare('SELECT id FROM flight WHERE id > 1000 ORDER BY id').pluck().all() as number[]
  ).entries()) {
    renumber.exec(
      `UPDATE flight SET id = ${index + 1} WHERE id = ${id}; UPDATE flight_detail SET flight_id = ${index + 1} WHERE flight_id = ${id}`,
    )
  }
  renumber.close()
}

describe('who may ask', () => {
  it('nobody without the key, but for the page and /healthz', async () => {
    const { fetch } = await startTestService()
    for (const route of [
      '/api/v1/machine/now',
      '/api/v1/machine',
      '/api/v1/service',
      '/api/v1/events',
      '/api/openapi.json',
      '/metrics',
      '/api/v1/export/database',
    ]) {
      const response = await fetch(route, { key: null })
      expect([route, response.status]).toEqual([route, 401])
      expect(await json(response)).toEqual({ error: 'an access key is needed: see `watchkeeper key`' })
    }
    expect(await errorOf(await fetch('/api/v1/service', { key: 'wrong' }))).toEqual([
      401,
      'the access key is wrong',
    ])
    for (const route of ['/', '/healthz', '/favicon.svg'])
      expect((await fetch(route, { key: null })).status).toBe(200)
    expect((await fetch('/api/v1/service', { key: null, headers: { 'x-api-key': 'x' } })).status).toBe(401)
  })

  it('too many wrong keys have to wait, while the right one passes', async () => {
    const { fetch } = await startTestService()
    for (let index = 0; index < 20; index += 1) await fetch('/api/v1/service', { key: 'wrong' })
    const response = await fetch('/api/v1/service', { key: 'wrong' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '60'])
    expect((await fetch('/api/v1/service')).status).toBe(200)
  })

  it('no page of another site, whatever it sends', async () => {
    const { fetch } = await startTestService()
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ]) {
      expect(await errorOf(await fetch('/api/v1/service', { headers }))).toEqual([
        403,
        'requests from other sites are refused',
      ])
    }
  })

  it('no name that was pointed at this machine', async () => {
    const { service } = await startTestService()
    const url = new URL(service.origin)
    const status = await new Promise((resolve) => {
      rawRequest(
        { host: url.hostname, port: url.port, path: '/healthz', headers: { host: 'evil.example' } },
        (response) => resolve(response.statusCode),
      ).end()
    })
    expect(status).toBe(403)
  })

  it('anybody with --no-auth, but only on this machine', async () => {
    const { fetch, service } = await startTestService({ needsKey: false })
    expect(service.key).toBeNull()
    expect((await fetch('/api/v1/service', { key: null })).status).toBe(200)
    await expect(startTestService({ needsKey: false, listen: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(
      'only allowed',
    )
  })
})

describe('bad requests', () => {
  it.each([
    ['/api/v1/machine?since=nonsense', 400, "since: 'nonsense' is not a time"],
    ['/api/v1/machine?last=3x', 400, "last: '3x' is not a span"],
    ['/api/v1/machine?last=999999999y', 400, 'is not a span'],
    ['/api/v1/machine?last=1d&since=2026-01-01', 400, 'either since or last'],
    ['/api/v1/machine?since=2026-02-01&until=2026-01-01', 400, 'ends before it begins'],
    ['/api/v1/machine?since=9000-01-01', 400, 'lies in the future'],
    ['/api/v1/machine?colour=red', 400, "'colour' is not known"],
    ['/api/v1/machine/gaps?limit=0', 400, 'limit'],
    ['/api/v1/machine/gaps?limit=1001', 400, 'limit'],
    ['/api/v1/machine/gaps?limit=ten', 400, 'limit'],
    ['/api/v1/machine/gaps?offset=-1', 400, 'offset'],
    ['/api/v1/machine/gaps?kind=nap', 400, 'kind'],
    ['/api/v1/machine/gaps/x1', 400, 'id'],
    ['/api/v1/machine/gaps/f999', 404, "no gap 'f999'"],
    ['/api/v1/machine/calendar', 400, 'year'],
    ['/api/v1/machine/calendar?year=99999', 400, 'year'],
    ['/api/v1/machine/calendar?year=2026&zone=Mars/Olympus', 400, 'not an IANA time zone'],
    ['/api/v1/machine/at?t=soon', 400, 'not a time'],
    ['/api/v1/export/everything', 400, 'what'],
    ['/api/v1/nothing', 404, 'there is nothing at GET /api/v1/nothing'],
    ['/%zz', 400, '%zz'],
    ['/assets/../../../etc/passwd', 403, 'Forbidden'],
    ['/assets/%2e%2e/%2e%2e/package.json', 403, 'Forbidden'],
  ])('%s gets %d with a sentence', async (route, status, words) => {
    const { service, lines, ...client } = await startTestService()
    const url = new URL(service.origin)
    const [code, body] = await new Promise<[number | undefined, string]>((resolve) => {
      rawRequest(
        { host: url.hostname, port: url.port, path: route, headers: { 'x-api-key': service.key ?? '' } },
        (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.on('end', () => resolve([response.statusCode, text]))
        },
      ).end()
    })
    expect(code).toBe(status)
    const parsed = JSON.parse(body) as Record<string, unknown>
    expect(Object.keys(parsed)).toEqual(['error'])
    expect(parsed['error']).toContain(words)
    expect(lines.join('')).not.toContain('A request failed')
    expect(client).toBeDefined()
  })

  it.each([
    ['not JSON', '{"note":', 'application/json', 400],
    ['the wrong shape', '{"text":"x"}', 'application/json', 400],
    ['more than is known', '{"note":"x","by":"me"}', 'application/json', 400],
    ['a number', '{"note":{"a":1}}', 'application/json', 400],
    ['too long a note', JSON.stringify({ note: 'x'.repeat(2_001) }), 'application/json', 400],
    ['far too much', JSON.stringify({ note: 'x'.repeat(300_000) }), 'application/json', 413],
    ['another type', 'note=x', 'application/x-www-form-urlencoded', 415],
  ])('a note that is %s changes nothing', async (_name, body, type, status) => {
    const test = await startTestService()
    addPast(test)
    const response = await test.fetch('/api/v1/machine/gaps/f1/note', {
      method: 'PUT',
      body,
      headers: { 'content-type': type },
    })
    expect(response.status).toBe(status)
    expect(typeof (await json(response))['error']).toBe('string')
    expect((await json(await test.fetch('/api/v1/machine/gaps/f1')))['note']).toBeNull()
  })

  it('that are not HTTP get an answer in the one shape', async () => {
    const { service } = await startTestService()
    const url = new URL(service.origin)
    const answer = await new Promise<string>((resolve) => {
      const socket = net.connect(Number(url.port), url.hostname, () => socket.write('NONSENSE\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toContain('400 Bad Request')
    expect(answer).toContain('{"error":"Bad Request."}')
  })
})

describe('the history', () => {
  it('is given for a window with figures that fill it, gaps, flights and a calendar', async () => {
    const test = await startTestService()
    addPast(test)
    const history = await json(await test.fetch('/api/v1/machine?last=200h'))
    const { ms, percent, windowMs } = history['figures'] as {
      ms: Record<string, number>
      percent: Record<string, number>
      windowMs: number
    }
    expect(Object.values(ms).reduce((sum, value) => sum + value, 0)).toBe(windowMs)
    expect(Math.round(Object.values(percent).reduce((sum, value) => sum + value, 0) * 100)).toBe(10_000)
    const { total, gaps } = (await json(await test.fetch('/api/v1/machine/gaps'))) as {
      total: number
      gaps: { id: string; kind: string }[]
    }
    expect([total, gaps.map(({ id, kind }) => `${id} ${kind}`)]).toEqual([
      3,
      ['f3 off', 'f2 crashed', 'f1 off'],
    ])
    const crashed = (await json(await test.fetch('/api/v1/machine/gaps?kind=crashed'))) as { total: number }
    expect(crashed.total).toBe(1)
    const page = (await json(await test.fetch('/api/v1/machine/flights?limit=1&offset=1'))) as {
      total: number
      flights: { id: string }[]
    }
    expect([page.total, page.flights[0]?.id]).toEqual([4, 'f3'])
    const calendar = (await json(
      await test.fetch('/api/v1/machine/calendar?year=2026&zone=Europe/Berlin'),
    )) as { zone: string; days: unknown[] }
    expect(calendar.zone).toBe('Europe/Berlin')
  })

  it('keeps a note on a gap, and forgets it when it is emptied', async () => {
    const test = await startTestService()
    addPast(test)
    const put = (note: string) =>
      test.fetch('/api/v1/machine/gaps/f2/note', {
        method: 'PUT',
        body: JSON.stringify({ note }),
        headers: { 'content-type': 'application/json' },
      })
    expect(await json(await put('  power cut, "our" street  '))).toMatchObject({
      id: 'f2',
      note: 'power cut, "our" street',
    })
    expect(await (await test.fetch('/api/v1/export/gaps.csv')).text()).toContain(
      '"power cut, ""our"" street"',
    )
    await put('')
    expect((await json(await test.fetch('/api/v1/machine/gaps/f2')))['note']).toBeNull()
  })

  it('can be taken away as a database, JSON and CSV', async () => {
    const test = await startTestService()
    addPast(test)
    const database = await test.fetch('/api/v1/export/database')
    expect(database.headers.get('content-disposition')).toBe('attachment; filename="watchkeeper.db"')
    expect(
      Buffer.from(await database.arrayBuffer())
        .subarray(0, 15)
        .toString(),
    ).toBe('SQLite format 3')
    const history = await json(await test.fetch('/api/v1/export/history.json'))
    expect([(history['gaps'] as unknown[]).length, (history['flights'] as unknown[]).length]).toEqual([3, 4])
    const flights = (await (await test.fetch('/api/v1/export/flights.csv?last=1h')).text()).trim().split('\n')
    expect(flights).toHaveLength(2)
  })
})

describe('the event stream', () => {
  it('gives a snapshot first, then deltas with growing revisions, and ends with the service', async () => {
    const test = await startTestService({ intervalMs: 100 })
    const response = await test.fetch('/api/v1/events')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events: {
      event: string | undefined
      data: { revision: number; topic?: string; machine?: { id: number } }
    }[] = []
    const parser = createParser({
      onEvent: ({ event, data }) =>
        events.push({ event, data: JSON.parse(data) as (typeof events)[0]['data'] }),
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    while (events.length < 4) parser.feed((await reader?.read())?.value ?? '')
    expect(events[0]).toMatchObject({ event: 'snapshot', data: { machine: { id: 1 } } })
    const revisions = events.map(({ data }) => data.revision)
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
    expect(events.slice(1).every(({ event }) => event === 'delta')).toBe(true)
    await test.service.stop('SIGTERM')
    for (;;) if ((await reader?.read())?.done !== false) break
  })
})

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>
}

describe('for machines', () => {
  it('every answer that the OpenAPI document names can be written', async () => {
    const { fetch } = await startTestService()
    const { paths } = (await json(await fetch('/api/openapi.json'))) as {
      paths: Record<string, Record<string, { responses: Record<string, Answer> }>>
    }
    const compile = SerializerSelector()()
    let answers = 0
    for (const [url, operations] of Object.entries(paths))
      for (const [method, { responses }] of Object.entries(operations))
        for (const [httpStatus, { content }] of Object.entries(responses)) {
          const schema = content?.['application/json']?.schema
          if (schema === undefined) continue
          const named = `${method} ${url} ${httpStatus}`
          expect(() => compile({ method, url, httpStatus, schema }), named).not.toThrow()
          answers += 1
        }
    expect(answers).toBeGreaterThan(150)
  })

  it('the OpenAPI document names every route of the native API', async () => {
    const { fetch } = await startTestService()
    const document = (await json(await fetch('/api/openapi.json'))) as {
      openapi: string
      paths: Record<string, Record<string, { responses: object }>>
    }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths).sort()).toEqual([
      '/api/v1/channels',
      '/api/v1/channels/{id}',
      '/api/v1/channels/{id}/test',
      '/api/v1/config',
      '/api/v1/events',
      '/api/v1/export/{what}',
      '/api/v1/health',
      '/api/v1/health/diagnosis',
      '/api/v1/health/history',
      '/api/v1/health/plugins',
      '/api/v1/health/reports',
      '/api/v1/health/reports/{id}',
      '/api/v1/health/reports/{id}/changes',
      '/api/v1/health/settings',
      '/api/v1/hosts',
      '/api/v1/hosts/anchors',
      '/api/v1/hosts/bulk',
      '/api/v1/hosts/check',
      '/api/v1/hosts/config',
      '/api/v1/hosts/probing',
      '/api/v1/hosts/proposals',
      '/api/v1/hosts/try',
      '/api/v1/hosts/{id}',
      '/api/v1/hosts/{id}/check',
      '/api/v1/hosts/{id}/export/{what}',
      '/api/v1/hosts/{id}/history',
      '/api/v1/hosts/{id}/pause',
      '/api/v1/hosts/{id}/unpause',
      '/api/v1/hosts/{id}/uptime',
      '/api/v1/incidents',
      '/api/v1/incidents/{id}/acknowledge',
      '/api/v1/incidents/{id}/notes',
      '/api/v1/keys',
      '/api/v1/keys/{id}',
      '/api/v1/machine',
      '/api/v1/machine/at',
      '/api/v1/machine/calendar',
      '/api/v1/machine/flights',
      '/api/v1/machine/gaps',
      '/api/v1/machine/gaps/{id}',
      '/api/v1/machine/gaps/{id}/note',
      '/api/v1/machine/now',
      '/api/v1/maintenance',
      '/api/v1/maintenance/{id}',
      '/api/v1/mutes',
      '/api/v1/mutes/{id}',
      '/api/v1/notices',
      '/api/v1/overview',
      '/api/v1/overview/history',
      '/api/v1/search',
      '/api/v1/service',
      '/api/v1/service/events/{id}/dismiss',
      '/api/v1/service/storage',
      '/api/v1/setup',
      '/api/v1/telemetry',
      '/api/v1/telemetry/builds',
      '/api/v1/telemetry/choices',
      '/api/v1/telemetry/client',
      '/api/v1/telemetry/client/consent',
      '/api/v1/telemetry/client/spool/{id}',
      '/api/v1/telemetry/client/spool/{id}/approve',
      '/api/v1/telemetry/crashes',
      '/api/v1/telemetry/export/records.{form}',
      '/api/v1/telemetry/guilties/{id}',
      '/api/v1/telemetry/guilties/{id}/backtraces',
      '/api/v1/telemetry/mce',
      '/api/v1/telemetry/plugins',
      '/api/v1/telemetry/plugins/{name}',
      '/api/v1/telemetry/population',
      '/api/v1/telemetry/purge',
      '/api/v1/telemetry/quarantine',
      '/api/v1/telemetry/records',
      '/api/v1/telemetry/records/{id}',
      '/api/v1/telemetry/regroups/{id}/undo',
      '/api/v1/telemetry/settings',
      '/api/v1/telemetry/skip-list',
      '/api/v1/telemetry/skip-list/preview',
      '/api/v1/telemetry/skip-list/recompute',
      '/api/v1/telemetry/skip-list/reset',
      '/api/v1/telemetry/stats',
      '/api/v1/telemetry/thermal',
      '/api/v1/telemetry/updates',
      '/api/v1/watchers',
      '/api/v1/watchers/addresses',
      '/api/v1/watchers/bulk',
      '/api/v1/watchers/look',
      '/api/v1/watchers/preview',
      '/api/v1/watchers/proposals',
      '/api/v1/watchers/{id}',
      '/api/v1/watchers/{id}/events',
      '/api/v1/watchers/{id}/events/{n}/body',
      '/api/v1/watchers/{id}/flips',
      '/api/v1/watchers/{id}/pause',
      '/api/v1/watchers/{id}/triggers',
      '/api/v1/watchers/{id}/unpause',
      '/health/report',
      '/health/report/{worker}',
      '/healthz',
      '/metrics',
    ])
    for (const methods of Object.values(document.paths)) {
      for (const { responses } of Object.values(methods)) expect(Object.keys(responses)).toContain('4XX')
    }
  })

  it('/metrics carries the recorder’s figures', async () => {
    const test = await startTestService()
    addPast(test)
    const text = await (await test.fetch('/metrics')).text()
    expect(text).toMatch(/^watchkeeper_flight_duration_seconds \d/m)
    expect(text).toMatch(/^watchkeeper_last_stamp_timestamp_seconds \d+/m)
    expect(text).toMatch(/^watchkeeper_machine_seconds\{presence="down"\} \d+/m)
    expect(text).toMatch(/^watchkeeper_machine_gaps\{kind="crashed"\} 1$/m)
  })

  it('the page is sent with headers that bind the browser, and without the key', async () => {
    const { fetch, service } = await startTestService()
    const page = await fetch('/', { key: null })
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self';")
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await page.text()).not.toContain(service.key)
  })
})

describe('what happened to the service', () => {
  it('is told until it is dismissed', async () => {
    const { fetch, service } = await startTestService()
    const raw = openRaw(service.database)
    raw.exec("INSERT INTO service_event (at_ms, kind, text) VALUES (1, 'database-restored', 'x')")
    raw.close()
    const info = (await json(await fetch('/api/v1/service'))) as unknown as ServiceInfo
    expect(info.events).toMatchObject([{ id: 1, kind: 'database-restored', dismissed: false }])
    expect(await (await fetch('/api/v1/service/events/1/dismiss', { method: 'POST' })).json()).toMatchObject([
      { dismissed: true },
    ])
    expect((await fetch('/api/v1/service/events/2/dismiss', { method: 'POST' })).status).toBe(404)
  })
})
