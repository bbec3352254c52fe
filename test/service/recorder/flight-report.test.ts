import { describe, expect, it } from 'vitest'
import { flightReport } from '../../../electron/service/recorder/flight-report.ts'
import { pythonDuration, pythonTimestamp } from '../../../electron/service/recorder/python-text.ts'

/** Returns the report of rows of (duration, last_ts) in seconds, given in the order of their ids. */
function report(rows: readonly (readonly [number, number])[]): string[] {
  const read = rows.map(([duration, lastTs], index) => ({
    id: index + 1,
    begin: lastTs - duration,
    end: lastTs,
  }))
  return [...flightReport(read)].join('').split('\n').slice(0, -1)
}

describe('flightReport (time zone UTC)', () => {
  it('prints the example of flight-recorder’s own documentation', () => {
    expect(
      report([
        [620.586976, 1592363725.5],
        [10, 1592363801.2],
      ]),
    ).toEqual([
      'DOWNTIME #1: -INF => 2020-06-17 03:05:04 (INF)',
      '',
      'UPTIME #1: 2020-06-17 03:05:04 => 2020-06-17 03:15:25 (0:10:20.586976)',
      '\tFLIGHT #1: 2020-06-17 03:05:04 => 2020-06-17 03:15:25 (0:10:20.586976)',
      'DOWNTIME #2: 2020-06-17 03:15:25 => 2020-06-17 03:16:31 (0:01:05.700000)',
      '',
      'UPTIME #2: 2020-06-17 03:16:31 => 2020-06-17 03:16:41 (0:00:10)',
      '\tFLIGHT #2: 2020-06-17 03:16:31 => 2020-06-17 03:16:41 (0:00:10)',
    ])
  })

  it('collapses overlapping flights and orders them by end', () => {
    expect(
      report([
        [100, 1600000100],
        [150, 1600000200],
        [10, 1600000060],
      ]),
    ).toEqual([
      'DOWNTIME #1: -INF => 2020-09-13 12:26:40 (INF)',
      '',
      'UPTIME #1: 2020-09-13 12:26:40 => 2020-09-13 12:30:00 (0:03:20)',
      '\tFLIGHT #3: 2020-09-13 12:27:30 => 2020-09-13 12:27:40 (0:00:10)',
      '\tFLIGHT #1: 2020-09-13 12:26:40 => 2020-09-13 12:28:20 (0:01:40)',
      '\tFLIGHT #2: 2020-09-13 12:27:30 => 2020-09-13 12:30:00 (0:02:30)',
    ])
  })

  it('keeps short flights inside a long one in one uptime', () => {
    const lines = report([
      [1000, 1600001000],
      [10, 1600000100],
      [10, 1600000200],
      [5, 1600002000],
    ])
    expect(lines.filter((line) => !line.startsWith('\t'))).toEqual([
      'DOWNTIME #1: -INF => 2020-09-13 12:26:40 (INF)',
      '',
      'UPTIME #1: 2020-09-13 12:26:40 => 2020-09-13 12:43:20 (0:16:40)',
      'DOWNTIME #2: 2020-09-13 12:43:20 => 2020-09-13 12:59:55 (0:16:35)',
      '',
      'UPTIME #2: 2020-09-13 12:59:55 => 2020-09-13 13:00:00 (0:00:05)',
    ])
    expect(lines.filter((line) => line.startsWith('\t')).map((line) => /#(\d+)/.exec(line)?.[1])).toEqual([
      '2',
      '3',
      '1',
      '4',
    ])
  })

  it('prints days, fractions and rounding as Python does', () => {
    const lines = report([
      [86400, 1600000000],
      [176461.5, 1600864000.25],
      [1.0000005, 1700000000],
    ])
    const durations = lines
      .filter((line) => /^(UP|DOWN)TIME/.test(line))
      .map((line) => /\((.*)\)$/.exec(line)?.[1])
    expect(durations).toEqual([
      'INF',
      '1 day, 0:00:00',
      '7 days, 22:58:58.750000',
      '2 days, 1:01:01.500000',
      '1147 days, 9:46:38.750000',
      '0:00:01',
    ])
  })

  it('prints a flight of no length', () => {
    expect(report([[0, 1600000000]])[2]).toBe(
      'UPTIME #1: 2020-09-13 12:26:40 => 2020-09-13 12:26:40 (0:00:00)',
    )
  })

  it('merges touching flights without a downtime of 0 s', () => {
    expect(
      report([
        [10, 1600000010],
        [10, 1600000020],
      ]).filter((line) => line.startsWith('DOWNTIME')),
    ).toHaveLength(1)
  })

  it('prints nothing for an empty table', () => {
    expect(report([])).toEqual([])
  })

  it('refuses times that Python cannot print', () => {
    expect(() => report([[0, 1e15]])).toThrow(RangeError)
  })
})

describe('pythonTimestamp', () => {
  it('rounds to microseconds before it cuts the fraction', () => {
    expect(pythonTimestamp(1600000015.9999999)).toBe('2020-09-13 12:26:56')
    expect(pythonTimestamp(1600000015.9999)).toBe('2020-09-13 12:26:55')
  })
})

describe('pythonDuration', () => {
  it('rounds half to even', () => {
    expect(pythonDuration(0, 0.0000005)).toBe('0:00:00')
    expect(pythonDuration(0, 0.0000015)).toBe('0:00:00.000002')
  })
})
