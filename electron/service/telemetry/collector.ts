import { timingSafeEqual } from 'node:crypto'
import { mostPayloadBytes } from '../../shared/telemetry-words.ts'
import { fill, ask, type Work } from '../store/records/work.ts'
import { mayBlame } from './guilty/guilty.ts'
import type { TelemetryParts } from './index.ts'
import { checkRecord, decodePayload, fieldsOfJson, RecordRefusal, type RecordFields } from './record-rules.ts'
import type { Accepted, NewRecord, StoredRecord } from './schema.ts'

/** What came since the start of the service. */
export interface Received {
  stored: number
  repeated: number
  counted: number
  refused: number
  quarantined: number
}

/** What became of what a client sent. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly accepted: Accepted; readonly record: StoredRecord }
  | { readonly kind: 'quarantined'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }

const refusalLogMs = 60_000

/** Takes records. */
export interface Collector {
  readonly received: Readonly<Received>
  /** Takes what a client sent; the payload as bytes, or as text where JSON held it. @throws HttpProblem 503, or the store's error */
  take(fields: RecordFields, payload: Uint8Array | string): Promise<Outcome>
  /** Takes what a client sent as JSON. @throws as `take` */
  takeJson(headers: RecordFields, body: Uint8Array): Promise<Outcome>
  /** Counts a record that was refused before it was read. */
  noteRefusal(reason: string): void
  /** Takes a record of this machine itself. */
  takeOwn(record: NewRecord): Promise<Accepted>
}

/** Refused records that are kept; the oldest go first. */
const mostQuarantined = 1_000
/** Longest payload (characters) that is kept of one. */
const longestQuarantined = 16_384

export function createCollector(
  { context, log, store, settings }: TelemetryParts,
  { stored }: { stored(isCrash: boolean): void },
): Collector {
  const { clock } = context
  const received: Received = { stored: 0, repeated: 0, counted: 0, refused: 0, quarantined: 0 }

  const insert = async (record: NewRecord): Promise<Accepted> => {
    const accepted = await store().insert(
      { record, serverMs: Math.round(clock.glance().wallMs) },
      settings().stormLimit,
    )
    received[accepted.outcome] += 1
    if (accepted.outcome !== 'repeated') stored(mayBlame(record.classification))
    return accepted
  }

  const quarantine = async (fields: RecordFields, payload: string, reason: string): Promise<Outcome> => {
    const told = [...fields].filter(([name]) => name !== 'x-telemetry-tid' && kept.has(name))
    const nowMs = Math.round(clock.glance().wallMs)
    await store().write(() =>
      keepAside(
        nowMs,
        reason,
        cleanText(JSON.stringify(Object.fromEntries(told))),
        cleanText(payload.slice(0, longestQuarantined)),
      ),
    )
    received.quarantined += 1
    stored(false)
    return { kind: 'quarantined', reason }
  }

  let toldMs = Number.NEGATIVE_INFINITY
  let untold = 0
  const refuse = (reason: string): Outcome => {
    received.refused += 1
    untold += 1
    // A refused record blocks its client for hours, so it is worth a line, and a crowd of them no more than one a minute.
    const nowMs = clock.glance().monotonicMs
    if (nowMs - toldMs >= refusalLogMs) {
      log.warn(`Refused ${untold === 1 ? 'a record' : `${untold} records`}; the last: ${reason}`)
      toldMs = nowMs
      untold = 0
    }
    return { kind: 'refused', reason }
  }

  /** Returns why nobody who sent this is heard at all; null when he is. */
  const stranger = (headers: RecordFields): string | null => {
    if (!settings().collect) return 'This collector takes no records'
    return isSameId(headers.get('x-telemetry-tid') ?? '', settings().tid) ? null : 'Telemetry ID mismatch'
  }

  const check = async (fields: RecordFields, text: () => string, read: () => NewRecord): Promise<Outcome> => {
    let record: NewRecord
    try {
      record = read()
    } catch (error) {
      if (!(error instanceof RecordRefusal)) throw error
      return settings().quarantine ? quarantine(fields, text(), error.message) : refuse(error.message)
    }
    const accepted = await insert(record)
    return {
      kind: 'accepted',
      accepted,
      record: { ...record, id: accepted.id ?? 0, serverMs: accepted.serverMs, guiltyId: null },
    }
  }
  const tooLong = `The payload is larger than ${mostPayloadBytes} bytes`

  return {
    received,
    noteRefusal: (reason) => void refuse(reason),
    takeOwn: insert,
    take(fields, payload) {
      const why = stranger(fields)
      if (why !== null) return Promise.resolve(refuse(why))
      const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
      const text = (): string => (typeof payload === 'string' ? payload : decodePayload(payload))
      return check(fields, text, () => {
        if (bytes > mostPayloadBytes) throw new RecordRefusal(tooLong)
        return checkRecord(fields, text(), { strict: settings().strict })
      })
    },
    takeJson(headers, body) {
      const why = stranger(headers)
      if (why !== null) return Promise.resolve(refuse(why))
      const text = decodePayload(body)
      return check(
        headers,
        () => text,
        () => {
          const { fields, payload } = fieldsOfJson(text, headers)
          if (Buffer.byteLength(payload) > mostPayloadBytes) throw new RecordRefusal(tooLong)
          return checkRecord(fields, payload, { strict: settings().strict })
        },
      )
    },
  }
}

/** Headers that a quarantined record keeps; others are the transport's. */
const kept: ReadonlySet<string> = new Set(
  'arch build creation-timestamp classification host-type kernel-version machine-id severity record-format-version payload-format-version system-name board-name bios-version cpu-model event-id x-clr-external'.split(
    ' ',
  ),
)

function* keepAside(nowMs: number, reason: string, fields: string, payload: string): Work<void> {
  yield* fill({
    into: 'quarantine',
    columns: ['at_ms', 'reason', 'fields', 'payload'],
    rows: [[nowMs, reason, fields, payload]],
  })
  yield* ask('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?', mostQuarantined)
}

function cleanText(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed()
}

/** Returns whether a telemetry id is the expected one, in a time that does not depend on where two of one length differ. */
function isSameId(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}
