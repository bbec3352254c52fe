import { hash } from 'node:crypto'
import { ask, type Work } from '../../store/records/work.ts'
import { frameKey } from '../guilty/guilty.ts'
import type { GuiltyRow, NewRecord } from '../schema.ts'
import type { Prepared, Writer } from './insert.ts'
import { termId } from './terms.ts'

/** The storm guard: of the same crash only so many are stored in an hour, the others are counted. */

export const hourMs = 3_600_000

/** Lines by which crashes without a frame are told apart, and characters of them. */
const headLines = 4
const headLength = 1_000

/** Ids of processes, addresses, hashes and times: what differs in two crashes of the same kind. */
const varying = /\bpid\W{0,3}\d+|\b0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+\.\d{3,}|\d{3,}/gi

/**
 * Returns what tells a crash that names no frame apart from others, below 0 so that it is no guilty frame's id; null for records that are no
 * crash by their class.
 */
export function stormHead({
  classification,
  payload,
}: Pick<NewRecord, 'classification' | 'payload'>): number | null {
  const [, domain = '', probe = ''] = classification.split('/')
  if (domain !== 'crash' && domain !== 'kernel' && probe !== 'panic') return null
  const head = payload.slice(0, headLength).split('\n', headLines).join('\n').replace(varying, '#')
  // 48 bits are exact in JavaScript.
  return -1 - hash('sha1', head, 'buffer').readUIntBE(0, 6)
}

/** Returns the records that are stored: of the same crash only so many in an hour, the others are counted. */
export function* weather(
  fresh: readonly Prepared[],
  guilties: ReadonlyMap<string, GuiltyRow>,
  { terms }: Writer,
  limit: number,
): Work<readonly Prepared[]> {
  if (limit === 0) return fresh
  const groups = new Map<string, { key: readonly [number, number, number, number]; crashes: Prepared[] }>()
  for (const one of fresh) {
    const id = one.frame ? guilties.get(frameKey(one.frame))?.id : one.head
    if (id === undefined || id === null) continue
    const key = [
      id,
      termId(terms, 'build', one.record.build),
      termId(terms, 'classification', one.record.classification),
      Math.floor(one.serverMs / hourMs),
    ] as const
    const group = groups.get(key.join())
    if (group) group.crashes.push(one)
    else groups.set(key.join(), { key, crashes: [one] })
  }
  const dropped = new Set<Prepared>()
  for (const [, { key, crashes }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [row] = yield* ask<{ seen: number; blamed_id: number | null }>(
      `INSERT INTO storm (guilty_id, build_id, classification_id, hour, seen, dropped) VALUES (?, ?, ?, ?, ?, 0)
       ON CONFLICT (guilty_id, build_id, classification_id, hour) DO UPDATE SET seen = storm.seen + excluded.seen
       RETURNING seen, blamed_id`,
      ...key,
      crashes.length,
    )
    const before = (row?.seen ?? crashes.length) - crashes.length
    const spare = crashes.slice(Math.max(0, limit - before))
    if (spare.length === 0) continue
    for (const one of spare) dropped.add(one)
    yield* ask(
      'UPDATE storm SET dropped = dropped + ? WHERE guilty_id = ? AND build_id = ? AND classification_id = ? AND hour = ?',
      spare.length,
      ...key,
    )
    yield* ask('UPDATE guilty SET counted = counted + ? WHERE id = ?', spare.length, row?.blamed_id ?? key[0])
  }
  return fresh.filter((one) => !dropped.has(one))
}
