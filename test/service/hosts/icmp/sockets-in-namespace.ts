// Runs inside a private network: sends echoes by a datagram socket and prints what came of them as JSON.
import { readdirSync } from 'node:fs'
import { systemClock } from '../../../../electron/service/clock.ts'
import type { EchoResult } from '../../../../electron/service/hosts/icmp/echo.ts'
import { nativeSockets } from '../../../../electron/service/hosts/icmp/native.ts'
import { openSockets } from '../../../../electron/service/hosts/icmp/sockets.ts'

const [kind = 'datagram', count = '10000'] = process.argv.slice(2)
const native = nativeSockets()
if (!native) throw new Error('no native sockets here')
const clock = systemClock()
const openFds = (): number => readdirSync('/proc/self/fd').length
const before = openFds()
const echoer = await openSockets(native, clock, 4, kind === 'raw' ? 'raw' : 'datagram')
const six = await openSockets(native, clock, 6, kind === 'raw' ? 'raw' : 'datagram')
if (!('send' in echoer) || !('send' in six)) throw new Error(JSON.stringify([echoer, six]))

const send = (way: typeof echoer, address: string, timeoutMs = 2_000): Promise<EchoResult> =>
  new Promise((resolve) => way.send({ address, timeoutMs, bytes: 56 }, resolve))
const total = Number(count)
const began = performance.now()
const results = await Promise.all(
  Array.from({ length: total }, (_, index) =>
    send(echoer, `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255 || 1}`),
  ),
)
const wallMs = performance.now() - began
const times = results.flatMap((result) => (result.kind === 'answer' ? [result.ms] : [])).sort((a, b) => a - b)
// The loop is held up while answers wait in the socket: they are read before anybody is given up.
const late = Array.from({ length: 300 }, () => send(echoer, '127.0.0.9', 50))
await new Promise((resolve) => setTimeout(resolve, 5))
const busyUntil = performance.now() + 400
while (performance.now() < busyUntil);
const held = await Promise.all(late)
const unrouted = await send(echoer, '198.51.100.7')
const bad = await send(echoer, 'nonsense')
const viaSix = await send(six, '::1')
const open = send(echoer, '127.0.0.1')
await Promise.all([echoer.stop(), six.stop(), echoer.stop()])
process.stdout.write(
  JSON.stringify({
    answered: times.length,
    total,
    wallMs,
    median: times[times.length >> 1],
    heldAnswered: held.filter((result) => result.kind === 'answer').length,
    unrouted,
    bad,
    viaSix,
    afterStop: await open,
    leakedFds: openFds() - before,
  }),
)
