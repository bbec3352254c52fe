import { ScheduleError } from './schedule-error.ts'

/** Coal Mine's calendar of periods: which period holds when, in UTC. */
export interface CoalMineSchedule {
  /** Returns the time (ms) by which a trigger is due that is counted from `fromMs`; null when no period holds within a year. */
  deadline(fromMs: number): number | null
  periodAt(atMs: number): number | null
  /** Returns `[begin, end, seconds]` of every stretch from `fromMs` on that covers at least a week. Times in ms. */
  stretches(fromMs: number): [number, number, number][]
}

interface Rule {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly anyDay: boolean
  readonly anyWeekday: boolean
  readonly seconds: number
}

const minuteMs = 60_000
const dayMinutes = 24 * 60
const weekMinutes = 7 * dayMinutes
/** A period that does not hold within a year and a day never does, but on leap days. */
const mostMinutes = 366 * dayMinutes

/** Each pair of rules is checked for overlap. */
const mostRules = 20

const malformed =
  'malformed periodicity: must be positive number or semicolon-delimited crontab schedule; see documentation for more information'
export const noNewlines = 'malformed periodicity: no newlines allowed'
const badCommand = 'malformed periodicity; each crontab schedule "command" must be a positive number'
const neverDue = 'malformed periodicity: no period fits into the time in which it holds'
const overlapping = 'malformed periodicity: overlapping schedule entries are not allowed'

const names = {
  months: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  weekdays: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
} as const

/**
 * Reads `crontab line seconds; crontab line seconds; # comment`, with Coal Mine's own messages
 * (https://github.com/quantopian/coal-mine).
 *
 * @throws ScheduleError
 */
export function parseCoalMine(text: string): CoalMineSchedule {
  if (/[\r\n]/.test(text)) throw new ScheduleError(noNewlines)
  const rules = text
    .split(';')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseRule)
  if (rules.length === 0 || rules.length > mostRules) throw new ScheduleError(malformed)
  checkOverlap(rules)
  const schedule = scheduleOf(rules)
  if (schedule.deadline(Date.UTC(2026, 0, 1)) === null) throw new ScheduleError(neverDue)
  return schedule
}

function parseRule(line: string): Rule {
  const fields = line.split(/\s+/)
  if (fields.length !== 6) throw new ScheduleError(malformed)
  const [minute = '', hour = '', day = '', month = '', weekday = '', command = ''] = fields
  const seconds = Number(command)
  if (!/^\d+(?:\.\d+)?$/.test(command) || !(seconds > 0)) throw new ScheduleError(badCommand)
  const weekdays = parseField(weekday, 0, 7, names.weekdays)
  if (weekdays.delete(7)) weekdays.add(0)
  return {
    minutes: parseField(minute, 0, 59),
    hours: parseField(hour, 0, 23),
    days: parseField(day, 1, 31),
    months: parseField(month, 1, 12, names.months),
    weekdays,
    anyDay: day.startsWith('*'),
    anyWeekday: weekday.startsWith('*'),
    seconds,
  }
}

function parseField(text: string, least: number, most: number, words: readonly string[] = []): Set<number> {
  const values = new Set<number>()
  const valueOf = (word: string): number => {
    const index = words.indexOf(word.toLowerCase())
    const value = index >= 0 ? index + least : /^\d+$/.test(word) ? Number(word) : Number.NaN
    if (!(value >= least && value <= most)) throw new ScheduleError(malformed)
    return value
  }
  for (const part of text.split(',')) {
    const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(part)
    if (!match) throw new ScheduleError(malformed)
    const [, star, first = '', last, step = '1'] = match
    const from = star ? least : valueOf(first)
    const to = star ? most : last === undefined ? (match[4] === undefined ? from : most) : valueOf(last)
    if (to < from || Number(step) < 1) throw new ScheduleError(malformed)
    for (let value = from; value <= to; value += Number(step)) values.add(value)
  }
  return values
}

function holds(rule: Rule, date: Date): boolean {
  return rule.minutes.has(date.getUTCMinutes()) && rule.hours.has(date.getUTCHours()) && isOnDay(rule, date)
}

function isOnDay(rule: Rule, date: Date): boolean {
  if (!rule.months.has(date.getUTCMonth() + 1)) return false
  const isDay = rule.days.has(date.getUTCDate())
  const isWeekday = rule.weekdays.has(date.getUTCDay())
  // crontab(5): with both fields restricted, either suffices.
  if (rule.anyDay || rule.anyWeekday) return isDay && isWeekday
  return isDay || isWeekday
}

function checkOverlap(rules: readonly Rule[]): void {
  for (const [index, rule] of rules.entries()) {
    for (const other of rules.slice(index + 1)) {
      const sharesTime =
        intersects(rule.minutes, other.minutes) &&
        intersects(rule.hours, other.hours) &&
        intersects(rule.months, other.months)
      if (sharesTime && sharesDay(rule, other)) throw new ScheduleError(overlapping)
    }
  }
}

function intersects(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const value of a) if (b.has(value)) return true
  return false
}

function sharesDay(rule: Rule, other: Rule): boolean {
  if (rule.anyDay && other.anyDay) return intersects(rule.weekdays, other.weekdays)
  if (rule.anyWeekday && other.anyWeekday) return intersects(rule.days, other.days)
  const minute = [...rule.minutes].find((value) => other.minutes.has(value)) ?? 0
  const hour = [...rule.hours].find((value) => other.hours.has(value)) ?? 0
  // The Gregorian calendar repeats its weekdays after 28 years within a century.
  for (let day = 0; day < 28 * 366; day += 1) {
    const date = new Date(Date.UTC(2000, 0, 1 + day, hour, minute))
    if (holds(rule, date) && holds(other, date)) return true
  }
  return false
}

function scheduleOf(rules: readonly Rule[]): CoalMineSchedule {
  const secondsAt = (minute: number): number | null => {
    const date = new Date(minute * minuteMs)
    return rules.find((rule) => holds(rule, date))?.seconds ?? null
  }
  const fillsHours = rules.every(({ minutes }) => minutes.size === 60)
  const fillsDays = fillsHours && rules.every(({ hours }) => hours.size === 24)
  /** Returns a minute up to which nothing changes: the end of the day or hour where no rule looks any closer. */
  const sameUntil = (minute: number): number => {
    const date = new Date(minute * minuteMs)
    const isDayOff = !rules.some((rule) => isOnDay(rule, date))
    if (fillsDays || isDayOff) return (Math.floor(minute / dayMinutes) + 1) * dayMinutes
    const isHourOff = !rules.some((rule) => rule.hours.has(date.getUTCHours()))
    return fillsHours || isHourOff ? (Math.floor(minute / 60) + 1) * 60 : minute + 1
  }
  return {
    deadline(fromMs) {
      let fromClock = fromMs
      const first = Math.floor(fromMs / minuteMs)
      for (let minute = first, end = first; minute < first + mostMinutes; minute = end) {
        end = sameUntil(minute)
        const endMs = end * minuteMs
        const seconds = secondsAt(minute)
        // A gap counts as paused: the time begins to run anew after it.
        if (seconds === null) fromClock = endMs
        else {
          const due = Math.max(fromClock + seconds * 1_000, minute * minuteMs)
          if (due <= endMs) return due
        }
      }
      return null
    },
    periodAt(atMs) {
      const seconds = secondsAt(Math.floor(atMs / minuteMs))
      return seconds === null ? null : seconds * 1_000
    },
    stretches(fromMs) {
      const list: [number, number, number][] = []
      const first = Math.floor(fromMs / minuteMs)
      let begin = first
      for (let minute = first + 1; minute <= first + 2 * weekMinutes; minute += 1) {
        const seconds = secondsAt(begin)
        if (secondsAt(minute) === seconds && minute < first + 2 * weekMinutes) continue
        if (seconds !== null) list.push([begin * minuteMs, minute * minuteMs, seconds])
        begin = minute
        if (minute >= first + weekMinutes) break
      }
      return list
    },
  }
}
