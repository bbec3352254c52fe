import type { FoundJob } from './job.ts'

/** Crontabs as crontab(5) has them. Pure. */

/** Where a crontab was found. */
export interface CrontabPlace {
  /** For people, such as “crontab of root”. */
  readonly origin: string
  /** Whether each line names the user who runs it, as in /etc/crontab. */
  readonly namesUsers: boolean
  /** Zone in which times are meant, unless the file says otherwise. */
  readonly zone: string
}

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Returns the jobs of a crontab, in its order. `@reboot` has no due time and is left out. */
export function jobsOfCrontab(text: string, { origin, namesUsers, zone: local }: CrontabPlace): FoundJob[] {
  let zone = local
  const jobs: FoundJob[] = []
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const setting = /^([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line)
    if (setting) {
      // Debian's cron does not know CRON_TZ, cronie and others do; whoever writes it means it.
      if (setting[1] === 'CRON_TZ') zone = (setting[2] ?? '').replace(/^["']|["']$/g, '') || local
      continue
    }
    const job = parseLine(line, namesUsers)
    if (job === null) continue
    jobs.push({
      name: nameOf(job.command),
      origin,
      command: job.command,
      schedule: { kind: 'cron', expression: job.expression, zone },
      slackMs: 0,
      source: null,
      line: { before: line.slice(0, line.length - job.command.length), command: job.command },
    })
  }
  return jobs
}

function parseLine(line: string, namesUsers: boolean): { expression: string; command: string } | null {
  const fields = line.startsWith('@') ? 1 : 5
  const pattern = new RegExp(`^((?:\\S+\\s+){${fields}})${namesUsers ? '\\S+\\s+' : ''}(.+)$`)
  const found = pattern.exec(line)
  const times = found?.[1]?.trim().replace(/\s+/g, ' ')
  const command = found?.[2]
  if (times === undefined || command === undefined) return null
  if (fields === 1) {
    const expression = nicknames[times.toLowerCase()]
    return expression === undefined ? null : { expression, command }
  }
  return { expression: times, command }
}

/** Words before the program that say nothing of what the job does. */
const wrappers: ReadonlySet<string> = new Set([
  'sudo',
  'nice',
  'ionice',
  'chronic',
  'flock',
  'timeout',
  'env',
  'exec',
  'command',
  'test',
  '[',
])
/** Programs that only run another: their argument says what the job does. */
const shells: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'dash',
  'zsh',
  'python',
  'python3',
  'perl',
  'php',
  'node',
  'ruby',
  'run-parts',
])

/** Returns a short name for a command: that of the program or script it runs. */
export function nameOf(command: string): string {
  const words = command
    .replace(/\\%/g, '%')
    .split(/%|&&|\|\||;|\|/)
    .map((part) => part.trim().split(/\s+/))
    .find(([first = '']) => first !== 'cd' && first !== 'test' && first !== '[' && first !== '')
  const telling = (words ?? []).filter(
    (word) => !word.startsWith('-') && !/^\w+=/.test(word) && !/^[>\d&]/.test(word),
  )
  const last = (word: string): string =>
    word
      .replace(/^["']|["']$/g, '')
      .split('/')
      .pop() ?? word
  const index = telling.findIndex((word) => !wrappers.has(last(word)))
  const program = last(telling[index] ?? command)
  const argument = telling[index + 1]
  const name = shells.has(program) && argument !== undefined ? last(argument) : program
  return (name.replace(/\.(sh|py|pl|php|js|rb|ps1|cmd|bat|exe)$/i, '') || command).slice(0, 80)
}
