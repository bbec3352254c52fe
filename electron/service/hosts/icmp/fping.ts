import type { ChildProcess } from 'node:child_process'
import type { Clock, Timer } from '../../clock.ts'
import type { Echoer, EchoRequest, EchoResult, Refusal } from './echo.ts'
import { stopped } from './flight-table.ts'
import { runToEnd, start } from './programs.ts'

/** Echoes by fping: requests of a moment share one run of it. */

const gatherMs = 50
const mostInRun = 500
const mostRuns = 4

interface Queued {
  readonly request: EchoRequest
  readonly done: (result: EchoResult) => void
}

/** Returns the way, or why it cannot be gone: fping is not there, or may not ping. */
export async function openFping(clock: Clock, program = 'fping'): Promise<Echoer | Refusal> {
  const tried = await runToEnd(program, ['-C1', '-q', '-t500', '127.0.0.1'])
  if (tried === null) return { way: 'fping', why: 'fping is not installed', fix: null }
  const answer = parseFping(tried.errors).get('127.0.0.1')
  if (answer === undefined)
    return { way: 'fping', why: `fping does not work: ${tried.errors.trim().slice(0, 200)}`, fix: null }
  return fpingOf(clock, program)
}

function fpingOf(clock: Clock, program: string): Echoer {
  let queue: Queued[] = []
  let timer: Timer | null = null
  const running = new Set<ChildProcess>()
  const run = (): void => {
    timer = null
    if (queue.length === 0 || running.size >= mostRuns) return
    const { timeoutMs, bytes } = (queue[0] as Queued).request
    const alike = queue.filter(({ request }) => request.timeoutMs === timeoutMs && request.bytes === bytes)
    const batch = alike.slice(0, mostInRun)
    queue = queue.filter((entry) => !batch.includes(entry))
    const byAddress = new Map<string, Queued[]>()
    for (const entry of batch)
      byAddress.set(entry.request.address, [...(byAddress.get(entry.request.address) ?? []), entry])
    const args = ['-C1', '-q', '-r0', `-t${timeoutMs}`, `-b${bytes}`, '-i1']
    const child = start(program, [...args, ...byAddress.keys()])
    if (child === null) {
      for (const { done } of batch) done({ kind: 'fault', text: 'fping cannot be started' })
      plan()
      return
    }
    running.add(child)
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.on('error', (error) => (errors += error.message))
    child.stdout.resume()
    child.on('close', () => {
      running.delete(child)
      const answers = parseFping(errors)
      for (const [address, entries] of byAddress)
        for (const { done } of entries) done(resultOf(answers.get(address), errors))
      plan()
    })
    plan()
  }
  const plan = (): void => {
    if (queue.length > 0) timer ??= clock.after(gatherMs, run)
  }
  return {
    way: 'fping',
    send(request, done) {
      queue.push({ request, done })
      plan()
    },
    stop() {
      timer?.cancel()
      for (const { done } of queue.splice(0)) done(stopped)
      for (const child of running) child.kill('SIGKILL')
      return Promise.resolve()
    },
  }
}

function resultOf(ms: number | null | undefined, errors: string): EchoResult {
  if (ms === undefined)
    return { kind: 'fault', text: `fping said: ${errors.trim().split('\n')[0]?.slice(0, 200) ?? 'nothing'}` }
  return ms === null ? { kind: 'timeout' } : { kind: 'answer', ms, from: null }
}

/** Returns what `fping -C1 -q` wrote: ms by address, null for no answer. Lines look like `10.0.0.1 : 0.12` or `… : -`. */
export function parseFping(text: string): Map<string, number | null> {
  const answers = new Map<string, number | null>()
  for (const line of text.split('\n')) {
    const match = /^(\S+)\s+:\s+(-|\d+(?:\.\d+)?)\s*$/.exec(line.trim())
    if (match) answers.set(match[1] ?? '', match[2] === '-' ? null : Number(match[2]))
  }
  return answers
}
