import { Cron } from 'croner'
import { ScheduleError } from './schedule-error.ts'

/**
 * Returns a cron expression's next time as a function. croner fires a job whose hour is skipped in spring at the next
 * valid time, and one whose hour comes twice in autumn once, as Vixie cron does for jobs at fixed times (cron(8)).
 *
 * @throws ScheduleError
 */
export function compileCron(expression: string, zone: string): (fromMs: number) => number | null {
  const text = expression.trim()
  const fields = text.split(/\s+/).length
  if (!text.startsWith('@') && fields !== 5 && fields !== 6)
    throw new ScheduleError(`a cron expression has five fields (or six, with seconds first), not ${fields}`)
  let cron: Cron
  try {
    cron = new Cron(text, { timezone: zone, sloppyRanges: true, domAndDow: needsBothDays(text) })
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it cannot be read'
    throw new ScheduleError(`'${text.slice(0, 80)}' is not a cron expression: ${reason}`)
  }
  if (cron.nextRun() === null) throw new ScheduleError(`'${text.slice(0, 80)}' never comes`)
  return (fromMs) => cron.nextRun(new Date(fromMs))?.getTime() ?? null
}

/**
 * Returns whether a day must fit the day of the month and the day of the week both. crontab(5): either suffices where both
 * are restricted, and a field that begins with `*`, steps included, counts as not restricted.
 */
function needsBothDays(text: string): boolean {
  const fields = text.split(/\s+/)
  const [dayOfMonth = '*', , dayOfWeek = '*'] = fields.slice(-3)
  return dayOfMonth.startsWith('*') || dayOfWeek.startsWith('*')
}
