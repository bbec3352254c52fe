// Runs inside a private network: echoes by ours, by fping and by spawning ping, and the whole room; prints figures as JSON.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { systemClock } from '../../../electron/service/clock.ts'
import type { RoomContext } from '../../../electron/service/context.ts'
import { createHosts } from '../../../electron/service/hosts/index.ts'
import { nativeSockets } from '../../../electron/service/hosts/icmp/native.ts'
import { openSockets } from '../../../electron/service/hosts/icmp/sockets.ts'
import { createScheduler, type Task } from '../../../electron/service/hosts/scheduler.ts'
import { phaseOf } from '../../../electron/service/hosts/rules.ts'
import { createLog } from '../../../electron/service/log.ts'
import { createObservation } from '../../../electron/service/recorder/observation.ts'
import { createGroupCommit } from '../../../electron/service/store/group-commit.ts'
import { createMeasurements } from '../../../electron/service/store/series/measurements.ts'
import { openStore } from '../../../electron/service/store/open.ts'
import { noConnection } from '../../support/no-connection.ts'

const clock = systemClock()
const addressOf = (index: number): string => `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
const targets = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => addressOf(index + 256))
const bytes = 56

interface Measured {
  readonly echoes: number
  readonly lost: number
  readonly seconds: number
  readonly cpuMs: number
  readonly stallMs: number
  readonly rtts: readonly number[]
}

/** Measures how much later than asked a timer comes; often enough to see a stall, and seldom enough to cost nothing. */
function watchLoop(): { stop(): void; longestMs(): number } {
  const everyMs = 25
  let longest = 0
  let dueMs = performance.now() + everyMs
  const timer = setInterval(() => {
    const nowMs = performance.now()
    longest = Math.max(longest, nowMs - dueMs)
    dueMs = nowMs + everyMs
  }, everyMs)
  return { stop: () => clearInterval(timer), longestMs: () => longest }
}

/** CPU time (ms) of the programs that were waited for, in ticks of 10 ms (proc(5), cutime and cstime). */
function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

/** CPU time (ms a second) of this process when it does nothing but watch its loop, as a service that is there anyway. */
async function idle(seconds: number): Promise<number> {
  const loop = watchLoop()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const used = process.cpuUsage(cpu)
  loop.stop()
  return (used.user + used.system) / 1_000 / seconds
}
let idleMs = 0

/** Runs echoes from a scheduler at an interval for so long; its CPU time is what they add to a process at rest. */
async function ours(count: number, intervalMs: number, rounds: number, isSpread: boolean): Promise<Measured> {
  const native = nativeSockets()
  const echoer = native && (await openSockets(native, clock, 4, 'datagram'))
  if (!echoer || !('send' in echoer)) throw new Error('no datagram socket here')
  const scheduler = createScheduler(clock)
  const rtts: number[] = []
  let echoes = 0
  let ended = 0
  let lost = 0
  const tasks = targets(count).map((address, index): Task => {
    const task: Task = {
      intervalMs,
      gridMs: 0,
      dueMs: 0,
      isBusy: false,
      isWantedAgain: false,
      skipped: 0,
      isPlanned: false,
      run() {
        echoes += 1
        echoer.send({ address, timeoutMs: 1_000, bytes }, (result) => {
          ended += 1
          if (result.kind === 'answer') rtts.push(result.ms)
          else lost += 1
        })
      },
    }
    scheduler.add(task, isSpread ? phaseOf(index) * intervalMs : 0)
    return task
  })
  const loop = watchLoop()
  const began = performance.now()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, rounds * intervalMs))
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - began) / 1_000
  const done = ended
  for (const task of tasks) scheduler.remove(task)
  scheduler.stop()
  loop.stop()
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  await echoer.stop()
  return {
    echoes: done,
    lost: lost + (echoes - ended),
    seconds,
    cpuMs: (used.user + used.system) / 1_000 - idleMs * seconds,
    stallMs: loop.longestMs(),
    rtts,
  }
}

/** Runs the whole room: probing, judging and keeping of hosts that are all well. */
async function room(
  count: number,
  intervalMs: number,
  rounds: number,
): Promise<Measured & { readonly skipped: number }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-bench-'))
  const { db } = openStore(path.join(folder, 'w.db'), clock.read().wallMs)
  const commits = createGroupCommit(db, clock)
  const context: RoomContext = {
    version: 'bench',
    databaseFolder: folder,
    db,
    reader: { ask: () => Promise.reject(new Error('nothing is read here')) },
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.read().wallMs),
    commits,
    series: createMeasurements(db, commits, clock, () => undefined),
    observation: createObservation(db, clock, () => undefined),
    connection: noConnection,
    silences: { maintenance: () => [] },
    transitions: { record: () => undefined, refresh: () => undefined },
    changed: () => undefined,
  }
  const insert = db.prepare(
    `INSERT INTO host (domain, name, description, group_name, tags, failures, successes, emails, paused, created_ms, interval_ms)
     VALUES (?, ?, '', '', '[]', 3, 1, '[]', 0, 0, ?)`,
  )
  const probe = db.prepare(
    `INSERT INTO host_probe (host_id, position, settings, verdict, verdict_ms, first_ms) VALUES (?, 0, '{"kind":"icmp","timeoutMs":1000}', 'up', 0, 0)`,
  )
  db.transaction(() => {
    for (const address of targets(count)) probe.run(insert.run(address, address, intervalMs).lastInsertRowid)
  })()
  const hosts = createHosts(context)
  hosts.start()
  // Every host has its first sample within its interval, and the way is open.
  await new Promise((resolve) => setTimeout(resolve, Math.min(intervalMs, 60_000) + 500))
  const counted = (): { ended: number; lost: number; skipped: number } => {
    const sum = { ended: 0, lost: 0, skipped: 0 }
    for (const { probes, beats } of hosts.watched.values()) {
      for (const one of probes) {
        sum.ended += one.begun - (one.isBusy ? 1 : 0)
        sum.skipped += one.skipped
      }
      sum.lost += beats.filter(({ kind }) => kind !== 'ok').length
    }
    return sum
  }
  const before = counted()
  const loop = watchLoop()
  const began = performance.now()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, rounds * intervalMs))
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - began) / 1_000
  loop.stop()
  const after = counted()
  const stopped = hosts.stop()
  context.commits.flush()
  await stopped
  context.commits.flush()
  db.close()
  rmSync(folder, { recursive: true, force: true })
  return {
    echoes: after.ended - before.ended,
    lost: after.lost,
    skipped: after.skipped,
    seconds,
    cpuMs: (used.user + used.system) / 1_000,
    stallMs: loop.longestMs(),
    rtts: [],
  }
}

function run(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], { stdio: ['pipe', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.on('close', () => resolve(errors))
    child.on('error', () => resolve(''))
    // Most of these programs read nothing.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
  })
}

/** fping at its fastest, which only an administrator may ask for. */
async function fping(count: number, intervalMs: number, rounds: number): Promise<Measured | null> {
  const list = path.join(os.tmpdir(), `watchkeeper-bench-targets-${process.pid}`)
  writeFileSync(list, targets(count).join('\n'))
  const before = childrenCpuMs()
  const began = performance.now()
  const output = await run('fping', [
    '-i0',
    `-C${rounds}`,
    `-p${intervalMs}`,
    '-q',
    '-t1000',
    `-b${bytes}`,
    '-f',
    list,
  ])
  const seconds = (performance.now() - began) / 1_000
  rmSync(list)
  if (output === '') return null
  const rtts: number[] = []
  let lost = 0
  for (const line of output.split('\n'))
    for (const word of line.split(' : ')[1]?.trim().split(/\s+/) ?? []) {
      if (word === '-') lost += 1
      else rtts.push(Number(word))
    }
  return { echoes: rtts.length + lost, lost, seconds, cpuMs: childrenCpuMs() - before, stallMs: 0, rtts }
}

/** One ping for each check, twenty at once. */
async function spawning(count: number): Promise<Measured> {
  const queue = targets(count)
  const before = childrenCpuMs()
  const own = process.cpuUsage()
  const loop = watchLoop()
  const began = performance.now()
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let address = queue.pop(); address !== undefined; address = queue.pop())
        await run('ping', ['-n', '-c', '1', '-W', '1', address])
    }),
  )
  const used = process.cpuUsage(own)
  loop.stop()
  return {
    echoes: count,
    lost: 0,
    seconds: (performance.now() - began) / 1_000,
    cpuMs: childrenCpuMs() - before + (used.user + used.system) / 1_000,
    stallMs: loop.longestMs(),
    rtts: [],
  }
}

const median = (values: readonly number[]): number | null =>
  values.length === 0 ? null : ([...values].sort((a, b) => a - b)[values.length >> 1] ?? null)
const brief = (one: Measured | null) => one && { ...one, rtts: undefined, rtt: median(one.rtts) }
// The first run warms the code.
await ours(2_000, 1_000, 2, true)
idleMs = await idle(5)
/** Takes the median by CPU of runs of two, in turn, so that whatever else the machine does meets both. */
async function inTurn(
  rounds: number,
  first: () => Promise<Measured>,
  second: () => Promise<Measured | null>,
): Promise<readonly [Measured | null, Measured | null]> {
  const pairs: [Measured, Measured | null][] = []
  for (let round = 0; round < rounds; round += 1) pairs.push([await first(), await second()])
  const middle = (list: readonly (Measured | null)[]): Measured | null => {
    const known = list.filter((one) => one !== null).sort((a, b) => a.cpuMs / a.echoes - b.cpuMs / b.echoes)
    const chosen = known[known.length >> 1]
    return chosen
      ? {
          ...chosen,
          lost: known.reduce((sum, { lost }) => sum + lost, 0),
          stallMs: Math.max(...known.map(({ stallMs }) => stallMs)),
        }
      : null
  }
  return [middle(pairs.map(([one]) => one)), middle(pairs.map(([, one]) => one))]
}

// More than 65,535 echoes within ten seconds are more than fping can tell apart.
const [burst, fpingFast] = await inTurn(
  5,
  () => ours(10_000, 1_000, 5, false),
  () => fping(10_000, 1_000, 5),
)
const [small, fpingSmall] = await inTurn(
  3,
  () => ours(1_000, 1_000, 5, false),
  () => fping(1_000, 1_000, 5),
)
const [slow, fpingSlow] = await inTurn(
  1,
  () => ours(10_000, 10_000, 1, false),
  () => fping(10_000, 10_000, 1),
)
const results = {
  idleMs,
  burst: brief(burst),
  fpingFast: brief(fpingFast),
  small: brief(small),
  fpingSmall: brief(fpingSmall),
  slow: brief(slow),
  fpingSlow: brief(fpingSlow),
  spread: brief(await ours(10_000, 1_000, 8, true)),
  spreadSmall: brief(await ours(1_000, 1_000, 8, true)),
  spawning: brief(await spawning(1_000)),
  room1000: await room(1_000, 1_000, 8),
  room10000: await room(10_000, 10_000, 1),
  room10000Fast: await room(10_000, 1_000, 8),
}
process.stdout.write(JSON.stringify(results), () => process.exit(0))
