/** Makes a record of wtmp as glibc writes it, with 32-bit (narrow) or 64-bit (wide) times (utmp(5)). */
export function wtmpRecord(
  layout: 'narrow' | 'wide',
  type: number,
  user: string,
  atMs: number,
  host: string,
): Buffer {
  const record = Buffer.alloc(layout === 'narrow' ? 384 : 400)
  record.writeInt16LE(type, 0)
  record.write('~', 8)
  record.write(user, 44)
  record.write(host, 76)
  const seconds = Math.floor(atMs / 1_000)
  const micros = (atMs % 1_000) * 1_000
  if (layout === 'narrow') {
    record.writeInt32LE(seconds, 340)
    record.writeInt32LE(micros, 344)
  } else {
    record.writeBigInt64LE(BigInt(seconds), 344)
    record.writeBigInt64LE(BigInt(micros), 352)
  }
  return record
}
