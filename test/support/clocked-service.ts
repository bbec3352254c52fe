// A service in a process of its own whose clock is told what to do, line by line: time goes on by itself, and sleeps, steps and
// hours are commands. What it sees of the network is told as well.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { createLog } from '../../electron/service/log.ts'
import { startService } from '../../electron/service/service.ts'
import { fakeClock } from './fake-clock.ts'
import { calmWorld, fakeNetwork, fakePinger } from './fake-world.ts'
import { quietEdges, quietHealth } from './quiet-edges.ts'
import type { ClockedCommand, ClockedStart } from './clocked-house.ts'

const { database, wallMs, bootMs, bootId, evidence } = JSON.parse(process.argv[2] ?? '{}') as ClockedStart
const clock = fakeClock({ wallMs, bootMs, bootId })
const world = calmWorld()
const service = await startService({
  database,
  intervalMs: 10_000,
  listen: { host: '127.0.0.1', port: 0 },
  needsKey: true,
  allowedHosts: [],
  log: createLog(
    'warn',
    { write: (line) => process.stderr.write(line), close: () => undefined },
    () => clock.read().wallMs,
  ),
  edges: quietEdges({ collectStopEvidence: () => Promise.resolve(evidence) }),
  health: quietHealth(),
  hosts: { pinger: fakePinger(clock, world), network: fakeNetwork(world), defaultMs: 10_000 },
  desktop: { problem: () => null, show: () => Promise.resolve({ sent: true }) },
  clock,
})
const say = (told: object): void => void process.stdout.write(`${JSON.stringify(told)}\n`)

/** Real time passes on the told clock too, so that pages and timers live. */
let lastMs = performance.now()
const pump = setInterval(() => {
  const nowMs = performance.now()
  clock.advance(nowMs - lastMs)
  lastMs = nowMs
}, 10)

function fill(file: string): void {
  const handle = openSync(file, 'w')
  try {
    for (const bytes of [65_536, 4_096, 1])
      try {
        for (;;) writeSync(handle, Buffer.alloc(bytes))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      }
  } finally {
    closeSync(handle)
  }
}

async function obey(command: ClockedCommand): Promise<void> {
  switch (command.do) {
    case 'pass':
      for (let passed = 0; passed < command.ms; passed += command.stepMs) {
        clock.advance(Math.min(command.stepMs, command.ms - passed))
        await new Promise((resolve) => setImmediate(resolve))
      }
      break
    case 'sleep':
      clock.suspend(command.ms)
      service.notePower('resume')
      break
    case 'step':
      clock.step(command.ms)
      break
    case 'cut':
      world.isCut = () => true
      break
    case 'mend':
      world.isCut = () => false
      break
    case 'silence':
      world.answers.set(command.address, 'silent')
      break
    case 'answer':
      world.answers.delete(command.address)
      break
    case 'fill':
      fill(command.file)
      break
    case 'free':
      rmSync(command.file)
      break
    case 'stop':
      clearInterval(pump)
      setInterval(() => clock.advance(20), 10).unref()
      await service.stop('SIGTERM')
      break
    default:
      command satisfies never
  }
  await wait(50)
  say({ done: command.do, wallMs: clock.read().wallMs, bootMs: clock.read().bootMs })
  if (command.do === 'stop') process.exit(0)
}

say({ origin: service.origin, key: service.key })
let queue = Promise.resolve()
createInterface({ input: process.stdin }).on('line', (line) => {
  queue = queue.then(() => obey(JSON.parse(line) as ClockedCommand))
})
