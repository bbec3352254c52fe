import { fill, type Work } from '../../store/records/work.ts'

/** From when to when the records of each block of ids are, so that windows of time are found without an index of their own. */

/** Records with so many ids share a row that says from when to when they are. */
export const blockBits = 12

/** A record that was written, with its times. */
export interface Written {
  readonly id: number
  readonly serverMs: number
  readonly clientS: number
}

/** Notes from when to when the records of a block of ids are, so that windows of time are found without an index of their own. */
export function* noteBlocks(written: readonly Written[], writer: number): Work<void> {
  const blocks = new Map<number, [number, number, number, number]>()
  for (const { id, serverMs, clientS } of written) {
    const block = Math.floor(id / 2 ** blockBits)
    const [minServer = serverMs, maxServer = serverMs, minClient = clientS, maxClient = clientS] =
      blocks.get(block) ?? []
    blocks.set(block, [
      Math.min(minServer, serverMs),
      Math.max(maxServer, serverMs),
      Math.min(minClient, clientS),
      Math.max(maxClient, clientS),
    ])
  }
  const least = (column: string): string =>
    `${column} = CASE WHEN excluded.${column} < record_block.${column} THEN excluded.${column} ELSE record_block.${column} END`
  const most = (column: string): string =>
    `${column} = CASE WHEN excluded.${column} > record_block.${column} THEN excluded.${column} ELSE record_block.${column} END`
  yield* fill({
    into: 'record_block',
    columns: ['block', 'writer', 'min_server_ms', 'max_server_ms', 'min_client_s', 'max_client_s'],
    rows: [...blocks].map(([block, bounds]) => [block, writer, ...bounds]),
    then: `ON CONFLICT (block, writer) DO UPDATE SET ${least('min_server_ms')}, ${most('max_server_ms')}, ${least('min_client_s')}, ${most('max_client_s')}`,
  })
}
