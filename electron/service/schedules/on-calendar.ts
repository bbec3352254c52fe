import { ScheduleError } from './schedule-error.ts'
import { instantOf, localTimeOf } from './zoned.ts'

/** One component: every value that it lets through, or null for any. Values of `~` count from the month's end. */
type Component = ReadonlySet<number> | null

interface Calendar {
  readonly weekdays: ReadonlySet<number> | null
  readonly years: (year: number) => boolean
  readonly months: Component
  readonly days: Component
  readonly daysFromEnd: boolean
  readonly hours: readonly number[]
  readonly minutes: readonly number[]
  readonly seconds: readonly number[]
  readonly zone: string
}

/** Shorthands of systemd.time(7). */
const shorthands: Readonly<Record<string, string>> = {
  minutely: '*-*-* *:*:00',
  hourly: '*-*-* *:00:00',
  daily: '*-*-* 00:00:00',
  weekly: 'Mon *-*-* 00:00:00',
  monthly: '*-*-01 00:00:00',
  quarterly: '*-01,04,07,10-01 00:00:00',
  semiannually: '*-01,07-01 00:00:00',
  'semi-annually': '*-01,07-01 00:00:00',
  biannually: '*-01,07-01 00:00:00',
  'bi-annually': '*-01,07-01 00:00:00',
  yearly: '*-01-01 00:00:00',
  annually: '*-01-01 00:00:00',
  anually: '*-01-01 00:00:00',
}

const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const longWeekdayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
/** Beyond this many days nothing that repeats is still to come. */
const mostDays = 366 * 60
/** systemd knows no years after this one (calendarspec.c, MAX_YEAR). */
const lastYear = 2199

/**
 * Returns the next time of a systemd calendar event (systemd.time(7)) as a function. Times that a zone's clocks skip do not
 * come that day, and those that come twice count once, as `systemd-analyze calendar` says.
 *
 * @throws ScheduleError
 */
export function parseCalendar(expression: string, defaultZone: string): (fromMs: number) => number | null {
  const calendar = parse(expression, defaultZone)
  const next = (fromMs: number): number | null => nextOf(calendar, fromMs)
  if (next(Date.UTC(2026, 0, 1)) === null) throw new ScheduleError(`'${expression.slice(0, 80)}' never comes`)
  return next
}

function fail(expression: string, why: string): never {
  throw new ScheduleError(`'${expression.slice(0, 80)}' is not a calendar event of systemd: ${why}`)
}

function parse(expression: string, defaultZone: string): Calendar {
  const words = expression.trim().split(/\s+/)
  const last = words[words.length - 1] ?? ''
  const named = words.length > 1 && isZone(last)
  const zone = named ? (last.toUpperCase() === 'UTC' ? 'UTC' : last) : defaultZone
  if (named) words.pop()
  const whole = words.join(' ').toLowerCase()
  const rest = (shorthands[whole] ?? words.join(' ')).split(/\s+/).filter((word) => word !== '')
  if (rest.length === 0) fail(expression, 'it is empty')
  let weekdays: ReadonlySet<number> | null = null
  if (/^[a-z]/i.test(rest[0] ?? '')) weekdays = parseWeekdays(rest.shift() ?? '', expression)
  const hasDate = /[-~]/.test(rest[0] ?? '')
  const date = hasDate ? (rest.shift() ?? '') : '*-*-*'
  const time = rest.shift() ?? '00:00:00'
  if (rest.length > 0) fail(expression, `'${rest.join(' ').slice(0, 40)}' is too much`)
  return { weekdays, ...parseDate(date, expression), ...parseTime(time, expression), zone }
}

function isZone(word: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(word)) return false
  if (shorthands[word.toLowerCase()] !== undefined || weekdayOf(word) !== null) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: word })
    return true
  } catch {
    return false
  }
}

function weekdayOf(word: string): number | null {
  const name = word.toLowerCase()
  const index = Math.max(weekdayNames.indexOf(name), longWeekdayNames.indexOf(name))
  return index < 0 ? null : index
}

function parseWeekdays(text: string, expression: string): ReadonlySet<number> {
  const days = new Set<number>()
  for (const part of text.replace(/,$/, '').split(',')) {
    const [first = '', last = first] = part.split(/\.\.|-/)
    const from = weekdayOf(first)
    const to = weekdayOf(last)
    if (from === null || to === null) fail(expression, `'${part.slice(0, 30)}' is no day of the week`)
    // The week begins on Monday, and ranges may run over its end.
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === to) break
    }
  }
  return days
}

function parseDate(
  text: string,
  expression: string,
): Pick<Calendar, 'years' | 'months' | 'days' | 'daysFromEnd'> {
  const match = /^(?:([^-~]+)-)?([^-~]+)([-~])([^-~]+)$/.exec(text)
  if (!match) fail(expression, `'${text.slice(0, 40)}' is no date such as *-*-01`)
  const [, year = '*', month = '', sign = '-', day = ''] = match
  const years = parseComponent(year, 1970, lastYear, expression)
  return {
    years: (value) => years === null || years.has(value),
    months: parseComponent(month, 1, 12, expression),
    days: sign === '~' ? fromTheEnd(day, expression) : parseComponent(day, 1, 31, expression),
    daysFromEnd: sign === '~',
  }
}

/** Days counted from a month's end; a step leads on towards it, so that `~07/1` is the last week. */
function fromTheEnd(text: string, expression: string): Component {
  const stepped = /^(\d+)\/(\d+)$/.exec(text)
  if (!stepped) return parseComponent(text, 1, 31, expression)
  const [from, step] = [Number(stepped[1]), Number(stepped[2])]
  if (from < 1 || from > 31 || step < 1) fail(expression, `'${text.slice(0, 30)}' must lie between 1 and 31`)
  const values = new Set<number>()
  for (let value = from; value >= 1; value -= step) values.add(value)
  return values
}

function parseTime(text: string, expression: string): Pick<Calendar, 'hours' | 'minutes' | 'seconds'> {
  const parts = text.split(':')
  if (parts.length < 2 || parts.length > 3)
    fail(expression, `'${text.slice(0, 40)}' is no time such as 02:30 or *:0/15`)
  const [hour = '', minute = '', second = '00'] = parts
  const all = (component: Component, most: number): number[] =>
    component === null
      ? Array.from({ length: most + 1 }, (_, value) => value)
      : [...component].sort(ascending)
  return {
    hours: all(parseComponent(hour, 0, 23, expression), 23),
    minutes: all(parseComponent(minute, 0, 59, expression), 59),
    seconds: all(parseComponent(second.replace(/\.0+$/, ''), 0, 59, expression), 59),
  }
}

/** `*`, `a`, `a..b`, `a/step`, `a..b/step` and `*` with a step, in a list. */
function parseComponent(text: string, least: number, most: number, expression: string): Component {
  if (text === '*') return null
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(?:(\*)|(\d+)(?:\.\.(\d+))?)(?:\/(\d+))?$/.exec(part)
    if (!match) fail(expression, `'${part.slice(0, 30)}' cannot be read`)
    const [, star, first, last, step] = match
    const from = star ? least : twoDigitYear(Number(first), least)
    const every = step === undefined ? 0 : Number(step)
    const to =
      last !== undefined ? twoDigitYear(Number(last), least) : step !== undefined || star ? most : from
    if (from < least || to > most || to < from || (step !== undefined && every < 1))
      fail(expression, `'${part.slice(0, 30)}' must lie between ${least} and ${most}`)
    for (let value = from; value <= to; value += every || 1) values.add(value)
  }
  return values
}

/** Years of two digits are of this century up to 69, as systemd reads them. */
function twoDigitYear(value: number, least: number): number {
  if (least !== 1970 || value > 99) return value
  return value < 70 ? 2_000 + value : 1_900 + value
}

function nextOf(calendar: Calendar, fromMs: number): number | null {
  const { zone } = calendar
  const start = localTimeOf(fromMs, zone)
  // A calendar of its own in UTC counts the days; the zone only turns local times into instants.
  let day = Date.UTC(start.year, start.month - 1, start.day)
  for (let count = 0; count < mostDays; count += 1, day += 86_400_000) {
    const date = new Date(day)
    if (date.getUTCFullYear() > lastYear) return null
    if (!isDay(calendar, date)) continue
    const found = firstOnDay(calendar, date, fromMs, count === 0 ? start.hour : 0)
    if (found !== null) return found
  }
  return null
}

function isDay({ weekdays, years, months, days, daysFromEnd }: Calendar, date: Date): boolean {
  if (weekdays !== null && !weekdays.has(date.getUTCDay())) return false
  const month = date.getUTCMonth() + 1
  if (!years(date.getUTCFullYear()) || (months !== null && !months.has(month))) return false
  if (days === null) return true
  if (!daysFromEnd) return days.has(date.getUTCDate())
  const length = new Date(Date.UTC(date.getUTCFullYear(), month, 0)).getUTCDate()
  return days.has(length - date.getUTCDate() + 1)
}

function firstOnDay(calendar: Calendar, date: Date, fromMs: number, fromHour: number): number | null {
  const { hours, minutes, seconds, zone } = calendar
  const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
  // Where clocks go back, the hour before is asked as well.
  for (const hour of hours.filter((value) => value >= fromHour - 1)) {
    const lastOfHour = instantOf(
      { ...day, hour, minute: minutes[minutes.length - 1] ?? 0, second: seconds[seconds.length - 1] ?? 0 },
      zone,
    )
    if (lastOfHour === null || lastOfHour <= fromMs) continue
    for (const minute of minutes) {
      for (const second of seconds) {
        const at = instantOf({ ...day, hour, minute, second }, zone)
        if (at !== null && at > fromMs) return at
      }
    }
  }
  return null
}

function ascending(a: number, b: number): number {
  return a - b
}
