import { Command, Option } from 'commander'
import { writeFileSync } from 'node:fs'
import type {
  HealthChanges,
  HealthHistory,
  HealthPlugIns,
  HealthSummary,
  KeptReport,
  KeptReports,
} from '../../shared/api/health.ts'
import { healthLevels, metricText, reportReasonWords } from '../../shared/health-words.ts'
import { oneLine } from '../../shared/text.ts'
import { CommandError, exitCodes, say, sayAll } from '../io.ts'
import { tableLines, whole } from '../options.ts'
import { demand, demandText, withServiceOptions, type ServiceChoice } from '../service-client.ts'

/** `watchkeeper health`: how this machine is. */
export function healthCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('health').description(
    'How this machine is: figures with their levels, reports, what changed, and one page that tells what is wrong.',
  )
  for (const sub of [
    statusCommand(finish),
    reportCommand(),
    historyCommand(),
    reportsCommand(),
    changesCommand(),
    diagnoseCommand(),
  ])
    command.addCommand(sub)
  return command
}

interface JsonOptions extends ServiceChoice {
  readonly json: boolean
}
const json = (command: Command): Command => command.option('--json', 'print JSON', false)
const clock = (iso: string): string => iso.slice(0, 19).replace('T', ' ')

function statusCommand(finish: (exitCode: number) => void): Command {
  return withServiceOptions(
    json(new Command('status').description('Every figure with its level, the worst first.')),
  )
    .addHelpText(
      'after',
      '\nExit codes: 0 well or careful, 1 warning or critical, or nothing is measured, 3 no service runs.',
    )
    .action(async (options: JsonOptions) => {
      const summary = await demand<HealthSummary>(options, 'GET', '/api/v1/health')
      const isWell = summary.level === 'ok' || summary.level === 'careful'
      finish(isWell && !summary.isStale ? exitCodes.ok : exitCodes.failed)
      if (options.json) return say(JSON.stringify(summary, null, 2))
      const sorted = [...summary.metrics].sort(
        (a, b) => healthLevels.indexOf(b.level) - healthLevels.indexOf(a.level),
      )
      const rows = sorted.map(({ name, text, level, isStale, at }) => [
        level === 'ok' ? '' : level,
        oneLine(name),
        text,
        isStale && at !== null ? `as of ${clock(at)} UTC` : '',
      ])
      const failed = summary.workers.flatMap(({ functions }) =>
        functions
          .filter(({ state }) => state === 'failed')
          .map(({ name, why }) => `${name} failed: ${oneLine(why)}`),
      )
      const { plugIns } = await demand<HealthPlugIns>(options, 'GET', '/api/v1/health/plugins')
      const unused = plugIns.flatMap(({ file, problem }) =>
        problem === null ? [] : [`The plug-in ${oneLine(file)} is not used: ${problem}`],
      )
      for (const line of [oneLine(summary.sentence), ...tableLines(rows), ...failed, ...unused]) say(line)
    })
}

interface ReportOptions extends ServiceChoice {
  readonly text: boolean
  readonly brief: boolean
  readonly id?: number
}

function reportCommand(): Command {
  return withServiceOptions(
    new Command('report')
      .description('The last report, or one worker of it, as JSON with system-health-daemon’s keys.')
      .argument('[worker]', 'such as CPU or Disk')
      .option('--text', 'as text', false)
      .option('--brief', 'as the text that system-health-daemon wrote', false)
      .option('--id <number>', 'a report that was kept', whole('--id', 1, 999_999_999)),
  ).action(async (worker: string | undefined, options: ReportOptions) => {
    if (worker !== undefined && options.id !== undefined)
      throw new CommandError('a kept report is shown as a whole: leave out the worker or --id')
    const query = options.brief ? '?format=text&view=brief' : options.text ? '?format=text' : ''
    const path =
      options.id === undefined
        ? `/health/report${worker === undefined ? '' : `/${encodeURIComponent(worker)}`}`
        : `/api/v1/health/reports/${options.id}`
    await sayAll([`${(await demandText(options, `${path}${query}`)).trimEnd()}\n`])
  })
}

interface HistoryOptions extends JsonOptions {
  readonly last?: string
  readonly since?: string
  readonly until?: string
}

function historyCommand(): Command {
  return withServiceOptions(
    json(
      new Command('history')
        .description('Figures over time.')
        .argument('<metrics...>', 'kinds such as cpu-busy or disk-used, or ids')
        .option('--last <span>', 'such as 1h, 24h, 7d or 1y')
        .option('--since <time>', 'begin, such as 2026-11-21')
        .option('--until <time>', 'end'),
    ),
  ).action(async (metrics: string[], options: HistoryOptions) => {
    const { last, since, until } = options
    const query = new URLSearchParams({
      metric: metrics.join(','),
      ...(last !== undefined && { last }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    })
    const history = await demand<HealthHistory>(options, 'GET', `/api/v1/health/history?${query.toString()}`)
    if (options.json) return say(JSON.stringify(history, null, 2))
    const text = (value: number | null, unit: HealthHistory['series'][number]['unit']): string =>
      value === null ? '' : metricText(value, unit)
    await sayAll(
      history.series.map(({ name, unit, points }) => {
        const rows = points.map(({ at, min, avg, p95, max }) => [
          clock(at),
          ...[min, avg, p95, max].map((value) => text(value, unit)),
        ])
        const lines = tableLines([['At (UTC)', 'least', 'mean', '95 % below', 'most'], ...rows])
        return `${oneLine(name)}\n${lines.join('\n')}\n`
      }),
    )
  })
}

interface ReportsOptions extends JsonOptions {
  readonly limit: number
  readonly now: boolean
}

function reportsCommand(): Command {
  return withServiceOptions(
    json(
      new Command('reports')
        .description('Reports that were kept, newest first.')
        .option('--limit <count>', 'how many', whole('--limit', 1, 200), 20)
        .option('--now', 'make one now and keep it', false),
    ),
  ).action(async (options: ReportsOptions) => {
    if (options.now) {
      const made = await demand<KeptReport>(options, 'POST', '/api/v1/health/reports', undefined, 60_000)
      return say(options.json ? JSON.stringify(made, null, 2) : `Kept as report ${made.id}.`)
    }
    const found = await demand<KeptReports>(options, 'GET', `/api/v1/health/reports?limit=${options.limit}`)
    if (options.json) return say(JSON.stringify(found, null, 2))
    for (const line of tableLines(
      found.reports.map(({ id, at, why }) => [String(id), `${clock(at)} UTC`, reportReasonWords[why]]),
    ))
      say(line)
    if (found.more) say('…')
  })
}

function changesCommand(): Command {
  return withServiceOptions(
    json(
      new Command('changes')
        .description('What changed since a report: packages, drivers, hardware, services, disks.')
        .argument(
          '<report>',
          'its number, from `watchkeeper health reports`',
          whole('report', 1, 999_999_999),
        )
        .argument('[to]', 'a later report instead of now', whole('to', 1, 999_999_999)),
    ),
  ).action(async (from: number, to: number | undefined, options: JsonOptions) => {
    const query = to === undefined ? '' : `?to=${to}`
    const found = await demand<HealthChanges>(
      options,
      'GET',
      `/api/v1/health/reports/${from}/changes${query}`,
    )
    if (options.json) return say(JSON.stringify(found, null, 2))
    say(`From ${clock(found.from.at)} to ${clock(found.to.at)} UTC:`)
    if (found.changes.length === 0) return say('nothing changed')
    for (const line of tableLines(
      found.changes.map(({ area, what, how, before, after }) => [
        area,
        how,
        oneLine(what),
        oneLine([before, after].filter(Boolean).join(' → ')),
      ]),
    ))
      say(line)
  })
}

interface DiagnoseOptions extends ServiceChoice {
  readonly format: 'text' | 'html'
  readonly unmasked: boolean
  readonly output?: string
}

function diagnoseCommand(): Command {
  return withServiceOptions(
    new Command('diagnose')
      .description(
        'One page that tells what is wrong with this machine, from all rooms. Names, addresses and users are masked.',
      )
      .addOption(new Option('--format <format>', 'text or html').choices(['text', 'html']).default('text'))
      .option('--unmasked', 'show names, addresses and users', false)
      .option('-o, --output <file>', 'write it to a file'),
  ).action(async ({ format, unmasked, output, ...choice }: DiagnoseOptions) => {
    const page = await demandText(
      choice,
      `/api/v1/health/diagnosis?format=${format}&masked=${String(!unmasked)}`,
    )
    if (output === undefined) {
      await sayAll([page])
      return
    }
    try {
      writeFileSync(output, page, { mode: 0o600 })
    } catch (error) {
      throw new CommandError(
        `cannot write ${output}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    say(`Written to ${output}. Read it before you give it away.`)
  })
}
