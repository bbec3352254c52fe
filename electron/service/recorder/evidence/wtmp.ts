import type { StopEvidence } from '../gap-rules.ts'

/** A record of wtmp that tells of the machine itself, or the last sign of life of any kind. */
export interface WtmpRecord {
  readonly atMs: number
  readonly kind: 'boot' | 'shutdown' | 'other'
  /** On a boot record: the kernel's release. */
  readonly host: string
}

/** utmp(5): types of records. */
const runLevel = 1
const bootTime = 2
const deadProcess = 8

/** Where the fields of a record lie: glibc keeps 32-bit times on machines that also run 32-bit programs (utmp(5)). */
interface Layout {
  readonly size: number
  readonly seconds: (record: Buffer) => number
  readonly micros: (record: Buffer) => number
}
const narrow: Layout = { size: 384, seconds: (r) => r.readInt32LE(340), micros: (r) => r.readInt32LE(344) }
const wide: Layout = {
  size: 400,
  seconds: (r) => Number(r.readBigInt64LE(344)),
  micros: (r) => Number(r.readBigInt64LE(352)),
}

/** Returns the records of a wtmp file in its order; empty when it is none. */
export function parseWtmp(file: Buffer): WtmpRecord[] {
  const layout = [narrow, wide].find((candidate) => fits(file, candidate))
  if (!layout) return []
  const records: WtmpRecord[] = []
  for (let at = 0; at + layout.size <= file.length; at += layout.size) {
    const record = file.subarray(at, at + layout.size)
    const type = record.readInt16LE(0)
    const atMs = layout.seconds(record) * 1_000 + Math.floor(layout.micros(record) / 1_000)
    if (type < runLevel || type > deadProcess || atMs <= 0) continue
    const isShutdown = type === runLevel && textAt(record, 44, 32) === 'shutdown'
    records.push({
      atMs,
      kind: type === bootTime ? 'boot' : isShutdown ? 'shutdown' : 'other',
      host: textAt(record, 76, 256),
    })
  }
  return records
}

function fits(file: Buffer, { size, seconds }: Layout): boolean {
  if (file.length === 0 || file.length % size !== 0) return false
  for (let at = 0; at < Math.min(file.length, 10 * size); at += size) {
    const record = file.subarray(at, at + size)
    const type = record.readInt16LE(0)
    if (type < 0 || type > 9 || seconds(record) < 0 || seconds(record) > 1e11) return false
  }
  return true
}

function textAt(record: Buffer, offset: number, length: number): string {
  const field = record.subarray(offset, offset + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('latin1')
}

/** Returns what wtmp tells of the stops and boots between two times. */
export function evidenceFromWtmp(
  records: readonly WtmpRecord[],
  fromMs: number,
  toMs: number,
): StopEvidence[] {
  return records
    .filter(({ atMs, kind }) => kind !== 'other' && atMs >= fromMs && atMs <= toMs)
    .map(({ atMs, kind, host }) => ({
      source: 'wtmp',
      atMs,
      fact: kind === 'boot' ? 'boot' : 'clean-stop',
      text: kind === 'boot' ? `system boot ${host}` : `shutdown record ${host}`,
    }))
}
