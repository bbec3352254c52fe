// A peer of the collector that checks nothing, parses nothing and knows nothing: it writes the same rows, those of a moment in one transaction, and
// answers with the payload when they are on disk. What it reaches is what node:http and SQLite leave to anybody.
import http from 'node:http'
import { systemClock } from '../../../electron/service/clock.ts'
import { openRecords } from '../../../electron/service/store/records/sqlite.ts'

const [file = ''] = process.argv.slice(2)
const { db } = openRecords(file, systemClock().glance().wallMs)
const columns =
  'server_ms, client_s, classification_id, build_id, system_id, kernel_id, host_id, platform_id, severity, external, record_version, payload_version, payload_bytes, machine, event, digest, crash, guilty_id, revision'
const record = db.prepare(
  `INSERT INTO record (${columns}) VALUES (?, 1795255672, 1, 2, 3, 4, 5, 6, 1, 0, 4, 1, 1024, 'a3b8541ac63cbec1d2871ae701ce432b', ?, ?, 0, NULL, 1)`,
)
const payload = db.prepare('INSERT INTO payload (record_id, text) VALUES (?, ?)')

interface Waiting {
  readonly text: string
  done(): void
}
let waiting: Waiting[] = []
let count = 0
const write = db.transaction((batch: readonly Waiting[]) => {
  for (const { text } of batch) {
    count += 1
    const digest = Math.floor(Math.random() * 2 ** 52)
    const { lastInsertRowid } = record.run(Date.now(), count.toString(16).padStart(32, '0'), digest)
    payload.run(lastInsertRowid, text)
  }
})
const commit = (): void => {
  const batch = waiting
  waiting = []
  write.immediate(batch)
  for (const { done } of batch) done()
}

const server = http.createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const text = Buffer.concat(parts).toString()
    const done = (): void => {
      response.writeHead(201, { 'content-type': 'application/json' }).end(text)
    }
    if (waiting.push({ text, done }) === 1) setImmediate(commit)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`port ${typeof address === 'object' ? (address?.port ?? 0) : 0}`)
})
