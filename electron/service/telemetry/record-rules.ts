import { clearLinux } from '../../shared/telemetry-words.ts'
import type { NewRecord } from './schema.ts'

/**
 * What a collector of telemetrics accepts, in its order and its words (spec of the wire: clearlinux/telemetrics-backend,
 * `collector/collector/report_handler.py`). Pure.
 */

/** A record that is refused, with the collector's own sentence. */
export class RecordRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RecordRefusal'
  }
}

/** Names (dash-case, lower) and values of a record's fields, from headers or from JSON. */
export type RecordFields = ReadonlyMap<string, string>

/** Architectures that the original collector takes. */
const originalArchitectures: readonly string[] =
  'armv7l armv6l aarch64 amd64 sparc64 ppc64 i686 i386 x86_64 ppc'.split(' ')

/** How strictly records are checked. */
export interface RecordRules {
  /** Take only what the original takes: its list of architectures, and kernel versions with two dots. */
  readonly strict: boolean
}

const baseNames = [
  'Arch',
  'Build',
  'Creation-Timestamp',
  'Classification',
  'Host-Type',
  'Kernel-Version',
  'Machine-Id',
  'Severity',
  'Record-Format-Version',
] as const
const secondNames = ['Payload-Format-Version', 'System-Name', 'X-Telemetry-Tid'] as const
const thirdNames = ['Board-Name', 'Bios-Version', 'Cpu-Model'] as const
const fourthNames = ['Event-Id'] as const

/** The last second of the year 9999: the formats of the API know no later one. */
const latestS = 253_402_300_799
/** Longest text (bytes) that an index of PostgreSQL takes, and far more than clients send: classes have 122 characters at most. */
const longestTermBytes = 2_000
/** What an old client did not send. */
const notSent = 'N/A'

const required: readonly (readonly { readonly shown: string; readonly name: string }[])[] = [1, 2, 3, 4].map(
  (version) =>
    [
      ...baseNames,
      ...(version >= 2 ? secondNames : []),
      ...(version >= 3 ? thirdNames : []),
      ...(version >= 4 ? fourthNames : []),
    ].map((shown) => ({ shown, name: shown.toLowerCase() })),
)

/**
 * Returns the record that fields and a payload make. The telemetry id has been checked before.
 *
 * @throws RecordRefusal with the first thing that is wrong
 */
export function checkRecord(fields: RecordFields, payload: string, rules: RecordRules): NewRecord {
  const of = (name: string): string => fields.get(name) ?? ''
  const recordVersion = formatVersion(of('record-format-version'))
  const missing = required[recordVersion - 1]?.find(({ name }) => !fields.has(name))
  if (missing) throw new RecordRefusal(`Record-Format-Version headers are invalid, ${missing.shown} missing`)
  const severity = of('severity')
  if (!/^[1-4]$/.test(severity)) throw new RecordRefusal('severity value is out of range')
  const classification = of('classification')
  if (classification.split('/').length !== 3 || Buffer.byteLength(classification) > longestTermBytes)
    throw new RecordRefusal('Classification value is invalid')
  const machine = of('machine-id')
  if (machine.length > 32 && [...machine].length > 32) throw new RecordRefusal('Machine id value is invalid')
  const clientS = timestamp(of('creation-timestamp'))
  const arch = of('arch')
  if (!(rules.strict ? originalArchitectures.includes(arch) : /^[A-Za-z0-9_]{1,32}$/.test(arch)))
    throw new RecordRefusal('architecture is invalid')
  const hostType = of('host-type')
  if (hostType.length >= 250) throw new RecordRefusal('host type is invalid')
  const kernel = of('kernel-version')
  if (!isKernel(kernel, rules.strict)) throw new RecordRefusal('kernel version is invalid')
  const hardware = recordVersion >= 3
  const board = hardware ? described(of('board-name'), 'board name') : notSent
  const cpu = hardware ? described(of('cpu-model'), 'cpu model') : notSent
  const bios = hardware ? described(of('bios-version'), 'BIOS version') : notSent
  const event = recordVersion >= 4 ? of('event-id') : notSent
  if (recordVersion >= 4 && !/^[0-9a-f]{32}$/.test(event)) throw new RecordRefusal('Event id is invalid')
  const system = unquoted(of('system-name'))
  if (system.length > 250) throw new RecordRefusal('system name is invalid')
  const build = unquoted(of('build'))
  checkBuild(build, system)
  return {
    recordVersion,
    severity: Number(severity),
    classification: clean(classification),
    machine: clean(machine),
    clientS,
    arch,
    hostType: clean(hostType),
    kernel: clean(kernel),
    board,
    cpu,
    bios,
    event,
    system: clean(system),
    build,
    payloadVersion: payloadVersion(of('payload-format-version'), recordVersion),
    external: of('x-clr-external') === 'true',
    payload: clean(payload),
  }
}

/** `04` is refused, since the original takes it and then reads it wrongly. */
function formatVersion(text: string): number {
  if (!/^[1-4]$/.test(text)) throw new RecordRefusal('Record-Format-Version is invalid')
  return Number(text)
}

function timestamp(text: string): number {
  const seconds = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds <= latestS)) throw new RecordRefusal('timestamp is invalid')
  return seconds
}

function isKernel(text: string, strict: boolean): boolean {
  if (text.length > 250) return false
  const parts = text.split('.')
  if (parts.length >= 3 && /^\d+$/.test(parts[0] ?? '') && /^\d+$/.test(parts[1] ?? '')) return true
  // A refusal would block a real client's queue for 20 hours, and kernels such as `6.18-foo` exist.
  return !strict && /^\d+\.\d+[^\s]{0,200}$/.test(text)
}

function described(text: string, what: string): string {
  if (text.length >= 200 || !/^[\x20-\x7e\t\n\r\v\f]*$/.test(text))
    throw new RecordRefusal(`${what} is invalid`)
  return text
}

function unquoted(text: string): string {
  return text.replace(/["']/g, '')
}

function checkBuild(build: string, system: string): void {
  if (build.length > 256) throw new RecordRefusal('Build version has invalid characters')
  if (system === clearLinux) {
    if (!/^[0-9]+$/.test(build))
      throw new RecordRefusal('Clear Linux OS build version has invalid characters')
  } else if (!/^[-_a-zA-Z0-9.]+$/.test(build)) throw new RecordRefusal('Build version has invalid characters')
}

/** Version 1 has none; the original needed one all the same, and failed. */
function payloadVersion(text: string, recordVersion: number): number {
  if (recordVersion === 1 && text === '') return 0
  if (!/^\s*[+-]?\d+\s*$/.test(text))
    throw new RecordRefusal(
      `Error parsing payload_format_version, invalid literal for int() with base 10: '${text.slice(0, 100)}'`,
    )
  const value = Number(text)
  if (value < 0 || value >= 2_147_483_647)
    throw new RecordRefusal('Payload format version outside of range supported')
  return value
}

/** A NUL or half a surrogate pair can be stored by some databases and shown by none. */
function clean(text: string): string {
  return (text.includes('\u0000') ? text.replaceAll('\u0000', '') : text).toWellFormed()
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns a payload's text: UTF-8, else Latin-1, as the original reads it. */
export function decodePayload(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
}

/** Returns a record's fields from raw headers; `_` and `-` are one, as they are for WSGI, and the first of several counts. */
export function fieldsOfHeaders(rawHeaders: readonly string[]): RecordFields {
  const fields = new Map<string, string>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = fieldName(rawHeaders[index] ?? '')
    if (!fields.has(name)) fields.set(name, rawHeaders[index + 1] ?? '')
  }
  return fields
}

/** Names of fields by the names of headers, which are the same few again and again. */
const fieldNames = new Map<string, string>()
const mostFieldNames = 1_000
const longestFieldName = 64

function fieldName(header: string): string {
  const known = fieldNames.get(header)
  if (known !== undefined) return known
  const name = header.toLowerCase().replaceAll('_', '-')
  if (header.length <= longestFieldName && fieldNames.size < mostFieldNames) fieldNames.set(header, name)
  return name
}

/** Longest value of a field in JSON (characters): headers cannot be longer either. */
const longestField = 16_384

/** Fields that a JSON record may name; what else it holds is ignored. */
const jsonNames = new Set(
  [...baseNames, 'Payload-Format-Version', 'System-Name', ...thirdNames, ...fourthNames].map((name) =>
    name.toLowerCase(),
  ),
)

/**
 * Returns the fields and payload of a JSON record (clients from v2.4.0 on); the telemetry id stays a header.
 *
 * @throws RecordRefusal when it is no JSON object of strings
 */
export function fieldsOfJson(
  text: string,
  headers: RecordFields,
): { readonly fields: RecordFields; readonly payload: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new RecordRefusal('The body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordRefusal('The body is not a JSON object')
  const fields = new Map<string, string>()
  for (const name of ['x-telemetry-tid', 'x-clr-external']) {
    const given = headers.get(name)
    if (given !== undefined) fields.set(name, given)
  }
  let payload = ''
  for (const [key, given] of Object.entries(value)) {
    const name = key.toLowerCase().replaceAll('_', '-')
    if (name !== 'payload' && !jsonNames.has(name)) continue
    if (typeof given !== 'string' && typeof given !== 'number')
      throw new RecordRefusal(`The value of ${key.slice(0, 100)} is not a string`)
    if (name === 'payload') payload = String(given)
    else if (String(given).length > longestField)
      throw new RecordRefusal(`The value of ${key.slice(0, 100)} is too long`)
    else fields.set(name, String(given))
  }
  return { fields, payload }
}
