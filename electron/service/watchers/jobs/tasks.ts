import type { RunProgram } from '../../system/programs.ts'
import type { FoundJob } from './job.ts'

/** Tasks of the Windows task scheduler, by PowerShell, whose words do not depend on the language. */

const script = [
  "Get-ScheduledTask | Where-Object { $_.TaskPath -notlike '\\Microsoft\\*' -and $_.State -ne 'Disabled' } | ForEach-Object {",
  '@{ path = $_.TaskPath + $_.TaskName; command = ($_.Actions | Select-Object -First 1 | ForEach-Object { "$($_.Execute) $($_.Arguments)" });',
  'triggers = @($_.Triggers | ForEach-Object { @{ kind = $_.CimClass.CimClassName; start = $_.StartBoundary;',
  'days = $_.DaysInterval; weeks = $_.WeeksInterval; weekdays = $_.DaysOfWeek; repeat = $_.Repetition.Interval } }) } } |',
  'ConvertTo-Json -Depth 4 -Compress',
].join(' ')

/** Returns the jobs of tasks that are due at times. */
export async function jobsOfTasks(run: RunProgram, zone: string): Promise<FoundJob[]> {
  const answer = await run('powershell', ['-NoProfile', '-NonInteractive', '-Command', script])
  return answer?.code === 0 ? jobsOfTaskList(answer.output, zone) : []
}

interface Task {
  readonly path: string
  readonly command: string | null
  readonly triggers: readonly {
    readonly kind: string
    readonly start: string | null
    readonly days: number | null
    readonly weeks: number | null
    readonly weekdays: number | null
    readonly repeat: string | null
  }[]
}

const dayMs = 86_400_000

/** Returns the jobs of what PowerShell told of the tasks. */
export function jobsOfTaskList(json: string, zone: string): FoundJob[] {
  if (json.trim() === '') return []
  const told = JSON.parse(json) as Task | readonly Task[]
  return (Array.isArray(told) ? (told as readonly Task[]) : [told as Task]).flatMap(
    ({ path, command, triggers }) => {
      const schedule =
        triggers.map((trigger) => scheduleOf(trigger, zone)).find((one) => one !== null) ?? null
      if (schedule === null) return []
      return [
        {
          name: path.split('\\').pop() ?? path,
          origin: `task ${path}`,
          command: command?.trim() ?? '',
          schedule,
          slackMs: 0,
          source: { kind: 'unit', unit: path } as const,
          line: null,
        },
      ]
    },
  )
}

function scheduleOf(
  { kind, start, days, weeks, weekdays, repeat }: Task['triggers'][number],
  zone: string,
): FoundJob['schedule'] | null {
  const repeated = repeat === null ? null : /^PT(?:(\d+)H)?(?:(\d+)M)?$/.exec(repeat)
  if (repeated?.[1] !== undefined || repeated?.[2] !== undefined)
    return {
      kind: 'period',
      periodMs: Number(repeated[1] ?? 0) * 3_600_000 + Number(repeated[2] ?? 0) * 60_000,
    }
  const at = /T(\d\d):(\d\d)/.exec(start ?? '')
  if (!at) return null
  const time = `${Number(at[2])} ${Number(at[1])}`
  if (kind === 'MSFT_TaskDailyTrigger')
    return (days ?? 1) === 1
      ? { kind: 'cron', expression: `${time} * * *`, zone }
      : { kind: 'period', periodMs: (days ?? 1) * dayMs }
  if (kind === 'MSFT_TaskWeeklyTrigger') {
    // Sunday is the lowest bit, as it is day 0 of cron.
    const list = [0, 1, 2, 3, 4, 5, 6].filter((day) => ((weekdays ?? 0) & (1 << day)) !== 0)
    if (list.length === 0) return null
    return (weeks ?? 1) === 1
      ? { kind: 'cron', expression: `${time} * * ${list.join(',')}`, zone }
      : { kind: 'period', periodMs: (weeks ?? 1) * 7 * dayMs }
  }
  return null
}
