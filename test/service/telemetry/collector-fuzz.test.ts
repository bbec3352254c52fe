import http from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultTid } from '../../../electron/shared/telemetry-words.ts'
import { ask } from '../../../electron/service/store/records/work.ts'
import type { Outcome } from '../../../electron/service/telemetry/collector.ts'
import { fieldsOfHeaders } from '../../../electron/service/telemetry/record-rules.ts'
import type { Piece } from '../../../electron/service/telemetry/records/list.ts'
import type { StoredRecord } from '../../../electron/service/telemetry/schema.ts'
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
  it('are stored whole or refused with a sentence, 100,000 times', async () => {
    const test = await startTestService()
    const { collector } = test.service.telemetry
    const tids = new Map([['x-telemetry-tid', defaultTid]])
    const kinds = { accepted: 0, refused: 0, quarantined: 0 }
    const stored = new Map<number, StoredRecord>()
    const take = async (work: Promise<Outcome>): Promise<void> => {
      // What is thrown here would be a 5xx.
      const outcome = await work
      kinds[outcome.kind] += 1
      if (outcome.kind !== 'accepted') expect(outcome.reason).not.toBe('')
      else if (outcome.accepted.outcome === 'stored') stored.set(outcome.record.id, outcome.record)
    }
    const odd = fc.option(fc.jsonValue({ maxDepth: 2 }), { freq: 4 })
    for (let round = 0; round < 25; round += 1) {
      await test.service.telemetry.change({ strict: round % 5 === 0, quarantine: round % 5 === 1 })
      const seed = 8_737 + round
      const headers = fc.sample(change(anyText), { numRuns: 2_000, seed }).map((given) => {
        const fields = Object.entries({ ...fieldsOf(given), [tidHeader]: defaultTid }).flat()
        return collector.take(fieldsOfHeaders(fields), given.payload)
      })
      const bodies = fc
        .sample(fc.tuple(change(anyText), odd), { numRuns: 2_000, seed })
        .map(([given, other]) => {
          const text =
            other === null ? JSON.stringify({ ...fieldsOf(given), payload: 'x' }) : JSON.stringify(other)
          return collector.takeJson(tids, Buffer.from(text))
        })
      await Promise.all([...headers, ...bodies].map(take))
    }
    expect(kinds.accepted + kinds.refused + kinds.quarantined).toBe(100_000)
    for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(1_000)
    const store = test.service.telemetry.store()
    const [rows] = await store.write(function* () {
      return yield* ask<Record<string, number>>(
        `SELECT (SELECT count(*) FROM record) AS records, (SELECT count(*) FROM payload) AS payloads,
           (SELECT count(*) FROM record JOIN payload ON record_id = id) AS pairs, (SELECT sum(records) FROM record_block) AS noted,
           (SELECT sum(payload_bytes) FROM record) AS bytes, (SELECT sum(bytes) FROM record_block) AS notedBytes,
           (SELECT sum(length(CAST(text AS BLOB))) FROM payload) AS length`,
      )
    })
    const { records, payloads, pairs, noted, bytes, notedBytes, length } = rows ?? {}
    expect([records, payloads, pairs, noted]).toEqual(Array.from({ length: 4 }, () => stored.size))
    expect([notedBytes, length]).toEqual([bytes, bytes])
    let before: number | null = null
    do {
      const piece: Piece = await store.ask('list', {
        filter: {},
        before,
        limit: 1_000,
        withPayload: true,
        patienceMs: 10_000,
      })
      for (const record of piece.records) {
        expect(record).toEqual({ ...stored.get(record.id), guiltyId: record.guiltyId })
        stored.delete(record.id)
      }
      before = piece.before
    } while (before !== null)
    expect(stored.size).toBe(0)
  }, 120_000)

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
