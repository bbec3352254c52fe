import type { Frame } from '../../schema.ts'
import { crashPayload } from '../payloads.ts'

/** Crash reports that macOS, Windows and Electron leave as files. Pure. */

interface IpsFrame {
  readonly imageIndex?: unknown
  readonly symbol?: unknown
  readonly imageOffset?: unknown
}

interface IpsBody {
  readonly procName?: unknown
  readonly procPath?: unknown
  readonly pid?: unknown
  readonly exception?: { readonly type?: unknown; readonly signal?: unknown }
  readonly faultingThread?: unknown
  readonly threads?: readonly { readonly frames?: readonly IpsFrame[] }[]
  readonly usedImages?: readonly { readonly name?: unknown; readonly path?: unknown }[]
}

/** Returns the payload of an `.ips` report of macOS (a line of JSON, then JSON); null when it is no crash. */
export function ipsPayload(text: string): string | null {
  const at = text.indexOf('\n')
  let body: IpsBody
  try {
    body = JSON.parse(text.slice(at + 1)) as IpsBody
  } catch {
    return null
  }
  if (typeof body !== 'object' || body === null || !Array.isArray(body.threads)) return null
  const threads: NonNullable<IpsBody['threads']> = body.threads
  const thread = threads[Number(body.faultingThread ?? 0)]
  const listed: readonly (IpsFrame | null)[] = Array.isArray(thread?.frames) ? thread.frames : []
  const frames = listed
    .filter((one) => typeof one === 'object' && one !== null)
    .map(({ imageIndex, symbol, imageOffset }): Frame => {
      const image = body.usedImages?.[Number(imageIndex)]
      const module = (textOf(image?.name) ?? textOf(image?.path) ?? '').replace(/^.*\//, '')
      return {
        function:
          typeof symbol === 'string'
            ? symbol
            : imageOffset === undefined
              ? '???'
              : `+0x${Number(imageOffset).toString(16)}`,
        module,
      }
    })
  return crashPayload({
    program: textOf(body.procPath) ?? textOf(body.procName),
    pid: typeof body.pid === 'number' ? String(body.pid) : null,
    signal: typeof body.exception?.signal === 'string' ? body.exception.signal : null,
    frames,
    more: typeof body.exception?.type === 'string' ? [`Exception: ${body.exception.type}`] : [],
  })
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Returns the payload of a `Report.wer` of Windows Error Reporting; null when it tells of no crash or hang. */
export function werPayload(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes).toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8')
  const values = new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf('=')
      return at < 1 ? [] : [[line.slice(0, at).replace(/^\uFEFF/, ''), line.slice(at + 1)] as const]
    }),
  )
  const event = values.get('EventType') ?? ''
  if (!/CRASH|HANG|BEX|CLR20r3/i.test(event)) return null
  const named = new Map(
    [...values].flatMap(([key, name]) => {
      const index = /^Sig\[(\d+)\]\.Name$/.exec(key)?.[1]
      return index === undefined
        ? []
        : [[name.toLowerCase(), values.get(`Sig[${index}].Value`) ?? ''] as const]
    }),
  )
  if (/CLR20r3/i.test(event)) return clrPayload(values, event)
  const module =
    named.get('fault module name') ?? named.get('application name') ?? values.get('AppName') ?? ''
  const offset = named.get('exception offset') ?? ''
  return crashPayload({
    program: values.get('AppPath') ?? named.get('application name') ?? null,
    pid: null,
    signal: null,
    frames: [
      {
        function: offset === '' ? '???' : `+0x${offset.replace(/^0+(?=.)/, '')}`,
        module: module.toLowerCase(),
      },
    ],
    more: [
      `Event: ${event}`,
      ...(named.has('exception code') ? [`Exception: ${named.get('exception code') ?? ''}`] : []),
    ],
  })
}

/** Programs of .NET name their module, method and offset by number: signatures 4, 7, 8 and 9 (the exception). */
function clrPayload(values: ReadonlyMap<string, string>, event: string): string {
  const signature = (number: number): string => values.get(`Sig[${number - 1}].Value`) ?? ''
  return crashPayload({
    program: values.get('AppPath') ?? (signature(1) || null),
    pid: null,
    signal: null,
    frames: [{ function: `method ${signature(7)} +0x${signature(8)}`, module: signature(4).toLowerCase() }],
    more: [`Event: ${event}`, `Exception: ${signature(9)}`],
  })
}

/** Streams of a minidump: https://learn.microsoft.com/windows/win32/api/minidumpapiset/ne-minidumpapiset-minidump_stream_type */
const streams = { modules: 4, exception: 6 } as const
const moduleBytes = 108
const mostModules = 2_000

/** Returns the payload of a minidump, as Crashpad and Breakpad write them; null when it is none, or tells of no exception. */
export function minidumpPayload(bytes: Buffer): string | null {
  try {
    if (bytes.toString('latin1', 0, 4) !== 'MDMP') return null
    const count = Math.min(bytes.readUInt32LE(8), 100)
    const directory = bytes.readUInt32LE(12)
    const placeOf = (wanted: number): number | null => {
      for (let index = 0; index < count; index += 1) {
        const at = directory + index * 12
        if (bytes.readUInt32LE(at) === wanted) return bytes.readUInt32LE(at + 8)
      }
      return null
    }
    const exception = placeOf(streams.exception)
    if (exception === null) return null
    const code = bytes.readUInt32LE(exception + 8)
    const address = bytes.readBigUInt64LE(exception + 24)
    const module = moduleAt(bytes, placeOf(streams.modules), address)
    return crashPayload({
      program: firstModule(bytes, placeOf(streams.modules)),
      pid: null,
      signal: null,
      frames: [
        module
          ? { function: `+0x${module.offset.toString(16)}`, module: module.name }
          : { function: '???', module: '' },
      ],
      more: [`Exception: 0x${code.toString(16).padStart(8, '0')}`],
    })
  } catch (error) {
    // A dump that is cut off reads beyond its end.
    if (error instanceof RangeError) return null
    throw error
  }
}

function firstModule(bytes: Buffer, list: number | null): string | null {
  return list === null || bytes.readUInt32LE(list) === 0 ? null : moduleName(bytes, list + 4)
}

function moduleName(bytes: Buffer, at: number): string {
  const place = bytes.readUInt32LE(at + 20)
  const length = Math.min(bytes.readUInt32LE(place), 2_000)
  const file = bytes.toString('utf16le', place + 4, place + 4 + length)
  return file.replace(/^.*[\\/]/, '')
}

function moduleAt(
  bytes: Buffer,
  list: number | null,
  address: bigint,
): { readonly name: string; readonly offset: bigint } | null {
  if (list === null) return null
  const count = Math.min(bytes.readUInt32LE(list), mostModules)
  for (let index = 0; index < count; index += 1) {
    const at = list + 4 + index * moduleBytes
    const base = bytes.readBigUInt64LE(at)
    if (address >= base && address < base + BigInt(bytes.readUInt32LE(at + 8)))
      return { name: moduleName(bytes, at), offset: address - base }
  }
  return null
}
