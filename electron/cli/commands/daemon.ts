import { Command } from 'commander'
import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { systemClock } from '../../service/clock.ts'
import { isLocked, readServiceAddress } from '../../service/store/lock.ts'
import { readDaemonConfig, type DaemonConfig } from '../daemon/config.ts'
import { lastStartFault, readLastStart, writeLastStart, type LastStart } from '../daemon/last-start.ts'
import { isAlive, readingFault, readPid, runningPid } from '../daemon/pidfile.ts'
import { alreadyRuns, doesNotRun } from '../daemon/words.ts'
import { CommandError, databaseOf, exitCodes, say } from '../io.ts'
import { databaseOption } from '../options.ts'
import { absolutePaths, ownCommand } from '../own-command.ts'

interface DaemonOptions {
  readonly database?: string
  readonly config?: string
  readonly pidfile?: string
  readonly log?: string
}

/** Where a daemon keeps its things. */
interface Places {
  readonly database: string
  readonly pidfile: string
  readonly log: string
  readonly config: DaemonConfig | null
  /** Places that were named, for the next start. */
  readonly named: LastStart['named']
  /** Whether the places were typed, so that a typing error makes no folder. */
  readonly isLogTyped: boolean
  readonly isPidTyped: boolean
}

/** `watchkeeper daemon`: the service in the background, as PEP 3143 has it. */
export function daemonCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('daemon').description(
    'Run the service in the background, where no service manager does (see `watchkeeper service`).',
  )
  const withOptions = (sub: Command): Command =>
    sub
      .addOption(databaseOption())
      .option('-c, --config <file>', 'a configuration of system-health-daemon')
      .option('--pidfile <file>', 'where the process id is written (default: beside the database)')
      .option('-l, --log <file>', 'where it logs (default: beside the database)')
  const passed = ['[serve options...]', 'options of `watchkeeper serve`'] as const
  command.addCommand(
    withOptions(new Command('start'))
      .description('Start it and wait until it records.')
      .allowUnknownOption()
      .argument(...passed)
      .action((more: string[], options: DaemonOptions) => start(placesOf(options), more)),
  )
  command.addCommand(
    withOptions(new Command('stop'))
      .description('End it in order and wait until it is gone.')
      .action((options: DaemonOptions) => stop(runningPlaceOf(options))),
  )
  command.addCommand(
    withOptions(new Command('restart'))
      .description(
        'End it, if it runs, and start it, with the options and places of its last start unless others are given.',
      )
      .allowUnknownOption()
      .argument(...passed)
      .action(async (more: string[], options: DaemonOptions) => {
        const database = databaseOf(options.database)
        const last = readLastStart(database)
        // Checked before anything ends, so that a mistake costs no daemon.
        const places = {
          ...placesOf({ ...last.named, ...options }),
          isLogTyped: options.log !== undefined,
          isPidTyped: options.pidfile !== undefined,
        }
        prepare(places)
        const was = { database, pidfile: last.pidfile ?? places.pidfile, hidden: null }
        await stop(runningPid(was.pidfile) === null ? { ...was, pidfile: places.pidfile } : was)
        await start(places, more.length > 0 ? more : last.serve)
      }),
  )
  command.addCommand(
    withOptions(new Command('status'))
      .description('Say whether it runs.')
      .addHelpText(
        'after',
        '\nExit codes: 0 it runs, 1 it does not but left its pidfile, 3 it does not, 4 that cannot be read.',
      )
      .action((options: DaemonOptions) => finish(status(runningPlaceOf(options)))),
  )
  command.addHelpText(
    'after',
    `
Examples:
  watchkeeper daemon start                          the usual database, log and pidfile beside it
  watchkeeper daemon start --listen 0.0.0.0:8737     options of watchkeeper serve
  watchkeeper daemon start -c /etc/system-health-daemon/daemon.cfg
  kill -HUP $(cat ~/.watchkeeper/watchkeeper.db.pid)    open the log files anew, after rotating them

Its log is put aside at a megabyte, five of them are kept (--log-max-size, --log-backups).`,
  )
  return command
}

/** @throws CommandError for a configuration that cannot be read */
function placesOf({ database: named, config: configFile, pidfile, log }: DaemonOptions): Places {
  const database = databaseOf(named)
  const config = configFile === undefined ? null : readDaemonConfig(path.resolve(configFile))
  return {
    database,
    config,
    named: {
      ...(configFile !== undefined && { config: path.resolve(configFile) }),
      ...(pidfile !== undefined && { pidfile: path.resolve(pidfile) }),
      ...(log !== undefined && { log: path.resolve(log) }),
    },
    // The daemon's folder is the root, so that it holds no other one.
    pidfile: path.resolve(pidfile ?? config?.pidPath ?? `${database}.pid`),
    log: path.resolve(log ?? config?.errorLog ?? `${database}.log`),
    isLogTyped: log !== undefined,
    isPidTyped: pidfile !== undefined,
  }
}

/** Where a daemon that may be running has its pidfile. */
interface RunningPlace {
  readonly database: string
  readonly pidfile: string
  /** Why the pidfile may be another one, as a sentence; null when it is this one. */
  readonly hidden: string | null
}

/** Returns where the daemon that may be running has its pidfile: as it was told at its start, unless it is named. */
function runningPlaceOf(options: DaemonOptions): RunningPlace {
  const { database, pidfile } = placesOf(options)
  if (options.pidfile !== undefined || options.config !== undefined)
    return { database, pidfile, hidden: null }
  return {
    database,
    pidfile: readLastStart(database).pidfile ?? pidfile,
    hidden: lastStartFault(database),
  }
}

const clock = systemClock()
const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
/** A large database takes its time to be checked. */
const startPatienceMs = 120_000
/** The original asks so often. */
const askMs = 100
const stopPatienceMs = 60_000

async function start(places: Places, more: readonly string[]): Promise<void> {
  const { database, pidfile, log, config } = places
  if (runningPid(pidfile) !== null) throw new CommandError(alreadyRuns(pidfile))
  const [program = '', ...first] = ownCommand()
  const args = [
    ...first,
    'serve',
    ...['-d', database, '--pidfile', pidfile, '--log', log],
    ...(config === null
      ? []
      : ['--health-log', path.resolve(config.outputLog), '--health-interval', String(config.intervalS)]),
    ...absolutePaths(more),
  ]
  closeInherited()
  prepare(places)
  const { handle, size } = openForWords(log)
  const child = spawn(program, args, {
    // A session of its own without a terminal; the process that started it ends, so nobody waits for it.
    detached: true,
    cwd: path.parse(process.execPath).root,
    stdio: ['ignore', handle, handle],
    windowsHide: true,
  })
  closeSync(handle)
  const ended: { code: number | null; is: boolean; reason: string | null } = {
    code: null,
    is: false,
    reason: null,
  }
  child.on('error', (error) => Object.assign(ended, { is: true, reason: error.message }))
  child.on('exit', (code) => Object.assign(ended, { is: true, code }))
  for (let waitedMs = 0; waitedMs < startPatienceMs; waitedMs += askMs) {
    await pause(askMs)
    if (ended.is) throw new CommandError(ended.reason ?? lastWords(log, size))
    const address = isLocked(database) ? readServiceAddress(database) : null
    if (address !== null && address.pid === child.pid) {
      child.unref()
      writeLastStart(database, { pidfile, named: places.named, serve: more })
      say(`Watchkeeper records in the background (process ${child.pid}), the UI is at ${address.origin}/`)
      say(`Its log is ${log}; \`watchkeeper open\` opens the UI with its key.`)
      return
    }
  }
  child.unref()
  writeLastStart(database, { pidfile, named: places.named, serve: more })
  say(`Watchkeeper was started (process ${child.pid}) and is still busy with its database; its log is ${log}`)
}

/** Makes what a start needs. @throws CommandError where it could not write */
function prepare({ pidfile, log, config, isPidTyped, isLogTyped }: Places): void {
  // A folder that is missing is made for the usual places and a configuration's, not for one that was typed.
  if (!isPidTyped) mkdirSync(path.dirname(pidfile), { recursive: true })
  if (!isLogTyped) mkdirSync(path.dirname(log), { recursive: true })
  if (config !== null) mkdirSync(path.dirname(path.resolve(config.outputLog)), { recursive: true })
  if (!existsSync(path.dirname(pidfile)))
    throw new CommandError(`cannot write ${pidfile}: there is no such folder`)
  closeSync(openForWords(log).handle)
}

/** What the caller's shell left open would stay open for years: a daemon holds nothing but its own (PEP 3143). */
function closeInherited(): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    try {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1] ?? ''
      // Node opens its own with O_CLOEXEC, so whatever lacks it was inherited.
      if (fd > 2 && flags !== '' && (Number.parseInt(flags, 8) & 0o2000000) === 0) closeSync(fd)
    } catch {
      // The descriptor of the folder that is just being read.
    }
  }
}

/** @throws CommandError */
function openForWords(log: string): { readonly handle: number; readonly size: number } {
  try {
    const handle = openSync(log, 'a', 0o600)
    return { handle, size: statSync(log).size }
  } catch (error) {
    throw new CommandError(`cannot write the log: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Returns the last line that a daemon that could not start has left, without what every line begins with. */
function lastWords(log: string, from: number): string {
  try {
    const lines = readFileSync(log).subarray(from).toString().trim().split('\n')
    const told = lines.findLast((line) => line.startsWith('watchkeeper: ')) ?? lines.at(-1) ?? ''
    return told.replace(/^watchkeeper: /, '') || `it ended at once; its log is ${log}`
  } catch {
    return `it ended at once; its log is ${log}`
  }
}

/** The original's words and exit code 0 where nothing runs. */
async function stop({ pidfile, hidden }: RunningPlace): Promise<void> {
  const fault = readingFault(pidfile)
  if (fault !== null) throw new CommandError(fault)
  const pid = runningPid(pidfile)
  if (pid === null && hidden !== null) throw new CommandError(hidden)
  if (pid === null) {
    process.stderr.write(`${doesNotRun(pidfile)}\n`)
    // Only what a daemon left behind is taken away, never a file that merely has this name.
    const left = readPid(pidfile)
    if (left !== null && !isAlive(left)) rmSync(pidfile, { force: true })
    return
  }
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    throw new CommandError(
      `process ${pid} cannot be ended: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  for (let waitedMs = 0; waitedMs < stopPatienceMs; waitedMs += askMs) {
    if (!isAlive(pid)) {
      if (readPid(pidfile) === pid) rmSync(pidfile, { force: true })
      return
    }
    await pause(askMs)
  }
  throw new CommandError(`process ${pid} has not ended within ${stopPatienceMs / 1_000} s`)
}

const unknownStatus = 4
/** Exit codes of the Linux Standard Base: https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/iniscrptact.html */
function status({ pidfile, database, hidden }: RunningPlace): number {
  const pid = runningPid(pidfile)
  const fault = readingFault(pidfile) ?? (pid === null ? hidden : null)
  if (fault !== null) {
    say(`Whether it runs is not known: ${fault}`)
    return unknownStatus
  }
  if (pid !== null) {
    const address = readServiceAddress(database)
    say(`It runs (process ${pid})${address?.pid === pid ? `, the UI is at ${address.origin}/` : ''}`)
    return exitCodes.ok
  }
  const isStale = existsSync(pidfile)
  say(isStale ? `It does not run; ${pidfile} was left behind` : 'It does not run')
  return isStale ? exitCodes.failed : exitCodes.notThere
}
