import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { ProbeOf } from '../../../shared/api/probes.ts'
import type { EchoResult } from '../icmp/echo.ts'
import { sampleOf, timeoutOf, type Measured, type ProbeTools, type Run, type Sample } from './probe.ts'

const defaultBytes = 56
/** Echoes of one sample follow each other this closely (ms). */
const spacingMs = 100

/** Sends one echo, or several that make one sample: it is answered when any of them is. */
export const runIcmp: Run<ProbeOf<'icmp'>> = (domain, settings, tools, done) => {
  const { clock, resolver } = tools
  const begunMs = Math.round(clock.glance().wallMs)
  resolver.find(domain, settings.family ?? 'any', (found) => {
    if (!('address' in found)) {
      setImmediate(() => done(sampleOf(begunMs, found)))
      return
    }
    if ((settings.packets ?? 1) === 1) single(domain, found.address, settings, tools, done)
    else several(domain, found.address, settings, tools, done)
  })
}

function single(
  domain: string,
  address: string,
  settings: ProbeOf<'icmp'>,
  { clock, pinger, resolver }: ProbeTools,
  done: (sample: Sample) => void,
): void {
  const atMs = Math.round(clock.glance().wallMs)
  pinger.echo(requestOf(address, settings), (result) => {
    if (result.kind !== 'answer') resolver.forget(domain)
    done(sampleOf(atMs, endOf(result), { address, answeredFrom: elsewhere(address, result) }))
  })
}

function several(
  domain: string,
  address: string,
  settings: ProbeOf<'icmp'>,
  { clock, pinger, resolver }: ProbeTools,
  done: (sample: Sample) => void,
): void {
  const packets = settings.packets ?? 1
  const results: { readonly atMs: number; readonly result: EchoResult }[] = []
  const beginMs = Math.round(clock.glance().wallMs)
  const finish = (): void => {
    results.sort((a, b) => a.atMs - b.atMs)
    const answers = results.flatMap(({ result }) => (result.kind === 'answer' ? [result] : []))
    if (answers.length === 0) resolver.forget(domain)
    const points = results.flatMap(({ atMs, result }): Measured[] =>
      result.kind === 'fault' ? [] : [{ atMs, value: result.kind === 'answer' ? result.ms : Number.NaN }],
    )
    const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b)
    const median = sorted[Math.floor((sorted.length - 1) / 2)]
    const failure = results.find(({ result }) => result.kind === 'unreachable') ?? results[0]
    const end = median !== undefined ? { ms: median } : endOf(failure?.result ?? { kind: 'timeout' })
    const from = answers.map((answer) => elsewhere(address, answer)).find((other) => other !== null) ?? null
    done({ ...sampleOf(beginMs, end, { address, answeredFrom: from }), points })
  }
  const send = (index: number): void => {
    const atMs = Math.round(clock.glance().wallMs)
    pinger.echo(requestOf(address, settings), (result) => {
      results.push({ atMs, result })
      if (results.length === packets) finish()
    })
    if (index + 1 < packets) clock.after(spacingMs, () => send(index + 1))
  }
  send(0)
}

function requestOf(address: string, settings: ProbeOf<'icmp'>) {
  return { address, timeoutMs: timeoutOf(settings), bytes: settings.bytes ?? defaultBytes }
}

function endOf(result: EchoResult): { ms: number } | { cause: ProbeCause } | { fault: string } {
  switch (result.kind) {
    case 'answer':
      return { ms: result.ms }
    case 'timeout':
      return { cause: { kind: 'timeout', text: 'timeout' } }
    case 'unreachable':
      return { cause: { kind: 'unreachable', text: result.text } }
    case 'fault':
      return { fault: result.text }
    default:
      return result satisfies never
  }
}

/** A machine with several addresses may answer from another one; it is our echo all the same. */
function elsewhere(address: string, result: EchoResult): string | null {
  if (result.kind !== 'answer' || result.from === null) return null
  const bare = (text: string): string => text.split('%')[0]?.toLowerCase() ?? text
  return bare(result.from) === bare(address) ? null : result.from
}
