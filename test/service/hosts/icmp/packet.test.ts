import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf6, socketAddress, text6, textOf } from '../../../../electron/service/hosts/icmp/address.ts'
import {
  checksum,
  makeRequest,
  markRequest,
  parseMessage,
} from '../../../../electron/service/hosts/icmp/packet.ts'

function ip4(payload: Buffer, options = 0): Buffer {
  const header = Buffer.alloc(20 + options)
  header[0] = 0x40 | (header.length / 4)
  return Buffer.concat([header, payload])
}

function marked(family: 4 | 6, type: number): Buffer {
  const packet = makeRequest(family, 56, 0x1234)
  markRequest(packet, 7, 42, 0xdeadbeef, true)
  packet[0] = type
  return packet
}

describe('messages', () => {
  it('of ours are known by index and nonce, whatever the identifier became', () => {
    const reply = marked(4, 0)
    reply.writeUInt16BE(0x9999, 4)
    expect(parseMessage(4, reply, false)).toEqual({ kind: 'reply', index: 42, nonce: 0xdeadbeef })
    expect(parseMessage(4, ip4(reply, 8), true)).toEqual({ kind: 'reply', index: 42, nonce: 0xdeadbeef })
    expect(parseMessage(6, marked(6, 129), false)).toMatchObject({ kind: 'reply', index: 42 })
  })

  it('of routers quote the request that cannot be delivered', () => {
    const header = Buffer.from([3, 1, 0, 0, 0, 0, 0, 0])
    const quoted = Buffer.concat([header, ip4(marked(4, 8))])
    expect(parseMessage(4, ip4(quoted), true)).toMatchObject({ kind: 'unreachable', index: 42 })
    quoted[0] = 11
    expect(parseMessage(4, ip4(quoted), true)).toMatchObject({ kind: 'exceeded' })
    const six = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(40), marked(6, 128)])
    expect(parseMessage(6, six, false)).toMatchObject({ kind: 'unreachable', index: 42 })
  })

  it('of requests, of other types, truncated or malformed mean nothing', () => {
    expect(parseMessage(4, marked(4, 8), false)).toBeNull()
    expect(parseMessage(4, marked(4, 13), false)).toBeNull()
    for (let length = 0; length < 16; length += 1)
      expect(parseMessage(4, marked(4, 0).subarray(0, length), false)).toBeNull()
    expect(parseMessage(4, Buffer.from([0x4f]), true)).toBeNull()
  })

  it('of any bytes at all never throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.boolean(),
        fc.constantFrom(4 as const, 6 as const),
        (bytes, header, family) => {
          parseMessage(family, Buffer.from(bytes), header)
        },
      ),
    )
  })

  it('have a checksum that sums to nought', () => {
    const packet = makeRequest(4, 57, 1)
    markRequest(packet, 1, 2, 3, true)
    expect(checksum(packet)).toBe(0)
    expect(checksum(Buffer.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]))).toBe(0x220d)
  })
})

describe('addresses', () => {
  it.each([
    '::',
    '::1',
    'fe80::1',
    '2001:db8::8:800:200c:417a',
    '1:2:3:4:5:6:7:8',
    'ff02::1:ff00:1234',
    '1::8',
  ])('%s is written and read back', (address) => {
    expect(text6(bytesOf6(address))).toBe(address)
    expect(textOf(socketAddress(address, 'linux') ?? Buffer.alloc(0), 'linux')).toBe(address)
  })

  it('of both families and systems have their family in its place', () => {
    expect([...(socketAddress('10.1.2.3', 'linux') ?? [])].slice(0, 8)).toEqual([2, 0, 0, 0, 10, 1, 2, 3])
    expect([...(socketAddress('10.1.2.3', 'darwin') ?? [])].slice(0, 8)).toEqual([16, 2, 0, 0, 10, 1, 2, 3])
    expect([...(socketAddress('::1', 'darwin') ?? [])].slice(0, 2)).toEqual([28, 30])
    expect(bytesOf6('::ffff:10.1.2.3').toString('hex')).toBe('00000000000000000000ffff0a010203')
    expect(socketAddress('localhost', 'linux')).toBeNull()
  })
})
