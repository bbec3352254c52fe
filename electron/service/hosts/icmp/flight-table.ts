import { randomInt } from 'node:crypto'
import type { Clock, Timer } from '../../clock.ts'
import type { EchoResult } from './echo.ts'
import { makeRequest, type IpFamily } from './packet.ts'

/** An echo that is on its way. Slots are used again, so that sending makes no garbage. */
export interface Slot {
  readonly index: number
  packet: Buffer
  nonce: number
  address: string
  /** The same as a socket address. */
  to: Buffer
  /** Monotonic and kernel time of the sending (ms). */
  sentMs: number
  stampMs: number
  done: ((result: EchoResult) => void) | null
}

/** Echoes on their way, and their ends: by an answer, or by time. */
export interface FlightTable {
  readonly size: number
  take(address: string, to: Buffer, bytes: number, done: (result: EchoResult) => void): Slot
  /** Starts the time limit of a slot that was sent. */
  launched(slot: Slot, timeoutMs: number): void
  /** Returns the slot that a mark belongs to; null for foreign, late and duplicate answers. */
  find(index: number, nonce: number): Slot | null
  end(slot: Slot, result: EchoResult): void
  /** Ends everything that is on its way. */
  stop(): void
}

/** How echoes end whose way is given up. */
export const stopped: EchoResult = { kind: 'fault', text: 'this way of sending echoes was given up' }

interface Waiting {
  readonly slot: Slot
  readonly nonce: number
  readonly deadlineMs: number
}

/** Xorshift (Marsaglia, 2003) from a random seed: costs nothing and repeats only after 2³²−1 echoes. */
function nextNonce(nonce: number): number {
  let next = nonce
  next ^= next << 13
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}

/** Returns an empty table for one family; `listen` reads every answer that waits, so that nobody is given up who has one. */
export function flightTable(clock: Clock, family: IpFamily, listen: () => void): FlightTable {
  const slots: Slot[] = []
  const free: Slot[] = []
  const queues = new Map<number, { readonly list: Waiting[]; head: number }>()
  const identifier = randomInt(0x10000)
  let nonce = randomInt(1, 0x1_0000_0000)
  let timer: Timer | null = null
  let timerMs = Number.POSITIVE_INFINITY
  let size = 0
  let isStopped = false

  const end = (slot: Slot, result: EchoResult): void => {
    const { done } = slot
    if (done === null) return
    slot.done = null
    size -= 1
    free.push(slot)
    done(result)
  }

  const expire = (nowMs: number): void => {
    let nextMs = Number.POSITIVE_INFINITY
    for (const queue of queues.values()) {
      const { list } = queue
      for (; queue.head < list.length; queue.head += 1) {
        const entry = list[queue.head] as Waiting
        const isOpen = entry.slot.done !== null && entry.slot.nonce === entry.nonce
        if (isOpen && entry.deadlineMs > nowMs) break
        if (isOpen) end(entry.slot, { kind: 'timeout' })
      }
      if (queue.head > 1_000 && queue.head * 2 > list.length) {
        list.splice(0, queue.head)
        queue.head = 0
      }
      const head = list[queue.head]
      if (head && head.deadlineMs < nextMs) nextMs = head.deadlineMs
    }
    plan(nextMs)
  }

  const plan = (atMs: number): void => {
    timer?.cancel()
    timer = null
    timerMs = atMs
    if (atMs === Number.POSITIVE_INFINITY || isStopped) return
    timer = clock.after(Math.max(0, atMs - clock.glance().monotonicMs), () => {
      timer = null
      listen()
      expire(clock.glance().monotonicMs)
    })
  }

  return {
    get size() {
      return size
    },
    take(address, to, bytes, done) {
      let slot = free.pop()
      if (!slot) {
        slot = {
          index: slots.length,
          packet: makeRequest(family, bytes, identifier),
          nonce: 0,
          address,
          to,
          sentMs: 0,
          stampMs: 0,
          done: null,
        }
        slots.push(slot)
      } else if (slot.packet.length !== bytes + 8) slot.packet = makeRequest(family, bytes, identifier)
      nonce = nextNonce(nonce)
      slot.nonce = nonce
      slot.address = address
      slot.to = to
      slot.done = done
      size += 1
      return slot
    },
    launched(slot, timeoutMs) {
      const deadlineMs = slot.sentMs + timeoutMs
      const queue = queues.get(timeoutMs)
      const entry = { slot, nonce: slot.nonce, deadlineMs }
      if (queue) queue.list.push(entry)
      else queues.set(timeoutMs, { list: [entry], head: 0 })
      if (deadlineMs < timerMs || timer === null) plan(Math.min(deadlineMs, timerMs))
    },
    find(index, nonce) {
      const slot = slots[index]
      return slot && slot.done !== null && slot.nonce === nonce ? slot : null
    },
    end,
    stop() {
      isStopped = true
      timer?.cancel()
      queues.clear()
      for (const slot of slots) end(slot, stopped)
    },
  }
}
