import { ask, fill, type Work } from '../../store/records/work.ts'

/**
 * What is known of each block of ids: from when to when its records are, so that windows of time are found without an index of their own, and how
 * many there are and how long, so that their room is known without looking at them.
 */

/** Records with so many ids share a row that says from when to when they are. */
export const blockBits = 12

/** A record that was written, with its times. */
export interface Written {
  readonly id: number
  readonly serverMs: number
  readonly clientS: number
  readonly payloadBytes: number
}

/** What a record takes beside its payload (bytes): its row, its part of the indexes, and the payload's own row. */
export const bytesBeside = 500

/** Notes records that were written. */
export function* noteBlocks(written: readonly Written[], writer: number): Work<void> {
  const blocks = new Map<number, [number, number, number, number, number, number]>()
  for (const { id, serverMs, clientS, payloadBytes } of written) {
    const block = Math.floor(id / 2 ** blockBits)
    const [
      minServer = serverMs,
      maxServer = serverMs,
      minClient = clientS,
      maxClient = clientS,
      records = 0,
      bytes = 0,
    ] = blocks.get(block) ?? []
    blocks.set(block, [
      Math.min(minServer, serverMs),
      Math.max(maxServer, serverMs),
      Math.min(minClient, clientS),
      Math.max(maxClient, clientS),
      records + 1,
      bytes + payloadBytes,
    ])
  }
  const least = (column: string): string =>
    `${column} = CASE WHEN excluded.${column} < record_block.${column} THEN excluded.${column} ELSE record_block.${column} END`
  const most = (column: string): string =>
    `${column} = CASE WHEN excluded.${column} > record_block.${column} THEN excluded.${column} ELSE record_block.${column} END`
  const sum = (column: string): string => `${column} = record_block.${column} + excluded.${column}`
  yield* fill({
    into: 'record_block',
    columns: [
      'block',
      'writer',
      'min_server_ms',
      'max_server_ms',
      'min_client_s',
      'max_client_s',
      'records',
      'bytes',
    ],
    rows: [...blocks].map(([block, bounds]) => [block, writer, ...bounds]),
    then: `ON CONFLICT (block, writer) DO UPDATE SET ${least('min_server_ms')}, ${most('max_server_ms')}, ${least('min_client_s')}, ${most('max_client_s')}, ${sum('records')}, ${sum('bytes')}`,
  })
}

/** Notes records that were let go of. */
export function* noteRemoved(
  removed: readonly { readonly id: number; readonly payloadBytes: number }[],
): Work<void> {
  const blocks = new Map<number, { records: number; bytes: number }>()
  for (const { id, payloadBytes } of removed) {
    const block = Math.floor(id / 2 ** blockBits)
    const { records, bytes } = blocks.get(block) ?? { records: 0, bytes: 0 }
    blocks.set(block, { records: records + 1, bytes: bytes + payloadBytes })
  }
  // Each writer has a row of its own, and only their sum says something.
  for (const [block, { records, bytes }] of [...blocks].sort(([a], [b]) => a - b))
    yield* ask(
      `UPDATE record_block SET records = records - ?, bytes = bytes - ?
       WHERE block = ? AND writer = (SELECT min(writer) FROM record_block WHERE block = ?)`,
      records,
      bytes,
      block,
      block,
    )
}

/** Returns how much room all records take (bytes). */
export function* roomOfRecords(): Work<number> {
  const [row] = yield* ask<{ bytes: number | null }>(
    `SELECT sum(bytes) + sum(records) * ${bytesBeside} AS bytes FROM record_block`,
  )
  return row?.bytes ?? 0
}
