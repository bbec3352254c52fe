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
const post =
  payloadBytes === undefined
    ? null
    : [
        `POST ${paths[0] ?? '/'} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        ...Object.entries({ ...clientHeaders, event_id: '#'.repeat(32) }).map(
          ([name, value]) => `${name}: ${value}`,
        ),
        `Content-Length: ${payloadBytes}`,
        '',
        'x'.repeat(payloadBytes),
      ].join('\r\n')
const requestOf = (index: number): Buffer =>
  post === null
    ? (requests[index % requests.length] ?? Buffer.alloc(0))
    : Buffer.from(post.replace(/#{32}/, (firstEvent + index).toString(16).padStart(32, '0')))
const latencies: number[] = []
const outcome = { answered: 0, refused: 0, broken: 0 }
let next = 0
let isOver = false

function connect(): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let sentAt = 0
    let pending = ''
    const send = (): void => {
      sentAt = performance.now()
      socket.write(requestOf(next++))
    }
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      const head = pending.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(pending.slice(0, head))?.[1] ?? 0)
      if (pending.length < head + 4 + length) return
      if (/^HTTP\/1\.1 20[01]/.test(pending)) outcome.answered += 1
      else outcome.refused += 1
      pending = ''
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
