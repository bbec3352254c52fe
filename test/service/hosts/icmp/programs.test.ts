import { describe, expect, it } from 'vitest'
import { parseFping } from '../../../../electron/service/hosts/icmp/fping.ts'
import { parsePing, pingArguments } from '../../../../electron/service/hosts/icmp/ping-command.ts'
import { parse4, parse6 } from '../../../../electron/service/hosts/icmp/windows.ts'

describe("the system's ping", () => {
  it.each<[string, string, number, string | null]>([
    ['Linux', '64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.045 ms', 0.045, '127.0.0.1'],
    ['Linux, six', '64 bytes from ::1: icmp_seq=1 ttl=64 time=12 ms', 12, '::1'],
    ['busybox', '64 bytes from 10.0.0.1: seq=0 ttl=255 time=1.206 ms', 1.206, '10.0.0.1'],
    ['macOS', '64 bytes from 192.168.1.1: icmp_seq=0 ttl=64 time=2.321 ms', 2.321, '192.168.1.1'],
    ['Windows, English', 'Reply from 8.8.8.8: bytes=32 time=17ms TTL=116', 17, '8.8.8.8'],
    ['Windows, German', 'Antwort von 127.0.0.1: Bytes=32 Zeit<1ms TTL=128', 1, '127.0.0.1'],
    ['Windows, French', 'Réponse de 192.168.1.1 : octets=32 temps=3 ms TTL=64', 3, '192.168.1.1'],
    ['Windows, Spanish', 'Respuesta desde 8.8.8.8: bytes=32 tiempo=10ms TTL=117', 10, '8.8.8.8'],
    ['Windows, six', 'Reply from ::1: time<1ms', 1, '::1'],
    ['a comma for a point', '64 octets de 10.0.0.1 : icmp_seq=1 ttl=64 temps=12,3 ms', 12.3, '10.0.0.1'],
  ])('answers on %s', (_name, line, ms, from) => {
    expect(parsePing(`PING something\n${line}\n\n--- statistics ---\n1 packets`, '', 0)).toEqual({
      kind: 'answer',
      ms,
      from,
    })
  })

  it('tells silence, a router, and faults of this machine apart', () => {
    const silence =
      'PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.\n\n1 packets transmitted, 0 received, 100% packet loss, time 0ms'
    expect(parsePing(silence, '', 1)).toEqual({ kind: 'timeout' })
    expect(parsePing('Zeitüberschreitung der Anforderung.', '', 1)).toEqual({ kind: 'timeout' })
    expect(parsePing('From 10.0.0.254 icmp_seq=1 Destination Host Unreachable', '', 1).kind).toBe(
      'unreachable',
    )
    expect(parsePing('', 'ping: connect: Network is unreachable', 2)).toEqual({
      kind: 'fault',
      text: 'ping: connect: Network is unreachable',
    })
    expect(parsePing('', 'ping: socktype: SOCK_RAW: Operation not permitted', 2).kind).toBe('fault')
  })

  it('is asked for one echo with the limit in its own unit', () => {
    const request = { address: '10.0.0.1', timeoutMs: 1_500, bytes: 56 }
    expect(pingArguments('linux', request)).toEqual(['-n', '-c', '1', '-W', '2', '-s', '56', '10.0.0.1'])
    expect(pingArguments('darwin', request)).toContain('1500')
    expect(pingArguments('win32', { ...request, address: 'fe80::1%4' })).toEqual([
      '-6',
      '-n',
      '1',
      '-w',
      '1500',
      '-l',
      '56',
      'fe80::1%4',
    ])
  })
})

it("fping's lines are read, others are left out", () => {
  const text = '127.0.0.1 : 0.03\n10.0.0.9 : -\nICMP Host Unreachable from 10.0.0.1 for ICMP Echo\nnonsense'
  expect([...parseFping(text)]).toEqual([
    ['127.0.0.1', 0.03],
    ['10.0.0.9', null],
  ])
})

describe("Windows' replies", () => {
  const reply = (status: number, ms: number): Buffer => {
    const buffer = Buffer.alloc(96)
    buffer.set([10, 0, 0, 1])
    buffer.writeUInt32LE(status, 4)
    buffer.writeUInt32LE(ms, 8)
    return buffer
  }
  const payload = Buffer.alloc(32)

  it('are read by their status', () => {
    expect(parse4(reply(0, 12), 1, payload)).toEqual({ kind: 'answer', ms: 12, from: '10.0.0.1' })
    expect(parse4(reply(11_003, 0), 1, payload).kind).toBe('unreachable')
    expect(parse4(reply(11_010, 0), 1, payload).kind).toBe('timeout')
    expect(parse4(reply(0, 0), 0, payload).kind).toBe('timeout')
    const six = Buffer.alloc(96)
    six.writeUInt32LE(3, 32)
    expect(parse6(six, 1)).toEqual({ kind: 'answer', ms: 3, from: null })
  })
})
