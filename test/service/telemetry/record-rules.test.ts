import { describe, expect, it } from 'vitest'
import {
  checkRecord,
  decodePayload,
  fieldsOfHeaders,
  fieldsOfJson,
  RecordRefusal,
} from '../../../electron/service/telemetry/record-rules.ts'
import { defaultTid } from '../../../electron/shared/telemetry-words.ts'

const lenient = { strict: false }
const strict = { strict: true }
/** The upstream suite's records, by version. */
const second: Readonly<Record<string, string>> = {
  Arch: 'x86_64',
  Build: '550',
  'Creation-Timestamp': '1483232401',
  Classification: 'a/b/c',
  'Host-Type': 'LenovoT20',
  'Kernel-Version': '3.16.4-123.generic',
  'Machine-Id': '1234',
  Severity: '2',
  'Record-Format-Version': '2',
  'X-Telemetry-Tid': defaultTid,
  'System-Name': 'clear-linux-os',
  'Payload-Format-Version': '1',
}
const third = {
  ...second,
  'Record-Format-Version': '3',
  'Board-Name': 'D54250WYK|Intel Corporation',
  'Cpu-Model': 'Intel(R) Core(TM) i5-4250U CPU @ 1.30GHz',
  'Bios-Version': 'WYLPT10H.86A.0041.2015.0720.1108',
}
const fourth = { ...third, 'Record-Format-Version': '4', 'Event-Id': '39cc109a1079df96376693ebc7a0f632' }

function check(fields: Readonly<Record<string, string>>, rules = lenient, payload = 'hello') {
  return checkRecord(fieldsOfHeaders(Object.entries(fields).flat()), payload, rules)
}

function refusalOf(fields: Readonly<Record<string, string>>, rules = lenient): string | null {
  try {
    check(fields, rules)
    return null
  } catch (error) {
    if (error instanceof RecordRefusal) return error.message
    throw error
  }
}

function without(fields: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))
}

describe('the rules of a record', () => {
  it('take the upstream records of every version', () => {
    expect(check(second)).toMatchObject({
      recordVersion: 2,
      machine: '1234',
      build: '550',
      clientS: 1_483_232_401,
      board: 'N/A',
      cpu: 'N/A',
      bios: 'N/A',
      event: 'N/A',
      payload: 'hello',
      external: false,
    })
    expect(check(third)).toMatchObject({ board: 'D54250WYK|Intel Corporation', event: 'N/A' })
    expect(check(fourth)).toMatchObject({ event: '39cc109a1079df96376693ebc7a0f632' })
    const first = Object.fromEntries(
      Object.entries(second).filter(([name]) => name !== 'System-Name' && name !== 'Payload-Format-Version'),
    )
    expect(check({ ...first, 'Record-Format-Version': '1' })).toMatchObject({ system: '', payloadVersion: 0 })
  })

  it('ignore fields of a later version in an earlier record', () => {
    expect(check({ ...fourth, 'Record-Format-Version': '2' })).toMatchObject({ board: 'N/A', event: 'N/A' })
    expect(refusalOf({ ...second, 'Record-Format-Version': '3' })).toBe(
      'Record-Format-Version headers are invalid, Board-Name missing',
    )
  })

  it.each(Object.keys(fourth))('name %s when it is missing', (name) => {
    expect(refusalOf(without(fourth, name))).toBe(
      name === 'Record-Format-Version'
        ? 'Record-Format-Version is invalid'
        : `Record-Format-Version headers are invalid, ${name} missing`,
    )
  })

  it.each([
    ['Record-Format-Version', ['0', '5', '04', '', 'x', '1.0'], 'Record-Format-Version is invalid'],
    ['Severity', ['0', '5', 'x', '', '-1', '1.5', '11'], 'severity value is out of range'],
    ['Classification', ['', 'a', 'a/b', 'a/b/c/d'], 'Classification value is invalid'],
    ['Machine-Id', ['x'.repeat(33)], 'Machine id value is invalid'],
    ['Creation-Timestamp', ['', '-1', 'x', '1e9', '253402300800', '9'.repeat(30)], 'timestamp is invalid'],
    ['Arch', ['', 'a b', 'x'.repeat(33), 'ärm'], 'architecture is invalid'],
    ['Host-Type', ['x'.repeat(250)], 'host type is invalid'],
    ['Kernel-Version', ['', '4', '4.x.1', 'x.1.2'], 'kernel version is invalid'],
    ['Board-Name', ['x'.repeat(200), 'é'], 'board name is invalid'],
    ['Cpu-Model', ['x'.repeat(200), '\u0001'], 'cpu model is invalid'],
    ['Bios-Version', ['x'.repeat(200)], 'BIOS version is invalid'],
    ['Event-Id', ['', 'A'.repeat(32), '0'.repeat(31)], 'Event id is invalid'],
    ['Build', ['', 'x', '1.2', '-1'], 'Clear Linux OS build version has invalid characters'],
    [
      'Payload-Format-Version',
      ['-1', '2147483647', '99999999999'],
      'Payload format version outside of range supported',
    ],
    [
      'Payload-Format-Version',
      ['x'],
      "Error parsing payload_format_version, invalid literal for int() with base 10: 'x'",
    ],
  ] as const)('refuse a wrong %s (%j)', (name, values, message) => {
    for (const value of values) expect(refusalOf({ ...fourth, [name]: value }), value).toBe(message)
  })

  it('take what looks odd and is right', () => {
    for (const change of [
      { Classification: '//' },
      { 'Machine-Id': '' },
      { 'Machine-Id': '漢'.repeat(32) },
      { 'Host-Type': '' },
      { 'Board-Name': '' },
      { 'Creation-Timestamp': '0' },
      { 'Kernel-Version': '3.16.generic' },
      { 'Kernel-Version': '4.12.' },
      { 'Payload-Format-Version': '2147483646' },
      { Build: '"550"' },
      { 'System-Name': '"clear-linux-os_server"', Build: "'1.2-a_b'" },
    ])
      expect(refusalOf({ ...fourth, ...change }), JSON.stringify(change)).toBeNull()
    expect(check({ ...fourth, Build: '"550"' }).build).toBe('550')
    expect(refusalOf({ ...fourth, 'System-Name': 'debian', Build: '1 2' })).toBe(
      'Build version has invalid characters',
    )
  })

  it('take processors and kernels of today, unless they are to be as strict as the original', () => {
    for (const change of [
      { Arch: 'riscv64' },
      { Arch: 's390x' },
      { Arch: 'X86_64' },
      { 'Kernel-Version': '6.18-foo' },
      { 'Kernel-Version': '4.12' },
    ]) {
      expect(refusalOf({ ...fourth, ...change })).toBeNull()
      expect(refusalOf({ ...fourth, ...change }, strict)).toMatch(
        /^(?:architecture|kernel version) is invalid$/,
      )
    }
    expect(refusalOf(fourth, strict)).toBeNull()
  })

  it('check in the order of the original', () => {
    const wrong: Record<string, string> = {
      ...fourth,
      Severity: 'x',
      Classification: 'x',
      'Machine-Id': 'x'.repeat(33),
      'Creation-Timestamp': 'x',
      Arch: '',
      'Host-Type': 'x'.repeat(250),
      'Kernel-Version': 'x',
      'Board-Name': 'é',
      'Cpu-Model': 'é',
      'Bios-Version': 'é',
      'Event-Id': 'x',
      Build: 'x y',
      'Payload-Format-Version': 'x',
    }
    const order: string[] = []
    for (;;) {
      const message = refusalOf(wrong)
      if (message === null) break
      order.push(message)
      const [name] =
        Object.entries({
          Severity: /^severity/,
          Classification: /^Classification/,
          'Machine-Id': /^Machine/,
          'Creation-Timestamp': /^timestamp/,
          Arch: /^architecture/,
          'Host-Type': /^host/,
          'Kernel-Version': /^kernel/,
          'Board-Name': /^board/,
          'Cpu-Model': /^cpu/,
          'Bios-Version': /^BIOS/,
          'Event-Id': /^Event/,
          Build: /^(?:Clear|Build)/,
          'Payload-Format-Version': /^Error/,
        }).find(([, pattern]) => pattern.test(message)) ?? []
      if (name === undefined) throw new Error(message)
      wrong[name] = fourth[name as keyof typeof fourth]
    }
    expect(order).toHaveLength(13)
    expect(order[0]).toBe('severity value is out of range')
    expect(order.at(-1)).toMatch(/^Error parsing payload_format_version/)
  })

  it('read names with underscores or dashes in any case, and the first of several', () => {
    const fields = fieldsOfHeaders(['RECORD_format-Version', '4', 'machine_id', 'a', 'Machine-Id', 'b'])
    expect(fields.get('record-format-version')).toBe('4')
    expect(fields.get('machine-id')).toBe('a')
  })

  it('mark a record external by the very word', () => {
    expect(check({ ...fourth, 'X-CLR-External': 'true' }).external).toBe(true)
    expect(check({ ...fourth, 'X-CLR-External': 'True' }).external).toBe(false)
  })

  it('read a JSON record of strings, and keep the id a header', () => {
    const json = Object.fromEntries(
      Object.entries(fourth)
        .filter(([name]) => name !== 'X-Telemetry-Tid')
        .map(([name, value]) => [name.toLowerCase().replaceAll('-', '_'), value]),
    )
    const headers = fieldsOfHeaders(['X-Telemetry-TID', defaultTid])
    const { fields, payload } = fieldsOfJson(JSON.stringify({ ...json, payload: 'hi', extra: {} }), headers)
    expect(checkRecord(fields, payload, lenient)).toEqual(check(fourth, lenient, 'hi'))
    for (const body of ['', '{', '[]', '"x"', 'null', '{"severity":{}}', '{"severity":null}'])
      expect(() => fieldsOfJson(body, headers), body).toThrow(RecordRefusal)
  })

  it('read payloads as UTF-8, else Latin-1, and take what no database can hold out of them', () => {
    expect(decodePayload(Buffer.from('Grüße\n\n'))).toBe('Grüße\n\n')
    expect(decodePayload(Buffer.from([0x47, 0x72, 0xfc, 0xdf]))).toBe('Grüß')
    expect(decodePayload(Buffer.alloc(0))).toBe('')
    expect(decodePayload(Buffer.from('\ufeffx'))).toBe('\ufeffx')
    expect(check(fourth, lenient, 'a\u0000b\ud800c').payload).toBe('ab\ufffdc')
  })
})
