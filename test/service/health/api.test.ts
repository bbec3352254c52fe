import { describe, expect, it } from 'vitest'
import type {
  HealthChanges,
  HealthHistory,
  HealthPlugIns,
  HealthSettings,
  HealthSummary,
  KeptReport,
  KeptReports,
} from '../../../electron/shared/api/health.ts'
import type { DaemonReport } from '../../../electron/service/health/report.ts'
import type { Worker } from '../../../electron/service/health/workers/worker.ts'
import { quietHealth } from '../../support/health-bench.ts'
import { startTestService, type TestService } from '../../support/service.ts'

const machine: { percent: number; mounts: string[] } = { percent: 40, mounts: ['/'] }
const workers: readonly Worker[] = [
  {
    name: 'CPU',
    functions: [{ name: 'CPU_avgLoad', run: () => [{ '1min': 0.5, '5min': 0.25, '15min': 0 }] }],
  },
  {
    name: 'Disk',
    functions: [
      {
        name: 'Disk_mounts',
        run: () =>
          machine.mounts.map((mount) => ({
            mount,
            percent: machine.percent,
            free_bytes: 1e9,
            device: `dev"${mount}`,
            type: 'ext4',
            total_bytes: 5e9,
          })),
      },
      { name: 'Disk_broken', run: () => Promise.reject(new Error('broken')) },
      { name: 'Disk_none', run: () => [{ not_offered: 'no such thing' }] },
    ],
  },
]

async function serviceWithReport(): Promise<
  TestService & { json<T>(path: string, init?: RequestInit): Promise<T> }
> {
  const test = await startTestService({ health: quietHealth(workers) })
  await test.service.health.sample()
  return {
    ...test,
    async json<T>(path: string, init?: RequestInit): Promise<T> {
      const response = await test.fetch(path, init)
      const text = await response.text()
      if (!response.ok) throw new Error(`${response.status} ${text}`)
      return JSON.parse(text) as T
    },
  }
}
const patch = (body: unknown): RequestInit => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

describe('the API of health', () => {
  it('has the report as JSON with tabs and as text, whole and by worker', async () => {
    const test = await serviceWithReport()
    const response = await test.fetch('/health/report')
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    const text = await response.text()
    expect(text).toContain('\n\t"worker_reports": [\n\t\t{\n\t\t\t"name": "CPU",')
    const report = JSON.parse(text) as DaemonReport
    expect(report.worker_reports[1]?.function_reports.map(({ name, data }) => [name, data])).toEqual([
      ['Disk_broken', [{ error: 'broken' }]],
      [
        'Disk_mounts',
        [{ mount: '/', percent: 40, free_bytes: 1e9, device: 'dev"/', type: 'ext4', total_bytes: 5e9 }],
      ],
      ['Disk_none', [{ not_offered: 'no such thing' }]],
    ])
    const brief = await (await test.fetch('/health/report?format=text&view=brief')).text()
    expect(brief).toMatch(
      /^\nDaemon report\nDate: .*\nCPU report\nDate: .*\n1min: 0\.5\n5min: 0\.25\n15min: 0\nDisk report\n/,
    )
    const worker = await test.json<{ name: string }>('/health/report/cpu')
    expect(worker.name).toBe('CPU')
    expect(await (await test.fetch('/health/report/CPU?format=text')).text()).toMatch(/^CPU report\n/)
  })

  it.each([
    ['GET', '/health/report/Nope', 404, "there is no worker 'Nope'"],
    ['GET', '/health/report?format=xml', 400, 'format'],
    ['GET', '/api/v1/health/history?metric=nonsense', 400, "'nonsense' is neither an id nor one of"],
    ['GET', '/api/v1/health/history?metric=99', 400, 'there is no metric 99'],
    ['GET', '/api/v1/health/history?last=soon', 400, "last: 'soon' is not a span"],
    ['GET', '/api/v1/health/history?points=1', 400, 'points'],
    ['GET', '/api/v1/health/reports/77', 404, 'there is no report 77'],
    ['GET', '/api/v1/health/reports/77/changes', 404, 'there is no report 77'],
    ['GET', '/api/v1/health/reports/x', 400, 'id'],
    ['GET', '/api/v1/health/reports?limit=0', 400, 'limit'],
  ])('answers %s %s with %i', async (method, path, status, words) => {
    const test = await serviceWithReport()
    const response = await test.fetch(path, { method })
    expect(response.status).toBe(status)
    expect(((await response.json()) as { error: string }).error).toContain(words)
  })

  it.each([
    [{ intervalS: 0 }],
    [{ intervalS: 'x' }],
    [{ notifyFrom: 'always' }],
    [{ nonsense: 1 }],
    [{ services: ['a; rm -rf /'] }],
    [{ rules: [{ kind: 'cpu-busy' }] }],
    [{ rules: [{ kind: 'cpu-busy', item: null, careful: 90, warning: 10, critical: null, sustainS: 0 }] }],
    [{ plugInMegabytes: 1 }],
  ])('refuses the settings %o and keeps what was', async (body) => {
    const test = await serviceWithReport()
    const before = await test.json<HealthSettings>('/api/v1/health/settings')
    const response = await test.fetch('/api/v1/health/settings', patch(body))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.any(String) as string })
    expect(await test.json<HealthSettings>('/api/v1/health/settings')).toEqual(before)
  })

  it('shows every figure with its level, its limits and its age, and what failed', async () => {
    const test = await serviceWithReport()
    await test.json(
      '/api/v1/health/settings',
      patch({
        rules: [{ kind: 'disk-used', item: '/', careful: null, warning: 30, critical: null, sustainS: 0 }],
      }),
    )
    await test.service.health.sample()
    const summary = await test.json<HealthSummary>('/api/v1/health')
    expect(summary).toMatchObject({
      level: 'warning',
      sentence: 'Disk / is 40 % full; 1 function could not be run.',
      isStale: false,
      intervalS: 10,
    })
    expect(summary.metrics.find(({ kind }) => kind === 'disk-used')).toMatchObject({
      name: 'Disk /',
      value: 40,
      text: '40 %',
      level: 'warning',
      limits: { careful: null, warning: 30, critical: null },
      isStale: false,
    })
    expect(summary.workers[1]?.functions).toEqual([
      { name: 'Disk_broken', state: 'failed', why: 'broken', rows: 0 },
      { name: 'Disk_mounts', state: 'ok', why: '', rows: 1 },
      { name: 'Disk_none', state: 'not-offered', why: 'no such thing', rows: 0 },
    ])
    const overview = await test.json<{ state: string; problems: { room: string; item: string }[] }>(
      '/api/v1/overview',
    )
    expect(overview).toMatchObject({ state: 'degraded', problems: [{ room: 'health', item: 'disk-used /' }] })
    machine.mounts = []
    await test.service.health.sample()
    machine.mounts = ['/']
    const later = await test.json<HealthSummary>('/api/v1/health')
    expect(later.metrics.find(({ kind }) => kind === 'disk-used')).toMatchObject({
      value: 40,
      isStale: true,
      level: 'warning',
    })
  })

  it('does not call stale what a rare function has told and tells again', async () => {
    const rare: Worker = {
      name: 'Hardware',
      functions: [
        { name: 'Hardware_drives', everyMs: 3_600_000, run: () => [{ drive: 'sda', smart: 'passed' }] },
      ],
    }
    const test = await startTestService({ health: quietHealth([rare]) })
    await test.service.health.sample()
    await test.service.health.sample()
    const { metrics } = (await (await test.fetch('/api/v1/health')).json()) as HealthSummary
    expect(metrics.find(({ kind }) => kind === 'drive-failing')).toMatchObject({ value: 0, isStale: false })
  })

  it('has history, kept reports and what changed between them', async () => {
    const test = await serviceWithReport()
    const asked = await test.json<KeptReport>('/api/v1/health/reports', { method: 'POST' })
    expect(asked).toMatchObject({ why: 'asked' })
    machine.mounts = ['/', '/new']
    await test.service.health.sample()
    const changes = await test.json<HealthChanges>(`/api/v1/health/reports/${asked.id}/changes`)
    machine.mounts = ['/']
    expect(changes.changes).toEqual([
      { area: 'Disks', what: '/new', how: 'added', before: '', after: 'dev"/new, ext4, 5.0 GB' },
    ])
    const { reports } = await test.json<KeptReports>('/api/v1/health/reports')
    expect(reports.map(({ why }) => why)).toEqual(['asked', 'start'])
    expect(await (await test.fetch(`/api/v1/health/reports/${asked.id}?format=text`)).text()).toContain(
      'Disk_mounts',
    )
    const history = await test.json<HealthHistory>(
      '/api/v1/health/history?metric=disk-used,own-memory&last=1h',
    )
    expect(history.series.map(({ kind }) => kind)).toEqual(['disk-used', 'disk-used', 'own-memory'])
  })

  it('says that there is no report while it is switched off', async () => {
    const test = await serviceWithReport()
    await test.json('/api/v1/health/settings', patch({ enabled: false }))
    const response = await test.fetch('/health/report')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ error: 'reports of this machine are switched off' })
    expect(await test.json<HealthSummary>('/api/v1/health')).toMatchObject({ enabled: false, isStale: true })
  })

  it('wants the key for all of it, and one that may write for the settings', async () => {
    const test = await serviceWithReport()
    for (const path of [
      '/health/report',
      '/api/v1/health',
      '/api/v1/health/history',
      '/api/v1/health/settings',
    ])
      expect((await test.fetch(path, { key: null })).status).toBe(401)
    const made = await test.json<{ key: string }>('/api/v1/keys', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'r', scope: 'read' }),
    })
    expect((await test.fetch('/health/report', { key: made.key })).status).toBe(200)
    expect(
      (await test.fetch('/api/v1/health/settings', { ...patch({ enabled: false }), key: made.key })).status,
    ).toBe(403)
  })

  it('names plug-ins and their folder', async () => {
    const test = await serviceWithReport()
    const found = await test.json<HealthPlugIns>('/api/v1/health/plugins')
    expect(found).toMatchObject({ enabled: true, plugIns: [] })
    expect(found.folder).toMatch(/health-plugins$/)
  })

  it('has figures for Prometheus, with node_exporter’s names only while they are wanted', async () => {
    const test = await serviceWithReport()
    const scrape = async (): Promise<string> => (await test.fetch('/metrics')).text()
    const text = await scrape()
    expect(text).toContain('watchkeeper_health{kind="disk-used",item="/"} 40\n')
    expect(text).toContain('watchkeeper_health_level{kind="disk-used",item="/"} 0\n')
    expect(text).toContain('# TYPE node_load1 gauge\nnode_load1 0.5\n')
    expect(text).toContain(
      'node_filesystem_size_bytes{device="dev\\"/",fstype="ext4",mountpoint="/"} 5000000000\n',
    )
    expect(await scrape()).toContain('node_load1 0.5\n')
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(names).size).toBe(names.length)
    await test.json('/api/v1/health/settings', patch({ nodeNames: false }))
    expect(await scrape()).not.toContain('node_')
    await test.json('/api/v1/health/settings', patch({ nodeNames: true }))
    expect(await scrape()).toContain('node_load1 0.5\n')
  })
})
