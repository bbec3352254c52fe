/** Messages of D-Bus, as far as asking systemd needs them: https://dbus.freedesktop.org/doc/dbus-specification.html. Pure. */

export interface BusCall {
  readonly serial: number
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Strings, or lists of strings. */
  readonly args: readonly (string | readonly string[])[]
}

export interface BusMessage {
  readonly type: 'call' | 'return' | 'error' | 'signal'
  readonly replyTo: number
  readonly error: string
  readonly body: readonly unknown[]
}

/** Something that is no message, or one of a kind that is not read. */
export class BusError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BusError'
  }
}

class Writer {
  private readonly chunks: Buffer[] = []
  length = 0

  bytes(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.length += chunk.length
  }
  align(to: number): void {
    this.bytes(Buffer.alloc((to - (this.length % to)) % to))
  }
  byte(value: number): void {
    this.bytes(Buffer.from([value]))
  }
  u32(value: number): void {
    this.align(4)
    const chunk = Buffer.alloc(4)
    chunk.writeUInt32LE(value)
    this.bytes(chunk)
  }
  string(text: string): void {
    const chunk = Buffer.from(text)
    this.u32(chunk.length)
    this.bytes(chunk)
    this.byte(0)
  }
  signature(text: string): void {
    this.byte(text.length)
    this.bytes(Buffer.from(`${text}\0`))
  }
  all(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

const fields = {
  path: 1,
  interface: 2,
  member: 3,
  error: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const

/** Returns a call as bytes. */
export function packCall(call: BusCall): Buffer {
  const body = new Writer()
  for (const arg of call.args) {
    if (typeof arg === 'string') {
      body.string(arg)
      continue
    }
    const list = new Writer()
    for (const text of arg) list.string(text)
    body.u32(list.length)
    body.bytes(list.all())
  }
  const signature = call.args.map((arg) => (typeof arg === 'string' ? 's' : 'as')).join('')
  const header = new Writer()
  const field = (code: number, type: 's' | 'o' | 'g', text: string): void => {
    if (text === '') return
    header.align(8)
    header.byte(code)
    header.signature(type)
    if (type === 'g') header.signature(text)
    else header.string(text)
  }
  field(fields.path, 'o', call.path)
  field(fields.destination, 's', call.destination)
  field(fields.interface, 's', call.interface)
  field(fields.member, 's', call.member)
  field(fields.signature, 'g', signature)
  const message = new Writer()
  message.bytes(Buffer.from(['l'.charCodeAt(0), 1, 0, 1]))
  message.u32(body.length)
  message.u32(call.serial)
  message.u32(header.length)
  // The list of fields begins at a multiple of eight, as it did when it was packed.
  message.bytes(header.all())
  message.align(8)
  message.bytes(body.all())
  return message.all()
}

const fixedHeader = 16
/** A message may have 128 MiB; one that long is no answer to us. */
const mostBytes = 16 * 1_048_576

/** Returns how long a message is (bytes) that begins with some bytes; null when more are needed to tell. @throws BusError */
export function messageLength(bytes: Buffer): number | null {
  if (bytes.length < fixedHeader) return null
  if (bytes[0] !== 'l'.charCodeAt(0)) throw new BusError('a message in another byte order')
  const fieldBytes = bytes.readUInt32LE(12)
  const length = Math.ceil((fixedHeader + fieldBytes) / 8) * 8 + bytes.readUInt32LE(4)
  if (length > mostBytes) throw new BusError('a message that is too long')
  return length
}

/** Returns a message from its bytes. @throws BusError */
export function unpackMessage(bytes: Buffer): BusMessage {
  const reader = new Reader(bytes)
  const types = ['call', 'return', 'error', 'signal'] as const
  const type = types[(bytes[1] ?? 0) - 1]
  if (type === undefined) throw new BusError('a message of an unknown kind')
  reader.at = 12
  const list = reader.value('a(yv)') as readonly (readonly [number, unknown])[]
  const found = new Map(list)
  reader.align(8)
  const text = (code: number): string => {
    const value = found.get(code)
    return typeof value === 'string' ? value : ''
  }
  const body: unknown[] = []
  let signature = text(fields.signature)
  while (signature !== '') {
    const [head, rest] = splitType(signature)
    body.push(reader.value(head))
    signature = rest
  }
  const replyTo = found.get(fields.replySerial)
  return { type, replyTo: typeof replyTo === 'number' ? replyTo : 0, error: text(fields.error), body }
}

/** Returns the first whole type of a signature and what follows it. */
function splitType(signature: string): readonly [string, string] {
  let end = 0
  while (signature[end] === 'a') end += 1
  const closing: Readonly<Record<string, string>> = { '(': ')', '{': '}' }
  const open = signature[end] ?? ''
  const close = closing[open]
  if (open === '') throw new BusError('a signature that ends too early')
  if (close !== undefined) {
    let depth = 0
    for (; end < signature.length; end += 1) {
      if (signature[end] === open) depth += 1
      if (signature[end] === close) depth -= 1
      if (depth === 0) break
    }
    if (depth !== 0) throw new BusError('a signature that is not closed')
  }
  return [signature.slice(0, end + 1), signature.slice(end + 1)]
}

const alignments: Readonly<Record<string, number>> = {
  y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, h: 4, a: 4, x: 8, t: 8, d: 8, '(': 8, '{': 8,
} // prettier-ignore

class Reader {
  at = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to
  }

  /** Reads one value of a type. @throws BusError */
  value(type: string): unknown {
    const kind = type[0] ?? ''
    this.align(alignments[kind] ?? 1)
    switch (kind) {
      case 'y':
        return this.bytes[this.take(1)]
      case 'n':
        return this.bytes.readInt16LE(this.take(2))
      case 'q':
        return this.bytes.readUInt16LE(this.take(2))
      case 'b':
        return this.bytes.readUInt32LE(this.take(4)) === 1
      case 'i':
        return this.bytes.readInt32LE(this.take(4))
      case 'u':
      case 'h':
        return this.bytes.readUInt32LE(this.take(4))
      case 'x':
        return Number(this.bytes.readBigInt64LE(this.take(8)))
      case 't':
        return Number(this.bytes.readBigUInt64LE(this.take(8)))
      case 'd':
        return this.bytes.readDoubleLE(this.take(8))
      case 's':
      case 'o':
        return this.text(this.bytes.readUInt32LE(this.take(4)))
      case 'g':
        return this.text(this.bytes[this.take(1)] ?? 0)
      case 'v':
        return this.value(splitType(this.text(this.bytes[this.take(1)] ?? 0))[0])
      case 'a':
        return this.list(type.slice(1))
      case '(':
      case '{':
        return this.struct(type.slice(1, -1))
      default:
        throw new BusError(`a value of the unknown type ${type}`)
    }
  }

  private take(count: number): number {
    const begin = this.at
    this.at += count
    if (this.at > this.bytes.length) throw new BusError('a message that ends too early')
    return begin
  }
  private text(length: number): string {
    const begin = this.take(length + 1)
    return this.bytes.toString('utf8', begin, begin + length)
  }
  private list(type: string): unknown[] {
    const length = this.bytes.readUInt32LE(this.take(4))
    this.align(alignments[type[0] ?? ''] ?? 1)
    const end = this.at + length
    const values: unknown[] = []
    while (this.at < end) values.push(this.value(type))
    return values
  }
  private struct(types: string): unknown[] {
    const values: unknown[] = []
    let rest = types
    while (rest !== '') {
      const [head, tail] = splitType(rest)
      values.push(this.value(head))
      rest = tail
    }
    return values
  }
}
