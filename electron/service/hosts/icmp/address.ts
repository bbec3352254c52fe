import { isIP } from 'node:net'
import os from 'node:os'

/** Socket addresses as the C library wants them. */

/** Returns the address of an IP address, without a port; null when it is none. */
export function socketAddress(address: string, platform: NodeJS.Platform = process.platform): Buffer | null {
  const [bare = '', zone] = address.split('%')
  switch (isIP(bare)) {
    case 4: {
      const buffer = Buffer.alloc(16)
      writeFamily(buffer, 2, platform)
      bare.split('.').forEach((part, index) => buffer.writeUInt8(Number(part), 4 + index))
      return buffer
    }
    case 6: {
      const buffer = Buffer.alloc(28)
      writeFamily(buffer, platform === 'darwin' ? 30 : platform === 'win32' ? 23 : 10, platform)
      bytesOf6(bare).copy(buffer, 8)
      if (zone !== undefined) buffer.writeUInt32LE(scopeOf(zone), 24)
      return buffer
    }
    default:
      return null
  }
}

function writeFamily(buffer: Buffer, family: number, platform: NodeJS.Platform): void {
  if (platform === 'darwin') {
    buffer.writeUInt8(buffer.length, 0)
    buffer.writeUInt8(family, 1)
  } else buffer.writeUInt16LE(family, 0)
}

function scopeOf(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone)
  return os.networkInterfaces()[zone]?.find((one) => one.family === 'IPv6')?.scopeid ?? 0
}

/** Returns the 16 bytes of an IPv6 address (RFC 4291, 2.2), which must be one. */
export function bytesOf6(address: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text = dotted
    ? `${dotted[1] ?? ''}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`
    : address
  const [head = '', tail] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((one) => parseInt(one, 16))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
  const buffer = Buffer.alloc(16)
  all.forEach((group, index) => buffer.writeUInt16BE(group, index * 2))
  return buffer
}

function hex(high: string | undefined, low: string | undefined): string {
  return ((Number(high) << 8) | Number(low)).toString(16)
}

/** Returns the text of a socket address's IP address; null when it is of another family. */
export function textOf(address: Buffer, platform: NodeJS.Platform = process.platform): string | null {
  const family = platform === 'darwin' ? address.readUInt8(1) : address.readUInt16LE(0)
  if (family === 2) return [...address.subarray(4, 8)].join('.')
  if (family !== 10 && family !== 30 && family !== 23) return null
  return text6(address.subarray(8, 24))
}

/** Returns the text of 16 bytes in its shortest form (RFC 5952). */
export function text6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2))
  let best = { from: -1, length: 1 }
  for (let from = 0; from < 8; from += 1) {
    let length = 0
    while (from + length < 8 && groups[from + length] === 0) length += 1
    if (length > best.length) best = { from, length }
  }
  const words = (list: readonly number[]): string => list.map((group) => group.toString(16)).join(':')
  if (best.from < 0) return words(groups)
  return `${words(groups.slice(0, best.from))}::${words(groups.slice(best.from + best.length))}`
}
