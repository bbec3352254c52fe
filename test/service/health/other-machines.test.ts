import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../../electron/service/health/figures.ts'
import { functionIn, rowsIn, type DaemonReport, type Row } from '../../../electron/service/health/report.ts'
import { systemWorkers } from '../../../electron/service/health/workers/index.ts'
import { parsePacman } from '../../../electron/service/health/workers/linux/packages.ts'
import { parseTimex } from '../../../electron/service/health/workers/linux/clock.ts'
import { shares, type CpuTimes } from '../../../electron/service/health/workers/linux/cpu.ts'
import { createGrowthWatch } from '../../../electron/service/health/workers/linux/mem.ts'
import { parseDiskStats, parseMounts } from '../../../electron/service/health/workers/linux/disk.ts'
import type { RunProgram } from '../../../electron/service/system/programs.ts'
import { smartOf } from '../../../electron/service/health/workers/smart.ts'
import { createRunner } from '../../../electron/service/health/workers/worker.ts'
import { systemClock } from '../../../electron/service/clock.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))
const text = (name: string): string => readFileSync(fixture(name), 'utf8')

async function reportOf(
  machine: string,
  run: RunProgram = () => Promise.resolve(null),
): Promise<DaemonReport> {
  const clock = systemClock()
  const workers = systemWorkers({
    clock,
    platform: 'linux',
    root: fixture(`machines/${machine}`),
    run,
    bus: '/nowhere',
    choices: () => ({ asksDrives: true, services: [] }),
  })
  const report = await createRunner(clock).run(workers.list)
  workers.close()
  return report
}
const first = (report: DaemonReport, name: string): Row => rowsIn(report, name)[0] ?? {}

describe('the workers on a Raspberry Pi', () => {
  it('read what its files say', async () => {
    const report = await reportOf('raspberry-pi')
    expect(first(report, 'CPU_avgLoad')).toEqual({ '1min': 0.2, '5min': 0.18, '15min': 0.12 })
    expect(rowsIn(report, 'CPU_currentTimes').map(({ CPU, user, iowait }) => [CPU, user, iowait])).toEqual([
      [0, 25_273.84, 41.23],
      [1, 25_347.68, 41.86],
    ])
    expect(Object.keys(first(report, 'CPU_currentTimes'))).toEqual([
      'user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest', 'guest_nice', 'CPU',
    ]) // prettier-ignore
    expect(first(report, 'CPU_stats')).toMatchObject({
      log_cpus: 2,
      phys_cpus: 2,
      ctx_switches: 1_990_473,
      interrupts: 114_930_548,
      soft_interrupts: 183_433,
      syscalls: 0,
      frequncies: [
        { CPU: 0, max: 0, min: 0 },
        { CPU: 1, max: 0, min: 0 },
      ],
    })
    expect(first(report, 'Mem_memory')).toMatchObject({ percent: 90, total_bytes: 3_884_448 * 1_024 })
    expect(first(report, 'Mem_swap')).toMatchObject({ percent: 75 })
    expect(rowsIn(report, 'Disk_rates').map(({ device }) => device)).toEqual(['mmcblk0'])
    expect(
      rowsIn(report, 'Network_interfaces').map(({ interface: name, state, megabits }) => [
        name,
        state,
        megabits,
      ]),
    ).toEqual([
      ['eth0', 'up', 1_000],
      ['wlan0', 'down', null],
    ])
    expect(first(report, 'Network_sockets')).toEqual({
      tcp: 18,
      tcp_waiting: 7,
      tcp_orphans: 0,
      udp: 7,
      all: 294,
    })
    expect(rowsIn(report, 'Network_ports')).toEqual([
      { protocol: 'tcp', address: '0.0.0.0', port: 22 },
      { protocol: 'tcp', address: '127.0.0.1', port: 631 },
      { protocol: 'tcp6', address: '::', port: 80 },
      { protocol: 'tcp6', address: '::1', port: 631 },
      { protocol: 'udp', address: '0.0.0.0', port: 5353 },
    ])
    expect(first(report, 'Processes_counts')).toMatchObject({ total: 3, running: 1, zombies: 1, threads: 5 })
    expect(rowsIn(report, 'Processes_zombies')).toEqual([
      { pid: 43, process: 'defunct', parent: 42, parent_process: 'od) (name' },
    ])
    expect(rowsIn(report, 'Hardware_temperatures')).toEqual([
      {
        sensor: 'cpu_thermal temp1', celsius: 51.1, critical: 110, chip: 'cpu_thermal', label: 'temp1',
        hwmon_chip: 'thermal_thermal_zone0', hwmon_sensor: 'temp1',
      },
    ]) // prettier-ignore
    // The same sensor as a zone, which is no second temperature of the machine.
    expect(rowsIn(report, 'Hardware_zones')).toEqual([{ zone: '0', type: 'cpu-thermal', celsius: 51.6 }])
    expect(rowsIn(report, 'Hardware_throttling')).toEqual([
      {
        under_voltage: true, under_voltage_since_boot: true, frequency_capped: false, frequency_capped_since_boot: false,
        throttled: true, throttled_since_boot: true, too_hot: false, too_hot_since_boot: false,
      },
    ]) // prettier-ignore
    expect(rowsIn(report, 'Hardware_drives')).toMatchObject([
      { drive: 'mmcblk0', model: 'SC32G', bytes: 62_333_952 * 512, worn_percent: 20, rotating: false },
    ])
    expect(first(report, 'Hardware_system')).toMatchObject({
      system: 'Debian GNU/Linux 12 (bookworm)',
      kernel: '6.6.31+rpt-rpi-v8',
      processor: 'Raspberry Pi 4 Model B Rev 1.4',
      model: 'Raspberry Pi 4 Model B Rev 1.4',
      processors: 2,
    })
    expect(first(report, 'Hardware_modules')).toEqual({ count: 2, modules: ['brcmfmac', 'snd_bcm2835'] })
    expect(first(report, 'Services_packages')).toMatchObject({ manager: 'dpkg', packages: 3 })
  })

  it('name each file system once, the whole of it, and ask no server', async () => {
    const { local, remote } = parseMounts(text('machines/raspberry-pi/proc/self/mountinfo'))
    expect(local).toEqual([
      { mount: '/', device: '/dev/mmcblk0p2', type: 'ext4', readOnly: false },
      { mount: '/boot/firmware', device: '/dev/mmcblk0p1', type: 'vfat', readOnly: false },
      { mount: '/media/my disk', device: '/dev/sda1', type: 'exfat', readOnly: true },
    ])
    expect(remote.map(({ mount }) => mount)).toEqual(['/mnt/nas'])
    const server = parseMounts(text('machines/server/proc/self/mountinfo'))
    expect(server.local).toEqual([
      { mount: '/', device: '/dev/mapper/vg-root', type: 'xfs', readOnly: false },
      { mount: '/tank', device: 'tank', type: 'zfs', readOnly: false, also: ['/tank/home'] },
    ])
    // A service manager may make single mounts read-only; the file system is not.
    const sandboxed =
      '28 1 253:0 / / ro,relatime - xfs /dev/vda rw,attr2\n29 28 253:1 / /cd rw - iso9660 /dev/sr0 ro\n'
    expect(parseMounts(sandboxed).local).toEqual([
      { mount: '/', device: '/dev/vda', type: 'xfs', readOnly: false },
    ])
    const report = await reportOf('raspberry-pi')
    expect(rowsIn(report, 'Disk_mounts')).toContainEqual({
      mount: '/mnt/nas',
      type: 'nfs4',
      not_asked: 'it belongs to a server',
    })
  })

  it('say what is not offered there instead of failing', async () => {
    const report = await reportOf('raspberry-pi')
    const why = (name: string): unknown => functionIn(report, name)?.data[0]?.['not_offered']
    expect(why('Hardware_battery')).toBe('no battery')
    expect(why('Hardware_raid')).toBe('no arrays of drives')
    expect(why('Hardware_memory')).toBe('no memory that counts its errors')
    expect(why('Services_failed')).toBe('this machine does not run systemd')
    expect(why('Mem_pressure')).toBe('this kernel does not measure pressure')
    const failed = report.worker_reports.flatMap(({ function_reports: all }) =>
      all.filter(({ data }) => data.some((row) => 'error' in row)),
    )
    expect(failed).toEqual([])
  })
})

describe('the workers on a server', () => {
  it('see two sockets, arrays with a drive missing, errors of memory, and no sensor that lies', async () => {
    const report = await reportOf('server')
    expect(first(report, 'CPU_stats')).toMatchObject({
      log_cpus: 2,
      phys_cpus: 2,
      frequncies: [{ max: 3_300, min: 1_500 }, { max: 0 }],
    })
    expect(rowsIn(report, 'CPU_currentTimes').map(({ CPU }) => CPU)).toEqual([0, 10])
    expect(first(report, 'Mem_memory')).toMatchObject({ percent: 70 })
    expect(rowsIn(report, 'Hardware_raid')).toEqual([
      { array: 'md0', level: 'raid1', state: 'active', drives: 2, working: 2, missing: 0, doing: null },
      {
        array: 'md1',
        level: 'raid5',
        state: 'active',
        drives: 3,
        working: 2,
        missing: 1,
        doing: 'recovery 12.6 %',
      },
      { array: 'md2', level: 'raid0', state: 'active', drives: null, working: null, missing: 0, doing: null },
    ])
    expect(
      rowsIn(report, 'Hardware_temperatures').map(({ sensor, celsius, critical }) => [
        sensor,
        celsius,
        critical,
      ]),
    ).toEqual([
      ['nct6775 temp10', 30.5, null],
      ['nvme Composite', 38.9, 84.85],
      ['nvme #2 Composite', 41.9, null],
      ['coretemp Package id 0', 47, 100],
    ])
    expect(rowsIn(report, 'Hardware_fans')).toEqual([
      { fan: 'nct6775 fan1', rpm: 1_180 },
      { fan: 'nct6775 rear', rpm: 0 },
    ])
    expect(rowsIn(report, 'Hardware_battery')).toEqual([
      { battery: 'BAT0', percent: 83, state: 'discharging', health_percent: 80, cycles: 312, watts: 8.45 },
    ])
    expect(rowsIn(report, 'Hardware_memory')).toEqual([{ controller: 'mc0', corrected: 7, uncorrected: 1 }])
    expect(rowsIn(report, 'Hardware_throttling')).toEqual([
      { CPU: 0, core: 3, package: 5, core_id: 0, package_id: 0 },
    ])
    expect(first(report, 'Services_packages')).toMatchObject({ manager: 'apk', packages: 2 })
    const figures = new Map(figuresOf(report).map(({ kind, item, value }) => [`${kind} ${item}`, value]))
    expect(figures.get('raid-missing md1')).toBe(1)
    expect(figures.get('memory-errors mc0')).toBe(1)
    expect(figures.get('memory-pressure ')).toBe(22.25)
    expect(figures.get('temperature coretemp Package id 0')).toBe(47)
  })

  it('ask drives by smartctl, and by nothing else', async () => {
    const asked: string[] = []
    const report = await reportOf('server', (program, args) => {
      asked.push(`${program} ${args.join(' ')}`)
      const file = args.at(-1) === '/dev/sda' ? 'smartctl-sata-failing.json' : 'smartctl-nvme.json'
      return Promise.resolve({ code: 0, output: text(file) })
    })
    expect(asked.sort()).toEqual([
      'smartctl --json --nocheck=standby -a /dev/nvme0n1',
      'smartctl --json --nocheck=standby -a /dev/sda',
    ])
    expect(rowsIn(report, 'Hardware_drives')).toEqual([
      {
        drive: 'nvme0n1', model: 'Samsung SSD 970 EVO Plus 500GB', bytes: 1_000_215_216 * 512, rotating: false, smart: 'passed', worn_percent: 3,
        celsius: 39, hours: 2_100, reallocated: null, pending: null, media_errors: 0, note: null,
      },
      {
        drive: 'sda', model: 'WDC WD10EZEX', bytes: 1_953_525_168 * 512, rotating: true, smart: 'failing', worn_percent: null, celsius: 41, hours: 43_210,
        reallocated: 1_234, pending: 12, media_errors: null, note: null,
      },
    ]) // prettier-ignore
    const figures = figuresOf(report)
    expect(figures).toContainEqual(expect.objectContaining({ kind: 'drive-failing', item: 'sda', value: 1 }))
    expect(figures).toContainEqual(expect.objectContaining({ kind: 'drive-pending', item: 'sda', value: 12 }))
  })

  it.each([
    [177, 'Wear_Leveling_Count', 93, 0, 7],
    [231, 'SSD_Life_Left', 61, undefined, 39],
    [233, 'Media_Wearout_Indicator', 99, 0, 1],
    [202, 'Percent_Lifetime_Remain', 6, 0, 94],
    [231, 'Temperature_Celsius', 41, 0, null],
    [202, 'Data_Address_Mark_Errs', 100, 0, null],
    [177, 'Wear_Range_Delta', 0, 0, null],
    [233, 'Lifetime_Nand_Writes', 1, 0, null],
    [177, 'Wear_Leveling_Count', 93, 7_200, null],
    [177, 'Wear_Leveling_Count', 253, 0, null],
    [177, undefined, 93, 0, null],
  ])(
    'believe attribute %i as wear only by its name, %s, and only of flash',
    (id, name, value, turns, worn) => {
      const report = {
        rotation_rate: turns,
        smart_status: { passed: true },
        ata_smart_attributes: { table: [{ id, name, value, raw: { value: 5 } }] },
      }
      expect(smartOf(JSON.stringify(report))).toMatchObject({ wornPercent: worn })
    },
  )

  it('say why a drive tells nothing', () => {
    expect(smartOf(text('smartctl-denied.json'))).toBe('smartctl needs root to ask it')
    expect(smartOf(text('smartctl-asleep.json'))).toBe('it sleeps, and is let sleep')
    expect(smartOf('nonsense')).toBe('smartctl says nothing that can be read')
  })
})

describe('parsers', () => {
  it('count shares of a processor as psutil does, guests within user', () => {
    const none = {
      user: 0,
      nice: 0,
      system: 0,
      idle: 0,
      iowait: 0,
      irq: 0,
      softirq: 0,
      steal: 0,
      guest: 0,
      guest_nice: 0,
    }
    const now: CpuTimes = { ...none, user: 30, system: 10, idle: 50, iowait: 10, guest: 20 }
    expect(shares(now, none)).toMatchObject({ user: 30, system: 10, idle: 50, iowait: 10, guest: 20 })
    expect(shares(none, now)).toEqual(none)
  })

  it('read adjtimex in microseconds and nanoseconds', () => {
    const timex = Buffer.alloc(208)
    timex.writeBigInt64LE(-1_500n, 8)
    timex.writeBigInt64LE(65_536n * 12n, 16)
    timex.writeBigInt64LE(250_000n, 24)
    expect(parseTimex(timex, 0)).toEqual({ synchronised: true, offsetMs: -1.5, maxErrorMs: 250, ppm: 12 })
    timex.writeInt32LE(0x2000, 40)
    expect(parseTimex(timex, 5)).toMatchObject({ synchronised: false, offsetMs: -0.0015 })
  })

  it('read disk counters with and without the columns of newer kernels', () => {
    const stats = parseDiskStats(text('machines/raspberry-pi/proc/diskstats'))
    expect(stats.get('mmcblk0')).toEqual({
      reads: 34_891,
      readBytes: 2_243_066 * 512,
      writes: 20_466,
      writtenBytes: 1_034_082 * 512,
      busyMs: 172_344,
    })
    expect(stats.get('mmcblk0p1')?.busyMs).toBe(456)
  })

  it('read the folders of pacman', () => {
    expect([...parsePacman(['bash-5.2.037-1', 'gcc-libs-14.2.1+r753-1', 'ALPM_DB_VERSION'])]).toEqual([
      ['bash', '5.2.037-1'],
      ['gcc-libs', '14.2.1+r753-1'],
    ])
  })

  it('tell of a process that only ever grows, and not of one that breathes', () => {
    const watch = createGrowthWatch()
    const entry = (pid: number, name: string, bytes: number) => ({
      pid, name, state: 'S', parent: 1, threads: 1, started: 1, ticks: 0, rssBytes: bytes, cpuPercent: 0,
    }) // prettier-ignore
    for (let index = 0; index < 12; index += 1)
      watch.note(
        [
          entry(1, 'leaks', 100e6 + index * 30e6),
          entry(2, 'breathes', 200e6 + (index % 2) * 300e6),
          entry(3, 'small', 1e6 * index),
        ],
        index * 600_000,
      )
    expect(watch.rising()).toEqual([
      { pid: 1, process: 'leaks', memory_bytes: 430e6, grown_bytes: 330e6, hours: 1.8 },
    ])
  })
})
