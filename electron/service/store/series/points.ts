import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Points of series and how blocks of them are packed. Pure; times in ms UTC. */

/** One measurement; `value` is NaN where there was no answer. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** A point of the journal, which holds those of all series. */
export interface JournalPoint extends Point {
  readonly series: number
}

/** Many points put together; all but the counts are null when every one was lost. */
export interface Bucket {
  readonly fromMs: number
  readonly count: number
  readonly lost: number
  readonly min: number | null
  readonly avg: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly max: number | null
  /** Mean difference between neighbours. */
  readonly jitter: number | null
}

const journalBytes = 16

/** Packs points of many series, as they came. */
export function packJournal(points: readonly JournalPoint[]): Buffer {
  const buffer = Buffer.allocUnsafe(points.length * journalBytes)
  let at = 0
  for (const { series, atMs, value } of points) {
    buffer.writeUInt32LE(series, at)
    buffer.writeDoubleLE(atMs, at + 4)
    buffer.writeFloatLE(value, at + 12)
    at += journalBytes
  }
  return buffer
}

/** Calls back for each point of a packed journal row. */
export function eachOfJournal(
  buffer: Buffer,
  visit: (series: number, atMs: number, value: number) => void,
): void {
  for (let at = 0; at + journalBytes <= buffer.length; at += journalBytes)
    visit(buffer.readUInt32LE(at), buffer.readDoubleLE(at + 4), buffer.readFloatLE(at + 12))
}

/** Columns compress better than rows: neighbours of one kind are alike. */
function pack(
  baseMs: number,
  stepMs: number,
  times: readonly number[],
  columns: readonly Float32Array[],
): Buffer {
  const count = times.length
  const buffer = Buffer.allocUnsafe(12 + count * 4 * (1 + columns.length))
  buffer.writeDoubleLE(baseMs, 0)
  buffer.writeUInt32LE(count, 8)
  let previous = 0
  times.forEach((time, index) => {
    const offset = Math.round((time - baseMs) / stepMs)
    buffer.writeInt32LE(offset - previous, 12 + index * 4)
    previous = offset
  })
  columns.forEach((column, index) => {
    Buffer.from(column.buffer, column.byteOffset, column.byteLength).copy(
      buffer,
      12 + count * 4 * (1 + index),
    )
  })
  return deflateRawSync(buffer, { level: 6 })
}

function unpack(
  packed: Buffer,
  stepMs: number,
  columnCount: number,
): { readonly times: number[]; readonly columns: readonly Float32Array[] } {
  const buffer = inflateRawSync(packed)
  const baseMs = buffer.readDoubleLE(0)
  const count = buffer.readUInt32LE(8)
  const times: number[] = []
  let offset = 0
  for (let index = 0; index < count; index += 1) {
    offset += buffer.readInt32LE(12 + index * 4)
    times.push(baseMs + offset * stepMs)
  }
  const columns = Array.from({ length: columnCount }, (_, index) => {
    const begin = 12 + count * 4 * (1 + index)
    // A copy begins at a multiple of four bytes, as the array needs it.
    return new Float32Array(new Uint8Array(buffer.subarray(begin, begin + count * 4)).buffer)
  })
  return { times, columns }
}

/** Packs points of one series, which must be in order. */
export function packPoints(points: readonly Point[]): Buffer {
  const baseMs = points[0]?.atMs ?? 0
  return pack(
    baseMs,
    1,
    points.map(({ atMs }) => atMs),
    [Float32Array.from(points, ({ value }) => value)],
  )
}

/** Returns the points of a block. */
export function unpackPoints(packed: Buffer): Point[] {
  const { times, columns } = unpack(packed, 1, 1)
  return times.map((atMs, index) => ({ atMs, value: columns[0]?.[index] ?? Number.NaN }))
}

const bucketColumns = ['count', 'lost', 'min', 'avg', 'p50', 'p95', 'max', 'jitter'] as const

/**
 * Zeroes the low 12 of 23 bits of a number's fraction (an error of 0.03 % at most), so that much of them compresses away.
 * Counts up to 4,096 stay exact and larger ones are that exact.
 */
function coarse(value: number): number {
  scratch.setFloat32(0, value)
  scratch.setUint32(0, (scratch.getUint32(0) + 0x800) & 0xfffff000)
  return scratch.getFloat32(0)
}
const scratch = new DataView(new ArrayBuffer(4))

/** Packs buckets of `stepMs` each, which must be in order. */
export function packBuckets(buckets: readonly Bucket[], stepMs: number): Buffer {
  const columns = bucketColumns.map((name) =>
    Float32Array.from(buckets, (bucket) => {
      const value = bucket[name]
      if (value === null) return Number.NaN
      return name === 'count' || name === 'lost' ? value : coarse(value)
    }),
  )
  return pack(
    buckets[0]?.fromMs ?? 0,
    stepMs,
    buckets.map(({ fromMs }) => fromMs),
    columns,
  )
}

/** Returns the buckets of a block. */
export function unpackBuckets(packed: Buffer, stepMs: number): Bucket[] {
  const { times, columns } = unpack(packed, stepMs, bucketColumns.length)
  const at = (column: number, index: number): number | null => {
    const value = columns[column]?.[index] ?? Number.NaN
    return Number.isNaN(value) ? null : value
  }
  return times.map((fromMs, index) => ({
    fromMs,
    count: at(0, index) ?? 0,
    lost: at(1, index) ?? 0,
    min: at(2, index),
    avg: at(3, index),
    p50: at(4, index),
    p95: at(5, index),
    max: at(6, index),
    jitter: at(7, index),
  }))
}
