import { Option, type Command } from 'commander'
import type { Probe } from '../shared/api/probes.ts'
import { CommandError, exitCodes } from './io.ts'
import { collect, length, whole } from './options.ts'

/** The options by which probes are chosen. */
export interface ProbeOptions {
  readonly ping: boolean
  readonly tcp: string[]
  readonly http: string[]
  readonly dns: string[]
  readonly packets?: number
  readonly timeout?: number
  readonly status?: string
  readonly keyword?: string
  readonly jsonPath?: string
  readonly jsonValue?: string
  readonly slow?: number
  readonly loss?: number
}

/** Adds the options by which probes are chosen. */
export function withProbeOptions(command: Command): Command {
  const many = (flags: string, text: string): Option =>
    new Option(flags, text).argParser(collect).default([], 'none')
  return command
    .option('--ping', 'probe by ICMP echo (the default when no probe is named)', false)
    .addOption(many('--tcp <port>', 'probe by taking a TCP connection; may be repeated'))
    .addOption(many('--http <url>', 'probe by a web request; may be repeated'))
    .addOption(many('--dns <record>', 'probe by asking for a DNS record such as A or MX; may be repeated'))
    .option('--packets <n>', 'echoes in a sample', whole('--packets', 1, 20))
    .option('--timeout <length>', 'how long an answer may take', length('--timeout'))
    .option('--status <codes>', 'accepted by --http, such as 200-299,401')
    .option('--keyword <text>', 'must be in what --http gets')
    .option('--json-path <path>', 'must select something in what --http gets (RFC 9535)')
    .option('--json-value <text>', 'what --json-path must select')
    .option('--slow <length>', 'slower answers make it degraded, such as 0.3s', length('--slow'))
    .option('--loss <percent>', 'more lost echoes make it degraded', whole('--loss', 1, 100))
}

/** Returns the probes that were chosen; ICMP when none was. @throws CommandError */
export function probesOf(options: ProbeOptions): Probe[] {
  checkOptions(options)
  const common = {
    ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
    ...(options.slow !== undefined && { degradedMs: options.slow }),
  }
  const others: Probe[] = [
    ...options.tcp.map((text): Probe => ({ kind: 'tcp', port: whole('--tcp', 1, 65_535)(text), ...common })),
    ...options.http.map((url): Probe => ({
      kind: 'http',
      url: webAddress(url),
      ...(options.status !== undefined && { status: options.status }),
      ...(options.keyword !== undefined && { keyword: options.keyword }),
      ...(options.jsonPath !== undefined && { jsonPath: options.jsonPath }),
      ...(options.jsonValue !== undefined && { jsonValue: options.jsonValue }),
      ...common,
    })),
    ...options.dns.map((text): Probe => ({ kind: 'dns', record: recordOf(text), ...common })),
  ]
  const icmp: Probe = {
    kind: 'icmp',
    ...(options.packets !== undefined && { packets: options.packets }),
    ...(options.loss !== undefined && { degradedLoss: options.loss }),
    ...common,
  }
  return options.ping || others.length === 0 ? [icmp, ...others] : others
}

function webAddress(text: string): string {
  if (/^https?:\/\/./.test(text)) return text
  if (text === '' || text.includes('://'))
    throw new CommandError(`argument --http: '${text}' is not a web address`, exitCodes.usage)
  return `https://${text}`
}

/** @throws CommandError for options that none of the probes that were named takes */
function checkOptions(options: ProbeOptions): void {
  const { http, tcp, dns, ping, packets, loss, status, keyword, jsonPath, jsonValue } = options
  const hasIcmp = ping || http.length + tcp.length + dns.length === 0
  const given = (names: Readonly<Record<string, unknown>>): string | undefined =>
    Object.entries(names).find(([, value]) => value !== undefined)?.[0]
  const forHttp = given({
    '--status': status,
    '--keyword': keyword,
    '--json-path': jsonPath,
    '--json-value': jsonValue,
  })
  const forIcmp = given({ '--packets': packets, '--loss': loss })
  if (forHttp !== undefined && http.length === 0)
    throw new CommandError(`argument ${forHttp}: it goes with --http`, exitCodes.usage)
  if (forIcmp !== undefined && !hasIcmp)
    throw new CommandError(`argument ${forIcmp}: it goes with --ping`, exitCodes.usage)
}

type DnsRecord = Extract<Probe, { kind: 'dns' }>['record']
const records: readonly DnsRecord[] = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TXT', 'SRV', 'CAA', 'SOA', 'PTR']

function recordOf(text: string): DnsRecord {
  const record = records.find((known) => known === text.toUpperCase())
  if (!record)
    throw new CommandError(`argument --dns: '${text}' is not one of ${records.join(', ')}`, exitCodes.usage)
  return record
}

/** Returns whether any probe was chosen, or something of one. */
export function namesProbes(options: ProbeOptions): boolean {
  const { ping, tcp, http, dns, packets, loss, slow, timeout, status, keyword, jsonPath, jsonValue } = options
  return (
    ping ||
    tcp.length + http.length + dns.length > 0 ||
    [packets, loss, slow, timeout, status, keyword, jsonPath, jsonValue].some((value) => value !== undefined)
  )
}
