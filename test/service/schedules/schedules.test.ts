import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCoalMine } from '../../../electron/service/schedules/coal-mine.ts'
import { compileCron } from '../../../electron/service/schedules/cron.ts'
import { parseCalendar } from '../../../electron/service/schedules/on-calendar.ts'
import { compileSchedule } from '../../../electron/service/schedules/schedule.ts'
import { ScheduleError } from '../../../electron/service/schedules/schedule-error.ts'
import { instantOf, localTimeOf } from '../../../electron/service/schedules/zoned.ts'

/** The next times of a schedule, as ISO 8601 to the second. */
function times(next: (fromMs: number) => number | null, from: string, count: number): string[] {
  const list: string[] = []
  let atMs: number | null = Date.parse(from)
  while (list.length < count) {
    atMs = next(atMs)
    if (atMs === null) break
    list.push(new Date(atMs).toISOString().replace('.000Z', 'Z'))
  }
  return list
}

describe('a cron schedule', () => {
  it('comes at the next valid time in spring, when its hour is skipped', () => {
    expect(times(compileCron('30 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ])
  })
  it('comes once in autumn, when its hour comes twice', () => {
    expect(times(compileCron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ])
  })
  it('that comes every hour comes in both hours of autumn', () => {
    expect(times(compileCron('30 * * * *', 'Europe/Berlin'), '2026-10-24T23:45:00Z', 3)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '2026-10-25T02:30:00Z',
    ])
  })
  it('knows leap days, seconds, names and either of two days', () => {
    expect(times(compileCron('0 0 29 2 *', 'UTC'), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2028-02-29T00:00:00Z',
      '2032-02-29T00:00:00Z',
    ])
    expect(times(compileCron('*/20 * * * * *', 'UTC'), '2026-01-01T00:00:05Z', 2)).toEqual([
      '2026-01-01T00:00:20Z',
      '2026-01-01T00:00:40Z',
    ])
    expect(times(compileCron('0 0 13 * fri', 'UTC'), '2026-03-29T00:10:00Z', 2)).toEqual([
      '2026-04-03T00:00:00Z',
      '2026-04-10T00:00:00Z',
    ])
  })
  it('takes a step in a field of days for no restriction, as crontab does, and steps from a number on', () => {
    const next = (expression: string): string[] =>
      times(compileCron(expression, 'UTC'), '2026-11-21T00:00:00Z', 3)
    expect(next('0 0 */2 * 1')).toEqual([
      '2026-11-23T00:00:00Z',
      '2026-12-07T00:00:00Z',
      '2026-12-21T00:00:00Z',
    ])
    expect(next('0 0 1 * */2')).toEqual([
      '2026-12-01T00:00:00Z',
      '2027-04-01T00:00:00Z',
      '2027-05-01T00:00:00Z',
    ])
    expect(next('5/15 * * * *')).toEqual([
      '2026-11-21T00:05:00Z',
      '2026-11-21T00:20:00Z',
      '2026-11-21T00:35:00Z',
    ])
  })
  it.each(['', '* * *', '61 * * * *', '0 0 30 2 *', 'nonsense', '@reboot', '0 0 * * * * *'])(
    'refuses %j with a sentence',
    (expression) => {
      expect(() => compileSchedule({ kind: 'cron', expression, zone: 'UTC' })).toThrow(ScheduleError)
    },
  )
  it('refuses a zone that is none', () => {
    expect(() => compileSchedule({ kind: 'cron', expression: '0 0 * * *', zone: 'Mars/Phobos' })).toThrow(
      "'Mars/Phobos' is not a time zone",
    )
  })
})

describe('a calendar event of systemd', () => {
  const vectors = JSON.parse(
    readFileSync(new URL('../../fixtures/systemd-calendar.json', import.meta.url), 'utf8'),
  ) as [string, string, string[]][]
  it.each(vectors)('%s from %s comes when systemd-analyze says', (expression, from, expected) => {
    expect(times(parseCalendar(expression, 'UTC'), from, 3)).toEqual(expected)
  })
  it.each([
    '',
    'never',
    '25:00',
    '*-13-01',
    'Mon..Xyz 10:00',
    '2020-01-01',
    '*-02-30',
    '10:00 10:00 10:00',
    '* * *',
    '*:0/0',
  ])('refuses %j with a sentence', (expression) => {
    expect(() => compileSchedule({ kind: 'calendar', expression, zone: 'UTC' })).toThrow(ScheduleError)
  })
  it('skips a time that the clocks skip, and comes once where it comes twice', () => {
    const next = parseCalendar('*-*-* 02:30:00', 'America/New_York')
    expect(times(next, '2026-03-07T12:00:00Z', 2)).toEqual(['2026-03-09T06:30:00Z', '2026-03-10T06:30:00Z'])
    const twice = parseCalendar('*-*-* 01:30:00', 'America/New_York')
    expect(times(twice, '2026-11-01T04:00:00Z', 2)).toEqual(['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z'])
  })
})

describe('the clocks of a zone', () => {
  it('turn instants into local times and back, but for the second of two equal ones', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2020, 0, 1) / 1_000, max: Date.UTC(2035, 0, 1) / 1_000 }),
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'Asia/Kathmandu'),
        (seconds, zone) => {
          const at = seconds * 1_000
          const back = instantOf(localTimeOf(at, zone), zone)
          if (back === null || back > at) return false
          return back === at || at - back <= 3_600_000
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe("Coal Mine's periods by calendar", () => {
  const deadline = (text: string, from: string): string | null => {
    const at = parseCoalMine(text).deadline(Date.parse(from))
    return at === null ? null : new Date(at).toISOString()
  }
  it.each([
    ['* 0 * * * 120', '2016-06-30T01:00:00Z', '2016-07-01T00:02:00.000Z'],
    ['* 0 * * * 120', '2016-06-30T00:59:00Z', '2016-07-01T00:02:00.000Z'],
    ['* 0 * * * 120; * 1 * * * 600', '2016-06-30T00:59:00Z', '2016-06-30T01:09:00.000Z'],
    ['* 0 * * * 120', '2016-06-30T00:10:00Z', '2016-06-30T00:12:00.000Z'],
    [
      '* * * * sat,sun 300 ; * 13-23 * * mon-fri 90; # nights are free',
      '2016-07-01T23:59:00Z',
      '2016-07-02T00:04:00.000Z',
    ],
    ['* * * * * 1.5', '2016-06-30T00:10:00Z', '2016-06-30T00:10:01.500Z'],
  ])('%s from %s is due at %s', (text, from, expected) => {
    expect(deadline(text, from)).toBe(expected)
  })
  it('lists stretches over a week at least, begun where they are asked from', () => {
    const stretches = parseCoalMine('* 0 * * * 120').stretches(Date.parse('2016-06-30T12:00:00Z'))
    expect(stretches.length).toBeGreaterThanOrEqual(7)
    expect(stretches[0]).toEqual([Date.parse('2016-07-01T00:00Z'), Date.parse('2016-07-01T01:00Z'), 120])
  })
  it.each([
    ['* * * * * 5\n', 'malformed periodicity: no newlines allowed'],
    ['* * * * * x', 'malformed periodicity; each crontab schedule "command" must be a positive number'],
    ['* * * * * 0', 'malformed periodicity; each crontab schedule "command" must be a positive number'],
    ['* 0-5 * * * 5; * 5 * * * 7', 'malformed periodicity: overlapping schedule entries are not allowed'],
    ['* * * *', 'malformed periodicity: must be positive number'],
    ['-5', 'malformed periodicity: must be positive number'],
    ['99 * * * * 5', 'malformed periodicity: must be positive number'],
  ])('refuses %j in its own words', (text, words) => {
    expect(() => parseCoalMine(text)).toThrow(words)
  })
})
