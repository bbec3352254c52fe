import type { Schedule } from '../../shared/api/watchers.ts'
import { parseCoalMine, type CoalMineSchedule } from './coal-mine.ts'
import { compileCron } from './cron.ts'
import { parseCalendar } from './on-calendar.ts'
import { ScheduleError } from './schedule-error.ts'

/** A schedule made ready to be asked. */
export interface CompiledSchedule {
  /** Returns the first time (ms UTC) after `fromMs` at which a trigger is due; null when there will be none. */
  nextDue(fromMs: number): number | null
  /** Length of the period (ms) that holds at a time; null for schedules that name points in time. */
  periodAt(atMs: number): number | null
}

/** Shorter periods would keep the machine busy with nothing else. */
export const shortestPeriodMs = 1_000
/** The longest period: 100 years. */
export const longestPeriodMs = 100 * 365 * 86_400_000

const compiled = new Map<string, CompiledSchedule>()
const mostCompiled = 5_000

/**
 * Returns a schedule ready to be asked; the same one is compiled only once.
 *
 * @throws ScheduleError
 */
export function compileSchedule(schedule: Schedule): CompiledSchedule {
  if (schedule.kind === 'period') return compilePeriod(schedule.periodMs)
  const key = `${schedule.kind}\n${schedule.expression}\n${'zone' in schedule ? schedule.zone : ''}`
  const known = compiled.get(key)
  if (known) return known
  const fresh = compile(schedule)
  if (compiled.size >= mostCompiled) compiled.clear()
  compiled.set(key, fresh)
  return fresh
}

function compile(schedule: Exclude<Schedule, { kind: 'period' }>): CompiledSchedule {
  switch (schedule.kind) {
    case 'cron':
      return points(compileCron(schedule.expression, checkedZone(schedule.zone)))
    case 'calendar':
      return points(parseCalendar(schedule.expression, checkedZone(schedule.zone)))
    case 'coal-mine':
      return fromCoalMine(parseCoalMine(schedule.expression))
    default:
      return schedule satisfies never
  }
}

function compilePeriod(periodMs: number): CompiledSchedule {
  if (!(periodMs >= shortestPeriodMs && periodMs <= longestPeriodMs))
    throw new ScheduleError('a period must be between 1 second and 100 years')
  return { nextDue: (fromMs) => fromMs + periodMs, periodAt: () => periodMs }
}

function points(nextDue: (fromMs: number) => number | null): CompiledSchedule {
  return { nextDue, periodAt: () => null }
}

function fromCoalMine(schedule: CoalMineSchedule): CompiledSchedule {
  return { nextDue: (fromMs) => schedule.deadline(fromMs), periodAt: (atMs) => schedule.periodAt(atMs) }
}

function checkedZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch {
    throw new ScheduleError(`'${zone.slice(0, 60)}' is not a time zone such as Europe/Berlin or UTC`)
  }
}
