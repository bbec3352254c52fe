// Presses a server over keep-alive connections, each sending its next request when the answer has come. Prints one line of JSON.
import net from 'node:net'
import { clientHeaders } from '../../support/telemetry.ts'

/** What the load is to be: read from the first argument as JSON. */
interface Plan {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  readonly paths: readonly string[]
  /** Payload (bytes) of a record that is posted to the paths, each with an event id of its own; left out, they are only asked. */
  readonly payloadBytes?: number
  /** First of the event ids, so that several loads do not send the same records. */
  readonly firstEvent?: number
}

const {
  port,
  connections,
  seconds,
  paths,
  payloadBytes,
  firstEvent = 0,
} = JSON.parse(process.argv[2] ?? '{}') as Plan
const requests = paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`))
/** A record as clients of telemetrics to 2.3 send it; the event id is written into its place for each. */
const mark = '#'.repeat(32)
const post =
  payloadBytes === undefined
    ? null
    : Buffer.from(
        [
          `POST ${paths[0] ?? '/'} HTTP/1.1`,
          `Host: 127.0.0.1:${port}`,
          ...Object.entries({ ...clientHeaders, event_id: mark }).map(([name, value]) => `${name}: ${value}`),
          `Content-Length: ${payloadBytes}`,
          '',
          'x'.repeat(payloadBytes),
        ].join('\r\n'),
      )
const eventAt = post?.indexOf(mark) ?? 0
const requestOf = (index: number): Buffer => {
  if (post === null) return requests[index % requests.length] ?? Buffer.alloc(0)
  const request = Buffer.from(post)
  request.write((firstEvent + index).toString(16).padStart(mark.length, '0'), eventAt, 'latin1')
  return request
}

/** How much of an answer must come, and whether it says yes. */
interface Head {
  readonly bytes: number
  readonly isTaken: boolean
}

/** Returns what the head of an answer says; null until it is whole. */
function headOf(answer: Buffer): Head | null {
  const end = answer.indexOf('\r\n\r\n')
  if (end < 0) return null
  const text = answer.toString('latin1', 0, end)
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  return { bytes: end + 4 + length, isTaken: /^HTTP\/1\.1 20[01]/.test(text) }
}
const latencies: number[] = []
const outcome = { answered: 0, refused: 0, broken: 0 }
let next = 0
let isOver = false

function connect(): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let sentAt = 0
    let pending: Buffer | null = null
    const send = (): void => {
      sentAt = performance.now()
      socket.write(requestOf(next++))
    }
    socket.on('connect', send)
    socket.on('data', (chunk: Buffer) => {
      pending = pending === null ? chunk : Buffer.concat([pending, chunk])
      const head = headOf(pending)
      if (head === null || pending.length < head.bytes) return
      if (head.isTaken) outcome.answered += 1
      else outcome.refused += 1
      pending = null
      latencies.push(performance.now() - sentAt)
      if (isOver) socket.end()
      else send()
    })
    socket.on('error', () => (outcome.broken += 1))
    socket.on('close', () => resolve())
  })
}

const startedAt = performance.now()
setTimeout(() => (isOver = true), seconds * 1_000)
await Promise.all(Array.from({ length: connections }, connect))
const elapsed = (performance.now() - startedAt) / 1_000
latencies.sort((a, b) => a - b)
console.log(
  JSON.stringify({
    ...outcome,
    perSecond: outcome.answered / elapsed,
    p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  }),
)
