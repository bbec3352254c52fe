import { hash, randomBytes } from 'node:crypto'
import type { NewRecord } from '../schema.ts'

/** What tells a record from all others. */

/** Numbers beyond 2^53 are not exact in JavaScript. */
const digestBits = 52

/**
 * A client that got no answer sends its record again, so the very same record with the same event id is stored once. Before format 4 records
 * have no event id, and two alike may be two.
 */
export function digestOf(record: NewRecord): number {
  if (record.recordVersion < 4) return anyDigest()
  const told = JSON.stringify([
    record.recordVersion,
    record.severity,
    record.classification,
    record.machine,
    record.clientS,
    record.arch,
    record.hostType,
    record.kernel,
    record.board,
    record.cpu,
    record.bios,
    record.event,
    record.system,
    record.build,
    record.payloadVersion,
    record.external,
  ])
  return shortened(hash('sha1', told + record.payload, 'buffer'))
}

/** Returns a digest that no record has but by chance. */
export function anyDigest(): number {
  return shortened(randomBytes(8))
}

function shortened(bytes: Buffer): number {
  return Number(bytes.readBigUInt64BE(0) >> BigInt(64 - digestBits))
}
