import dgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { systemClock } from '../../electron/service/clock.ts'
import { rowsIn } from '../../electron/service/health/report.ts'
import { systemFiles } from '../../electron/service/health/workers/files.ts'
import { networkWorker } from '../../electron/service/health/workers/linux/network.ts'
import { createRunner } from '../../electron/service/health/workers/worker.ts'

/** Sends over a pair of interfaces and prints what the worker says of it, and what the kernel counted. Runs in a network of its own. */

const clock = systemClock()
const worker = networkWorker(systemFiles(), clock)
const runner = createRunner(clock)
const counted = (name: string, way: 'rx' | 'tx'): number =>
  Number(readFileSync(`/sys/class/net/${name}/statistics/${way}_bytes`, 'utf8'))
const look = async () => {
  const { monotonicMs: ms } = clock.glance()
  const report = await runner.run([worker])
  return {
    ms,
    rows: rowsIn(report, 'Network_interfaces'),
    sent: counted('here', 'tx'),
    received: counted('there', 'rx'),
  }
}

const socket = dgram.createSocket('udp4')
socket.bind()
await once(socket, 'listening')
// The first look takes longer, as everything does that is done for the first time.
await look()
const before = await look()
const untilMs = clock.glance().monotonicMs + 1_000
while (clock.glance().monotonicMs < untilMs) {
  await new Promise((resolve) => socket.send(Buffer.alloc(1_200), 9, '10.99.0.2', resolve))
  await new Promise((resolve) => clock.after(2, () => resolve(null)))
}
const after = await look()
socket.close()
const perSecond = (name: 'sent' | 'received'): number =>
  (1_000 * (after[name] - before[name])) / (after.ms - before.ms)
const rowOf = (name: string) => after.rows.find((row) => row['interface'] === name)
process.stdout.write(
  JSON.stringify({
    reported: { sent: rowOf('here')?.['out_bytes_per_s'], received: rowOf('there')?.['in_bytes_per_s'] },
    counted: { sent: perSecond('sent'), received: perSecond('received') },
  }),
)
