import { Command, Option } from 'commander'
import { systemClock, type Timer } from '../../service/clock.ts'
import { createPinger, type Pinger } from '../../service/hosts/icmp/pinger.ts'
import type { EchoResult } from '../../service/hosts/icmp/echo.ts'
import { createResolver, type FamilyChoice } from '../../service/hosts/probes/resolver.ts'
import { echoWayWords } from '../../shared/host-words.ts'
import { CommandError, exitCodes, say } from '../io.ts'
import { length, whole } from '../options.ts'

interface PingOptions {
  readonly count?: number
  readonly interval: number
  readonly timeout: number
  readonly size: number
  readonly quiet: boolean
  readonly '4'?: boolean
  readonly '6'?: boolean
}

/** `watchkeeper ping`: echoes as the system's ping sends them, by the way that the service would go. */
export function pingCommand(finish: (exitCode: number) => void): Command {
  return new Command('ping')
    .description('Send ICMP echoes from here until Ctrl-C, as the system’s ping does. Needs no service.')
    .argument('<target>', 'name or address')
    .option('-c, --count <n>', 'stop after so many', whole('-c/--count', 1, 1_000_000))
    .addOption(
      new Option('-i, --interval <length>', 'between echoes')
        .argParser(length('-i/--interval'))
        .default(1_000, '1s'),
    )
    .addOption(
      new Option('-W, --timeout <length>', 'wait for an answer')
        .argParser(length('-W/--timeout'))
        .default(2_000, '2s'),
    )
    .option('-s, --size <bytes>', 'payload', whole('-s/--size', 16, 1_400), 56)
    .option('-q, --quiet', 'print only the summary', false)
    .option('-4', 'IPv4 only')
    .option('-6', 'IPv6 only')
    .addHelpText(
      'after',
      '\nExit codes: 0 something answered, 1 nothing did, 2 the name is not known or no echo can be sent.',
    )
    .action(async (target: string, options: PingOptions) => {
      const family: FamilyChoice = options['4'] ? '4' : options['6'] ? '6' : 'any'
      if (target.trim() === '') throw new CommandError("argument target: '' is not a host", exitCodes.usage)
      const clock = systemClock()
      const address = await addressOf(target, family)
      const pinger = createPinger(clock)
      const { way, refusals } = await pinger.way(address.includes(':') ? 6 : 4)
      if (way === 'none')
        throw new CommandError(
          `no echo can be sent: ${refusals.map(({ why }) => why).join('; ')}`,
          exitCodes.usage,
        )
      say(`PING ${target} (${address}) ${options.size} bytes of data, by ${echoWayWords[way]}`)
      const answers = await run(pinger, address, options)
      await pinger.stop()
      finish(answers > 0 ? exitCodes.ok : exitCodes.failed)
    })
}

function addressOf(target: string, family: FamilyChoice): Promise<string> {
  return new Promise((resolve, reject) => {
    createResolver(systemClock()).find(target, family, (found) => {
      if ('address' in found) resolve(found.address)
      else
        reject(
          new CommandError(
            `${target}: ${'cause' in found ? found.cause.text : found.fault}`,
            exitCodes.usage,
          ),
        )
    })
  })
}

/** Sends echoes and returns how many were answered. */
async function run(
  pinger: Pinger,
  address: string,
  { count, interval, timeout, size, quiet }: PingOptions,
): Promise<number> {
  const clock = systemClock()
  const beginMs = clock.glance().monotonicMs
  const times: number[] = []
  let sent = 0
  let ended = 0
  let isOver = false
  let timer: Timer | null = null
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      isOver = true
      timer?.cancel()
      resolve()
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const send = (): void => {
      sent += 1
      const sequence = sent
      pinger.echo({ address, timeoutMs: timeout, bytes: size }, (result) => {
        if (isOver) return
        ended += 1
        if (result.kind === 'answer') times.push(result.ms)
        if (!quiet) say(lineOf(result, address, size, sequence))
        if (ended === count) stop()
      })
      if (sent !== count) timer = clock.after(interval, send)
    }
    send()
  })
  const lost = ended === 0 ? 0 : Math.round((100 * (ended - times.length)) / ended)
  say(`\n--- ${address} ping statistics ---`)
  say(
    `${ended} packets transmitted, ${times.length} received, ${lost}% packet loss, time ${Math.round(clock.glance().monotonicMs - beginMs)}ms`,
  )
  if (times.length > 0) {
    const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length
    const deviation = Math.sqrt(times.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / times.length)
    const figures = [Math.min(...times), mean, Math.max(...times), deviation].map((ms) => ms.toFixed(3))
    say(`rtt min/avg/max/mdev = ${figures.join('/')} ms`)
  }
  return times.length
}

function lineOf(result: EchoResult, address: string, size: number, sequence: number): string {
  switch (result.kind) {
    case 'answer':
      return `${size + 8} bytes from ${result.from ?? address}: icmp_seq=${sequence} time=${result.ms.toFixed(3)} ms`
    case 'timeout':
      return `no answer yet for icmp_seq=${sequence}`
    case 'unreachable':
    case 'fault':
      return `icmp_seq=${sequence} ${result.text}`
    default:
      return result satisfies never
  }
}
