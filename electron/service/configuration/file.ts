import { parse, stringify } from 'yaml'
import { Configuration } from '../../shared/api/config.ts'
import { printable } from '../../shared/text.ts'
import { exact } from '../http/schemas.ts'
import { wordsOf, type Refused } from '../http/schema-words.ts'
import { parseSpan, spanText } from '../../shared/time-text.ts'

/** Configuration files: YAML with lengths such as `30s` where the API has milliseconds. Pure. */

/** A file that cannot be read as a configuration, with a sentence that names the place. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

type Mapping = Record<string, unknown>

/** Keys of a file and of the API. */
const hostLengths: readonly (readonly [string, string])[] = [
  ['interval', 'intervalMs'],
  ['retry', 'retryMs'],
  ['remind', 'remindMs'],
  ['timeout', 'timeoutMs'],
  ['slow', 'degradedMs'],
]
const watcherLengths: readonly (readonly [string, string])[] = [
  ['grace', 'graceMs'],
  ['limit', 'runLimitMs'],
  ['remind', 'remindMs'],
]
const windowLengths: readonly (readonly [string, string])[] = [['length', 'lengthMs']]

/** Returns what a file says, in the form of the API. A list alone is one of hosts. @throws ConfigError */
export function readConfigFile(text: string): Configuration {
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new ConfigError(error.message.split('\n')[0] ?? 'not YAML')
  }
  if (document === null || document === undefined)
    throw new ConfigError('the file is empty; it needs a list such as hosts or watchers')
  const top = Array.isArray(document) ? { hosts: document as unknown[] } : document
  if (typeof top !== 'object') throw new ConfigError('it needs a list such as hosts or watchers')
  const result: Mapping = { ...top }
  listIn(result, 'hosts', hostOf)
  listIn(result, 'watchers', (entry, where) =>
    scheduled(lengthsRead(mappingOf(entry, where), watcherLengths, where), where),
  )
  listIn(result, 'maintenance', (entry, where) =>
    scheduled(lengthsRead(mappingOf(entry, where), windowLengths, where), where),
  )
  const check = exact.compile<Configuration>(Configuration)
  if (check(result)) return result
  const [first] = (check.errors ?? []) as readonly Refused[]
  throw new ConfigError(first === undefined ? 'it does not fit' : placed(result, first))
}

/** Says what is refused, with the number and the name of the entry that it is in. */
function placed(top: Mapping, refused: Refused): string {
  const [, section = '', index = '', ...rest] = refused.instancePath.split('/')
  const list = top[section]
  const entry: unknown = Array.isArray(list) ? list[Number(index)] : undefined
  const { name, domain } = (typeof entry === 'object' && entry !== null ? entry : {}) as Mapping
  const called = name ?? domain
  const place = Array.isArray(list)
    ? `${section} ${Number(index) + 1}${typeof called === 'string' ? ` (${printable(called, 60)})` : ''}`
    : [section, index].filter((part) => part !== '').join('.')
  return `${[place, ...rest].filter((part) => part !== '').join('.')}${place === '' ? '' : ': '}${wordsOf(refused)}`
}

function listIn(top: Mapping, section: string, read: (entry: unknown, where: string) => unknown): void {
  const list = top[section]
  if (list === undefined) return
  if (!Array.isArray(list)) throw new ConfigError(`${section} must be a list`)
  top[section] = list.map((entry: unknown, index) => read(entry, `${section} ${index + 1}`))
}

function mappingOf(entry: unknown, where: string): Mapping {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new ConfigError(`${where}: it must be a mapping`)
  return entry as Mapping
}

function hostOf(entry: unknown, where: string): unknown {
  if (typeof entry === 'string') return { domain: entry }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new ConfigError(`${where}: it is neither a name nor a mapping with 'domain'`)
  const host = lengthsRead(entry as Mapping, hostLengths, where)
  if (typeof host['domain'] !== 'string') throw new ConfigError(`${where}: it needs a 'domain'`)
  const { probes } = host
  if (!Array.isArray(probes)) return host
  return {
    ...host,
    probes: probes.map((probe: unknown) => {
      if (typeof probe === 'string') return { kind: probe }
      return typeof probe === 'object' && probe !== null
        ? lengthsRead(probe as Mapping, hostLengths, where)
        : probe
    }),
  }
}

/** `every`, `cron` and `calendar` are short for a schedule. */
function scheduled(given: Mapping, where: string): Mapping {
  const { every, cron, calendar, zone, ...rest } = given
  const short = [every, cron, calendar].filter((value) => value !== undefined)
  if (short.length === 0) return given
  if (short.length > 1 || rest['schedule'] !== undefined)
    throw new ConfigError(`${where}: one of every, cron, calendar and schedule says when it is due`)
  if (every !== undefined) {
    const periodMs = lengthOf(every)
    if (periodMs === null) throw new ConfigError(`${where}: every: ${notALength(every)}`)
    return { ...rest, schedule: { kind: 'period', periodMs } }
  }
  const own = zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  return cron === undefined
    ? { ...rest, schedule: { kind: 'calendar', expression: calendar, zone: own } }
    : { ...rest, schedule: { kind: 'cron', expression: cron, zone: own } }
}

function lengthOf(value: unknown): number | null {
  return typeof value === 'number' ? value * 1_000 : typeof value === 'string' ? parseSpan(value) : null
}

function notALength(value: unknown): string {
  return `${printable(JSON.stringify(value), 80)} is not a length such as 30s, 5m or 1h`
}

function lengthsRead(given: Mapping, lengths: typeof hostLengths, where: string): Mapping {
  const result = { ...given }
  for (const [short, long] of lengths) {
    if (!(short in result)) continue
    const value = result[short]
    delete result[short]
    const ms = lengthOf(value)
    if (value !== null && ms === null) throw new ConfigError(`${where}: ${short}: ${notALength(value)}`)
    result[long] = ms
  }
  return result
}

/** Returns a configuration as a file that {@link readConfigFile} reads back as the same. */
export function writeConfigFile(config: Configuration): string {
  const { hosts, watchers, maintenance, ...rest } = config
  return stringify(
    {
      ...rest,
      ...(hosts && {
        hosts: hosts.map((host) => {
          const { probes, ...words } = inWords(host, hostLengths)
          return {
            ...words,
            ...(Array.isArray(probes) && {
              probes: probes.map((probe: Mapping) => {
                const worded = inWords(probe, hostLengths)
                return Object.keys(worded).length === 1 ? worded['kind'] : worded
              }),
            }),
          }
        }),
      }),
      ...(watchers && { watchers: watchers.map((one) => shortened(inWords(one, watcherLengths))) }),
      ...(maintenance && { maintenance: maintenance.map((one) => shortened(inWords(one, windowLengths))) }),
    },
    { lineWidth: 0 },
  )
}

function shortened(given: Mapping): Mapping {
  const { schedule, name, ...rest } = given
  const { kind, periodMs, expression, zone } = (schedule ?? {}) as Mapping
  switch (kind) {
    case 'period':
      return { name, every: typeof periodMs === 'number' ? spanText(periodMs) : periodMs, ...rest }
    case 'cron':
      return { name, cron: expression, zone, ...rest }
    case 'calendar':
      return { name, calendar: expression, zone, ...rest }
    default:
      return given
  }
}

function inWords(given: object, lengths: typeof hostLengths): Mapping {
  const result: Mapping = {}
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const pair = lengths.find(([, long]) => long === key)
    if (pair && typeof value === 'number') result[pair[0]] = spanText(value)
    else result[pair ? pair[0] : key] = value
  }
  return result
}
