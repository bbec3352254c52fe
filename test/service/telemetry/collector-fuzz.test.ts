import http from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkRecord,
  fieldsOfHeaders,
  fieldsOfJson,
  RecordRefusal,
} from '../../../electron/service/telemetry/record-rules.ts'
import { startTestService } from '../../support/service.ts'
import { clientHeaders, eventId } from '../../support/telemetry.ts'

const names = Object.keys(clientHeaders)
const tidHeader = 'X-Telemetry-TID'
/** Headers can hold anything but control characters; the tab is one that they can. */
const headerText = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,60}$/)
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    '4',
    '04',
    '1e9',
    '\u0000',
    '\ud800',
    '9'.repeat(40),
    'a/b/c',
    '//',
    '..',
    'x'.repeat(400),
  ),
  fc.integer().map(String),
)
/** A record in which a few fields are wrong, missing or new. */
const change = (value: fc.Arbitrary<string>) =>
  fc.record({
    changed: fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 3 }),
    missing: fc.subarray(names, { maxLength: 2 }),
    payload: fc.uint8Array({ maxLength: 200 }),
  })

function fieldsOf({
  changed,
  missing,
}: {
  changed: readonly (readonly [string, string])[]
  missing: readonly string[]
}): Record<string, string> {
  const fields: Record<string, string> = { ...clientHeaders, event_id: eventId() }
  for (const [name, value] of changed) if (name !== tidHeader) fields[name] = value
  for (const name of missing) if (name !== tidHeader) delete fields[name]
  return fields
}

describe('records made at random', () => {
  it('are taken or refused with a sentence, 94,000 times', () => {
    let taken = 0
    const held = (work: () => unknown): void => {
      try {
        work()
        taken += 1
      } catch (error) {
        if (!(error instanceof RecordRefusal) || error.message === '') throw error
      }
    }
    fc.assert(
      fc.property(change(anyText), (given) => {
        const fields = fieldsOf(given)
        held(() =>
          checkRecord(fieldsOfHeaders(Object.entries(fields).flat()), String(given.payload), {
            strict: false,
          }),
        )
      }),
      { numRuns: 47_000 },
    )
    fc.assert(
      fc.property(change(anyText), fc.option(fc.jsonValue({ maxDepth: 2 }), { freq: 4 }), (given, odd) => {
        const text = odd === null ? JSON.stringify({ ...fieldsOf(given), payload: 'x' }) : JSON.stringify(odd)
        held(() => {
          const { fields, payload } = fieldsOfJson(text, new Map())
          checkRecord(fields, payload, { strict: true })
        })
      }),
      { numRuns: 47_000 },
    )
    expect(taken).toBeGreaterThan(1_000)
  })

  it('get no 5xx and leave nothing half stored, 6,000 times over HTTP', async () => {
    const test = await startTestService()
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })
    const send = (
      path: string,
      headers: Readonly<Record<string, string>>,
      body: Uint8Array | string,
    ): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = http.request(
          `${test.service.origin}${path}`,
          { method: 'POST', agent, headers },
          (response) => {
            response.resume()
            response.on('end', () => resolve(response.statusCode ?? 0))
          },
        )
        request.on('error', reject)
        request.end(body)
      })
    const statuses = new Map<number, number>()
    const headers = fc.sample(change(headerText), 3_000)
    const bodies = fc.sample(change(anyText), 3_000)
    await Promise.all([
      ...headers.map(async (given) => {
        const status = await send('/v2/collector', fieldsOf(given), given.payload)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
      ...bodies.map(async (given, index) => {
        const { 'Content-Type': _type, [tidHeader]: tid = '', ...fields } = fieldsOf(given)
        const whole = JSON.stringify({ ...fields, payload: 'x' })
        const body = index % 7 === 0 ? whole.slice(0, -5) : whole
        const status = await send('/v3/collector', { [tidHeader]: tid }, body)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
    ])
    agent.destroy()
    expect([...statuses.keys()].sort()).toEqual([201, 400])
    const stored = statuses.get(201) ?? 0
    const { records } = await test.service.telemetry.store().ask('summary', null)
    expect(records).toBe(stored)
    const whole = (await (await test.fetch('/api/records')).json()) as { records: unknown[] }
    expect(whole.records).toHaveLength(stored)
  }, 60_000)
})
