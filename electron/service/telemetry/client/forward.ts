import http from 'node:http'
import https from 'node:https'
import type { NewRecord } from '../schema.ts'

/** Sending a record to a collector, in the words of telemetrics' real clients. */

/** Another collector. */
export interface Target {
  readonly url: string
  readonly tid: string
}

/** The client's own limits (ms): 5 s for the connection, 10 s in all. */
const connectMs = 5_000
const totalMs = 10_000

/** Returns a record's fields by the names of the wire, in the order of the client. */
export function wireFields(record: NewRecord): Readonly<Record<string, string>> {
  return {
    record_format_version: '4',
    classification: record.classification,
    severity: String(record.severity),
    machine_id: record.machine,
    creation_timestamp: String(record.clientS),
    arch: record.arch,
    host_type: record.hostType,
    build: record.build,
    kernel_version: record.kernel,
    payload_format_version: String(record.payloadVersion),
    system_name: record.system,
    board_name: record.board,
    cpu_model: record.cpu,
    bios_version: record.bios,
    event_id: record.event,
  }
}

/** Returns headers and body of a record: everything as JSON for a `/v3/` address, else metadata in headers. */
export function requestOf(
  record: NewRecord,
  { url, tid }: Target,
): { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer } {
  const fields = wireFields(record)
  if (new URL(url).pathname.startsWith('/v3/')) {
    const body = Buffer.from(JSON.stringify({ ...fields, payload: record.payload }))
    return { headers: { 'X-Telemetry-TID': tid, 'Content-Type': 'application/json' }, body }
  }
  return {
    headers: { ...fields, 'X-Telemetry-TID': tid, 'Content-Type': 'application/text' },
    body: Buffer.from(`${record.payload}\n`),
  }
}

/** What came of sending a record: a collector that refuses it does so again, one that cannot be reached may take it later. */
export type SendOutcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

const failed = (reason: string): SendOutcome => ({ kind: 'failed', reason })

/** Sends a record. Only 200 and 201 count as taken, as for the original. */
export function send(record: NewRecord, target: Target): Promise<SendOutcome> {
  return new Promise((resolve) => {
    let sending: http.ClientRequest
    try {
      const { headers, body } = requestOf(record, target)
      const { request } = target.url.startsWith('https:') ? https : http
      sending = request(
        target.url,
        {
          method: 'POST',
          headers: { ...headers, Accept: '*/*', 'Content-Length': String(body.length) },
          agent: false,
          timeout: connectMs,
          signal: AbortSignal.timeout(totalMs),
        },
        (response) => answered(response, resolve),
      )
      sending.end(body)
    } catch (error) {
      resolve(failed(error instanceof Error ? error.message : String(error)))
      return
    }
    sending.on('timeout', () => {
      if (sending.socket?.connecting ?? true) sending.destroy(new Error('it cannot be reached'))
    })
    sending.on('error', (error) =>
      resolve(
        failed(
          error.name === 'AbortError' || error.name === 'TimeoutError' ? 'it takes too long' : error.message,
        ),
      ),
    )
  })
}

function answered(response: http.IncomingMessage, resolve: (outcome: SendOutcome) => void): void {
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => {
    if (chunks.length < 20) chunks.push(chunk)
  })
  response.on('error', (error) => resolve(failed(error.message)))
  response.on('end', () => {
    const status = response.statusCode ?? 0
    const reason = `it answered ${status}${wordsOf(chunks)}`
    if (status === 200 || status === 201) resolve({ kind: 'taken' })
    else resolve(status === 400 || status === 413 ? { kind: 'refused', reason } : failed(reason))
  })
}

function wordsOf(chunks: readonly Buffer[]): string {
  try {
    const { message } = JSON.parse(Buffer.concat([...chunks]).toString()) as { message?: unknown }
    return typeof message === 'string' ? `: ${message.slice(0, 200)}` : ''
  } catch {
    return ''
  }
}
