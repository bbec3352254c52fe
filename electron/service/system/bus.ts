import { connect, type Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import {
  BusError,
  messageLength,
  packCall,
  unpackMessage,
  type BusCall,
  type BusMessage,
} from './bus-message.ts'

/** A connection to the system's D-Bus, so that asking systemd starts no program. Made when it is first needed. */
export interface Bus {
  /** Calls a method and returns what it answers. @throws BusError */
  call(call: Omit<BusCall, 'serial'>): Promise<readonly unknown[]>
  close(): void
}

interface Link {
  send(call: Omit<BusCall, 'serial'>): Promise<readonly unknown[]>
  end(): void
}

const patienceMs = 3_000

/** Returns a connection to the bus at a socket's path. */
export function createBus(socketPath: string, clock: Clock, uid = process.getuid?.() ?? 0): Bus {
  let link: Promise<Link> | null = null
  const open = (): Promise<Link> => {
    const opened = openLink(socketPath, clock, uid, () => {
      if (link === opened) link = null
    })
    opened.catch(() => {
      if (link === opened) link = null
    })
    return opened
  }
  return {
    async call(call) {
      link ??= open()
      return (await link).send(call)
    },
    close() {
      link?.then(
        (one) => one.end(),
        () => undefined,
      )
      link = null
    },
  }
}

async function openLink(socketPath: string, clock: Clock, uid: number, gone: () => void): Promise<Link> {
  const socket = connect(socketPath)
  // A bus must never keep the service from ending, nor end it by an error that nobody hears.
  socket.unref()
  socket.on('error', () => undefined)
  const waiting = new Map<number, { resolve(body: readonly unknown[]): void; reject(error: Error): void }>()
  let serial = 0
  const fail = (reason: string): void => {
    for (const { reject } of waiting.values()) reject(new BusError(reason))
    waiting.clear()
    socket.destroy()
    gone()
  }
  await authenticate(socket, clock, uid)
  if (socket.destroyed) throw new BusError('the bus closed the connection')
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    try {
      for (let length = messageLength(received); length !== null && received.length >= length;) {
        take(unpackMessage(received.subarray(0, length)))
        received = received.subarray(length)
        length = messageLength(received)
      }
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error))
    }
  })
  socket.on('error', (error) => fail(error.message))
  socket.on('close', () => fail('the bus closed the connection'))
  const take = ({ type, replyTo, error, body }: BusMessage): void => {
    const asked = waiting.get(replyTo)
    if (!asked) return
    waiting.delete(replyTo)
    if (type === 'error') asked.reject(new BusError(typeof body[0] === 'string' ? body[0] : error))
    else asked.resolve(body)
  }
  const send: Link['send'] = (call) =>
    new Promise((resolve, reject) => {
      serial += 1
      const own = serial
      const timer = clock.after(patienceMs, () => {
        waiting.delete(own)
        reject(new BusError(`${call.destination} does not answer`))
      })
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T): void => {
          timer.cancel()
          done(value)
        }
      waiting.set(own, { resolve: settle(resolve), reject: settle(reject) })
      socket.write(packCall({ ...call, serial: own }))
    })
  try {
    await send({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'Hello',
      args: [],
    })
  } catch (error) {
    socket.destroy()
    throw error
  }
  return { send, end: () => socket.destroy() }
}

/** Says who we are, which the kernel confirms: https://dbus.freedesktop.org/doc/dbus-specification.html#auth-mechanisms-external */
function authenticate(socket: Socket, clock: Clock, uid: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const timer = clock.after(patienceMs, () => end(new BusError('the bus does not answer')))
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1')
      if (!answer.includes('\r\n')) return
      if (!answer.startsWith('OK ')) {
        end(new BusError('the bus does not let this user in'))
        return
      }
      socket.write('BEGIN\r\n')
      end(null)
    }
    const onError = (error: Error): void => end(new BusError(error.message))
    const onClose = (): void => end(new BusError('the bus closed the connection'))
    const end = (error: Error | null): void => {
      timer.cancel()
      socket.off('data', onData)
      socket.off('error', onError)
      socket.off('close', onClose)
      if (error === null) {
        resolve()
        return
      }
      socket.destroy()
      reject(error)
    }
    socket.on('connect', () =>
      socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`),
    )
    socket.on('data', onData)
    socket.on('error', onError)
    socket.on('close', onClose)
  })
}
