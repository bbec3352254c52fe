import { describe, expect, it } from 'vitest'
import { changesBetween, type ReportState } from '../../../electron/service/health/changes.ts'
import type { Row } from '../../../electron/service/health/report.ts'

const state = (
  functions: Readonly<Record<string, readonly Row[]>>,
  packages: ReportState['packages'] = null,
): ReportState => ({
  packages,
  report: {
    name: 'Daemon report',
    datetime: '',
    worker_reports: [
      {
        name: 'All',
        datetime: '',
        function_reports: Object.entries(functions).map(([name, data]) => ({ name, datetime: '', data })),
      },
    ],
  },
})

describe('what changed', () => {
  it('names packages, drivers, hardware, disks, services and settings of the clock', () => {
    const before = state(
      {
        Hardware_system: [{ kernel: '6.1.0-20', memory_bytes: 16e9, model: 'X' }],
        Hardware_modules: [{ count: 2, modules: ['a', 'b'] }],
        Hardware_drives: [{ drive: 'sda', model: 'Old', bytes: 1e12, smart: 'passed', reallocated: 0 }],
        Disk_mounts: [
          { mount: '/', device: '/dev/sda1', percent: 40, total_bytes: 1e12 },
          { mount: '/old', percent: 1 },
        ],
        Network_ports: [{ protocol: 'tcp', address: '0.0.0.0', port: 22 }],
        Services_failed: [{ unit: 'a.service', active: 'failed' }],
        Clock_zone: [{ zone: 'Europe/Berlin', utc_offset_minutes: 60 }],
        Mem_memory: [{ percent: 50 }],
      },
      { bash: '5.1', gone: '1' },
    )
    const after = state(
      {
        Hardware_system: [{ kernel: '6.1.0-21', memory_bytes: 8e9, model: 'X' }],
        Hardware_modules: [{ count: 2, modules: ['b', 'c'] }],
        Hardware_drives: [{ drive: 'sda', model: 'Old', bytes: 1e12, smart: 'failing', reallocated: 8 }],
        Disk_mounts: [{ mount: '/', device: '/dev/sda1', percent: 60, total_bytes: 1e12 }],
        Network_ports: [
          { protocol: 'tcp', address: '0.0.0.0', port: 22 },
          { protocol: 'tcp', address: '::', port: 80 },
        ],
        Services_failed: [],
        Clock_zone: [{ zone: 'Europe/Berlin', utc_offset_minutes: 120 }],
        Mem_memory: [{ percent: 52 }],
      },
      { bash: '5.2', fresh: '3' },
    )
    expect(
      changesBetween(before, after).map(({ area, what, how, before: from, after: to }) => [
        area,
        what,
        how,
        from,
        to,
      ]),
    ).toEqual([
      ['System', 'kernel', 'changed', '6.1.0-20', '6.1.0-21'],
      ['System', 'memory', 'changed', '16.0 GB', '8.0 GB'],
      ['Drives', 'sda smart', 'changed', 'passed', 'failing'],
      ['Drives', 'sda reallocated', 'changed', '0', '8'],
      ['Disks', '/old', 'removed', '', ''],
      ['Ports', 'tcp [::]:80', 'added', '', ''],
      ['Services', 'a.service', 'removed', 'failed', ''],
      ['Clock', 'utc offset minutes', 'changed', '60', '120'],
      ['Kernel modules', 'c', 'added', '', ''],
      ['Kernel modules', 'a', 'removed', '', ''],
      ['Packages', 'bash', 'changed', '5.1', '5.2'],
      ['Packages', 'fresh', 'added', '', '3'],
      ['Packages', 'gone', 'removed', '1', ''],
      ['Room', 'disk /', 'changed', '40 % used', '60 % used'],
    ])
  })

  it('takes nothing for gone because a function told nothing once', () => {
    const full = state(
      { Disk_mounts: [{ mount: '/', device: 'x' }], Hardware_modules: [{ modules: ['a'] }] },
      { a: '1' },
    )
    const failed = state({
      Disk_mounts: [{ error: 'took longer than 5 s' }],
      Hardware_modules: [{ not_offered: 'none' }],
    })
    expect(changesBetween(full, failed)).toEqual([])
    expect(changesBetween(failed, full)).toEqual([])
    expect(changesBetween(full, full)).toEqual([])
  })
})
