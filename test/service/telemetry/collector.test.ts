import { describe, expect, it } from 'vitest'
import { defaultTid } from '../../../electron/shared/telemetry-words.ts'
import { startTestService, type TestService } from '../../support/service.ts'
import { clientHeaders, eventId, sendRaw } from '../../support/telemetry.ts'

type Body = string | Buffer

async function post(
  { service }: TestService,
  headers: Readonly<Record<string, string>>,
  body: Body = 'hello\n\n',
  path = '/v2/collector',
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`${service.origin}${path}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

const fresh = (change: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...clientHeaders,
  event_id: eventId(),
  ...change,
})
const json = (change: Readonly<Record<string, string>> = {}): string => {
  const { 'X-Telemetry-TID': _tid, 'Content-Type': _type, ...fields } = fresh()
  return JSON.stringify({ ...fields, payload: 'hi\n', ...change })
}
const tid = { 'X-Telemetry-TID': defaultTid, 'Content-Type': 'application/json' }

async function records(test: TestService, query = ''): Promise<Record<string, unknown>[]> {
  const response = await test.fetch(`/api/records${query}`)
  expect(response.status).toBe(200)
  return ((await response.json()) as { records: Record<string, unknown>[] }).records
}

describe('the collector', () => {
  it('takes what a client to 2.3 sends, byte for byte, on both addresses', async () => {
    const test = await startTestService()
    const lines = Object.entries(clientHeaders).map(([name, value]) => `${name}: ${value}`)
    const raw = [
      `POST /v2/collector HTTP/1.1`,
      `Host: ${new URL(test.service.origin).host}`,
      'Accept: */*',
      ...lines,
      'Content-Length: 7',
      'Connection: close',
      '',
      'hello\n\n',
    ].join('\r\n')
    const said = await sendRaw(test.service.origin, raw)
    expect(said).toMatch(/^HTTP\/1\.1 201 /)
    const body = said.slice(said.indexOf('\r\n\r\n') + 4)
    expect(body).toMatch(/^\{"arch":"x86_64","bios_version":"no_bv_file",.*\}\n$/)
    expect(Object.keys(JSON.parse(body) as object)).toEqual(
      [...Object.keys(JSON.parse(body) as object)].sort(),
    )
    expect(JSON.parse(body)).toMatchObject({
      id: 1,
      build: '12',
      payload: 'hello\n\n',
      machine_type: 'no_sv_file|no_pn_file|no_pvr_file',
      record_format_version: 4,
      record_version: 4,
      external: false,
      ts_capture: '2026-11-21 10:07:52 UTC',
    })
    expect((await post(test, fresh(), 'x', '/')).status).toBe(201)
    expect(await records(test)).toHaveLength(2)
  })

  it('says to go on to a client that asks first', async () => {
    const test = await startTestService()
    const payload = 'x'.repeat(8_000)
    const lines = Object.entries(fresh()).map(([name, value]) => `${name}: ${value}`)
    const head = [
      'POST /v2/collector HTTP/1.1',
      `Host: ${new URL(test.service.origin).host}`,
      ...lines,
      'Expect: 100-continue',
      `Content-Length: ${payload.length}`,
      'Connection: close',
      '',
      '',
    ].join('\r\n')
    expect(await sendRaw(test.service.origin, head, payload)).toMatch(/^\[100\] HTTP\/1\.1 201 /)
  })

  it('takes what a client from 2.4 on sends', async () => {
    const test = await startTestService()
    const { status, json: body } = await post(
      test,
      tid,
      json({ cpu_model: 'AMD', build: '"12"' }),
      '/v3/collector',
    )
    expect(status).toBe(201)
    expect(body).toMatchObject({ payload: 'hi\n', build: '12', cpu_model: 'AMD' })
    for (const wrong of ['', '{', '[]', '{"severity":[]}'])
      expect((await post(test, tid, wrong, '/v3/collector')).status).toBe(400)
    expect(await post(test, { 'X-Telemetry-TID': 'other' }, '{', '/v3/collector')).toEqual({
      status: 400,
      json: { message: 'Telemetry ID mismatch' },
    })
    expect(await post(test, tid, json({ severity: '9' }), '/v3/collector')).toEqual({
      status: 400,
      json: { message: 'severity value is out of range' },
    })
    expect(await records(test)).toHaveLength(1)
  })

  it('asks for the telemetry id first, and for none of another’s', async () => {
    const test = await startTestService()
    const mismatch = { status: 400, json: { message: 'Telemetry ID mismatch' } }
    expect(await post(test, {})).toEqual(mismatch)
    expect(await post(test, fresh({ 'X-Telemetry-TID': defaultTid.toUpperCase() }))).toEqual(mismatch)
    await test.fetch('/api/v1/telemetry/settings', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tid: 'our-own' }),
    })
    expect(await post(test, fresh())).toEqual(mismatch)
    expect((await post(test, fresh({ 'X-Telemetry-TID': 'our-own' }))).status).toBe(201)
  })

  it('leads people to the page, and refuses other methods and addresses', async () => {
    const test = await startTestService()
    for (const path of ['/v2/collector', '/v3/collector', '/telemetryui']) {
      const response = await fetch(`${test.service.origin}${path}`, { redirect: 'manual' })
      expect([response.status, response.headers.get('location')]).toEqual([302, '/#/telemetry/records'])
    }
    const status = async (method: string, path: string): Promise<number> =>
      (await fetch(`${test.service.origin}${path}`, { method, headers: tid })).status
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect(await status(method, '/v2/collector')).toBe(405)
    expect(await status('POST', '/v2/collector/')).toBe(404)
    expect(await status('POST', '/v3/collector/')).toBe(404)
    expect(await status('POST', '/api/records')).toBe(401)
  })

  it('refuses what browsers send from other sites', async () => {
    const test = await startTestService()
    const response = await fetch(`${test.service.origin}/v2/collector`, {
      method: 'POST',
      headers: { ...fresh(), origin: 'https://elsewhere.example' },
      body: 'x',
    })
    expect(response.status).toBe(403)
    expect(await records(test)).toHaveLength(0)
  })

  it('takes empty, binary, Latin-1 and large payloads, and refuses those that are too large', async () => {
    const test = await startTestService()
    const binary = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256))
    for (const [body, stored] of [
      ['', ''],
      [Buffer.from([0x47, 0x72, 0xfc, 0xdf]), 'Grüß'],
      [Buffer.from('漢字 😀'), '漢字 😀'],
      [binary, binary.toString('latin1').replaceAll('\u0000', '')],
      ['x'.repeat(300 * 1_024), 'x'.repeat(300 * 1_024)],
    ] as const) {
      const { status, json: record } = await post(test, fresh(), body)
      expect(status).toBe(201)
      expect(record['payload']).toBe(stored)
    }
    const large = await post(test, fresh(), 'x'.repeat(300 * 1_024 + 1))
    expect(large).toEqual({ status: 400, json: { message: 'The payload is larger than 307200 bytes' } })
    const huge = await fetch(`${test.service.origin}/v2/collector`, {
      method: 'POST',
      headers: fresh(),
      body: 'x'.repeat(3_000_000),
    })
    expect([huge.status, await huge.json()]).toEqual([
      413,
      { message: 'The payload is larger than 307200 bytes' },
    ])
    expect(await records(test)).toHaveLength(5)
  })

  it('keeps wrong records aside when told to, so that their clients go on', async () => {
    const test = await startTestService()
    await test.service.telemetry.change({ quarantine: true })
    const { status, json: body } = await post(test, fresh({ severity: '9' }), 'why\u0000\n')
    expect([status, body]).toEqual([200, { message: 'Kept aside: severity value is out of range' }])
    expect((await post(test, fresh({ 'X-Telemetry-TID': 'x' }))).status).toBe(400)
    const kept = (await (await test.fetch('/api/v1/telemetry/quarantine')).json()) as Record<
      string,
      unknown
    >[]
    expect(kept).toMatchObject([{ reason: 'severity value is out of range', payload: 'why\n' }])
    expect(kept[0]?.['fields']).toMatchObject({ severity: '9', classification: 'org.clearlinux/hello/world' })
    expect(await records(test)).toHaveLength(0)
  })

  it('keeps too long payloads aside alike, however they were sent', async () => {
    const test = await startTestService()
    const long = 'x'.repeat(300 * 1_024 + 1)
    const message = 'The payload is larger than 307200 bytes'
    expect(await post(test, fresh(), long)).toEqual({ status: 400, json: { message } })
    expect(await post(test, tid, json({ payload: long }), '/v3/collector')).toEqual({
      status: 400,
      json: { message },
    })
    await test.service.telemetry.change({ quarantine: true })
    for (const answer of [
      await post(test, fresh(), long),
      await post(test, tid, json({ payload: long }), '/v3/collector'),
    ])
      expect(answer).toEqual({ status: 200, json: { message: `Kept aside: ${message}` } })
    expect(await test.service.telemetry.store().ask('quarantined', { before: null, limit: 9 })).toHaveLength(
      2,
    )
    expect(await records(test)).toHaveLength(0)
  })

  it('counts a storm of one crash, answers its clients, and shows what was not stored', async () => {
    const test = await startTestService()
    const crash = { classification: 'org.clearlinux/crash/clr', severity: '3' }
    const body = 'Process: x\n\nBacktrace (TID 1):\n#0 f() - [app]\n'
    const sent = await Promise.all(Array.from({ length: 120 }, () => post(test, fresh(crash), body)))
    expect(sent.filter(({ status }) => status === 201)).toHaveLength(50)
    expect(sent.filter(({ status }) => status === 200)).toHaveLength(70)
    expect(await records(test)).toHaveLength(50)
    const top = (await (await test.fetch('/api/v1/telemetry/crashes')).json()) as {
      crashes: { crashes: number; counted: number }[]
    }
    expect(top.crashes).toMatchObject([{ crashes: 120, counted: 70 }])
    expect(await (await test.fetch('/metrics')).text()).toContain(
      'watchkeeper_telemetry_received_total{outcome="counted"} 70',
    )
  })

  it('never breaks a listing by an odd record', async () => {
    const test = await startTestService()
    await post(test, fresh({ creation_timestamp: '253402300799' }))
    await post(test, fresh({ creation_timestamp: '0' }))
    await post(test, fresh({ classification: '//', machine_id: '', host_type: '' }), '')
    for (const timestamp of ['253402300800', '99999999999999999999'])
      expect(await post(test, fresh({ creation_timestamp: timestamp }))).toEqual({
        status: 400,
        json: { message: 'timestamp is invalid' },
      })
    expect((await records(test)).map(({ ts_capture }) => ts_capture)).toEqual([
      '2026-11-21 10:07:52 UTC',
      '1970-01-01 00:00:00 UTC',
      '9999-12-31 23:59:59 UTC',
    ])
    for (const path of [
      'records',
      'builds',
      'stats',
      'export/records.csv',
      'export/records.json',
      'records/3',
    ])
      expect((await test.fetch(`/api/v1/telemetry/${path}`)).status, path).toBe(200)
    expect((await test.fetch('/api/v1/telemetry/records/99')).status).toBe(404)
    expect((await test.fetch('/api/v1/telemetry/guilties/99')).status).toBe(404)
    expect((await test.fetch('/api/v1/telemetry/guilties/99/backtraces')).status).toBe(404)
  })

  it('answers 503 and stores nothing half while its store is away, and takes records again after', async () => {
    const test = await startTestService({ telemetryDatabase: 'postgres://nobody@127.0.0.1:1/none' })
    expect((await post(test, fresh())).status).toBe(503)
    expect((await test.fetch('/api/records')).status).toBe(503)
    const summary = (await (await test.fetch('/api/v1/telemetry')).json()) as {
      state: string
      reason: string
    }
    expect(summary.state).toBe('unavailable')
    expect(summary.reason).not.toBe('')
    expect((await test.fetch('/healthz')).status).toBe(200)
  })
})

describe('what is shown', () => {
  it('can be had as JSON and CSV: records as the list shows them, backtraces, what was kept aside, the skip list', async () => {
    const test = await startTestService()
    const crash = { classification: 'org.clearlinux/crash/clr', severity: '3' }
    await post(
      test,
      fresh(crash),
      'Process: x\n\nBacktrace (TID 1):\n#0 f() - [app] - a.c:1\n#1 main() - [app]\n',
    )
    await test.service.telemetry.change({ quarantine: true })
    await post(test, fresh({ severity: '9' }), 'why\n')
    await test.fetch('/api/v1/telemetry/skip-list', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ add: [{ function: 'abort()', module: 'libc' }] }),
    })
    await test.service.telemetry.regrouper.idle()
    const get = async (path: string): Promise<Response> => {
      const response = await test.fetch(`/api/v1/telemetry/${path}`)
      expect(response.status, path).toBe(200)
      return response
    }
    const list = (await (await get('records')).json()) as { records: object[] }
    expect(await (await get('export/records.json')).json()).toEqual(
      list.records.map((record) => ({ ...record, payload: expect.stringContaining('#0 f()') as string })),
    )
    const csv = async (path: string): Promise<string[]> => {
      const response = await get(path)
      expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
      return (await response.text()).trimEnd().split('\r\n')
    }
    const traces = await csv('guilties/1/backtraces?format=csv&build=12')
    expect(traces).toHaveLength(3)
    expect(traces[0]).toBe('id,received,build,machine,program,pid,signal,frame,function,module,source')
    expect(traces[1]).toMatch(/^1,"2\d{3}-.*","12","\w{32}","x",,,0,"f\(\)","app","a\.c:1"$/)
    const aside = await csv('quarantine?format=csv')
    expect(aside[0]).toBe('id,at,reason,fields,payload')
    expect(aside[1]).toContain('"severity value is out of range"')
    expect(await csv('skip-list?format=csv')).toEqual([
      'function,module,added',
      expect.stringMatching(/^"abort\(\)","libc","2\d{3}-/),
    ])
    for (const path of ['guilties/1/backtraces', 'quarantine', 'skip-list'])
      expect((await get(`${path}?format=json`)).headers.get('content-disposition')).toContain('.json"')
  })

  it('names the system of records that have none, and filters by it', async () => {
    const test = await startTestService()
    await post(test, fresh({ system_name: '', classification: 'org.clearlinux/heartbeat/ping' }))
    await post(test, fresh())
    const { systems } = (await (await test.fetch('/api/v1/telemetry/choices')).json()) as {
      systems: string[]
    }
    expect(systems).toEqual(['debian', '(none)'])
    const ids = async (query: string): Promise<number[]> => {
      const page = (await (await test.fetch(`/api/v1/telemetry/records?${query}`)).json()) as {
        records: { id: number }[]
      }
      return page.records.map(({ id }) => id)
    }
    expect(await ids('system=(none)')).toEqual([1])
    expect(await ids('system=debian')).toEqual([2])
    expect(await ids('system=')).toEqual([2, 1])
    const population = (await (await test.fetch('/api/v1/telemetry/population?system=(none)')).json()) as {
      builds: unknown[]
    }
    expect(population.builds).toHaveLength(1)
  })
})

describe('GET /api/records', () => {
  it('is empty at first, and needs a key', async () => {
    const test = await startTestService()
    const response = await test.fetch('/api/records')
    expect(await response.text()).toBe('{"records":[]}\n')
    expect((await test.fetch('/api/records', { key: null })).status).toBe(401)
  })

  it('takes the parameters of the seed, each with its limits and words', async () => {
    const test = await startTestService()
    await post(test, fresh({ severity: '1', build: '"17780"' }), 'Grüße')
    await post(test, fresh({ severity: '2', machine_id: 'm2' }))
    await post(test, fresh({ severity: '3', classification: 'a/b/c', creation_timestamp: '1800000000' }))
    const ids = async (query: string): Promise<unknown[]> => (await records(test, query)).map(({ id }) => id)
    expect(await ids('')).toEqual([3, 2, 1])
    expect(await ids('?severity=1')).toEqual([1])
    expect(await ids('?build=17780')).toEqual([1])
    expect(await ids('?build=%2217780%22')).toEqual([1])
    expect(await ids('?build=1778')).toEqual([])
    expect(await ids('?machine_id=m2')).toEqual([2])
    expect(await ids('?classification=a/b/c')).toEqual([3])
    expect(await ids('?classification=a/*/c')).toEqual([])
    expect(await ids('?created_in_days=1')).toEqual([3, 2, 1])
    expect(await ids('?created_in_days=0')).toEqual([])
    expect(await ids('?created_in_sec=60')).toEqual([3, 2, 1])
    expect(await ids('?created_in_days=1&created_in_sec=0')).toEqual([3, 2, 1])
    expect(await ids('?created_in_days=99999999999')).toEqual([3, 2, 1])
    expect(await ids('?from_id=2')).toEqual([3, 2])
    expect(await ids('?ts_capture=1795255672')).toEqual([3])
    expect(await ids('?limit=2')).toEqual([3, 2])
    expect(await ids('?limit=0')).toEqual([])
    for (const limit of ['5', '9', '100', '999', '2000', '10000', '10001', '99999999999999999999'])
      expect(await ids(`?limit=${limit}`)).toEqual([3, 2, 1])
    expect(await ids('?unknown=1&severity=2')).toEqual([2])
    expect(await (await test.fetch('/api/records?severity=1')).text()).toContain(
      '"payload":"Gr\\u00fc\\u00dfe"',
    )
    for (const [query, message] of [
      ['classification=a/b', 'Classification value is invalid'],
      [`classification=${'a'.repeat(70)}/${'b'.repeat(70)}/c`, 'Classification string too long'],
      ['severity=5', 'Severity should be a numeric value'],
      ['severity=x', 'Severity should be a numeric value'],
      [`machine_id=${'m'.repeat(33)}`, 'Machine id value is invalid'],
      [`build=${'1'.repeat(257)}`, 'Build string too long'],
      ['build=%00', 'Build value is invalid'],
      ['created_in_days=x', 'Created (in days) value is invalid'],
      ['created_in_days=-1', 'Created (in days) value is invalid'],
      ['created_in_sec=', 'Created (in seconds) value is invalid'],
      ['limit=x', 'Record limit value is invalid'],
      ['limit=-1', 'Record limit value is invalid'],
      ['from_id=x', 'Provided record id value is invalid'],
      ['ts_capture=x', 'Time stamp from record capture'],
    ]) {
      const response = await test.fetch(`/api/records?${query ?? ''}`)
      expect([response.status, await response.json()], query).toEqual([400, { message }])
    }
    expect((await test.fetch('/api/records', { method: 'POST' })).status).toBe(405)
  })

  it('sends long lists piece by piece, whole and in order', async () => {
    const test = await startTestService()
    for (let round = 0; round < 6; round += 1)
      await Promise.all(
        Array.from({ length: 100 }, () => post(test, fresh({ severity: String((round % 4) + 1) }))),
      )
    expect((await records(test)).map(({ id }) => id)).toEqual(
      Array.from({ length: 600 }, (_, index) => 600 - index),
    )
    expect(await records(test, '?limit=333')).toHaveLength(333)
    expect(await records(test, '?severity=1')).toHaveLength(200)
    const csv = (await (await test.fetch('/api/v1/telemetry/export/records.csv')).text())
      .trimEnd()
      .split('\n')
    expect(csv).toHaveLength(601)
    expect(csv[0]).toBe('id,external,server_timestamp,severity,classification,build,machine_id,payload')
    expect(csv[1]).toMatch(
      /^"600","False","\d+\.\d{3}","\d","org\.clearlinux\/hello\/world","12","\w{32}","hello\\n\\n"$/,
    )
    const all = (await (await test.fetch('/api/v1/telemetry/export/records.json')).json()) as unknown[]
    expect(all).toHaveLength(600)
    const inline = await test.fetch('/api/v1/telemetry/export/records.csv?inline=true&severity=2')
    expect(inline.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(inline.headers.get('content-disposition')).toBeNull()
    expect((await inline.text()).trimEnd().split('\n')).toHaveLength(201)
  })
})
