import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import net from 'node:net'
import type { Watcher, WatcherAddresses } from '../../../electron/shared/api/watchers.ts'
import { startTestService, type TestService } from '../../support/service.ts'

interface Operation {
  readonly method: string
  readonly path: string
}

const nasty = [
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '{"name":',
  '{"name":{"a":1}}',
  '{"__proto__":{"x":1},"constructor":{"prototype":{}}}',
  JSON.stringify({ name: 'x\r\nBcc: evil@example.org', schedule: { kind: 'period', periodMs: 1e308 } }),
  JSON.stringify({
    name: '\u0000\ud800',
    schedule: { kind: 'cron', expression: '* * * * *'.repeat(50), zone: 'x' },
  }),
  JSON.stringify({
    name: 'x'.repeat(5_000),
    schedule: { kind: 'calendar', expression: `*-*-* ${'1,'.repeat(200)}`, zone: 'UTC' },
  }),
  JSON.stringify({ hours: -1, until: '9999999', item: 'x' }),
  JSON.stringify({
    kind: 'webhook',
    name: 'x',
    settings: { url: 'javascript:alert(1)', headers: { 'a\r\nb': 'c' } },
  }),
  JSON.stringify({
    kind: 'email',
    name: 'x',
    settings: { host: 'h', port: 99_999, security: 'none', from: 'a\nb', to: ['c'] },
  }),
  JSON.stringify({ schedule: { kind: 'coal-mine', expression: '* '.repeat(240) }, graceMs: 'NaN' }),
  JSON.stringify({ action: 'remove', ids: Array.from({ length: 10_001 }, () => 'x') }),
  `{"body":"${'\\u0000'.repeat(1_000)}","at":"yesterday","exitStatus":1e9}`,
  '\u0000\u0001\ufffd'.repeat(100),
]
const queries = [
  '',
  '?limit=-1&offset=x',
  '?since=banana&until=%00',
  `?q=${'%F0%9F%92%A9'.repeat(300)}`,
  '?state=sideways&tag[]=x',
  '?auth_key=&auth_key=x&name=%ff%fe&id=%00',
  '?rid=../../etc/passwd&create=2&at=never',
  '?status=up&ping=NaN&msg=%0d%0aSet-Cookie:x=1',
  '?%',
]

let test: TestService
let operations: Operation[]

beforeEach(async () => {
  test = await startTestService()
  const made = (await (
    await test.fetch('/api/v1/watchers', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'job', schedule: { kind: 'period', periodMs: 3_600_000 } }),
    })
  ).json()) as Watcher
  const { pingKey, badgeKey } = (await (
    await test.fetch('/api/v1/watchers/addresses')
  ).json()) as WatcherAddresses
  const document = (await (await test.fetch('/api/openapi.json')).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const native = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll('{id}', made.id).replace('{n}', '1'),
    })),
  )
  const key = test.service.key ?? ''
  const watcherCommands = ['create', 'delete', 'update', 'get', 'list', 'trigger', 'pause', 'unpause']
  const wire = [
    ...watcherCommands.flatMap((command) => [
      `/nights-watch/v1/watcher/${command}`,
      `/coal-mine/v1/canary/${command}`,
    ]),
    `/${made.id}`,
    `/${made.uuid}/start`,
    `/ping/${made.uuid}/999`,
    `/ping/${pingKey}/%E0%A4%A`,
    `/ping/${pingKey}/job/log`,
    `/${made.token}`,
    `/api/push/${made.token}`,
    `/heartbeat/${made.token}/fail`,
    '/api/v1/endpoints/core_job/external',
    `/p/${pingKey}/x`,
    `/api/1/cron/job/${pingKey}/`,
    `/badge/${badgeKey}.svg`,
    '/b/2/%00.svg',
    '/api/v3/checks/',
    `/api/v3/checks/${made.uuid}`,
    `/api/v1/checks/${made.uuid}/flips/`,
    `/api/v2/checks/${made.uuid}/pings/0/body`,
  ].flatMap((path) =>
    ['GET', 'POST'].map((method) => ({
      method,
      path: path.includes('watcher/') || path.includes('canary/') ? `${path}?auth_key=${key}&` : path,
    })),
  )
  operations = [...native, ...wire].filter(
    ({ path, method }) => path !== '/api/v1/events' && !(path.endsWith('/test') && method === 'POST'),
  )
})

describe('every route', () => {
  it('is known to this test', () => {
    expect(operations.length).toBeGreaterThan(80)
  })

  it('answers malformed, huge and hostile input with 4xx, or takes it, and never fails', async () => {
    const failures: string[] = []
    for (const { method, path } of operations) {
      for (const query of queries) {
        const target = `${path}${path.includes('?') ? query.replace('?', '&') : query}`
        const response = await test.fetch(target, { method, redirect: 'manual' })
        await response.arrayBuffer()
        if (response.status >= 500) failures.push(`${response.status} ${method} ${target}`)
      }
      if (method === 'GET') continue
      for (const body of nasty) {
        for (const type of ['application/json', 'text/plain']) {
          const response = await test.fetch(path, { method, body, headers: { 'content-type': type } })
          const text = await response.text()
          if (response.status >= 500)
            failures.push(`${response.status} ${method} ${path} ${body.slice(0, 60)}`)
          if (/\bat .*\.[jt]s:\d+/.test(text)) failures.push(`stack trace: ${method} ${path}`)
        }
      }
    }
    expect(failures).toEqual([])
    expect(test.lines.filter((line) => line.includes('A request failed'))).toEqual([])
  }, 120_000)

  it('takes no longer a body than it reads', async () => {
    const big = 'x'.repeat(2_000_000)
    const refused = await test.fetch('/api/v1/watchers', {
      method: 'POST',
      body: JSON.stringify({ name: big }),
      headers: { 'content-type': 'application/json' },
    })
    expect(refused.status).toBe(413)
  })

  it('survives what is no HTTP at all', async () => {
    const { port } = new URL(test.service.origin)
    for (const bytes of [
      '\u0000\u0001\u0002\r\n\r\n',
      'GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`,
    ]) {
      const answer = await new Promise<string>((resolve) => {
        const socket = net.connect(Number(port), '127.0.0.1')
        onTestFinished(() => {
          socket.destroy()
        })
        let text = ''
        socket.on('data', (chunk) => (text += chunk.toString('latin1')))
        socket.on('close', () => resolve(text))
        socket.on('error', () => resolve(text))
        socket.write(bytes)
      })
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    }
    expect((await test.fetch('/healthz')).status).toBe(200)
  })
})
