import { Command, Option } from 'commander'
import { systemClock } from '../../service/clock.ts'
import { defaultHost, defaultPort, type ListenAddress } from '../../service/http/listen.ts'
import {
  createLog,
  fileTarget,
  stderrTarget,
  usualRotation,
  verbosities,
  type LogTarget,
  type Rotation,
  type Verbosity,
} from '../../service/log.ts'
import type { TextView } from '../../service/health/report.ts'
import type { Ending } from '../../service/recorder/schema.ts'
import type { HostEdges } from '../../service/hosts/index.ts'
import { parseGoDuration } from '../../service/hosts/settings.ts'
import { startService, type Service } from '../../service/service.ts'
import { asStoreError, StoreError } from '../../service/store/errors.ts'
import { version } from '../../service/version.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import {
  collect,
  databaseOption,
  parseInterval,
  parseListenOption,
  postgresOption,
  parseVerbosity,
  whole,
} from '../options.ts'
import { alreadyRuns } from '../daemon/words.ts'
import { systemdNotifier } from '../daemon/notify.ts'
import { dropPidfile, takePidfile } from '../daemon/pidfile.ts'

interface ServeOptions {
  readonly interval: number
  readonly verbosity: Verbosity
  readonly log?: string
  readonly database?: string
  readonly listen: ListenAddress
  readonly auth: boolean
  readonly allowHost: string[]
  readonly telemetryDatabase?: string
  readonly logMaxSize: number
  readonly logBackups: number
  readonly healthLog?: string
  readonly healthLogView: TextView
  readonly healthInterval?: number
  readonly pidfile?: string
}

/** `watchkeeper serve`: records in the foreground until it is told to stop. */
export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'Record this machine and serve the UI, in the foreground. SIGTERM and SIGINT (Ctrl-C) end it in order.',
    )
    .option('-i, --interval <seconds>', 'seconds between stamps', parseInterval, 10)
    .option('-v, --verbosity <level>', `logging verbosity: ${verbosities.join(', ')}`, parseVerbosity, 'info')
    .option('-l, --log <file>', 'log to this file instead of standard error')
    .option(
      '--log-max-size <bytes>',
      'put a log file aside before it grows beyond this; 0 never',
      whole('--log-max-size', 0, 999_999_999),
      usualRotation.mostBytes,
    )
    .option(
      '--log-backups <count>',
      'how many log files that were put aside are kept',
      whole('--log-backups', 0, 100),
      usualRotation.backups,
    )
    .option('--health-log <file>', 'append each report of this machine to this file as text')
    .addOption(
      new Option('--health-log-view <view>', 'brief as system-health-daemon wrote it, or full')
        .choices(['brief', 'full'])
        .default('brief'),
    )
    .option(
      '--health-interval <seconds>',
      'seconds between reports of this machine (default: the setting, 10)',
      whole('--health-interval', 1, 3_600),
    )
    .option('--pidfile <file>', 'write the process id there; SIGHUP then opens the log files anew')
    .addOption(databaseOption())
    .addOption(
      new Option('--listen <address>', 'address of the UI and the API')
        .argParser(parseListenOption)
        .default({ host: defaultHost, port: defaultPort }, `${defaultHost}:${defaultPort}`),
    )
    .addOption(
      new Option(
        '--allow-host <name>',
        'another host name to answer to, for a reverse proxy; may be repeated',
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--telemetry-database <address>',
        'keep telemetry records in PostgreSQL (postgres://user:password@host/name) instead of a file',
      )
        .argParser(postgresOption('--telemetry-database'))
        .env('WATCHKEEPER_TELEMETRY_DATABASE'),
    )
    .option('--no-auth', 'ask for no access key; only on a loopback address')
    .addHelpText(
      'after',
      `
Examples:
  watchkeeper serve                                  record into ~/.watchkeeper
  watchkeeper serve -i 2.5 -d /srv/flights.db        stamp every 2.5 s into another file
  watchkeeper serve --listen 0.0.0.0:8737            let other machines see the UI (they need the access key)

Exit codes: 0 ended in order, 1 could not start, 2 bad arguments.`,
    )
    .action(serve)
}

async function serve(options: ServeOptions): Promise<never> {
  // The database and its copies hold the secrets of watchers and channels.
  process.umask(0o077)
  const hosts = hostEdges()
  const clock = systemClock()
  const rotation: Rotation = { mostBytes: options.logMaxSize, backups: options.logBackups }
  const target = openLog(options.log, rotation)
  // Two targets on one file would put aside each other's.
  const isShared = options.healthLog !== undefined && options.healthLog === options.log
  const healthLog =
    options.healthLog === undefined ? null : isShared ? target : openLog(options.healthLog, rotation)
  const notifier = await systemdNotifier(clock, process.env)
  if (options.pidfile !== undefined) takeOwnPidfile(options.pidfile)
  const log = createLog(options.verbosity, target, () => clock.read().wallMs)
  // Whoever reads the log of a daemon finds there why it ended; standard error may be a file that was put aside.
  if (options.log !== undefined)
    process.on('uncaughtExceptionMonitor', (error) =>
      log.fatal(`Ended by an error: ${error.stack ?? error.message}`),
    )
  const stopped = Promise.withResolvers<Ending>()
  // Taken before the start, so that a signal in its midst still ends the flight in order; and kept, so that a second one
  // (npm and its group both send it) does not cut the end short.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      // A terminal that is closed says the same word as whoever rotates a daemon's logs.
      if (signal !== 'SIGHUP' || !(options.pidfile !== undefined || notifier.isListening)) {
        stopped.resolve(signal)
        return
      }
      target.reopen()
      if (!isShared) healthLog?.reopen()
      log.info('The log files were opened anew.')
    })
  log.info('Starting flight recorder...')
  let service: Service
  try {
    service = await startService({
      database: databaseOf(options.database),
      intervalMs: options.interval * 1_000,
      listen: options.listen,
      needsKey: options.auth,
      allowedHosts: options.allowHost,
      clock,
      log,
      hosts,
      telemetryDatabase: options.telemetryDatabase,
      health: {
        ...(healthLog !== null && { textLog: { target: healthLog, view: options.healthLogView } }),
        ...(options.healthInterval !== undefined && { intervalS: options.healthInterval }),
      },
    })
  } catch (error) {
    const known =
      error instanceof StoreError || !isSqlite(error)
        ? error
        : asStoreError(error, databaseOf(options.database))
    const reason = known instanceof Error ? known.message : String(known)
    // The original's words, for whoever searches the log for them.
    if (options.log !== undefined) log.fatal(`DB connection failed: ${reason}`)
    target.close()
    if (options.pidfile !== undefined) dropPidfile(options.pidfile)
    throw new CommandError(reason)
  }
  greet(service, options)
  notifier.ready(`Recording; the UI is at ${service.origin}/`)
  const how = await stopped.promise
  notifier.stopping()
  await service.stop(how)
  log.info('Flight recorder shut down.')
  target.close()
  if (!isShared) healthLog?.close()
  if (options.pidfile !== undefined) dropPidfile(options.pidfile)
  // A program that was asked about the past may still run; it must not hold up the end.
  process.exit(exitCodes.ok)
}

/** Status documents this variable for the interval of its checks. @throws CommandError */
function hostEdges(): HostEdges {
  const text = process.env['MONITORING_INTERVAL']
  if (text === undefined || text === '') return {}
  const defaultMs = parseGoDuration(text)
  if (defaultMs === null)
    throw new CommandError(
      `MONITORING_INTERVAL: '${text}' is not a duration such as 15s, 5m or 1h30m, from 1s to 24h`,
      exitCodes.usage,
    )
  return { defaultMs }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && error.constructor.name === 'SqliteError'
}

/** @throws CommandError in the words of system-health-daemon */
function takeOwnPidfile(file: string): void {
  try {
    if (takePidfile(file)) return
  } catch (error) {
    throw new CommandError(
      `cannot write the pidfile: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  throw new CommandError(alreadyRuns(file))
}

function openLog(file: string | undefined, rotation: Rotation): LogTarget {
  if (file === undefined) return stderrTarget
  try {
    return fileTarget(file, rotation)
  } catch (error) {
    throw new CommandError(`cannot write the log: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function greet({ database, origin, key }: Service, { interval, pidfile }: ServeOptions): void {
  say(`Watchkeeper ${version} records this machine every ${interval} s into ${database}`)
  if (key === null) say(`Open ${origin}/`)
  // systemd keeps what a service prints, and a key does not belong in a log: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
  else if (process.env['JOURNAL_STREAM'] || pidfile !== undefined)
    say(`The UI is at ${origin}/; \`watchkeeper open\` opens it with its key`)
  else say(`Open ${origin}/#key=${key}`)
}
