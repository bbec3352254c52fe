import dgram from 'node:dgram'
import type { Clock } from '../../clock.ts'
import { socketAddress, textOf } from './address.ts'
import type { Echoer, EchoRequest, EchoResult, Refusal } from './echo.ts'
import { flightTable, stopped, type Slot } from './flight-table.ts'
import type { NativeSockets } from './native.ts'
import { markRequest, parseMessage, type IpFamily } from './packet.ts'

/** Echoes in this process, over a datagram socket that libuv waits for, or over a raw one. */

/** The system's receive buffer holds some 500 answers; each turn sends no more than this and reads what has come. */
const mostPerTurn = 50
/** So many answers are read before others get their turn. */
const mostPerWake = 200
/** Before anybody is given up, everything that waits is read: no more than a full buffer holds. */
const mostWaiting = 20_000
const receiveBufferBytes = 4 << 20
/** Reading many answers takes no longer than this (ms). */
const readingMs = 10
/** Where the system has no room, it is asked again after this (ms). */
const fullMs = 5
/** A raw socket is waited for in the library's own thread, and for no longer than this, so that it can be ended. */
const pollMs = 250
/** EAGAIN, ENOMEM, ENOBUFS of Linux and macOS; of the next two lines ENETDOWN and its like, EHOSTDOWN and EHOSTUNREACH. */
const noBuffer = new Set([11, 12, 35, 55, 105])
const noRoute = new Set([49, 50, 51, 99, 100, 101])
const unreachable = new Set([64, 65, 112, 113])
const refused = new Set([1, 13])

interface Queued {
  readonly request: EchoRequest
  readonly done: (result: EchoResult) => void
  readonly queuedMs: number
}

interface Ear {
  /** Called when an echo was sent, for whoever listens only when there is something to hear. */
  woken(): void
  stop(): Promise<void>
}

/**
 * Opens a socket of one kind for one family.
 *
 * @returns the way, or why the system refuses it
 */
export async function openSockets(
  native: NativeSockets,
  clock: Clock,
  family: IpFamily,
  kind: 'datagram' | 'raw',
): Promise<Echoer | Refusal> {
  const opened = native.open(family, kind)
  if ('errno' in opened) return refusalOf(kind, opened.errno)
  const { fd } = opened
  let isStopped = false
  const buffer = Buffer.alloc(65_536)
  const from = Buffer.alloc(28)
  // Datagram sockets leave out the IP header, but for IPv4 on macOS (icmp(4)).
  const hasIpHeader = family === 4 && (kind === 'raw' || process.platform === 'darwin')
  /** Reads up to so many of the answers that wait. */
  const drain = (most: number): void => {
    const nowMs = clock.glance().monotonicMs
    for (let count = 0; count < most && !isStopped; count += 1) {
      const length = native.receive(fd, buffer, from)
      if (length < 0) return
      hear(buffer.subarray(0, length), nowMs, null)
    }
  }
  const table = flightTable(clock, family, () => drain(mostWaiting))
  const queue: Queued[] = []
  const addresses = new Map<string, Buffer>()
  let head = 0
  let isSending = false

  const [begin, end] = family === 4 ? [4, 8] : [8, 24]
  /** Takes a message in; `named` tells who sent it where the address is not in `from`. */
  const hear = (message: Buffer, nowMs: number, named: string | null): void => {
    const heard = parseMessage(family, message, hasIpHeader)
    const slot = heard && table.find(heard.index, heard.nonce)
    if (!heard || !slot) return
    if (heard.kind === 'reply') {
      const ms = roundTrip(slot, native.receiveStamp(fd), nowMs)
      const isSame = named === null && from.compare(slot.to, begin, end, begin, end) === 0
      table.end(slot, { kind: 'answer', ms, from: isSame ? slot.address : (named ?? textOf(from)) })
      return
    }
    const who = named ?? textOf(from) ?? 'a router'
    const what = heard.kind === 'exceeded' ? 'too far away' : 'unreachable'
    table.end(slot, { kind: 'unreachable', text: `${who} says it is ${what}` })
  }
  const ear =
    kind === 'datagram'
      ? await adopted(native, fd, family, (message, address) => {
          hear(message, clock.glance().monotonicMs, address)
          // What else waits is read here, which costs half of what a message of the socket's own does.
          drain(mostPerWake)
        })
      : polled(
          native,
          fd,
          family,
          () => table.size,
          () => drain(mostPerWake),
        )

  /** Returns false when the system has no room now and the echo must wait. */
  const launch = ({ request, done }: Queued, nowMs: number): boolean => {
    const to = addressOf(addresses, request.address)
    if (to === null) {
      done({ kind: 'fault', text: `'${request.address}' is not an address` })
      return true
    }
    const slot = table.take(request.address, to, request.bytes, done)
    markRequest(slot.packet, slot.index, slot.index, slot.nonce, needsSum(kind, family))
    slot.sentMs = nowMs
    slot.stampMs = native.stamp()
    const errno = native.send(fd, slot.packet, to)
    if (errno === 0) {
      table.launched(slot, request.timeoutMs)
      return true
    }
    const result = sendFailure(errno, request.address)
    if (result === null) {
      // The slot goes back unused: its owner waits for the next turn.
      slot.done = () => undefined
      table.end(slot, { kind: 'timeout' })
      return false
    }
    table.end(slot, result)
    return true
  }
  const turn = (): void => {
    isSending = false
    if (isStopped) return
    let isFull = false
    const nowMs = clock.glance().monotonicMs
    for (let count = 0; count < mostPerTurn && head < queue.length && !isFull; count += 1) {
      const entry = queue[head] as Queued
      if (launch(entry, nowMs)) head += 1
      else if (nowMs - entry.queuedMs < entry.request.timeoutMs) isFull = true
      else {
        head += 1
        entry.done({ kind: 'fault', text: 'this machine has no room to send' })
      }
    }
    drain(mostPerWake)
    if (head === queue.length) {
      queue.length = 0
      head = 0
    } else {
      isSending = true
      if (isFull) clock.after(fullMs, turn)
      else setImmediate(turn)
    }
    ear.woken()
  }

  return {
    way: kind,
    send(request, done) {
      queue.push({ request, done, queuedMs: clock.glance().monotonicMs })
      if (isSending) return
      isSending = true
      setImmediate(turn)
    },
    async stop() {
      if (isStopped) return
      isStopped = true
      table.stop()
      for (const { done } of queue.splice(head)) done(stopped)
      await ear.stop()
    },
  }
}

/** The kernel's stamps do not count the time that this process was busy; they are of no use over a step of the clock. */
function roundTrip(slot: Slot, stampMs: number | null, nowMs: number): number {
  const seenMs = nowMs - slot.sentMs
  const kernelMs = stampMs === null ? Number.NaN : stampMs - slot.stampMs
  return kernelMs >= 0 && kernelMs <= seenMs + readingMs ? kernelMs : seenMs
}

/** On Linux the system sums what datagram sockets send, and always ICMPv6. */
function needsSum(kind: 'datagram' | 'raw', family: IpFamily): boolean {
  return family === 4 && (kind === 'raw' || process.platform === 'darwin')
}

const mostAddresses = 20_000

function addressOf(known: Map<string, Buffer>, address: string): Buffer | null {
  const found = known.get(address)
  if (found) return found
  const made = socketAddress(address)
  if (made === null) return null
  if (known.size >= mostAddresses) known.clear()
  known.set(address, made)
  return made
}

function sendFailure(errno: number, address: string): EchoResult | null {
  if (noBuffer.has(errno)) return null
  if (noRoute.has(errno)) return { kind: 'fault', text: `this machine has no route to ${address}` }
  if (unreachable.has(errno)) return { kind: 'unreachable', text: 'unreachable' }
  if (refused.has(errno)) return { kind: 'fault', text: `this machine may not send to ${address}` }
  return { kind: 'fault', text: `this machine cannot send to ${address} (error ${errno})` }
}

function refusalOf(kind: 'datagram' | 'raw', errno: number): Refusal {
  const isRefused = refused.has(errno)
  if (kind === 'raw')
    return {
      way: kind,
      why: isRefused
        ? 'raw sockets need the right CAP_NET_RAW'
        : `raw sockets are not to be had (error ${errno})`,
      fix: null,
    }
  return {
    way: kind,
    why: isRefused
      ? 'the system refuses ICMP datagram sockets to this user (net.ipv4.ping_group_range)'
      : `ICMP datagram sockets are not to be had (error ${errno})`,
    fix:
      isRefused && process.platform === 'linux'
        ? 'allow them: `sysctl -w net.ipv4.ping_group_range="0 2147483647"`, and keep it with a file in /etc/sysctl.d'
        : null,
  }
}

/** libuv adopts the socket and does the waiting. */
async function adopted(
  native: NativeSockets,
  fd: number,
  family: IpFamily,
  hear: (message: Buffer, address: string) => void,
): Promise<Ear> {
  const socket = dgram.createSocket({ type: family === 4 ? 'udp4' : 'udp6' })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ fd, exclusive: true }, () => {
        socket.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    native.close(fd)
    throw error
  }
  native.growReceiveBuffer(fd, receiveBufferBytes)
  // The first call fails and switches the stamps on.
  native.receiveStamp(fd)
  socket.on('message', (message, { address }) => hear(message, address))
  socket.on('error', () => undefined)
  return {
    woken: () => undefined,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** A raw socket cannot be adopted: it is polled in another thread while something is on its way. */
function polled(
  native: NativeSockets,
  fd: number,
  family: IpFamily,
  size: () => number,
  hear: () => void,
): Ear {
  native.growReceiveBuffer(fd, receiveBufferBytes)
  native.filter(fd, family)
  native.receiveStamp(fd)
  const state: { isPolling: boolean; ended: (() => void) | null } = { isPolling: false, ended: null }
  const poll = (): void => {
    state.isPolling = true
    native.poll(fd, pollMs, (isReadable) => {
      state.isPolling = false
      if (state.ended) {
        native.close(fd)
        state.ended()
        return
      }
      if (isReadable) hear()
      if (size() > 0) poll()
    })
  }
  return {
    woken() {
      if (!state.isPolling && size() > 0) poll()
    },
    stop: () =>
      new Promise<void>((resolve) => {
        if (state.isPolling) state.ended = resolve
        else {
          native.close(fd)
          resolve()
        }
      }),
  }
}
