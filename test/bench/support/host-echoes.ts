// Runs inside a private network: echoes by ours, by fping and by spawning ping, and the whole room; prints figures as JSON.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
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
import { openStore } from '../../../electron/service/store/open.ts'

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

/** CPU time (ms) of the programs that were waited for, in ticks of 10 ms (proc(5), cutime and cstime). */
function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

/** Runs echoes from a scheduler at an interval for so long. */
async function ours(count: number, intervalMs: number, rounds: number): Promise<Measured> {
  const native = nativeSockets()
  const echoer = native && (await openSockets(native, clock, 4, 'datagram'))
  if (!echoer || !('send' in echoer)) throw new Error('no datagram socket here')
  const scheduler = createScheduler(clock)
  const loop = monitorEventLoopDelay({ resolution: 1 })
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
    scheduler.add(task, phaseOf(index) * intervalMs)
    return task
  })
  loop.enable()
  const began = performance.now()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, rounds * intervalMs))
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - began) / 1_000
  const done = ended
  for (const task of tasks) scheduler.remove(task)
  scheduler.stop()
  loop.disable()
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  await echoer.stop()
  return {
    echoes: done,
    lost: lost + (echoes - ended),
    seconds,
    cpuMs: (used.user + used.system) / 1_000,
    stallMs: loop.max / 1e6,
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
  const context: RoomContext = {
    version: 'bench',
    databaseFolder: folder,
    db,
    reader: { ask: () => Promise.reject(new Error('nothing is read here')) },
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.read().wallMs),
    commits: createGroupCommit(db, clock),
    observation: createObservation(db, clock, () => undefined),
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
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const began = performance.now()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, rounds * intervalMs))
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - began) / 1_000
  loop.disable()
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
    stallMs: loop.max / 1e6,
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
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const began = performance.now()
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let address = queue.pop(); address !== undefined; address = queue.pop())
        await run('ping', ['-n', '-c', '1', '-W', '1', address])
    }),
  )
  const used = process.cpuUsage(own)
  loop.disable()
  return {
    echoes: count,
    lost: 0,
    seconds: (performance.now() - began) / 1_000,
    cpuMs: childrenCpuMs() - before + (used.user + used.system) / 1_000,
    stallMs: loop.max / 1e6,
    rtts: [],
  }
}

const median = (values: readonly number[]): number | null =>
  values.length === 0 ? null : ([...values].sort((a, b) => a - b)[values.length >> 1] ?? null)
const brief = (one: Measured | null) => one && { ...one, rtts: undefined, rtt: median(one.rtts) }
// The first run warms the code.
await ours(2_000, 1_000, 2)
const results = {
  fast: brief(await ours(10_000, 1_000, 8)),
  fpingFast: brief(await fping(10_000, 1_000, 8)),
  small: brief(await ours(1_000, 1_000, 8)),
  fpingSmall: brief(await fping(1_000, 1_000, 8)),
  slow: brief(await ours(10_000, 10_000, 1)),
  fpingSlow: brief(await fping(10_000, 10_000, 1)),
  smallSlow: brief(await ours(1_000, 10_000, 1)),
  spawning: brief(await spawning(1_000)),
  room1000: await room(1_000, 1_000, 8),
  room10000: await room(10_000, 10_000, 1),
  room10000Fast: await room(10_000, 1_000, 8),
}
process.stdout.write(JSON.stringify(results), () => process.exit(0))
