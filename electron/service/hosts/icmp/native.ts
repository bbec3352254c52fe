import koffi from 'koffi'

/** The few calls of the C library that Node does not offer. Linux and macOS; everything here is synchronous but `poll`. */

export interface NativeSockets {
  /** Returns a non-blocking ICMP socket, or the error number. */
  open(family: 4 | 6, kind: 'datagram' | 'raw'): { readonly fd: number } | { readonly errno: number }
  /** Sends at once; returns 0, or the error number. `to` is a {@link socketAddress}. */
  send(fd: number, packet: Buffer, to: Buffer): number
  /** Receives into `buffer` without waiting; returns its length, or -1 when nothing is there. */
  receive(fd: number, buffer: Buffer, from: Buffer): number
  /** Returns the kernel's receive time of the packet read last (ms of the real-time clock); null where it has none. */
  receiveStamp(fd: number): number | null
  /** Returns the real-time clock (ms) by the source of those stamps. */
  stamp(): number
  /** Lets a raw socket hear only what concerns echoes. */
  filter(fd: number, family: 4 | 6): void
  growReceiveBuffer(fd: number, bytes: number): void
  /** Calls back when the socket can be read, or after `timeoutMs`. The buffer inside lives until then. */
  poll(fd: number, timeoutMs: number, done: (isReadable: boolean) => void): void
  close(fd: number): void
}

const linux = {
  library: 'libc.so.6',
  inet6: 10,
  nonBlocking: 0x800 | 0x80000,
  solSocket: 1,
  receiveBuffer: 8,
  receiveBufferForce: 33,
  dontWait: 0x40,
}
const mac = {
  library: '/usr/lib/libSystem.B.dylib',
  inet6: 30,
  nonBlocking: 0,
  solSocket: 0xffff,
  receiveBuffer: 0x1002,
  receiveBufferForce: null,
  dontWait: 0x80,
}
const kinds = { datagram: 2, raw: 3 } as const
/** SIOCGSTAMPNS of socket(7): the time stamp of the last packet passed to the user. */
const stampRequest = 0x8907
const pollIn = 1

/** Returns the calls, or null where this system has them not. @throws when the library cannot be loaded */
export function nativeSockets(platform: NodeJS.Platform = process.platform): NativeSockets | null {
  if (platform !== 'linux' && platform !== 'darwin') return null
  const isLinux = platform === 'linux'
  const system = isLinux ? linux : mac
  const libc = loadLibrary(system.library)
  const socket = libc.func('int socket(int, int, int)')
  const closeFd = libc.func('int close(int)')
  const setOption = libc.func('int setsockopt(int, int, int, void *, uint32_t)')
  const clockGetTime = libc.func('int clock_gettime(int, void *)')
  const sendTo = libc.func('int64_t sendto(int, void *, size_t, int, void *, uint32_t)')
  const receiveFrom = libc.func('int64_t recvfrom(int, void *, size_t, int, void *, void *)')
  const pollFds = libc.func('int poll(void *, unsigned long, int)')
  const control = isLinux ? libc.func('int ioctl(int, unsigned long, void *)') : null
  // Their memory is written to by the system, so they live as long as the calls.
  const time = Buffer.alloc(16)
  const length = Buffer.alloc(4)
  const readTime = (): number =>
    (time.readUInt32LE(0) + time.readUInt32LE(4) * 2 ** 32) * 1_000 + time.readUInt32LE(8) / 1e6

  return {
    open(family, kind) {
      const protocol = family === 4 ? 1 : 58
      const fd = socket(family === 4 ? 2 : system.inet6, kinds[kind] | system.nonBlocking, protocol) as number
      return fd < 0 ? { errno: koffi.errno() } : { fd }
    },
    send(fd, packet, to) {
      const sent = sendTo(fd, packet, packet.length, system.dontWait, to, to.length) as number
      return sent < 0 ? koffi.errno() : 0
    },
    receive(fd, buffer, from) {
      length.writeUInt32LE(from.length, 0)
      return Number(receiveFrom(fd, buffer, buffer.length, system.dontWait, from, length))
    },
    receiveStamp(fd) {
      if (control === null || (control(fd, stampRequest, time) as number) < 0) return null
      return readTime()
    },
    stamp() {
      clockGetTime(0, time)
      return readTime()
    },
    filter(fd, family) {
      if (!isLinux) return
      const filter = family === 4 ? icmpFilter([0, 3, 11]) : icmp6Filter([1, 3, 129])
      setOption(fd, family === 4 ? 255 : 58, 1, filter, filter.length)
    },
    growReceiveBuffer(fd, bytes) {
      const value = Buffer.alloc(4)
      value.writeInt32LE(bytes, 0)
      for (const option of [system.receiveBuffer, system.receiveBufferForce])
        if (option !== null) setOption(fd, system.solSocket, option, value, 4)
    },
    poll(fd, timeoutMs, done) {
      const entry = Buffer.alloc(8)
      entry.writeInt32LE(fd, 0)
      entry.writeInt16LE(pollIn, 4)
      pollFds.async(entry, 1, timeoutMs, (_error: unknown, ready: number) => {
        // Naming the entry here keeps its memory until the call is over.
        done(ready > 0 && entry.readInt16LE(6) !== 0)
      })
    },
    close(fd) {
      closeFd(fd)
    },
  }
}

/** Alpine's C library has another name. */
function loadLibrary(name: string): ReturnType<typeof koffi.load> {
  try {
    return koffi.load(name)
  } catch (error) {
    if (process.platform !== 'linux') throw error
    return koffi.load('libc.musl-x86_64.so.1')
  }
}

/** A set bit blocks a type (raw(7), ICMP_FILTER). */
function icmpFilter(passed: readonly number[]): Buffer {
  const filter = Buffer.alloc(4)
  filter.writeUInt32LE(passed.reduce((mask, type) => mask & ~(1 << type), ~0) >>> 0, 0)
  return filter
}

/** A set bit blocks a type (RFC 3542, 3.2, as Linux has it). */
function icmp6Filter(passed: readonly number[]): Buffer {
  const filter = Buffer.alloc(32, 0xff)
  for (const type of passed) {
    const at = (type >> 5) * 4
    filter.writeUInt32LE((filter.readUInt32LE(at) & ~(1 << (type & 31))) >>> 0, at)
  }
  return filter
}
