import { describe, expect, it } from 'vitest'
import {
  notOffered,
  reportJson,
  reportText,
  rowsIn,
  seedTime,
  workerText,
  type DaemonReport,
} from '../../../electron/service/health/report.ts'

const at = '2026-11-21 10:17:18.922360'
const report: DaemonReport = {
  name: 'Daemon report',
  datetime: '2026-11-21 10:17:18.922854',
  worker_reports: [
    {
      name: 'CPU',
      datetime: at,
      function_reports: [
        {
          name: 'CPU_avgLoad',
          datetime: at,
          data: [{ '1min': 0.2001953125, '5min': 0.23486328125, '15min': 0.3056640625 }],
        },
        {
          name: 'CPU_currentTimes',
          datetime: at,
          data: [
            { user: 146.88, CPU: 0 },
            { user: 1, CPU: 1 },
          ],
        },
      ],
    },
  ],
}

describe('a report', () => {
  it('is the text of system-health-daemon to the letter', () => {
    expect(reportText(report, 'brief')).toBe(`
Daemon report
Date: 2026-11-21 10:17:18.922854
CPU report
Date: 2026-11-21 10:17:18.922360
1min: 0.2001953125
5min: 0.23486328125
15min: 0.3056640625
`)
  })

  it('has in its full text what the brief one has, and every other function with the numbers of the JSON', () => {
    const full = reportText(report, 'full')
    expect(full.startsWith(reportText(report, 'brief'))).toBe(true)
    expect(full).toContain('CPU_currentTimes\n  user: 146.88, CPU: 0\n  user: 1, CPU: 1\n')
  })

  it('is JSON indented by tabs with the three shapes of keys, in order', () => {
    const text = reportJson(report)
    expect(text.split('\n').slice(0, 5)).toEqual([
      '{',
      '\t"name": "Daemon report",',
      '\t"datetime": "2026-11-21 10:17:18.922854",',
      '\t"worker_reports": [',
      '\t\t{',
    ])
    const [worker] = (JSON.parse(text) as DaemonReport).worker_reports
    expect(Object.keys(report)).toEqual(['name', 'datetime', 'worker_reports'])
    expect(Object.keys(worker ?? {})).toEqual(['name', 'datetime', 'function_reports'])
    expect(Object.keys(worker?.function_reports[0] ?? {})).toEqual(['name', 'datetime', 'data'])
  })

  it('has local times without a zone, and no fraction when it is nought', () => {
    const local = new Date(2026, 10, 21, 10, 17, 18)
    expect(seedTime(local.getTime())).toBe('2026-11-21 10:17:18')
    expect(seedTime(local.getTime() + 7)).toBe('2026-11-21 10:17:18.007000')
  })

  it('keeps what a plug-in writes on one line', () => {
    const evil = {
      name: 'X',
      datetime: at,
      function_reports: [{ name: 'X_y', datetime: at, data: [{ a: 'one\ntwo\u001b[2J' }] }],
    }
    expect(workerText(evil, 'full')).toBe(`X report\nDate: ${at}\na: one two [2J\n`)
  })

  it('has no rows where a function failed or tells that there is nothing', () => {
    const with_ = (data: readonly { [key: string]: string }[]): DaemonReport => ({
      ...report,
      worker_reports: [{ name: 'A', datetime: at, function_reports: [{ name: 'A_b', datetime: at, data }] }],
    })
    expect(rowsIn(with_([...notOffered('none')] as { [key: string]: string }[]), 'A_b')).toEqual([])
    expect(rowsIn(with_([{ error: 'broken' }]), 'A_b')).toEqual([])
    expect(rowsIn(with_([{ x: 'y' }]), 'A_b')).toEqual([{ x: 'y' }])
    expect(rowsIn(with_([]), 'A_c')).toEqual([])
  })
})
