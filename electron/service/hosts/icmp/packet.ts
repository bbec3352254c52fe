/** ICMP echo messages (RFC 792, RFC 4443) and what of an answer tells whose it is. Pure. */

export type IpFamily = 4 | 6

/** Bytes before the payload. */
export const headerBytes = 8
/** Index and nonce, by which an answer is known as ours; systems rewrite the identifier. */
export const markBytes = 8

const types = {
  4: { request: 8, reply: 0, unreachable: 3, exceeded: 11 },
  6: { request: 128, reply: 129, unreachable: 1, exceeded: 3 },
} as const

/** Returns an echo request with room for its mark; `payloadBytes` is at least 16. */
export function makeRequest(family: IpFamily, payloadBytes: number, identifier: number): Buffer {
  const packet = Buffer.alloc(headerBytes + Math.max(markBytes, payloadBytes))
  packet[0] = types[family].request
  packet.writeUInt16BE(identifier & 0xffff, 4)
  for (let at = headerBytes + markBytes; at < packet.length; at += 1) packet[at] = at & 0xff
  return packet
}

/** Writes sequence number and mark into a request, and the checksum that the system leaves to raw sockets. */
export function markRequest(
  packet: Buffer,
  sequence: number,
  index: number,
  nonce: number,
  sums: boolean,
): void {
  packet.writeUInt16BE(sequence & 0xffff, 6)
  packet.writeUInt32BE(index, headerBytes)
  packet.writeUInt32BE(nonce, headerBytes + 4)
  packet.writeUInt16BE(0, 2)
  if (sums) packet.writeUInt16BE(checksum(packet), 2)
}

/** Returns the Internet checksum (RFC 1071). */
export function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** What a message means: the answer to one of our requests, or a router's word that it cannot be delivered. */
export interface Heard {
  readonly kind: 'reply' | 'unreachable' | 'exceeded'
  readonly index: number
  readonly nonce: number
}

/**
 * Returns what a received message means; null when it is none of ours, malformed or truncated. `hasIpHeader` where the
 * system hands out IPv4 packets whole.
 */
export function parseMessage(family: IpFamily, bytes: Buffer, hasIpHeader: boolean): Heard | null {
  const message = hasIpHeader ? withoutIpHeader(bytes) : bytes
  if (message === null || message.length < headerBytes) return null
  const type = message[0]
  const known = types[family]
  if (type === known.reply) return markOf(message, 'reply')
  if (type !== known.unreachable && type !== known.exceeded) return null
  // A router's message quotes the packet that it is about, its IP header included.
  const quoted =
    family === 4 ? withoutIpHeader(message.subarray(headerBytes)) : message.subarray(headerBytes + 40)
  if (quoted === null || quoted.length < headerBytes + markBytes || quoted[0] !== known.request) return null
  return markOf(quoted, type === known.unreachable ? 'unreachable' : 'exceeded')
}

function markOf(message: Buffer, kind: Heard['kind']): Heard | null {
  if (message.length < headerBytes + markBytes) return null
  return { kind, index: message.readUInt32BE(headerBytes), nonce: message.readUInt32BE(headerBytes + 4) }
}

function withoutIpHeader(bytes: Buffer): Buffer | null {
  const first = bytes[0] ?? 0
  const length = (first & 0x0f) * 4
  return first >> 4 === 4 && length >= 20 && bytes.length > length ? bytes.subarray(length) : null
}
