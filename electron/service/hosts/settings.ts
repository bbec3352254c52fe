import { isIP } from 'node:net'
import type { ChangeHost, CreateHost } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import { oneLine, severalLines } from '../../shared/text.ts'
import { bytesOf6, text6 } from './icmp/address.ts'
import { HostError } from './errors.ts'
import { serverAddress } from './probes/dns.ts'
import { urlOf } from './probes/http.ts'
import { jsonPathProblem } from './probes/http-rules.ts'
import type { HostRecord } from './schema.ts'

/** What a host is when its user says nothing else; these survive one lost packet, and a second one. */
export const hostDefaults = {
  description: '',
  group: '',
  tags: [],
  parent: null,
  intervalMs: null,
  retryMs: null,
  failures: 3,
  successes: 1,
  emails: [],
  channels: null,
  remindMs: null,
} satisfies Partial<HostRecord>
export const defaultProbes: readonly Probe[] = [{ kind: 'icmp' }]

/** Status' default interval (its documented variable MONITORING_INTERVAL overrides it). */
export const defaultIntervalMs = 15_000
const shortestIntervalMs = 1_000
const longestIntervalMs = 86_400_000

/**
 * Returns the length (ms) that a text in Go's duration syntax means (https://pkg.go.dev/time#ParseDuration), such as `15s` or
 * `1h30m`; null when it is none, or shorter than a second or longer than a day.
 */
export function parseGoDuration(text: string): number | null {
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1_000,
    m: 60_000,
    h: 3_600_000,
  }
  const trimmed = text.trim()
  if (!/^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(trimmed)) return null
  let sum = 0
  for (const [, number, unit] of trimmed.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(number) * (units[unit ?? ''] ?? Number.NaN)
  const rounded = Math.round(sum)
  return rounded >= shortestIntervalMs && rounded <= longestIntervalMs ? rounded : null
}

/** Returns a name or address as it is stored. @throws HostError unless it can be one */
export function tidyDomain(text: string): string {
  const domain = text
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  const [bare = ''] = domain.split('%')
  if (isIP(bare) === 4) return domain
  // One address has many spellings, and is one host.
  if (isIP(bare) === 6) return [text6(bytesOf6(bare)), ...domain.split('%').slice(1)].join('%')
  const isName =
    domain.length <= 253 &&
    domain.split('.').every((label) => label.length <= 63) &&
    /^(?=.*[\p{L}\d])[\p{L}\d_](?:[\p{L}\d_-]*[\p{L}\d_])?(?:\.[\p{L}\d_](?:[\p{L}\d_-]*[\p{L}\d_])?)*$/u.test(
      domain,
    ) &&
    !/^[\d.]+$/.test(domain)
  if (!isName)
    throw new HostError('bad-setting', `'${oneLine(text).slice(0, 80)}' is not a host name or an IP address`)
  return domain
}

/** @throws HostError when a probe cannot be taken of a domain */
export function checkProbesOf(domain: string, probes: readonly Probe[]): void {
  for (const probe of probes) {
    checkProbe(probe)
    if (probe.kind === 'dns' && probe.record !== 'PTR' && isIP(probe.name ?? domain) !== 0)
      throw new HostError('bad-setting', `an address has no ${probe.record} record; give the probe a name`)
    if (probe.kind === 'http' && !isAskable(urlOf(domain, probe)))
      throw new HostError(
        'bad-setting',
        `'${domain.slice(0, 80)}' makes no web address; give the probe a url`,
      )
  }
}

/** Node decodes the credentials of an address, which may not be decodable. */
function isAskable(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { username, password } = new URL(address)
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

function checkProbe(probe: Probe): void {
  switch (probe.kind) {
    case 'http': {
      if (probe.url !== undefined && !isAskable(probe.url))
        throw new HostError('bad-setting', `'${probe.url.slice(0, 80)}' is not a web address`)
      for (const part of probe.status?.split(',') ?? []) {
        const [from = 0, to = from] = part.trim().split('-').map(Number)
        if (from < 100 || to > 599 || from > to)
          throw new HostError('bad-setting', `'${part.trim()}' is not a status, nor a range of them`)
      }
      if (probe.jsonPath === '') throw new HostError('bad-setting', 'the JSON path is empty')
      const problem = probe.jsonPath === undefined ? null : jsonPathProblem(probe.jsonPath)
      if (problem !== null) throw new HostError('bad-setting', `the JSON path is none: ${problem}`)
      if (probe.jsonValue !== undefined && probe.jsonPath === undefined)
        throw new HostError('bad-setting', 'jsonValue goes with jsonPath')
      if (probe.keywordAbsent === true && probe.keyword === undefined)
        throw new HostError('bad-setting', 'keywordAbsent goes with keyword')
      for (const [name, value] of Object.entries(probe.headers ?? {}))
        if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value))
          throw new HostError('bad-setting', `'${name.slice(0, 40)}' is not a header that can be sent`)
      return
    }
    case 'dns': {
      const server = probe.server === undefined ? null : serverAddress(probe.server)
      const address = server?.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
      const port = Number(/^(?:\[.*\]|[\d.]+):(\d+)$/.exec(server ?? '')?.[1] ?? 53)
      if ((address !== undefined && address !== null && isIP(address) === 0) || port < 1 || port > 65_535)
        throw new HostError(
          'bad-setting',
          `the name server '${oneLine(probe.server ?? '').slice(0, 60)}' is not an address`,
        )
      return
    }
    case 'icmp':
    case 'tcp':
      return
    default:
      probe satisfies never
  }
}

function tidy(given: ChangeHost): ChangeHost {
  if (given.name !== undefined && oneLine(given.name) === '')
    throw new HostError('bad-setting', 'a host needs a name')
  return {
    ...given,
    ...(given.domain !== undefined && { domain: tidyDomain(given.domain) }),
    ...(given.name !== undefined && { name: oneLine(given.name) }),
    ...(given.group !== undefined && { group: oneLine(given.group) }),
    ...(given.description !== undefined && { description: severalLines(given.description) }),
    ...(given.tags !== undefined && {
      tags: [...new Set(given.tags.map(oneLine).filter((tag) => tag !== ''))],
    }),
  }
}

/** Returns the record of a new host. @throws HostError */
export function newHost(given: CreateHost, nowMs: number): Omit<HostRecord, 'id'> {
  const { probes: _probes, ...rest } = tidy(given)
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const domain = tidyDomain(given.domain)
  return {
    ...hostDefaults,
    name: domain,
    paused: given.paused ?? false,
    createdMs: Math.round(nowMs),
    ...set,
    domain,
  }
}

/** Returns a host with a change applied. @throws HostError */
export function changedHost(host: HostRecord, change: ChangeHost): HostRecord {
  const { probes: _probes, ...rest } = tidy(change)
  const set = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return { ...host, ...set }
}
