import type os from 'node:os'
import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../../electron/service/health/figures.ts'
import { functionIn, rowsIn, type DaemonReport, type Row } from '../../../electron/service/health/report.ts'
import { systemWorkers, type Workers } from '../../../electron/service/health/workers/index.ts'
import type { OtherEdges, OtherLibrary } from '../../../electron/service/health/workers/other-edges.ts'
import { createRunner } from '../../../electron/service/health/workers/worker.ts'
import { quietHealth } from '../../support/health-bench.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'
import { startTestService } from '../../support/service.ts'

/** What systeminformation says of a machine, as far as it is asked. */
type Said = { readonly [Name in keyof OtherLibrary]: unknown }

const mac: Said = {
  cpu: { physicalCores: 8 },
  mem: {
    total: 16e9, free: 1e9, available: 4e9, buffers: 0, cached: 0, swaptotal: 2e9, swapused: 5e8, swapfree: 1.5e9,
  },
  processes: {
    all: 3, running: 1, blocked: 0, sleeping: 1, unknown: 0,
    list: [
      { pid: 7, name: 'Finder', user: 'anna', cpu: 12.5, mem: 1.5, memRss: 250_000, state: 'running' },
      { pid: 8, name: 'gone', user: 'anna', cpu: 0, mem: 0, memRss: 0, state: 'zombie' },
      { pid: 9, name: 'big', user: 'root', cpu: 1, mem: 20, memRss: 3_000_000, state: 'sleeping' },
    ],
  },
  fsSize: [
    { mount: '/', fs: '/dev/disk1s1', type: 'APFS', size: 500e9, used: 15e9, available: 85e9, rw: false },
    { mount: '/System/Volumes/VM', fs: '/dev/disk1s4', type: 'APFS', size: 500e9, used: 1, available: 85e9, rw: true },
    { mount: '/System/Volumes/Data', fs: '/dev/disk1s2', type: 'APFS', size: 500e9, used: 300e9, available: 100e9, rw: true },
  ],
  fsStats: { rx: 1_000_000, wx: 5_000_000 },
  disksIO: { rIO: 100, wIO: 200 },
  networkStats: [
    { iface: 'lo0', operstate: 'unknown', rx_bytes: 5, tx_bytes: 5, rx_errors: 0, tx_errors: 0, rx_dropped: 0, tx_dropped: 0 },
    { iface: 'en0', operstate: 'up', rx_bytes: 10_000, tx_bytes: 2_000, rx_errors: 1, tx_errors: 0, rx_dropped: 0, tx_dropped: null },
  ],
  battery: { hasBattery: true, model: 'bq20z451', percent: 80, isCharging: false, designedCapacity: 50, maxCapacity: 45, cycleCount: 77 },
  diskLayout: [{ device: 'disk0', name: 'APPLE SSD', size: 500e9, type: 'SSD', smartStatus: 'Verified', temperature: null }],
  system: { manufacturer: 'Apple Inc.', model: 'MacBookPro15,1' },
  bios: { version: '1554.80.3', releaseDate: '' },
  osInfo: { distro: 'macOS', release: '12.7', kernel: '21.6.0', build: '21H1' },
  cpuTemperature: { main: null, max: null },
  services: [{ name: 'com.example.job', running: true }, { name: 'com.example.off', running: false }],
} // prettier-ignore
const windows: Said = {
  ...mac,
  processes: { ...(mac.processes as object), running: 0, sleeping: 0 },
  fsStats: null,
  disksIO: null,
  battery: { hasBattery: false },
  cpuTemperature: { main: 51, max: 62 },
}

interface Bench {
  readonly clock: FakeClock
  readonly workers: Workers
  readonly said: Record<string, unknown>
  times: os.CpuInfo['times']
  report(): Promise<DaemonReport>
}

function bench(platform: NodeJS.Platform, machine: Said): Bench {
  const clock = fakeClock()
  const said: Record<string, unknown> = { ...machine }
  const all: Bench = {
    clock,
    said,
    times: { user: 60_000, nice: 0, sys: 30_000, idle: 900_000, irq: platform === 'win32' ? 10_000 : 0 },
    workers: systemWorkers({
      clock,
      platform,
      choices: () => ({ asksDrives: true, services: ['com.example.job', 'com.example.off'] }),
      other: {
        platform,
        library: () =>
          Promise.resolve(
            Object.fromEntries(Object.keys(said).map((name) => [name, () => Promise.resolve(said[name])])),
          ) as unknown as ReturnType<OtherEdges['library']>,
        cpus: () => [{ model: 'A processor', speed: 2_600, times: all.times }],
        loadavg: () => [1.23456789, 1, 0.5],
      },
    }),
    async report() {
      const made = runner.run(all.workers.list)
      // Shares of the processor are counted over a moment at the first report.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(100)
      return made
    },
  }
  const runner = createRunner(clock)
  return all
}
const first = (report: DaemonReport, name: string): Row => rowsIn(report, name)[0] ?? {}
const namesOf = ({ list }: Workers): string[] =>
  list.flatMap(({ functions }) => functions.map(({ name }) => name)).sort()

describe.each([
  ['darwin', mac],
  ['win32', windows],
] as const)('the workers on %s', (platform, machine) => {
  it('have the functions that Linux has, in order, and none that fails', async () => {
    const { workers, clock, report } = bench(platform, machine)
    const linux = systemWorkers({
      clock, platform: 'linux', root: '/nowhere', choices: () => ({ asksDrives: false, services: [] }),
    }) // prettier-ignore
    expect(namesOf(workers)).toEqual(namesOf(linux))
    linux.close()
    const made = await report()
    for (const { function_reports: all } of made.worker_reports) {
      expect(all.map(({ name }) => name)).toEqual(all.map(({ name }) => name).sort())
      for (const { name, data } of all)
        expect([name, data[0]]).not.toEqual([name, { error: expect.anything() as string }])
    }
    expect(functionIn(made, 'Hardware_throttling')?.data).toEqual([{ not_offered: 'only Linux tells this' }])
  })

  it('tell no nought that nobody measured', async () => {
    const { report, workers } = bench(platform, machine)
    const made = await report()
    expect(first(made, 'CPU_stats')).toMatchObject({
      log_cpus: 1, phys_cpus: 8, ctx_switches: null, interrupts: null, soft_interrupts: null, syscalls: null,
      frequncies: [{ CPU: 0, max: 2_600, min: null }],
    }) // prettier-ignore
    for (const name of ['CPU_currentTimes', 'CPU_timePercentage'])
      expect(first(made, name)).toMatchObject({
        iowait: null,
        softirq: null,
        steal: null,
        guest: null,
        guest_nice: null,
      })
    expect(first(made, 'Processes_counts')).toMatchObject({ total: 3, threads: null, stopped: null })
    expect(first(made, 'Mem_memory')).toMatchObject({ percent: 75, buffers_bytes: null, shared_bytes: null })
    expect(first(made, 'Disk_mounts')).toMatchObject({
      inodes_percent: null,
      inodes_total: null,
      inodes_free: null,
    })
    expect(figuresOf(made).map(({ kind }) => kind)).not.toContain('cpu-waiting')
    const test = await startTestService({ health: quietHealth(workers.list) })
    await test.service.health.sample()
    const text = await (await test.fetch('/metrics')).text()
    expect(text).toContain('node_cpu_seconds_total{cpu="0",mode="user"} 60')
    expect(text).not.toMatch(
      /node_(?:context_switches|intr|filesystem_files|memory_Buffers)|mode="(?:iowait|steal|softirq)"/,
    )
  })
})

describe('the workers on macOS', () => {
  it('tell what is there, with figures between two reports', async () => {
    const { report, said, clock } = bench('darwin', mac)
    const made = await report()
    expect(first(made, 'CPU_avgLoad')['1min']).toBe(1.23456789)
    expect(first(made, 'CPU_currentTimes')).toMatchObject({
      user: 60,
      nice: 0,
      system: 30,
      idle: 900,
      irq: null,
      CPU: 0,
    })
    expect(first(made, 'Mem_swap')).toMatchObject({ percent: 25, used_bytes: 5e8 })
    expect(first(made, 'Processes_counts')).toMatchObject({ running: 1, sleeping: 1, blocked: 0, zombies: 1 })
    expect(rowsIn(made, 'Processes_top').map(({ top, process }) => [top, process]).slice(0, 4)).toEqual([
      ['cpu', 'Finder'], ['cpu', 'big'], ['cpu', 'gone'], ['memory', 'big'],
    ]) // prettier-ignore
    expect(rowsIn(made, 'Disk_mounts').map(({ mount, percent, read_only: isFixed }) => [mount, percent, isFixed])).toEqual([
      ['/', 15, true], ['/System/Volumes/Data', 75, false],
    ]) // prettier-ignore
    expect(first(made, 'Disk_rates')).toMatchObject({
      device: 'all',
      read_bytes_per_s: null,
      written_bytes: 5_000_000,
    })
    expect(rowsIn(made, 'Network_interfaces')).toEqual([
      expect.objectContaining({ interface: 'en0', in_bytes_per_s: null, in_errors: 1, out_drops: null }),
    ])
    expect(first(made, 'Hardware_battery')).toMatchObject({
      percent: 80,
      state: 'discharging',
      health_percent: 90,
      cycles: 77,
    })
    expect(first(made, 'Hardware_drives')).toMatchObject({
      drive: 'disk0',
      smart: 'passed',
      rotating: false,
      celsius: null,
    })
    expect(functionIn(made, 'Hardware_temperatures')?.data).toEqual([
      { not_offered: 'this system shows no temperature to programs' },
    ])
    expect(rowsIn(made, 'Services_watched').map(({ unit, active }) => [unit, active])).toEqual([
      ['com.example.job', 'active'], ['com.example.off', 'inactive'],
    ]) // prettier-ignore
    said['fsStats'] = { rx: 1_000_000 + 60_000, wx: 5_000_000 + 120_000 }
    said['disksIO'] = { rIO: 160, wIO: 500 }
    said['networkStats'] = [{ iface: 'en0', operstate: 'up', rx_bytes: 16_000, tx_bytes: 2_600 }]
    clock.advance(59_900)
    const next = await report()
    expect(first(next, 'Disk_rates')).toMatchObject({
      read_bytes_per_s: 1_000, written_bytes_per_s: 2_000, reads_per_s: 1, writes_per_s: 5, busy_percent: null,
    }) // prettier-ignore
    expect(first(next, 'Network_interfaces')).toMatchObject({ in_bytes_per_s: 100, out_bytes_per_s: 10 })
    expect(figuresOf(next)).toContainEqual(
      expect.objectContaining({ kind: 'disk-written', item: 'all', value: 2_000 }),
    )
  })

  it('count shares of the processor since the report before', async () => {
    const test = bench('darwin', mac)
    await test.report()
    test.times = { user: 63_000, nice: 0, sys: 31_000, idle: 906_000, irq: 0 }
    expect(first(await test.report(), 'CPU_timePercentage')).toMatchObject({
      user: 30,
      system: 10,
      idle: 60,
      irq: null,
    })
  })
})

describe('the workers on Windows', () => {
  it('say what Windows does not tell', async () => {
    const { report } = bench('win32', windows)
    const made = await report()
    expect(functionIn(made, 'CPU_avgLoad')?.data).toEqual([{ not_offered: 'Windows has no load average' }])
    expect(first(made, 'CPU_currentTimes')).toMatchObject({ nice: null, irq: 10 })
    expect(first(made, 'Processes_counts')).toMatchObject({
      running: null,
      sleeping: null,
      blocked: null,
      zombies: null,
    })
    expect(functionIn(made, 'Disk_rates')?.data).toEqual([
      { not_offered: 'this system does not say what its drives read and write' },
    ])
    expect(first(made, 'Hardware_temperatures')).toMatchObject({ celsius: 51, highest: 62 })
    expect(functionIn(made, 'Hardware_battery')?.data).toEqual([{ not_offered: 'no battery' }])
    expect(figuresOf(made).map(({ kind }) => kind)).not.toContain('zombies')
  })
})
