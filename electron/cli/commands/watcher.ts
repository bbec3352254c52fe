import { Command, Option } from 'commander'
import path from 'node:path'
import type {
  CreateWatcher,
  JobProposal,
  Schedule,
  Watcher,
  WatcherEvents,
  WatcherList,
  WatcherSource,
} from '../../shared/api/watchers.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { scheduleWords } from '../../shared/schedule-words.ts'
import { watcherEventWords } from '../../shared/watcher-words.ts'
import { CommandError, exitCodes, presentMs, say, sayAll } from '../io.ts'
import { collect, span, tableLines } from '../options.ts'
import { demand, findService, withServiceOptions, type ServiceChoice } from '../service-client.ts'

interface AddOptions extends ServiceChoice {
  readonly file?: string
  readonly leastBytes?: number
  readonly unit?: string
  readonly userUnit: boolean
  readonly every?: number
  readonly cron?: string
  readonly calendar?: string
  readonly zone?: string
  readonly grace?: number
  readonly limit?: number
  readonly tolerance?: number
  readonly remind?: number
  readonly slug?: string
  readonly description?: string
  readonly tag: string[]
  readonly email: string[]
  readonly paused: boolean
  readonly armed: boolean
  readonly ignoreWhilePaused: boolean
  readonly json: boolean
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text))
    throw new CommandError(`argument --tolerance: '${text}' is not a number`, exitCodes.usage)
  return Number(text)
}

/** `watchkeeper watcher`: the dead-man's switches of a service. */
export function watcherCommand(): Command {
  const command = new Command('watcher').description(
    'Add, list, show, pause and remove watchers (dead-man’s switches).',
  )
  for (const sub of [
    addCommand(),
    jobsCommand(),
    listCommand(),
    showCommand(),
    pauseCommand(true),
    pauseCommand(false),
    removeCommand(),
  ])
    command.addCommand(sub)
  return command
}

function addCommand(): Command {
  return withServiceOptions(
    new Command('add')
      .description('Add a watcher.')
      .argument('<name>')
      .option(
        '--every <length>',
        'a trigger is due so long after the one before, such as 15m or 1d',
        span('--every'),
      )
      .option('--cron <expression>', 'due times as a cron expression')
      .option('--calendar <expression>', "due times as systemd's OnCalendar")
      .option('--zone <zone>', 'time zone of --cron and --calendar (default: the one of this machine)')
      .option(
        '--file <path>',
        'a file on the machine of the service that must be new, or a pattern such as /srv/dumps/*.gz',
      )
      .option('--least-bytes <n>', 'with --file: a smaller file is a failure', count)
      .option(
        '--unit <name>',
        'a unit of systemd, task of Windows or label of launchd whose last result must be good',
      )
      .option('--user-unit', "with --unit: of the user's own systemd or launchd", false)
      .option('--grace <length>', 'how much later a trigger may come', span('--grace'))
      .option('--limit <length>', 'how long a run may take', span('--limit'))
      .option('--tolerance <n>', 'failures in a row that tell nobody', count)
      .option('--remind <length>', 'remind after this long while it lasts', span('--remind'))
      .option('--slug <slug>', 'name in addresses (default: made from the name)')
      .option('--description <text>', 'what it is about')
      .addOption(new Option('--tag <tag>', 'may be repeated').argParser(collect).default([], 'none'))
      .addOption(
        new Option('--email <address>', 'told beside the channels; may be repeated')
          .argParser(collect)
          .default([], 'none'),
      )
      .option('--paused', 'expect nothing yet', false)
      .option('--armed', 'expect the first trigger from now on, instead of waiting for it', false)
      .option('--ignore-while-paused', 'a trigger does not unpause it', false)
      .option('--json', 'print JSON', false),
  ).action(async (name: string, options: AddOptions) => {
    const body: CreateWatcher = {
      name,
      schedule: scheduleOf(options),
      ...(options.grace !== undefined && { graceMs: options.grace }),
      ...(options.limit !== undefined && { runLimitMs: options.limit }),
      ...(options.tolerance !== undefined && { tolerance: options.tolerance }),
      ...(options.remind !== undefined && { remindMs: options.remind }),
      ...(options.slug !== undefined && { slug: options.slug }),
      ...(options.description !== undefined && { description: options.description }),
      tags: options.tag,
      emails: options.email,
      paused: options.paused,
      armed: options.armed,
      pausedPolicy: options.ignoreWhilePaused ? 'ignore' : 'unpause',
      source: sourceOf(options),
    }
    const watcher = await demand<Watcher>(options, 'POST', '/api/v1/watchers', body)
    if (options.json) say(JSON.stringify(watcher, null, 2))
    else {
      const target = findService(options)
      say(`Added ${watcher.name} (${watcher.id}), ${scheduleWords(watcher.schedule)}.`)
      if (watcher.source !== null) {
        say(watcher.sentence)
        return
      }
      if ('origin' in target) say(`Its ping address: ${target.origin}/ping/${watcher.uuid}`)
      say(`Run its job with: watchkeeper run ${watcher.slug} -- <command>`)
    }
  })
}

/** @throws CommandError for what cannot go together */
function sourceOf({ file, leastBytes, unit, userUnit }: AddOptions): WatcherSource | null {
  if (file !== undefined && unit !== undefined)
    throw new CommandError('give either --file or --unit', exitCodes.usage)
  if (leastBytes !== undefined && file === undefined)
    throw new CommandError('--least-bytes goes with --file', exitCodes.usage)
  if (userUnit && unit === undefined) throw new CommandError('--user-unit goes with --unit', exitCodes.usage)
  if (file !== undefined)
    return { kind: 'file', path: path.resolve(file), ...(leastBytes !== undefined && { leastBytes }) }
  return unit === undefined ? null : { kind: 'unit', unit, ...(userUnit && { user: true }) }
}

function jobsCommand(): Command {
  return withServiceOptions(
    new Command('jobs')
      .description(
        "Show the jobs of this machine's own schedulers, as watchers could have them. Nothing is changed.",
      )
      .option('--json', 'print JSON', false),
  ).action(async (options: ServiceChoice & { json: boolean }) => {
    const jobs = await demand<JobProposal[]>(options, 'GET', '/api/v1/watchers/proposals')
    if (options.json) {
      say(JSON.stringify(jobs, null, 2))
      return
    }
    if (jobs.length === 0) say('No jobs were found in the schedulers that the service may read.')
    for (const { name, origin, schedule, source, wrapped, known } of jobs) {
      say(`${known ? '✓' : ' '} ${name}  (${origin}; ${scheduleWords(schedule)})`)
      if (source?.kind === 'unit')
        say(`    its result can be read: watchkeeper watcher add ${name} --unit ${source.unit} …`)
      else if (wrapped !== null) say(`    ${wrapped}`)
    }
  })
}

function scheduleOf({ every, cron, calendar, zone }: AddOptions): Schedule {
  const given = [every, cron, calendar].filter((value) => value !== undefined)
  if (given.length !== 1)
    throw new CommandError('give one of --every, --cron and --calendar', exitCodes.usage)
  const local = zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  if (every !== undefined) return { kind: 'period', periodMs: every }
  return cron !== undefined
    ? { kind: 'cron', expression: cron, zone: local }
    : { kind: 'calendar', expression: calendar ?? '', zone: local }
}

function listCommand(): Command {
  return withServiceOptions(
    new Command('list')
      .description('List watchers, problems first.')
      .option('--state <states>', 'only these states, comma-separated; problem means late and failing')
      .option('--tag <tag>', 'only those with this tag')
      .option('--search <text>', 'only those with this text')
      .option('--json', 'print JSON', false),
  ).action(
    async (options: ServiceChoice & { state?: string; tag?: string; search?: string; json: boolean }) => {
      const query = new URLSearchParams({
        limit: '1000',
        ...(options.state !== undefined && { state: options.state }),
        ...(options.tag !== undefined && { tag: options.tag }),
        ...(options.search !== undefined && { q: options.search }),
      })
      const list = await demand<WatcherList>(options, 'GET', `/api/v1/watchers?${query.toString()}`)
      if (options.json) say(JSON.stringify(list, null, 2))
      else await sayAll(tableOf(list).map((line) => `${line}\n`))
    },
  )
}

function tableOf({ watchers, total }: WatcherList): string[] {
  if (watchers.length === 0) return ['No watchers. Add one with `watchkeeper watcher add`.']
  const rows = watchers.map(({ state, id, name, due, sentence }) => [
    state,
    id,
    name,
    dueWords(due),
    sentence,
  ])
  const table = [['STATE', 'ID', 'NAME', 'DUE', ''], ...rows]
  const lines = tableLines(table)
  return total > watchers.length ? [...lines, `… and ${total - watchers.length} more`] : lines
}

function dueWords(due: string | null): string {
  if (due === null) return '—'
  const left = Date.parse(due) - presentMs()
  return left >= 0
    ? `in ${wordDuration(Math.round(left / 1_000) * 1_000)}`
    : `${wordDuration(Math.round(-left / 1_000) * 1_000)} ago`
}

function showCommand(): Command {
  return withServiceOptions(
    new Command('show')
      .description('Show a watcher with its newest history.')
      .argument('<watcher>', 'id, slug or name')
      .option('--json', 'print JSON', false),
  ).action(async (name: string, options: ServiceChoice & { json: boolean }) => {
    const path = `/api/v1/watchers/${encodeURIComponent(name)}`
    const watcher = await demand<Watcher>(options, 'GET', path)
    const { events } = await demand<WatcherEvents>(options, 'GET', `${path}/events?limit=15`)
    if (options.json) {
      say(JSON.stringify({ ...watcher, events }, null, 2))
      return
    }
    say(`${watcher.name} (${watcher.id}): ${watcher.state}. ${watcher.sentence}`)
    say(`Schedule: ${scheduleWords(watcher.schedule)}, grace ${wordDuration(watcher.graceMs)}`)
    say(`Slug: ${watcher.slug}${watcher.tags.length === 0 ? '' : `, tags ${watcher.tags.join(', ')}`}`)
    if (watcher.due !== null) say(`Due: ${watcher.due} (${dueWords(watcher.due)})`)
    for (const run of watcher.runs)
      say(
        `Running: ${run.run === '' ? 'a run' : run.run} since ${run.startedAt}${run.overdue ? ', too long' : ''}`,
      )
    say('History:')
    for (const { at, kind, comment, exitStatus, durationMs, ignored } of events) {
      const extras = [
        exitStatus === null ? '' : `exit status ${exitStatus}`,
        durationMs === null ? '' : `took ${wordDuration(durationMs)}`,
        comment.replace(/\s+/g, ' '),
        ignored ? 'ignored' : '',
      ].filter((part) => part !== '')
      say(`  ${at}  ${watcherEventWords[kind]}${extras.length === 0 ? '' : ` (${extras.join(', ')})`}`)
    }
  })
}

function pauseCommand(paused: boolean): Command {
  const verb = paused ? 'pause' : 'unpause'
  return withServiceOptions(
    new Command(verb)
      .description(
        paused ? 'Expect nothing of a watcher for a while.' : 'Expect triggers again, from now on.',
      )
      .argument('<watcher>', 'id, slug or name')
      .option('-m, --comment <text>', 'a comment for the history'),
  ).action(async (name: string, options: ServiceChoice & { comment?: string }) => {
    const watcher = await demand<Watcher>(
      options,
      'POST',
      `/api/v1/watchers/${encodeURIComponent(name)}/${verb}`,
      {
        ...(options.comment !== undefined && { comment: options.comment }),
      },
    )
    say(`${watcher.name} (${watcher.id}) is ${paused ? 'paused' : 'no longer paused'}.`)
  })
}

function removeCommand(): Command {
  return withServiceOptions(
    new Command('remove')
      .description('Remove a watcher with its history.')
      .argument('<watcher>', 'id, slug or name'),
  ).action(async (name: string, options: ServiceChoice) => {
    await demand(options, 'DELETE', `/api/v1/watchers/${encodeURIComponent(name)}`)
    say(`Removed ${name}.`)
  })
}
