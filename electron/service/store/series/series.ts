import type { Clock, Timer } from '../../clock.ts'
import type { GroupCommit } from '../group-commit.ts'
import type { Connection } from '../open.ts'
import { writeSetting } from '../settings.ts'
import { bucketsOf, floorTo, widen } from './buckets.ts'
import {
  eachOfJournal,
  packBuckets,
  packJournal,
  packPoints,
  unpackBuckets,
  type Bucket,
  type JournalPoint,
  type Point,
} from './points.ts'
import { ordered, readPoints, readTier, rolledUntil } from './read.ts'
import { rawKeptMs, rawTier, rolledSetting, tiers, type Tier } from './tiers.ts'

/** Where measurements are put. What is added reaches the disk within ten seconds, or with `stop`. */
export interface Series {
  add(series: number, atMs: number, value: number): void
  /** Writes what waits now; resolves after the commit. */
  flush(): Promise<void>
  start(): void
  /** Writes what waits; must come before the last commit. */
  stop(): void
  /** Moves the journal into blocks and rolls up what is complete; for tests and benches, else it happens by itself. */
  settle(): Promise<void>
  /** Removes all that is kept of a series, in the transaction that runs; what waits of it is dropped once it is unknown. */
  remove(series: number): void
}

/** Measurements of this long may be lost with the power; the state of what is measured is written at once. */
const flushMs = 10_000
/** After a while of rest, they are written this soon (ms). */
const soonMs = 1_000
const mostPending = 4_000
const compactMs = 600_000
const mostInJournal = 200_000
/** Work in one turn of the event loop stays below this. */
const sliceMs = 8
const retryMs = 30_000
/** More points than this are not sorted in one turn. */
const mostToSort = 20_000
/** A block's times are told apart by 31 bits (ms); a clock that was set far begins another. */
const longestRunMs = 20 * 86_400_000

/**
 * Returns the series of a database. What `isKnown` does not know is not kept; `failed` is told of writes that failed, which are
 * tried again.
 */
export function createSeries(
  db: Connection,
  commits: GroupCommit,
  clock: Clock,
  isKnown: (series: number) => boolean,
  failed: (error: unknown) => void,
): Series {
  let pending: JournalPoint[] = []
  let flushTimer: Timer | null = null
  let compactTimer: Timer | null = null
  let isRunning = false
  let inJournal = 0
  let working: Promise<void> | null = null
  let failedMs = Number.NEGATIVE_INFINITY
  let flushedMs = Number.NEGATIVE_INFINITY
  const insertRecent = db.prepare('INSERT INTO series_recent (from_ms, to_ms, points) VALUES (?, ?, ?)')
  const insertBlock = db.prepare(
    'INSERT OR REPLACE INTO series_block (series, tier, from_ms, to_ms, points) VALUES (?, ?, ?, ?, ?)',
  )
  const now = (): number => clock.glance().wallMs

  const writePending = (points: readonly JournalPoint[]): void => {
    let fromMs = Number.POSITIVE_INFINITY
    let toMs = Number.NEGATIVE_INFINITY
    for (const { atMs } of points) {
      if (atMs < fromMs) fromMs = atMs
      if (atMs > toMs) toMs = atMs
    }
    insertRecent.run(fromMs, toMs, packJournal(points))
  }
  const flush = async (): Promise<void> => {
    flushTimer?.cancel()
    flushTimer = null
    if (pending.length === 0) return
    const points = pending
    pending = []
    flushedMs = clock.glance().monotonicMs
    try {
      await commits.write(() => writePending(points))
      inJournal += points.length
    } catch (error) {
      failed(error)
      failedMs = clock.glance().monotonicMs
      // A full disk must not fill the memory as well.
      if (pending.length + points.length < 50 * mostPending) pending = [...points, ...pending]
      planFlush(retryMs)
      return
    }
    if (inJournal > mostInJournal) void compact()
  }
  const planFlush = (delayMs: number): void => {
    flushTimer ??= clock.after(delayMs, () => {
      flushTimer = null
      void flush()
    })
  }

  const compact = (): Promise<void> => {
    working ??= runCompaction().finally(() => {
      working = null
    })
    return working
  }
  const runCompaction = async (): Promise<void> => {
    try {
      await moveJournal()
      for (const tier of tiers) await rollUp(tier)
      await prune()
    } catch (error) {
      failed(error)
    }
  }

  /** Moves the journal into a block for each series; when it is cut off, doing it again changes nothing. */
  const moveJournal = async (): Promise<void> => {
    const lastId = db.prepare('SELECT max(id) FROM series_recent').pluck().get() as number | null
    if (lastId === null) return
    const bySeries = new Map<number, Point[]>()
    const rows = db.prepare(
      'SELECT id, points FROM series_recent WHERE id > ? AND id <= ? ORDER BY id LIMIT 1',
    )
    let earliest = Number.POSITIVE_INFINITY
    let id = 0
    const pace = pacer(clock)
    for (;;) {
      const row = rows.get(id, lastId) as { id: number; points: Buffer } | undefined
      if (!row) break
      id = row.id
      eachOfJournal(row.points, (series, atMs, value) => {
        const known = bySeries.get(series)
        if (known) known.push({ atMs, value })
        else bySeries.set(series, [{ atMs, value }])
        if (atMs < earliest) earliest = atMs
      })
      await pace()
    }
    await inSlices([...bySeries], ([series, points]) => {
      const sorted = ordered(points)
      if (!isKnown(series)) return
      for (const run of runsOf(sorted)) {
        const [first] = run
        const last = run[run.length - 1]
        if (first && last) insertBlock.run(series, rawTier, first.atMs, last.atMs, packPoints(run))
      }
    })
    await commits.write(() => {
      db.prepare('DELETE FROM series_recent WHERE id <= ?').run(lastId)
      // Points from before what is rolled up, as after a clock was set back, are rolled up again.
      // What is older than the points that are kept for sure stays as it was made from all of them.
      for (const { tier, stepMs } of tiers) {
        const againMs = Math.max(floorTo(earliest, stepMs), ceilTo(now() - rawKeptMs, stepMs))
        if (againMs < rolledUntil(db, tier)) setRolled(tier, againMs)
      }
    })
    inJournal = 0
  }

  const setRolled = (tier: number, untilMs: number): void =>
    writeSetting(db, rolledSetting(tier), String(untilMs))

  /** Makes the buckets of a tier that are complete: each is made once, from the points themselves. */
  const rollUp = async (tier: Tier): Promise<void> => {
    const nowMs = now()
    const untilMs = floorTo(nowMs - 2 * flushMs - tier.stepMs / 60, tier.stepMs)
    const fromMs = rolledUntil(db, tier.tier) || floorTo(oldestPoint(db) ?? nowMs, tier.stepMs)
    if (untilMs <= fromMs) return
    await inSlices(seriesIds(db), (series) => {
      const buckets = bucketsIn(series, tier, fromMs, untilMs)
      if (buckets.length > 0 && isKnown(series)) addBuckets(series, tier, buckets)
    })
    await commits.write(() => setRolled(tier.tier, untilMs))
  }

  /** From the points themselves, unless they are so many that counting them would take long: then from finer buckets. */
  const bucketsIn = (series: number, tier: Tier, fromMs: number, untilMs: number): Bucket[] => {
    const finer = tiers.find(({ tier: other }) => other === tier.tier - 1)
    if (finer) {
      const parts = readTier(db, series, finer, fromMs, untilMs)
      if (parts.reduce((sum, { count }) => sum + count, 0) > mostToSort) return widen(parts, tier.stepMs)
    }
    return bucketsOf(readPoints(db, series, fromMs, untilMs), tier.stepMs)
  }

  const addBuckets = (series: number, tier: Tier, buckets: ReturnType<typeof bucketsOf>): void => {
    const byBlock = new Map<number, typeof buckets>()
    for (const bucket of buckets) {
      const block = floorTo(bucket.fromMs, tier.blockMs)
      byBlock.set(block, [...(byBlock.get(block) ?? []), bucket])
    }
    for (const [blockMs, added] of byBlock) {
      const known = db
        .prepare('SELECT points FROM series_block WHERE series = ? AND tier = ? AND from_ms = ?')
        .pluck()
        .get(series, tier.tier, blockMs) as Buffer | undefined
      const byTime = new Map((known ? unpackBuckets(known, tier.stepMs) : []).map((one) => [one.fromMs, one]))
      for (const bucket of added) byTime.set(bucket.fromMs, bucket)
      const all = [...byTime.values()].sort((a, b) => a.fromMs - b.fromMs)
      insertBlock.run(series, tier.tier, blockMs, blockMs + tier.blockMs, packBuckets(all, tier.stepMs))
    }
  }

  const prune = async (): Promise<void> => {
    const nowMs = now()
    // Points that are not rolled up yet are kept, however old they are.
    const rolledMs = Math.min(...tiers.map(({ tier }) => rolledUntil(db, tier)))
    const rawMs = Math.max(rawKeptMs, nowMs - rolledMs)
    const kept = [{ tier: rawTier, keptMs: rawMs }, ...tiers]
    const drop = db.prepare('DELETE FROM series_block WHERE series = ? AND tier = ? AND to_ms < ?')
    await inSlices(seriesIds(db), (series) => {
      for (const { tier, keptMs } of kept) drop.run(series, tier, nowMs - keptMs)
      if (!isKnown(series)) db.prepare('DELETE FROM series_block WHERE series = ?').run(series)
    })
  }

  /** Runs work for each item, many in one transaction and never for long without a turn of the event loop. */
  const inSlices = async <T>(items: readonly T[], work: (item: T) => void): Promise<void> => {
    let next = 0
    while (next < items.length) {
      const begin = next
      await commits.write(() => {
        next = begin
        const endMs = clock.glance().monotonicMs + sliceMs
        do {
          work(items[next] as T)
          next += 1
        } while (next < items.length && clock.glance().monotonicMs < endMs)
      })
    }
  }

  const planCompaction = (): void => {
    compactTimer = clock.after(compactMs, () => {
      void compact().finally(() => {
        if (isRunning) planCompaction()
      })
    })
  }

  return {
    add(series, atMs, value) {
      pending.push({ series, atMs, value })
      const isRefused = clock.glance().monotonicMs - failedMs < retryMs
      if (pending.length >= mostPending && !isRefused) void flush()
      else if (flushTimer === null)
        planFlush(Math.max(soonMs, flushedMs + flushMs - clock.glance().monotonicMs))
    },
    flush,
    start() {
      isRunning = true
      planCompaction()
    },
    stop() {
      isRunning = false
      compactTimer?.cancel()
      void flush()
      flushTimer?.cancel()
    },
    async settle() {
      await flush()
      await compact()
    },
    remove(series) {
      db.prepare('DELETE FROM series_block WHERE series = ?').run(series)
    },
  }
}

/** Returns points as runs whose neighbours lie close enough for one block. */
function runsOf(points: readonly Point[]): Point[][] {
  const runs: Point[][] = []
  let run: Point[] = []
  for (const point of points) {
    const [first] = run
    if (first && point.atMs - first.atMs > longestRunMs) {
      runs.push(run)
      run = []
    }
    run.push(point)
  }
  return [...runs, run]
}

/** Returns the time of the oldest block of points; null when there is none. */
function oldestPoint(db: Connection): number | null {
  return db.prepare('SELECT min(from_ms) FROM series_block WHERE tier = ?').pluck().get(rawTier) as
    number | null
}

/** Returns the smallest multiple of `stepMs` that is not before a time. */
function ceilTo(ms: number, stepMs: number): number {
  return Math.ceil(ms / stepMs) * stepMs
}

/** Returns the ids of all series that have blocks, by jumping from one to the next in the index. */
function seriesIds(db: Connection): number[] {
  return db
    .prepare(
      `WITH RECURSIVE one (id) AS (
         SELECT min(series) FROM series_block
         UNION ALL SELECT (SELECT min(series) FROM series_block WHERE series > one.id) FROM one WHERE one.id IS NOT NULL
       ) SELECT id FROM one WHERE id IS NOT NULL`,
    )
    .pluck()
    .all() as number[]
}

/** Returns a function that gives the event loop a turn when work has gone on for long. */
function pacer(clock: Clock): () => Promise<void> {
  let sinceMs = clock.glance().monotonicMs
  return async () => {
    if (clock.glance().monotonicMs - sinceMs < sliceMs) return
    await new Promise((resolve) => setImmediate(resolve))
    sinceMs = clock.glance().monotonicMs
  }
}
