import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { sideFiles } from '../../service/store/location.ts'
import { withoutPassword } from '../../service/store/records/postgres-address.ts'
import { moveRecords } from '../../service/telemetry/records/move.ts'
import type {
  PurgeAnswer,
  RecordDetails,
  RecordPage,
  Regroup,
  SkipList,
  SkipPreview,
  TelemetrySummary,
  TopCrashes,
} from '../../shared/api/telemetry.ts'
import { defaultTid, frameLabel, severityWords, shortClass } from '../../shared/telemetry-words.ts'
import { oneLine, severalLines } from '../../shared/text.ts'
import { CommandError, databaseOf, exitCodes, say, sayAll } from '../io.ts'
import { databaseOption, postgresOption, tableLines, whole } from '../options.ts'
import { demand, findService, withServiceOptions, type ServiceChoice } from '../service-client.ts'

/** `watchkeeper telemetry`: records of many machines, and what they say of crashes. */
export function telemetryCommand(): Command {
  const command = new Command('telemetry').description(
    'Look at records and crashes, say what is never guilty, let go of old records, move them to PostgreSQL.',
  )
  for (const sub of [
    statusCommand(),
    recordsCommand(),
    showCommand(),
    crashesCommand(),
    skipCommand(),
    purgeCommand(),
    sendCommand(),
    moveCommand(),
  ])
    command.addCommand(sub)
  return command
}

interface JsonOptions extends ServiceChoice {
  readonly json: boolean
}

function statusCommand(): Command {
  return withServiceOptions(
    new Command('status')
      .description('How full the store is, and what came.')
      .option('--json', 'print JSON', false),
  ).action(async (options: JsonOptions) => {
    const summary = await demand<TelemetrySummary>(options, 'GET', '/api/v1/telemetry')
    if (options.json) return say(JSON.stringify(summary, null, 2))
    if (summary.reason !== null)
      throw new CommandError(`telemetry records are not available: ${summary.reason}`)
    const { stored, counted, refused, quarantined } = summary.received
    say(`${summary.records ?? 0} records, ${summary.crashes ?? 0} crashes, in ${summary.place}`)
    say(
      `Since the start: ${stored} stored, ${counted} only counted, ${quarantined} kept aside, ${refused} refused.`,
    )
  })
}

interface RecordsOptions extends JsonOptions {
  readonly classification?: string
  readonly severity?: string
  readonly machine?: string
  readonly build?: string
  readonly system?: string
  readonly source?: string
  readonly payload?: string
  readonly notPayload?: string
  readonly from?: string
  readonly to?: string
  readonly received?: string
  readonly limit: number
}

function recordsCommand(): Command {
  return withServiceOptions(
    new Command('records')
      .description('List records, newest first.')
      .option('--classification <class>', 'a class; * stands for any characters')
      .option('--severity <severity>', '1 to 4')
      .option('--machine <id>')
      .option('--build <build>')
      .option('--system <system>')
      .option('--source <source>', 'internal or external')
      .option('--payload <pattern>', 'a regular expression that the payload matches')
      .option('--not-payload <pattern>', 'one that it does not match')
      .option('--from <time>', "captured at or after, by the client's clock")
      .option('--to <time>', 'captured before')
      .option('--received <span>', 'received within a span such as 7d')
      .option('--limit <n>', 'how many', whole('--limit', 1, 1_000), 20)
      .option('--json', 'print JSON', false),
  ).action(async ({ database, url, key, json, ...query }: RecordsOptions) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    )
    const choice = {
      ...(database !== undefined && { database }),
      ...(url !== undefined && { url }),
      ...(key !== undefined && { key }),
    }
    const page = await demand<RecordPage>(choice, 'GET', `/api/v1/telemetry/records?${search.toString()}`)
    if (json) return say(JSON.stringify(page.records, null, 2))
    await sayAll(
      tableLines([
        ['ID', 'RECEIVED', 'SEVERITY', 'BUILD', 'MACHINE', 'CLASS'],
        ...page.records.map((record) => [
          String(record.id),
          record.received.slice(0, 19).replace('T', ' '),
          severityWords[record.severity - 1] ?? '',
          record.build,
          oneLine(record.machine),
          oneLine(shortClass(record.classification)),
        ]),
      ]).map((line) => `${line}\n`),
    )
    if (!page.complete) say('Older records were not looked at: narrow the list.')
  })
}

function showCommand(): Command {
  return withServiceOptions(
    new Command('show')
      .description('Show a record with its payload.')
      .argument('<id>', 'id of the record', whole('id', 1, 999_999_999))
      .option('--json', 'print JSON', false),
  ).action(async (id: number, options: JsonOptions) => {
    const record = await demand<RecordDetails>(options, 'GET', `/api/v1/telemetry/records/${id}`)
    if (options.json) return say(JSON.stringify(record, null, 2))
    const { payload, backtrace: _backtrace, skippable: _skippable, guiltyFrame, ...fields } = record
    await sayAll(
      tableLines([
        ...Object.entries(fields).map(([name, value]) => [name, oneLine(String(value))]),
        ...(guiltyFrame ? [['guilty frame', oneLine(frameLabel(guiltyFrame))]] : []),
      ]).map((line) => `${line}\n`),
    )
    say(`\n${severalLines(payload)}`)
  })
}

interface CrashesOptions extends JsonOptions {
  readonly last: string
  readonly build?: string
  readonly limit: number
}

function crashesCommand(): Command {
  return withServiceOptions(
    new Command('crashes')
      .description('Guilty frames with most crashes.')
      .option('--last <span>', 'window that ends now', '7d')
      .option('--build <build>', 'of one build alone')
      .option('--limit <n>', 'how many', whole('--limit', 1, 500), 10)
      .option('--json', 'print JSON', false),
  ).action(async ({ last, build, limit, json, ...choice }: CrashesOptions) => {
    const search = new URLSearchParams({ last, limit: String(limit), ...(build !== undefined && { build }) })
    const top = await demand<TopCrashes>(choice, 'GET', `/api/v1/telemetry/crashes?${search.toString()}`)
    if (json) return say(JSON.stringify(top, null, 2))
    if (top.crashes.length === 0) return say('No crashes in this window.')
    await sayAll(
      tableLines([
        ['CRASHES', 'MACHINES', 'NEW', 'GUILTY FRAME'],
        ...top.crashes.map((crash) => [
          String(crash.crashes),
          String(crash.machines),
          crash.isNew ? 'new' : '',
          oneLine(frameLabel(crash)) + (crash.comment === '' ? '' : `  (${crash.comment})`),
        ]),
      ]).map((line) => `${line}\n`),
    )
  })
}

interface SkipOptions extends JsonOptions {
  readonly remove: boolean
  readonly dryRun: boolean
}

function skipCommand(): Command {
  return withServiceOptions(
    new Command('skip')
      .description(
        'List the frames that are never guilty, or add or remove one; --dry-run says what would move.',
      )
      .argument('[function]', "as it stands in backtraces, such as 'abort()'")
      .argument('[module]', 'such as libc.so.6')
      .option('--remove', 'take it off the list', false)
      .option('--dry-run', 'only say what would move', false)
      .option('--json', 'print JSON', false),
  ).action(async (name: string | undefined, module: string | undefined, options: SkipOptions) => {
    const { remove, dryRun, json, ...choice } = options
    if (name === undefined || module === undefined) {
      if (name !== undefined) throw new CommandError('name a function and a module', exitCodes.usage)
      const list = await demand<SkipList>(choice, 'GET', '/api/v1/telemetry/skip-list')
      if (json) return say(JSON.stringify(list, null, 2))
      return say(
        list.frames.length === 0
          ? 'The skip list is empty.'
          : list.frames.map((frame) => oneLine(frameLabel(frame))).join('\n'),
      )
    }
    const change = { [remove ? 'remove' : 'add']: [{ function: name, module }] }
    if (dryRun) {
      const preview = await demand<SkipPreview>(choice, 'POST', '/api/v1/telemetry/skip-list/preview', change)
      if (json) return say(JSON.stringify(preview, null, 2))
      for (const move of preview.moves)
        say(`moves ${move.records} records from ${labelOf(move.from)} to ${labelOf(move.to)}`)
      if (preview.moves.length === 0) say('moves nothing')
      if (!preview.complete) say(`Time ran out: only the newest ${preview.looked} crashes were looked at.`)
      return
    }
    const regroup = await demand<Regroup>(choice, 'POST', '/api/v1/telemetry/skip-list', change)
    say(
      json
        ? JSON.stringify(regroup, null, 2)
        : `Done: ${regroup.what}. Crashes are blamed anew in the background.`,
    )
  })
}

function labelOf(frame: { readonly function: string; readonly module: string } | null): string {
  return frame === null ? 'nobody' : oneLine(frameLabel(frame))
}

function purgeCommand(): Command {
  return withServiceOptions(
    new Command('purge')
      .description('Let go of what retention says; --dry-run only counts it.')
      .option('--dry-run', 'only count', false)
      .option('--json', 'print JSON', false),
  ).action(async ({ dryRun, json, ...choice }: JsonOptions & { readonly dryRun: boolean }) => {
    const answer = await demand<PurgeAnswer>(choice, 'POST', '/api/v1/telemetry/purge', { dryRun })
    if (json) return say(JSON.stringify(answer, null, 2))
    say(
      `${dryRun ? 'Would let go of' : 'Let go of'} ${answer.byAge + answer.bySize} records: ${answer.byAge} by age, ${answer.bySize} by size.`,
    )
  })
}

interface SendOptions extends ServiceChoice {
  readonly class: string
  readonly severity: number
  readonly payload?: string
  readonly payloadFile?: string
  readonly tid: string
}

function sendCommand(): Command {
  return withServiceOptions(
    new Command('send')
      .description(
        'Send a record to a collector as telem-record-gen does; the payload comes from -p, -P or standard input.',
      )
      .requiredOption('-c, --class <class>', 'classification, such as org.example/test/hello')
      .option('-s, --severity <n>', '1 to 4', whole('-s/--severity', 1, 4), 1)
      .option('-p, --payload <text>')
      .option('-P, --payload-file <file>')
      .addOption(new Option('--tid <id>', 'telemetry id of the collector').default(defaultTid)),
  ).action(async (options: SendOptions) => {
    const target = findService(options)
    if ('away' in target) throw new CommandError(target.away)
    const { machineFields, thisMachine } = await import('../../service/telemetry/client/machine.ts')
    const { send } = await import('../../service/telemetry/client/forward.ts')
    const { randomBytes } = await import('node:crypto')
    const { systemClock } = await import('../../service/clock.ts')
    const outcome = await send(
      {
        ...machineFields(thisMachine),
        recordVersion: 4,
        severity: options.severity,
        classification: options.class,
        machine: '0'.repeat(32),
        clientS: Math.floor(systemClock().glance().wallMs / 1_000),
        event: randomBytes(16).toString('hex'),
        payloadVersion: 1,
        external: false,
        payload: payloadOf(options),
      },
      { url: `${target.origin}/v3/collector`, tid: options.tid },
    )
    if (outcome.kind !== 'taken')
      throw new CommandError(`the collector did not take the record: ${outcome.reason}`)
    say('Sent.')
  })
}

function payloadOf({ payload, payloadFile }: SendOptions): string {
  if (payload !== undefined) return payload
  try {
    return readFileSync(payloadFile ?? 0, 'utf8')
  } catch (error) {
    throw new CommandError(
      `cannot read the payload: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function moveCommand(): Command {
  return new Command('move')
    .description(
      'Copy all records from the file to PostgreSQL. It can be broken off and run again; the service may run meanwhile.',
    )
    .addOption(databaseOption())
    .requiredOption('--to <address>', 'postgres://user:password@host/name', postgresOption('--to'))
    .addHelpText(
      'after',
      `
Records, the skip list and what was decided of guilty frames are copied; records that were kept aside are not. Records get new ids, so move them
before collectors write to the database if their order is to stay.`,
    )
    .action(async ({ database, to }: { database?: string; to: string }) => {
      const file = sideFiles(databaseOf(database)).records
      const lastTold = { percent: -1 }
      const { looked, added } = await moveRecords({ file, address: to }, (progress) => {
        const percent = Math.floor((progress.looked / Math.max(progress.total, 1)) * 100)
        if (percent === lastTold.percent) return
        lastTold.percent = percent
        process.stderr.write(`${progress.looked} of ${progress.total} records, ${progress.added} added\n`)
      })
      say(
        `${looked} records are in ${withoutPassword(to)}, ${added} of them added now. Start the service with --telemetry-database to use it.`,
      )
    })
}
