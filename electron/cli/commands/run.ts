import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { Command } from 'commander'
import type { SpooledSignal } from '../../shared/spooled-signal.ts'
import { mostBodyBytes } from '../../shared/watcher-words.ts'
import { checkPingAddress, flushOwnSpool, keep, newSignal, send } from '../delivery.ts'
import { systemClock } from '../../service/clock.ts'
import { CommandError, exitCodes, presentMs } from '../io.ts'
import { findService, withServiceOptions, type Answer, type ServiceChoice } from '../service-client.ts'
import { TailBuffer } from '../tail-buffer.ts'

interface RunOptions extends ServiceChoice {
  readonly start: boolean
  readonly output: boolean
}

/** How a command ended, as a shell would say it. */
interface Outcome {
  readonly exitStatus: number
  /** When it ended, ms UTC. */
  readonly atMs: number
  readonly comment: string
}

/** What a shell answers when a command cannot be run: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html */
const notFound = 127
const notExecutable = 126

/** `watchkeeper run`: runs a command and tells its watcher how it went. */
export function runCommand(finish: (exitCode: number) => void): Command {
  return withServiceOptions(
    new Command('run')
      .description('Run a command, pass its output and exit code through, and tell a watcher how it went.')
      .argument('<watcher>', 'id, slug or name of the watcher, or its ping address')
      .argument('<command...>', 'the command, after --')
      .option('--no-start', 'send no signal when the command starts')
      .option('--no-output', 'leave the output alone instead of sending its end'),
  )
    .addHelpText(
      'after',
      `
Examples:
  watchkeeper run backup -- /usr/local/bin/backup.sh --all
  0 3 * * *  watchkeeper run http://nas:8737/ping/<uuid> -- backup.sh

While the service cannot be reached the signals are kept in files and delivered later, with their true times.
Exit codes: those of the command; 126 it cannot be run, 127 it is not there, 128 + n it was ended by signal n.`,
    )
    .action(async (watcher: string, command: string[], options: RunOptions) => {
      finish(await run(watcher, command, options))
    })
}

async function run(watcher: string, command: readonly string[], options: RunOptions): Promise<number> {
  const [file, ...args] = command
  // Without the dashes an option of the command could be taken for one of ours.
  if (file === undefined || !process.argv.includes('--'))
    throw new CommandError(
      'give the command after --, as in: watchkeeper run backup -- backup.sh',
      exitCodes.usage,
    )
  if (options.url !== undefined) findService(options)
  checkPingAddress(watcher)
  const run = randomUUID()
  const start = newSignal(watcher, { kind: 'start', atMs: presentMs(), run })
  // The command does not wait for the service.
  const starting = options.start ? send(start, options) : Promise.resolve(null)
  const tail = new TailBuffer(mostBodyBytes)
  const { ended, closed } = execute(file, args, options.output ? tail : null)
  const outcome = await ended
  const end = newSignal(watcher, {
    kind: outcome.exitStatus === 0 ? 'success' : 'fail',
    atMs: outcome.atMs,
    exitStatus: outcome.exitStatus,
    comment: outcome.comment,
    run: options.start ? run : '',
    body: tail.text(),
  })
  const problem = await report(await starting, start, end, options)
  if (problem !== null) process.stderr.write(`watchkeeper: ${problem}\n`)
  else await flushOwnSpool(watcher, options)
  // What the command left running may go on to write.
  await closed
  return outcome.exitStatus
}

/**
 * Sends the end, or keeps it. A start that could not be sent goes first, so that its run is not opened after its end.
 *
 * @returns what to tell the user; null when all is well
 */
async function report(
  started: Answer | null,
  start: SpooledSignal,
  end: SpooledSignal,
  choice: ServiceChoice,
): Promise<string | null> {
  const waiting = started?.kind === 'away' ? [start, end] : [end]
  let problem = started?.kind === 'refused' ? `the signal was refused: ${started.message}` : null
  while (waiting.length > 0) {
    const [next = end] = waiting
    const answer = await send(next, choice)
    if (answer.kind === 'away') return keepAll(waiting, choice, answer.message)
    if (answer.kind === 'refused') problem = `the signal was refused: ${answer.message}`
    waiting.shift()
  }
  return problem
}

function keepAll(signals: readonly SpooledSignal[], choice: ServiceChoice, why: string): string {
  try {
    const files = signals.map((signal) => keep(signal, choice))
    return `${why}; the signal is kept in ${files[files.length - 1] ?? ''}`
  } catch (error) {
    return `${why}; the signal could not be kept: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** Windows has longer exit codes; one that is not zero must not become it. */
function shellStatus(code: number): number {
  return code === 0 ? 0 : code & 255 || 255
}

/** The last output may come a little after the end (ms). */
const drainMs = 200

/** Runs a command; it has ended when it has ended itself, and is closed when nobody holds its output any more. */
function execute(
  file: string,
  args: readonly string[],
  tail: TailBuffer | null,
): { ended: Promise<Outcome>; closed: Promise<void> } {
  const closing = Promise.withResolvers<void>()
  const ended = new Promise<Outcome>((resolve) => {
    const stdio = tail === null ? 'inherit' : 'pipe'
    const child = spawn(file, [...args], { stdio: ['inherit', stdio, stdio] })
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal)
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
    // A terminal sends Ctrl-C to the command as well; twice would be taken for impatience.
    const swallow = (): void => undefined
    const handlerOf = (signal: NodeJS.Signals): typeof forward =>
      process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT') ? swallow : forward
    for (const signal of signals) process.on(signal, handlerOf(signal))
    const pass = (from: Readable | null, to: NodeJS.WriteStream): void => {
      from?.on('data', (chunk: Buffer) => {
        tail?.add(chunk)
        // A slow reader slows the command down, as it would without us.
        if (to.destroyed || to.write(chunk)) return
        from.pause()
        to.once('drain', () => from.resume())
      })
      // Where the reader has gone away, the command meets a closed pipe, as it would without us.
      to.on('error', () => from?.destroy())
    }
    pass(child.stdout, process.stdout)
    pass(child.stderr, process.stderr)
    const done = (outcome: Outcome): void => {
      for (const signal of signals) {
        process.removeListener(signal, forward)
        process.removeListener(signal, swallow)
      }
      resolve(outcome)
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT'
      process.stderr.write(
        `watchkeeper: ${file}: ${isMissing ? 'command not found' : 'it cannot be executed'}\n`,
      )
      closing.resolve()
      done({
        exitStatus: isMissing ? notFound : notExecutable,
        comment: isMissing ? 'command not found' : 'the command cannot be run',
        atMs: presentMs(),
      })
    })
    child.on('close', () => closing.resolve())
    child.on('exit', (code, signal) => {
      const outcome: Outcome =
        signal === null
          ? { exitStatus: shellStatus(code ?? 0), comment: '', atMs: presentMs() }
          : {
              exitStatus: 128 + (constants.signals[signal] ?? 0),
              comment: `ended by ${signal}`,
              atMs: presentMs(),
            }
      const waiting = systemClock().after(drainMs, () => done(outcome))
      child.on('close', () => {
        waiting.cancel()
        done(outcome)
      })
    })
  })
  return { ended, closed: closing.promise }
}
