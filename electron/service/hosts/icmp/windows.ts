import koffi from 'koffi'
import { isIPv6 } from 'node:net'
import { bytesOf6 } from './address.ts'
import { stopped } from './flight-table.ts'
import type { Echoer, EchoRequest, EchoResult, Refusal } from './echo.ts'

/**
 * Echoes by the IP helper library (https://learn.microsoft.com/windows/win32/api/icmpapi/nf-icmpapi-icmpsendecho2), which needs
 * no rights. The blocking form runs in the library's own threads, so few go at once.
 */

const mostAtOnce = 16
/** Status codes of ipexport.h. */
const status = {
  success: 0,
  unreachableFirst: 11_002,
  unreachableLast: 11_005,
  timedOut: 11_010,
  tooFar: 11_013,
}
const replyHeaderBytes = 64

/** Returns the way, or why it cannot be gone. */
export function openWindows(platform: NodeJS.Platform = process.platform): Echoer | Refusal {
  if (platform !== 'win32') return { way: 'windows', why: 'this is not Windows', fix: null }
  try {
    return windowsEchoer()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { way: 'windows', why: `the IP helper library cannot be used: ${reason}`, fix: null }
  }
}

function windowsEchoer(): Echoer {
  const helper = koffi.load('iphlpapi.dll')
  const create4 = helper.func('intptr_t __stdcall IcmpCreateFile()')
  const create6 = helper.func('intptr_t __stdcall Icmp6CreateFile()')
  const close = helper.func('bool __stdcall IcmpCloseHandle(intptr_t)')
  const send4 = helper.func(
    'uint32_t __stdcall IcmpSendEcho2(intptr_t, void *, void *, void *, uint32_t, void *, uint16_t, void *, void *, uint32_t, uint32_t)',
  )
  const send6 = helper.func(
    'uint32_t __stdcall Icmp6SendEcho2(intptr_t, void *, void *, void *, void *, void *, void *, uint16_t, void *, void *, uint32_t, uint32_t)',
  )
  const handles = { 4: create4() as number, 6: create6() as number }
  const queue: { request: EchoRequest; done: (result: EchoResult) => void }[] = []
  let running = 0
  let ended: (() => void) | null = null
  let isStopped = false

  const finish = (): void => {
    close(handles[4])
    close(handles[6])
    ended?.()
  }
  const next = (): void => {
    if (isStopped) {
      if (running === 0) finish()
      return
    }
    if (running >= mostAtOnce) return
    const entry = queue.shift()
    if (!entry) return
    const { request, done } = entry
    const six = isIPv6(request.address.split('%')[0] ?? '')
    const payload = Buffer.alloc(request.bytes, 0x57)
    const reply = Buffer.alloc(replyHeaderBytes + request.bytes + 64)
    running += 1
    const called = (error: unknown, count: number): void => {
      running -= 1
      // Naming the payload here keeps its memory until the call is over.
      done(
        error
          ? { kind: 'fault', text: error instanceof Error ? error.message : 'the call failed' }
          : six
            ? parse6(reply, count)
            : parse4(reply, count, payload),
      )
      next()
    }
    if (six) {
      const source = Buffer.alloc(28)
      source.writeUInt16LE(23, 0)
      const to = Buffer.alloc(28)
      to.writeUInt16LE(23, 0)
      bytesOf6(request.address.split('%')[0] ?? '').copy(to, 8)
      send6.async(
        handles[6],
        null,
        null,
        null,
        source,
        to,
        payload,
        payload.length,
        null,
        reply,
        reply.length,
        request.timeoutMs,
        called,
      )
    } else {
      const to = Buffer.from(request.address.split('.').map(Number)).readUInt32LE(0)
      send4.async(
        handles[4],
        null,
        null,
        null,
        to,
        payload,
        payload.length,
        null,
        reply,
        reply.length,
        request.timeoutMs,
        called,
      )
    }
  }
  return {
    way: 'windows',
    send(request, done) {
      queue.push({ request, done })
      setImmediate(next)
    },
    stop: () =>
      new Promise((resolve) => {
        isStopped = true
        for (const { done } of queue.splice(0)) done(stopped)
        ended = resolve
        if (running === 0) finish()
      }),
  }
}

/** Returns what an ICMP_ECHO_REPLY means: address, status and round-trip time are its first twelve bytes. */
export function parse4(reply: Buffer, count: number, payload: Buffer): EchoResult {
  if (count === 0 || payload.length === 0) return { kind: 'timeout' }
  return resultOf(reply.readUInt32LE(4), reply.readUInt32LE(8), [...reply.subarray(0, 4)].join('.'))
}

/** Returns what an ICMPV6_ECHO_REPLY means: IPV6_ADDRESS_EX takes 26 bytes, status and time follow at 28. */
export function parse6(reply: Buffer, count: number): EchoResult {
  if (count === 0) return { kind: 'timeout' }
  return resultOf(reply.readUInt32LE(28), reply.readUInt32LE(32), null)
}

function resultOf(code: number, ms: number, from: string | null): EchoResult {
  if (code === status.success) return { kind: 'answer', ms, from }
  if (code >= status.unreachableFirst && code <= status.unreachableLast)
    return { kind: 'unreachable', text: `${from ?? 'a router'} says it is unreachable` }
  if (code === status.tooFar)
    return { kind: 'unreachable', text: `${from ?? 'a router'} says it is too far away` }
  return code === status.timedOut ? { kind: 'timeout' } : { kind: 'fault', text: `Windows says ${code}` }
}
