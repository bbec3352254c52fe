import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../electron/service/clock.ts'
import { figuresOf } from '../../../electron/service/health/figures.ts'
import { functionIn, rowsIn, type DaemonReport, type Row } from '../../../electron/service/health/report.ts'
import { levelOf, measureOf } from '../../../electron/service/health/rules.ts'
import { usualSettings } from '../../../electron/service/health/settings.ts'
import { systemWorkers } from '../../../electron/service/health/workers/index.ts'
import { createRunner } from '../../../electron/service/health/workers/worker.ts'
import { hasProgram } from '../../support/private-bus.ts'
import { tellSkipped } from '../../support/skipped.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const isLinux = process.platform === 'linux'
const missing = isLinux ? ['df', 'free', 'uname'].filter((program) => !hasProgram(program)) : ['Linux']
if (missing.length > 0)
  tellSkipped(`figures are not compared with the system's own tools: ${missing.join(', ')} missing`)
const clock = systemClock()

async function reports(
  count: number,
  between: () => void | Promise<void> = () => undefined,
): Promise<DaemonReport[]> {
  const asked: string[] = []
  const workers = systemWorkers({
    clock,
    choices: () => ({ asksDrives: true, services: [] }),
    run: (program) => {
      asked.push(program)
      return Promise.resolve(null)
    },
  })
  const runner = createRunner(clock)
  const all: DaemonReport[] = []
  for (let index = 0; index < count; index += 1) {
    if (index > 0) await between()
    all.push(await runner.run(workers.list))
  }
  workers.close()
  // Only drives are asked by a program, and that seldom.
  expect(asked.filter((program) => program !== 'smartctl')).toEqual([])
  return all
}
const first = (report: DaemonReport | undefined, name: string): Row => rowsIn(report ?? null, name)[0] ?? {}
const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
const output = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })

describe.skipIf(missing.length > 0)('the figures of this machine', () => {
  it('agree with df, free, nproc, uname, ps and /proc', async () => {
    const [report] = await reports(1)
    const df =
      output('df', '-B1', '--output=used,avail,pcent,target', '/')
        .trim()
        .split('\n')[1]
        ?.trim()
        .split(/\s+/) ?? []
    const root = rowsIn(report ?? null, 'Disk_mounts').find(({ mount }) => mount === '/')
    expect(Number(root?.['used_bytes'])).toBeCloseTo(Number(df[0]), -8)
    expect(Math.ceil(Number(root?.['percent']))).toBeGreaterThanOrEqual(Number.parseInt(df[2] ?? '', 10) - 1)
    expect(Math.ceil(Number(root?.['percent']))).toBeLessThanOrEqual(Number.parseInt(df[2] ?? '', 10) + 1)
    const free = /^Mem:\s+(\d+)\s+\d+\s+\d+\s+\d+\s+\d+\s+(\d+)/m.exec(output('free', '-b')) ?? []
    expect(first(report, 'Mem_memory')['total_bytes']).toBe(Number(free[1]))
    const available = Number(first(report, 'Mem_memory')['available_bytes'])
    expect(Math.abs(available - Number(free[2])) / Number(free[1])).toBeLessThan(0.05)
    expect(rowsIn(report ?? null, 'CPU_currentTimes')).toHaveLength(os.cpus().length)
    expect(first(report, 'Hardware_system')['kernel']).toBe(output('uname', '-r').trim())
    expect(first(report, 'Hardware_system')['architecture']).toBe(output('uname', '-m').trim())
    // The kernel counts anew every five seconds, perhaps between the two looks.
    const loadApart = async (): Promise<number> => {
      const [one] = await reports(1)
      return Math.abs(Number(first(one, 'CPU_avgLoad')['1min']) - (os.loadavg()[0] ?? 0))
    }
    await expect.poll(loadApart, { timeout: 20_000 }).toBeLessThan(0.1)
    const load = first(report, 'CPU_avgLoad')
    // Unrounded, as the kernel has them: with eleven bits after the point.
    if (process.arch === 'x64' || process.arch === 'arm64')
      for (const value of Object.values(load)) expect(Number.isInteger(Number(value) * 2_048)).toBe(true)
    // Other programs come and go between the two looks, so one of several has to agree.
    const threadsApart = async (): Promise<number> => {
      const [one] = await reports(1)
      const threads = readFileSync('/proc/loadavg', 'utf8').split(' ')[3]?.split('/')[1]
      return Math.abs(Number(first(one, 'Processes_counts')['threads']) - Number(threads))
    }
    await expect.poll(threadsApart, { timeout: 20_000 }).toBeLessThan(30)
    const [mine] = rowsIn(report ?? null, 'Processes_top').filter(({ pid }) => pid === process.pid)
    if (mine) expect(Number(mine['memory_bytes'])).toBeCloseTo(process.memoryUsage.rss(), -8)
  })

  it('see work of the processor and of this very process', async () => {
    const used = { ms: 0, cpuMs: 0 }
    const [, report] = await reports(2, async () => {
      const [beganMs, before] = [clock.glance().monotonicMs, process.cpuUsage()]
      while (clock.glance().monotonicMs < beganMs + 1_500);
      await wait(20)
      const { user, system } = process.cpuUsage(before)
      Object.assign(used, { ms: clock.glance().monotonicMs - beganMs, cpuMs: (user + system) / 1_000 })
    })
    const busy = figuresOf(report ?? { name: 'Daemon report', datetime: '', worker_reports: [] }).find(
      ({ kind }) => kind === 'cpu-busy',
    )
    // One processor of all was at work, others may have been.
    expect(busy?.value).toBeGreaterThan((60 * used.cpuMs) / used.ms / os.cpus().length)
    const own = rowsIn(report ?? null, 'Processes_top').find(
      ({ pid, top }) => pid === process.pid && top === 'cpu',
    )
    // Others may be at work as well: what the system gave us is what counts.
    const share = (100 * used.cpuMs) / used.ms
    expect(Math.abs(Number(own?.['cpu_percent']) - share)).toBeLessThan(Math.max(10, share / 4))
  })

  it('have no level on this machine by the usual limits but for what is really wrong', async () => {
    const [, report] = await reports(2, () => wait(1_100))
    const figures = figuresOf(report ?? { name: 'Daemon report', datetime: '', worker_reports: [] })
    expect(figures.length).toBeGreaterThan(8)
    const told = figures.filter((figure) => {
      // Somebody else's test may fill a disk of its own.
      if (/^(?:disk|inodes)-used$/.test(figure.kind) && figure.item !== '/') return false
      const level = levelOf(figure.value, measureOf(figure, usualSettings.rules, usualSettings.spareBytes))
      return level === 'warning' || level === 'critical'
    })
    const space = statfsSync('/')
    const isFull = space.bavail * space.bsize < usualSettings.spareBytes
    expect(
      told.filter(
        ({ kind }) => !(isFull && /^(?:disk|inodes)-used$/.test(kind)) && kind !== 'memory-pressure',
      ),
    ).toEqual([])
  })
})

/** Two interfaces on which what goes out of one comes in at the other, in a network where nothing else happens. */
const wires = [
  'mount -t sysfs sysfs /sys',
  'ip link add here type veth peer name there',
  'ip addr add 10.99.0.1/24 dev here',
  'ip link set here up',
  'ip link set there up',
  'ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev here nud permanent',
].join(' && ')
const inOwnNetwork = (then: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync('unshare', ['-rnm', 'sh', '-c', `${wires} && ${then}`], { encoding: 'utf8' })
const canWire = isLinux && hasProgram('unshare') && hasProgram('ip') && inOwnNetwork('true').status === 0
if (!canWire)
  tellSkipped('traffic is not measured: no pair of interfaces can be made in a network of its own')

describe.skipIf(!canWire)('traffic', () => {
  it('has the rate that the kernel counted', () => {
    const script = fileURLToPath(new URL('../../support/measured-traffic.ts', import.meta.url))
    const { stdout, stderr } = inOwnNetwork(`exec '${process.execPath}' '${script}'`)
    expect(stderr).toBe('')
    const { reported, counted } = JSON.parse(stdout) as Record<
      'reported' | 'counted',
      Record<'sent' | 'received', number>
    >
    expect(counted.sent).toBeGreaterThan(50_000)
    for (const way of ['sent', 'received'] as const)
      expect(Math.abs(reported[way] / counted[way] - 1)).toBeLessThan(0.05)
  }, 30_000)
})

/** The whole device on which a folder lies; null where it cannot be told, as on an overlay or a pool. */
function deviceOf(folder: string): string | null {
  const { dev } = statSync(folder)
  const number = `${(dev >> 8) & 0xfff}:${dev & 0xff}`
  return (
    readdirSync('/sys/block').find((name) => {
      const at = (file: string): string => readFileSync(`/sys/block/${name}/${file}`, 'utf8').trim()
      return !name.startsWith('loop') && at('dev') === number
    }) ?? null
  )
}
const device = isLinux ? deviceOf(os.tmpdir()) : null
if (device === null)
  tellSkipped('the rate of writing is not measured: the folder of temporary files lies on no whole device')

describe.skipIf(device === null || missing.length > 0)('writing', () => {
  it('has the rate that the kernel counted', async () => {
    // Sectors that were written: https://docs.kernel.org/block/stat.html
    const written = (): number =>
      512 *
      Number(
        readFileSync(`/sys/block/${device ?? ''}/stat`, 'utf8')
          .trim()
          .split(/\s+/)[6],
      )
    const file = path.join(temporaryFolder(), 'written')
    const seen: { readonly ms: number; readonly bytes: number }[] = []
    const note = (): void => void seen.push({ ms: clock.glance().monotonicMs, bytes: written() })
    const [, report] = await reports(2, async () => {
      note()
      const handle = openSync(file, 'w')
      for (let part = 0; part < 32; part += 1) writeSync(handle, Buffer.alloc(2 ** 20, part + 1))
      fsyncSync(handle)
      closeSync(handle)
      await wait(1_000)
      note()
    })
    const [from = { ms: 0, bytes: 0 }, to = from] = seen
    expect(to.bytes - from.bytes).toBeGreaterThanOrEqual(32 * 2 ** 20)
    const row = rowsIn(report ?? null, 'Disk_rates').find((one) => one['device'] === device)
    const counted = (1_000 * (to.bytes - from.bytes)) / (to.ms - from.ms)
    // The first report takes a tenth of a second after it has read the counters.
    expect(Number(row?.['written_bytes_per_s']) / counted).toBeGreaterThan(0.8)
    expect(Number(row?.['written_bytes_per_s']) / counted).toBeLessThan(1.2)
  }, 30_000)
})

/** A file system in a file, in a mount namespace of its own so that nothing is left behind. */
function loopProblem(): string | null {
  if (!isLinux) return 'it is no Linux'
  if (process.getuid?.() !== 0) return 'it wants root'
  for (const program of ['mkfs.ext4', 'mount', 'umount', 'losetup'])
    if (!hasProgram(program)) return `${program} is missing`
  return spawnSync('losetup', ['-f']).status === 0 ? null : 'there are no loop devices'
}
const noLoop = loopProblem()
if (noLoop !== null) tellSkipped(`a loop device that is filled is not tested: ${noLoop}`)

describe.skipIf(noLoop !== null)('a loop device', () => {
  it('that is filled to 90 % is a warning, and was none before', async () => {
    const folder = temporaryFolder()
    const image = path.join(folder, 'image')
    const mount = path.join(folder, 'a disk')
    mkdirSync(mount)
    execFileSync('dd', ['if=/dev/zero', `of=${image}`, 'bs=1M', 'count=48', 'status=none'])
    execFileSync('mkfs.ext4', ['-q', '-m', '0', image])
    execFileSync('mount', ['-o', 'loop', image, mount])
    onTestFinished(() => {
      execFileSync('umount', [mount])
    })
    const figureOf = async () => {
      const [report] = await reports(1)
      expect(functionIn(report ?? null, 'Disk_mounts')).toBeDefined()
      return figuresOf(report ?? { name: 'Daemon report', datetime: '', worker_reports: [] }).find(
        ({ kind, item }) => kind === 'disk-used' && item === mount,
      )
    }
    const empty = await figureOf()
    expect(empty?.value).toBeLessThan(10)
    const space = statfsSync(mount)
    const wanted =
      Math.ceil(0.905 * (space.blocks - space.bfree + space.bavail)) - (space.blocks - space.bfree)
    writeFileSync(path.join(mount, 'filling'), Buffer.alloc(wanted * space.bsize))
    const full = await figureOf()
    expect(full?.value).toBeGreaterThanOrEqual(90)
    expect(full?.value).toBeLessThan(92)
    if (full && empty) {
      const levels = [empty, full].map((figure) =>
        levelOf(figure.value, measureOf(figure, [], usualSettings.spareBytes)),
      )
      expect(levels).toEqual(['ok', 'warning'])
    }
  })
})
