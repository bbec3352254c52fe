import { Command, Option } from 'commander'
import { signalKinds, type SignalKind } from '../../shared/watcher-words.ts'
import { parseInstant } from '../../shared/time-text.ts'
import { checkPingAddress, flushOwnSpool, keep, newSignal, send } from '../delivery.ts'
import { CommandError, exitCodes, presentMs, say } from '../io.ts'
import { withServiceOptions, type ServiceChoice } from '../service-client.ts'

interface TriggerOptions extends ServiceChoice {
  readonly kind?: SignalKind
  readonly exitStatus?: number
  readonly run?: string
  readonly at?: number
  readonly comment?: string
  readonly body?: string
}

function parseStatus(text: string): number {
  const status = Number(text)
  if (!/^\d{1,3}$/.test(text) || status > 255)
    throw new CommandError(`argument --exit-status: '${text}' is not a number from 0 to 255`, exitCodes.usage)
  return status
}

function parseAt(text: string): number {
  const at = parseInstant(text, presentMs())
  if (at === null) throw new CommandError(`argument --at: '${text}' is not a time`, exitCodes.usage)
  return at
}

/** `watchkeeper trigger`: sends one signal to a watcher. */
export function triggerCommand(): Command {
  return withServiceOptions(
    new Command('trigger')
      .description('Tell a watcher that its job succeeded, started, failed or said something.')
      .argument('<watcher>', 'id, slug or name of the watcher, or its ping address')
      .addOption(new Option('--kind <kind>', 'what happened').choices([...signalKinds]))
      .option('--exit-status <n>', 'exit status of the job: 0 is success', parseStatus)
      .option('--run <id>', 'id of the run, the same at start and end')
      .option('--at <time>', 'when it happened, if that was earlier', parseAt)
      .option('-m, --comment <text>', 'a comment for the history')
      .option('--body <text>', 'output of the job; - reads it from standard input'),
  ).action(trigger)
}

async function trigger(watcher: string, options: TriggerOptions): Promise<void> {
  const { exitStatus, run, at, comment, body } = options
  checkPingAddress(watcher)
  const kind = options.kind ?? ((exitStatus ?? 0) > 0 ? 'fail' : 'success')
  const signal = newSignal(watcher, {
    kind,
    atMs: at ?? presentMs(),
    ...(exitStatus !== undefined && { exitStatus }),
    ...(run !== undefined && { run }),
    ...(comment !== undefined && { comment }),
    ...(body !== undefined && { body: body === '-' ? await readInput() : body }),
  })
  const answer = await send(signal, options)
  if (answer.kind === 'refused') throw new CommandError(answer.message)
  if (answer.kind === 'away') {
    const file = keep(signal, options)
    say(`${answer.message}; the signal is kept in ${file} and is delivered later`)
    return
  }
  const { recovered = false, unpaused = false } = (answer.body ?? {}) as {
    recovered?: boolean
    unpaused?: boolean
  }
  say(
    `Triggered ${watcher}.${recovered ? ' It has recovered.' : ''}${unpaused ? ' It is no longer paused.' : ''}`,
  )
  await flushOwnSpool(watcher, options)
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).subarray(-100_000).toString('utf8')
}
