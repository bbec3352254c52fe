import type { Schedule } from './api/watchers.ts'
import { wordDuration } from './time-text.ts'

/** Returns a schedule in words. */
export function scheduleWords(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'period':
      return `every ${wordDuration(schedule.periodMs)} after the trigger before`
    case 'cron':
      return `cron ${schedule.expression} (${schedule.zone})`
    case 'calendar':
      // An expression may end with a zone of its own, which counts.
      return /\s(?:UTC|[A-Za-z]+\/[\w/+-]+)$/.test(schedule.expression.trim())
        ? `OnCalendar ${schedule.expression}`
        : `OnCalendar ${schedule.expression} (${schedule.zone})`
    case 'coal-mine':
      return `periods by calendar: ${schedule.expression} (UTC)`
    default:
      return schedule satisfies never
  }
}
