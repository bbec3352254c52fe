import type { Clock } from '../clock.ts'
import type { Connection } from '../store/open.ts'
import { eachOfJournal, unpackPoints, type Point } from '../store/series/points.ts'
import { rawTier } from '../store/series/tiers.ts'
import { mostBeats, policyOf, type WatchedHost } from './watched.ts'

/** So long the event loop may be held in one turn (ms). */
const sliceMs = 8

/** Fills the bars of hosts with the latest measurements of before the start, a little at a time. */
export async function loadBeats(
  db: Connection,
  hosts: ReadonlyMap<number, WatchedHost>,
  clock: Clock,
): Promise<void> {
  const recent = await readJournal(db, clock)
  const blocks = db
    .prepare('SELECT points FROM series_block WHERE series = ? AND tier = ? ORDER BY from_ms DESC LIMIT 2')
    .pluck()
  let sinceMs = clock.glance().monotonicMs
  for (const host of [...hosts.values()]) {
    const [probe] = host.probes
    if (!probe || host.record.paused) continue
    const newest = recent.get(probe.id) ?? []
    const older =
      newest.length >= mostBeats
        ? []
        : (blocks.all(probe.id, rawTier) as Buffer[]).reverse().flatMap(unpackPoints)
    const { degradedMs } = policyOf(host.record, probe.settings)
    const limitMs = host.beats[0]?.atMs ?? Number.POSITIVE_INFINITY
    const past = [...older, ...newest]
      .filter(({ atMs }) => atMs < limitMs)
      .slice(-(mostBeats - host.beats.length))
      .map(({ atMs, value }) => ({
        atMs,
        kind: Number.isNaN(value)
          ? ('lost' as const)
          : degradedMs !== null && value > degradedMs
            ? ('slow' as const)
            : ('ok' as const),
        ms: Number.isNaN(value) ? null : value,
      }))
    host.beats = [...past, ...host.beats].slice(-mostBeats)
    const last = past[past.length - 1]
    if (last && (probe.lastMs ?? 0) < last.atMs) {
      probe.lastMs = last.atMs
      probe.lastOk = last.kind !== 'lost'
    }
    if (clock.glance().monotonicMs - sinceMs < sliceMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    sinceMs = clock.glance().monotonicMs
  }
}

async function readJournal(db: Connection, clock: Clock): Promise<Map<number, Point[]>> {
  const byProbe = new Map<number, Point[]>()
  const rows = db.prepare('SELECT id, points FROM series_recent WHERE id > ? ORDER BY id LIMIT 20')
  let id = 0
  let sinceMs = clock.glance().monotonicMs
  for (;;) {
    const page = rows.all(id) as { id: number; points: Buffer }[]
    if (page.length === 0) return byProbe
    for (const row of page) {
      id = row.id
      eachOfJournal(row.points, (series, atMs, value) => {
        const known = byProbe.get(series)
        if (!known) byProbe.set(series, [{ atMs, value }])
        else {
          known.push({ atMs, value })
          if (known.length > 2 * mostBeats) known.splice(0, mostBeats)
        }
      })
    }
    if (clock.glance().monotonicMs - sinceMs < sliceMs) continue
    await new Promise((resolve) => setImmediate(resolve))
    sinceMs = clock.glance().monotonicMs
  }
}
