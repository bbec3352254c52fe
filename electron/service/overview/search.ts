import type { Finding } from '../../shared/api/overview.ts'
import { blindnessOf } from '../context.ts'
import type { Connection } from '../store/open.ts'
import type { Found } from '../telemetry/views/times.ts'
import type { OverviewRooms } from './routes.ts'
import { whileThere } from './while-there.ts'

/** A search over all rooms by a part of a name. */

/** Returns what a text leads to, at most `most` of each kind. Without `isFull` no path names a secret. */
export async function findAll(
  { context, hosts, telemetry }: Omit<OverviewRooms, 'overview'>,
  q: string,
  most: number,
  nowMs: number,
  isFull: boolean,
): Promise<Finding[]> {
  const wanted = q.trim()
  if (wanted === '') return []
  const [watched, records] = await Promise.all([
    context.reader.ask('watcherList', {
      q: wanted,
      nowMs,
      blind: blindnessOf(context.observation),
      limit: most,
      offset: 0,
    }),
    whileThere(telemetry, context.log, (store) => store.ask('found', { q: wanted, most })),
  ])
  return [
    ...hosts.list({ q: wanted, limit: most }).hosts.map(({ id, name, domain, state }): Finding => ({
      kind: 'host',
      title: name,
      text: name === domain ? state : `${domain}, ${state}`,
      path: `/hosts/${id}`,
    })),
    ...watched.watchers.map(({ id, name, slug, state }): Finding => ({
      kind: 'watcher',
      title: name,
      text: `${slug}, ${state}`,
      path: `/watchers/${isFull ? id : slug}`,
    })),
    ...recordFindings(records),
    ...findIncidents(context.db, wanted, most, isFull),
  ]
}

function recordFindings(result: Found | null): Finding[] {
  if (result === null) return []
  return [
    ...(result.record === null
      ? []
      : [
          {
            kind: 'record' as const,
            title: `Record ${result.record.id}`,
            text: result.record.classification,
            path: `/telemetry/records?record=${result.record.id}`,
          },
        ]),
    ...result.frames.map(({ id, frame, module }): Finding => ({
      kind: 'crash',
      title: frame,
      text: module === '' ? 'guilty frame' : `guilty frame in ${module}`,
      path: `/telemetry/crashes/${id}`,
    })),
    ...result.terms.map(({ kind, text }): Finding => ({
      kind: kind === 'build' ? 'build' : 'class',
      title: text,
      text: kind === 'build' ? 'records of this build' : 'records of this class',
      path: `/telemetry/records?${kind}=${encodeURIComponent(text)}`,
    })),
  ]
}

function findIncidents(db: Connection, q: string, most: number, isFull: boolean): Finding[] {
  const rows = db
    .prepare(
      `SELECT id, name, text, room, path, closed_ms FROM incident
       WHERE instr(lower(name), lower(@q)) > 0 OR instr(lower(text), lower(@q)) > 0 ORDER BY id DESC LIMIT @most`,
    )
    .all({ q, most }) as { id: number; name: string; text: string; room: string; closed_ms: number | null }[]
  return rows.map(({ id, name, text, closed_ms }) => ({
    kind: 'incident',
    title: name,
    text: `${closed_ms === null ? 'open' : 'past'}: ${text}`.slice(0, 200),
    path: isFull ? `/incidents?incident=${id}` : '/incidents',
  }))
}
