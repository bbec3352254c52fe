import koffi from 'koffi'
import { execFileSync } from 'node:child_process'
import { openSync, read, write } from 'node:fs'
import { checksum } from '../../electron/service/hosts/icmp/packet.ts'

/** What becomes of an echo to an address. */
export interface Fate {
  readonly delayMs?: number
  /** One in so many is lost. */
  readonly losesOneIn?: number
  /** Another address that answers in its place. */
  readonly from?: string
  readonly copies?: number
  /** Junk that comes before the answer. */
  readonly junk?: boolean
}

/** A network beyond this machine, made of nothing but a TUN device: 192.0.2.1 is the gateway, and everybody answers. */
export interface FarNetwork {
  readonly fates: Map<string, Fate>
  isCut: (address: string) => boolean
  /** Echoes by address. */
  readonly echoes: Map<string, number>
}

const tunSetInterface = 0x400454ca
const tunWithoutInfo = 0x0001 | 0x1000

/** Makes the network; must run in a network namespace of its own, with the right to administer it. */
export function makeFarNetwork(): FarNetwork {
  const fd = openSync('/dev/net/tun', 'r+')
  const request = Buffer.alloc(40)
  request.write('far0')
  request.writeUInt16LE(tunWithoutInfo, 16)
  const ioctl = koffi.load('libc.so.6').func('int ioctl(int, unsigned long, void *)')
  if (ioctl(fd, tunSetInterface, request) !== 0) throw new Error(`TUNSETIFF failed: ${koffi.errno()}`)
  for (const line of [
    'addr add 192.0.2.2/24 dev far0',
    'link set far0 up',
    'route add default via 192.0.2.1 dev far0',
  ])
    execFileSync('ip', line.split(' '))
  const network: FarNetwork = { fates: new Map(), isCut: () => false, echoes: new Map() }
  const send = (packet: Buffer): void => write(fd, packet, () => undefined)
  const buffer = Buffer.alloc(65_536)
  const next = (): void =>
    read(fd, buffer, 0, buffer.length, null, (error, length) => {
      if (error) return
      answer(network, Buffer.from(buffer.subarray(0, length)), send)
      next()
    })
  next()
  return network
}

function answer(network: FarNetwork, packet: Buffer, send: (packet: Buffer) => void): void {
  const headerBytes = ((packet[0] ?? 0) & 15) * 4
  const isEcho = (packet[0] ?? 0) >> 4 === 4 && packet[9] === 1 && packet[headerBytes] === 8
  if (!isEcho) return
  const to = [...packet.subarray(16, 20)].join('.')
  const count = (network.echoes.get(to) ?? 0) + 1
  network.echoes.set(to, count)
  const fate = network.fates.get(to) ?? {}
  if (network.isCut(to)) return
  if (fate.losesOneIn !== undefined && count % fate.losesOneIn === 0) return
  const reply = replyTo(packet, headerBytes, fate.from ?? to)
  const deliver = (): void => {
    if (network.isCut(to)) return
    if (fate.junk) {
      send(reply.subarray(0, headerBytes + 9))
      const foreign = Buffer.from(reply)
      foreign.fill(0xab, headerBytes + 8)
      send(resummed(foreign, headerBytes))
    }
    for (let copy = 0; copy < (fate.copies ?? 1); copy += 1) send(reply)
  }
  if (fate.delayMs === undefined) deliver()
  else setTimeout(deliver, fate.delayMs)
}

function replyTo(packet: Buffer, headerBytes: number, from: string): Buffer {
  const reply = Buffer.from(packet)
  packet.copy(reply, 16, 12, 16)
  Buffer.from(from.split('.').map(Number)).copy(reply, 12)
  reply[headerBytes] = 0
  return resummed(reply, headerBytes)
}

function resummed(packet: Buffer, headerBytes: number): Buffer {
  packet.writeUInt16BE(0, 10)
  packet.writeUInt16BE(checksum(packet.subarray(0, headerBytes)), 10)
  packet.writeUInt16BE(0, headerBytes + 2)
  packet.writeUInt16BE(checksum(packet.subarray(headerBytes)), headerBytes + 2)
  return packet
}
