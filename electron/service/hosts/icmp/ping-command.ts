import { isIPv6 } from 'node:net'
import type { Echoer, EchoRequest, EchoResult, Refusal } from './echo.ts'
import { stopped } from './flight-table.ts'
import { runToEnd } from './programs.ts'

/** Echoes by the system's ping, one process each, so few at once. */

const mostAtOnce = 8

/** Returns the way, or why it cannot be gone. */
export async function openPing(
  platform: NodeJS.Platform = process.platform,
  program = 'ping',
): Promise<Echoer | Refusal> {
  const tried = await runToEnd(
    program,
    pingArguments(platform, { address: '127.0.0.1', timeoutMs: 1_000, bytes: 16 }),
  )
  if (tried === null)
    return { way: 'ping', why: 'the system has no ping', fix: 'install it (iputils-ping), or fping' }
  const result = parsePing(tried.output, tried.errors, tried.code)
  if (result.kind === 'fault') return { way: 'ping', why: `ping does not work: ${result.text}`, fix: null }
  return pingOf(platform, program)
}

function pingOf(platform: NodeJS.Platform, program: string): Echoer {
  const queue: { readonly request: EchoRequest; readonly done: (result: EchoResult) => void }[] = []
  let running = 0
  let isStopped = false
  const next = (): void => {
    if (isStopped || running >= mostAtOnce) return
    const entry = queue.shift()
    if (!entry) return
    running += 1
    void runToEnd(program, pingArguments(platform, entry.request)).then((ran) => {
      running -= 1
      entry.done(ran ? parsePing(ran.output, ran.errors, ran.code) : { kind: 'fault', text: 'ping is gone' })
      next()
    })
  }
  return {
    way: 'ping',
    send(request, done) {
      queue.push({ request, done })
      setImmediate(next)
    },
    stop() {
      isStopped = true
      for (const { done } of queue.splice(0)) done(stopped)
      return Promise.resolve()
    },
  }
}

/** Returns the arguments for one echo; limits are whole seconds on Linux, milliseconds elsewhere. */
export function pingArguments(
  platform: NodeJS.Platform,
  { address, timeoutMs, bytes }: EchoRequest,
): string[] {
  const six = isIPv6(address.split('%')[0] ?? '')
  switch (platform) {
    case 'win32':
      return [six ? '-6' : '-4', '-n', '1', '-w', String(timeoutMs), '-l', String(bytes), address]
    case 'darwin':
      return ['-n', '-c', '1', '-W', String(timeoutMs), '-s', String(bytes), address]
    default:
      return [
        '-n',
        '-c',
        '1',
        '-W',
        String(Math.max(1, Math.ceil(timeoutMs / 1_000))),
        '-s',
        String(bytes),
        address,
      ]
  }
}

/**
 * Returns what a ping's output means, whatever its language: an answer is a line with a time in ms and a TTL (`ttl=64
 * time=0.03 ms`, `Zeit<1ms TTL=128`, `temps=12,3 ms`). Windows' exit code alone tells nothing, since a router's
 * “unreachable” counts as an answer there.
 */
export function parsePing(output: string, errors: string, code: number | null): EchoResult {
  for (const line of output.split(/\r?\n/)) {
    if (!/ttl|hlim/i.test(line) && !/[=<]\s*\d+(?:[.,]\d+)?\s*ms/i.test(line)) continue
    const time = /[=<]\s*(\d+(?:[.,]\d+)?)\s*ms/i.exec(line)
    const from =
      /(?:from|von|de|da|:)?\s*\(?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f:]+[0-9a-f%.\w]*)\)?\s*:/i.exec(
        line,
      )
    if (time)
      return { kind: 'answer', ms: Number((time[1] ?? '').replace(',', '.')), from: from?.[1] ?? null }
  }
  const said = `${errors}\n${output}`
  if (/not permitted|permission|no route|network is unreachable|no address|cap_net_raw/i.test(errors))
    return { kind: 'fault', text: (errors.trim().split('\n')[0] ?? '').slice(0, 200) }
  if (/host unreachable/i.test(said)) return { kind: 'unreachable', text: 'a router says it is unreachable' }
  if (code === 2 && errors.trim() !== '')
    return { kind: 'fault', text: (errors.trim().split('\n')[0] ?? '').slice(0, 200) }
  return { kind: 'timeout' }
}
