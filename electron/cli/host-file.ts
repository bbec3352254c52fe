import { parse, stringify, YAMLParseError } from 'yaml'
import type { HostsConfig } from '../shared/api/hosts.ts'
import { parseSpan, spanText } from '../shared/time-text.ts'
import { CommandError } from './io.ts'

/** Configuration files of hosts: YAML with lengths such as `30s` where the API has milliseconds. Pure. */

/** Keys of a file and of the API. */
const lengths: readonly (readonly [string, string])[] = [
  ['interval', 'intervalMs'],
  ['retry', 'retryMs'],
  ['remind', 'remindMs'],
  ['timeout', 'timeoutMs'],
  ['slow', 'degradedMs'],
]

/** Returns what a file says, in the form of the API, which checks the rest. @throws CommandError */
export function readHostFile(text: string, name: string): HostsConfig {
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof YAMLParseError) && !(error instanceof Error)) throw error
    throw new CommandError(`${name}: ${error.message.split('\n')[0] ?? 'not YAML'}`)
  }
  if (document === null || document === undefined)
    throw new CommandError(`${name} is empty; it needs a list 'hosts'`)
  const top = Array.isArray(document) ? { hosts: document as unknown[] } : document
  if (typeof top !== 'object' || !('hosts' in top) || !Array.isArray(top.hosts))
    throw new CommandError(`${name}: it needs a list 'hosts'`)
  const hosts = (top.hosts as unknown[]).map((entry, index) => hostOf(entry, `${name}: host ${index + 1}`))
  return { ...top, hosts } as HostsConfig
}

function hostOf(entry: unknown, where: string): unknown {
  if (typeof entry === 'string') return { domain: entry }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new CommandError(`${where}: it is neither a name nor a mapping with 'domain'`)
  const host = inMilliseconds(entry as Record<string, unknown>, where)
  if (typeof host['domain'] !== 'string') throw new CommandError(`${where}: it needs a 'domain'`)
  const { probes } = host
  if (!Array.isArray(probes)) return host
  return {
    ...host,
    probes: probes.map((probe: unknown) => {
      if (typeof probe === 'string') return { kind: probe }
      return typeof probe === 'object' && probe !== null
        ? inMilliseconds(probe as Record<string, unknown>, where)
        : probe
    }),
  }
}

function inMilliseconds(given: Record<string, unknown>, where: string): Record<string, unknown> {
  const result = { ...given }
  for (const [short, long] of lengths) {
    if (!(short in result)) continue
    const value = result[short]
    delete result[short]
    const ms =
      typeof value === 'number' ? value * 1_000 : typeof value === 'string' ? parseSpan(value) : value
    if (value !== null && (ms === null || typeof ms !== 'number'))
      throw new CommandError(
        `${where}: ${short}: ${JSON.stringify(value)} is not a length such as 30s, 5m or 1h`,
      )
    result[long] = ms
  }
  return result
}

/** Returns a configuration as a file that {@link readHostFile} reads back as the same. */
export function writeHostFile({ hosts, anchors }: HostsConfig): string {
  const shown = hosts.map((host) => {
    const { probes, ...rest } = inWords(host)
    return {
      ...rest,
      ...(Array.isArray(probes) && {
        probes: probes.map((probe: Record<string, unknown>) => {
          const worded = inWords(probe)
          return Object.keys(worded).length === 1 ? worded['kind'] : worded
        }),
      }),
    }
  })
  return stringify({ ...(anchors && { anchors }), hosts: shown }, { lineWidth: 0 })
}

function inWords(given: object): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const pair = lengths.find(([, long]) => long === key)
    if (pair && typeof value === 'number') result[pair[0]] = spanText(value)
    else result[pair ? pair[0] : key] = value
  }
  return result
}
