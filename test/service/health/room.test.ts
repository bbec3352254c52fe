import { describe, expect, it } from 'vitest'
import { readSettings } from '../../../electron/service/health/settings.ts'
import { thinReports } from '../../../electron/service/health/store.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { healthBench, type HealthBench } from '../../support/health-bench.ts'

const disk = (percent: number, free = 5e9) => [
  { mount: '/', percent, free_bytes: free, inodes_percent: 1, read_only: false },
]
const heat = (celsius: number) => [{ sensor: 'cpu', celsius, critical: 90 }]
const told = (bench: HealthBench): string[] =>
  bench.transitions
    .filter(({ room }) => room === 'health')
    .map(({ kind, to, facts }) => `${kind} ${to}: ${facts.text}`)

describe('health', () => {
  it('tells of a disk that fills, once, with who takes the most, and of its end', async () => {
    const bench = await healthBench(fakeClock())
    bench.says['Processes_top'] = [
      {
        top: 'cpu',
        pid: 7,
        process: 'burn',
        user: 'me',
        cpu_percent: 99,
        memory_bytes: 5e6,
        memory_percent: 1,
      },
    ]
    bench.says['Disk_mounts'] = disk(50)
    await bench.pass(60_000)
    bench.says['Disk_mounts'] = disk(91, 4.2e9)
    await bench.pass(200_000)
    expect(told(bench)).toEqual(['problem warning: Disk / is 91 % full, 4.2 GB are left (warning).'])
    expect(bench.transitions.find(({ room }) => room === 'health')?.facts).toMatchObject({
      details: ['Most processor time: burn (7), 99 % of a processor, 5.0 MB'],
      path: '/health/now',
    })
    bench.says['Disk_mounts'] = disk(98, 1e9)
    await bench.pass(120_000)
    bench.says['Disk_mounts'] = disk(40, 60e9)
    await bench.pass(400_000)
    expect(told(bench).slice(1)).toEqual([
      'update critical: Disk / is 98 % full, 1.0 GB are left (critical).',
      expect.stringMatching(/^recovery ok: Disk \/ is 40 % full, 60\.0 GB are left\. It lasted /) as string,
    ])
  })

  it('says nothing of a spike, of a careful level, and of what happens in time that nobody saw', async () => {
    const clock = fakeClock()
    const bench = await healthBench(clock)
    bench.says['Hardware_temperatures'] = heat(50)
    await bench.pass(60_000)
    bench.says['Hardware_temperatures'] = heat(99)
    await bench.pass(90_000)
    clock.suspend(8 * 3_600_000)
    await bench.pass(90_000)
    bench.says['Hardware_temperatures'] = heat(91)
    await bench.pass(300_000)
    expect(told(bench)).toEqual([])
    expect(bench.health.desk.level).toBe('careful')
  })

  it('keeps a problem over a restart: not told again, ended when it ends', async () => {
    const clock = fakeClock()
    const first = await healthBench(clock)
    first.says['Disk_mounts'] = disk(99, 1e9)
    await first.pass(120_000)
    expect(told(first)).toHaveLength(1)
    const database = `${first.context.databaseFolder}/watchkeeper.db`
    await first.stop()
    clock.advance(60_000)
    const second = await healthBench(clock, database)
    expect([...second.health.desk.metrics.values()].find(({ kind }) => kind === 'disk-used')).toMatchObject({
      value: 99,
      standing: { level: 'critical' },
    })
    second.says['Disk_mounts'] = disk(99, 1e9)
    await second.pass(300_000)
    expect(told(second)).toEqual([])
    second.says['Disk_mounts'] = disk(10, 90e9)
    await second.pass(400_000)
    expect(told(second)).toEqual([expect.stringMatching(/^recovery ok: Disk \/ is 10 % full/)])
  })

  it('ends a problem whose thing is gone, and says so, but not one of which nothing is known', async () => {
    const bench = await healthBench(fakeClock())
    bench.says['Disk_mounts'] = disk(99, 1e9)
    await bench.pass(120_000)
    bench.says['Disk_mounts'] = [{ error: 'took longer than 5 s' }]
    await bench.pass(900_000)
    bench.says['Disk_mounts'] = [
      { mount: '/', error: 'the file system does not answer' },
      { mount: '/other', percent: 1 },
    ]
    await bench.pass(900_000)
    expect(told(bench)).toHaveLength(1)
    bench.says['Disk_mounts'] = [{ mount: '/other', percent: 1 }]
    await bench.pass(200_000)
    expect(told(bench)[1]).toBe('recovery ok: Disk / is no longer there.')
  })

  it('judges every other disk while one does not answer', async () => {
    const bench = await healthBench(fakeClock())
    bench.says['Disk_mounts'] = [{ mount: '/broken', error: 'EIO' }, ...disk(99, 1e9)]
    await bench.pass(120_000)
    expect(told(bench)).toEqual(['problem critical: Disk / is 99 % full, 1.0 GB are left (critical).'])
  })

  it('drops a level at once when its limits are changed by hand, and says how long it was told', async () => {
    const bench = await healthBench(fakeClock())
    bench.says['Mem_memory'] = [{ percent: 50 }]
    const rule = {
      kind: 'memory-used',
      item: null,
      careful: 10,
      warning: 20,
      critical: 90,
      sustainS: 0,
    } as const
    await bench.health.change({ rules: [rule] })
    await bench.pass(600_000)
    expect(told(bench)).toEqual(['problem warning: Memory: 50 % (warning).'])
    await bench.health.change({ rules: [] })
    await bench.pass(20_000)
    expect(told(bench)[1]).toMatch(/^recovery ok: Memory: 50 %\. It lasted (?:9|10) min/)
  })

  it('knows of nothing while it is switched off, and begins anew when it is switched on', async () => {
    const bench = await healthBench(fakeClock())
    bench.says['Disk_mounts'] = disk(99, 1e9)
    await bench.pass(120_000)
    await bench.health.change({ enabled: false })
    expect(bench.health.desk.level).toBe('ok')
    bench.says['Disk_mounts'] = disk(10, 90e9)
    await bench.health.change({ enabled: true })
    await bench.pass(300_000)
    expect(told(bench)).toEqual([expect.stringMatching(/^problem critical/), 'recovery ok: '])
  })

  it('has room for what is new when containers come and go', async () => {
    const bench = await healthBench(fakeClock())
    for (let index = 0; index < 30; index += 1) {
      bench.says['Disk_mounts'] = Array.from({ length: 20 }, (_, at) => ({
        mount: `/c${index}-${at}`,
        percent: 5,
        inodes_percent: 1,
      }))
      await bench.pass(10_000)
    }
    bench.says['Disk_mounts'] = [{ mount: '/new', percent: 99, free_bytes: 1e9 }]
    await bench.pass(120_000)
    expect(bench.health.desk.metrics.size).toBeLessThanOrEqual(500)
    expect(told(bench)).toEqual(['problem critical: Disk /new is 99 % full, 1.0 GB are left (critical).'])
  })

  it('tells what is wanted: a service that must run, a drive that fails at once, or nothing', async () => {
    const bench = await healthBench(fakeClock())
    await bench.health.change({ services: ['nginx.service'], notifyFrom: 'critical' })
    bench.says['Services_watched'] = [{ unit: 'nginx.service', active: 'failed' }]
    bench.says['Hardware_drives'] = [{ drive: 'sda', smart: 'failing', worn_percent: null }]
    await bench.pass(120_000)
    expect(told(bench)).toEqual(['problem critical: Drive sda says that it fails (critical).'])
    await bench.health.change({ notifyFrom: 'warning' })
    expect(told(bench)[1]).toBe('problem warning: Service nginx.service does not run (warning).')
    await bench.health.change({ notifyFrom: 'never' })
    expect(told(bench).slice(2).sort()).toEqual(['recovery ok: ', 'recovery ok: '])
  })

  it('makes a report every interval, and none when it is switched off', async () => {
    const clock = fakeClock()
    const bench = await healthBench(clock)
    let count = 0
    const seen = new Set<unknown>()
    const look = async (ms: number): Promise<number> => {
      const before = seen.size
      for (let passed = 0; passed < ms; passed += 1_000) {
        await bench.pass(1_000)
        seen.add(bench.health.report)
      }
      count = seen.size - before
      return count
    }
    expect(await look(61_000)).toBeGreaterThanOrEqual(6)
    await bench.health.change({ intervalS: 30 })
    await look(2_000)
    expect(await look(60_000)).toBe(2)
    await bench.health.change({ enabled: false })
    await look(2_000)
    expect(await look(120_000)).toBe(0)
    expect(bench.health.isLive).toBe(false)
  })

  it('refuses settings that can only be a mistake, and keeps what was', async () => {
    const bench = await healthBench(fakeClock())
    const rule = {
      kind: 'disk-used',
      item: null,
      careful: 90,
      warning: 50,
      critical: null,
      sustainS: 0,
    } as const
    await expect(bench.health.change({ rules: [rule], intervalS: 99 })).rejects.toThrow('are not in order')
    expect(readSettings(bench.context.db)).toMatchObject({ intervalS: 10, rules: [] })
  })

  it('keeps a regular report every ten minutes, one of each alert, and thins them out', async () => {
    const clock = fakeClock()
    const bench = await healthBench(clock)
    bench.says['Disk_mounts'] = disk(50)
    await bench.pass(1_300_000)
    bench.says['Disk_mounts'] = disk(95, 1e9)
    await bench.pass(120_000)
    const kept = await bench.context.reader.ask('healthReports', { before: null, limit: 50, why: null })
    expect(kept.reports.map(({ why }) => why)).toEqual(['alert', 'regular', 'regular', 'start'])
    const { db } = bench.context
    const insert = db.prepare(
      'INSERT INTO health_report (at_ms, why, report) SELECT ?, ?, report FROM health_report LIMIT 1',
    )
    const nowMs = clock.glance().wallMs
    for (let hour = 0; hour < 24 * 400; hour += 1)
      insert.run(nowMs - hour * 3_600_000 - 1_800_000, hour % 1_000 === 500 ? 'alert' : 'regular')
    for (let tenth = 0; tenth < 24 * 6 * 5; tenth += 1) insert.run(nowMs - tenth * 600_000, 'regular')
    thinReports(db, nowMs)
    const count = (where: string): number =>
      db.prepare(`SELECT count(*) FROM health_report WHERE ${where}`).pluck().get() as number
    const day = 86_400_000
    expect(count(`at_ms < ${nowMs - 366 * day}`)).toBe(0)
    // Two days of each ten minutes, a month of hours, the rest of a year in days.
    expect(count(`why = 'regular' AND at_ms > ${nowMs - 2 * day}`)).toBeGreaterThan(280)
    const hours = count(`why = 'regular' AND at_ms BETWEEN ${nowMs - 31 * day} AND ${nowMs - 2 * day}`)
    expect(hours).toBeGreaterThanOrEqual(29 * 24 - 1)
    expect(hours).toBeLessThanOrEqual(29 * 24 + 1)
    const days = count(`why = 'regular' AND at_ms < ${nowMs - 31 * day}`)
    expect(days).toBeGreaterThanOrEqual(333)
    expect(days).toBeLessThanOrEqual(337)
    expect(count(`why = 'alert'`)).toBeGreaterThanOrEqual(8)
  })

  it('has its figures in the series, as they were, with what nobody saw', async () => {
    const clock = fakeClock()
    const bench = await healthBench(clock)
    bench.says['Mem_memory'] = [{ percent: 40 }]
    await bench.pass(300_000)
    bench.says['Mem_memory'] = [{ percent: 60 }]
    await bench.pass(300_000)
    await bench.health.flush()
    await bench.context.series.settle()
    const metric = [...bench.health.desk.metrics.values()].find(({ kind }) => kind === 'memory-used')
    const nowMs = clock.glance().wallMs
    const history = await bench.context.reader.ask('healthHistory', {
      metrics: [{ id: metric?.id ?? 0, kind: 'memory-used', item: '' }],
      blind: bench.context.observation.blindSpans(),
      sinceMs: nowMs - 3_600_000,
      untilMs: nowMs,
      points: 300,
      nowMs,
    })
    const [series] = history.series
    expect(series?.points.length).toBeGreaterThan(55)
    expect(new Set(series?.points.map(({ avg }) => avg))).toEqual(new Set([40, 60]))
    expect(history.unobserved).toHaveLength(1)
  })

  it('foresees a full disk from its past, and not from a day of nothing', async () => {
    const clock = fakeClock()
    const bench = await healthBench(clock)
    bench.says['Disk_mounts'] = disk(80)
    await bench.pass(30_000)
    const id = [...bench.health.desk.metrics.values()].find(({ kind }) => kind === 'disk-used')?.id ?? 0
    const nowMs = clock.glance().wallMs
    const ask = async (): Promise<number | null> =>
      (
        await bench.context.reader.ask('healthForecasts', { series: [{ id, item: '/' }], blind: [], nowMs })
      )[0]?.days ?? null
    for (let hour = 47; hour > 0; hour -= 1)
      bench.context.series.add(id, nowMs - hour * 3_600_000, 80 - hour / 6)
    await bench.health.flush()
    await bench.context.series.settle()
    const days = await ask()
    expect(days).not.toBeNull()
    // Four per cent a day, twenty left.
    expect(Math.abs((days ?? 0) - 5) / 5).toBeLessThan(0.1)
  })
})
