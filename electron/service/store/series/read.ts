import type { Connection } from '../open.ts'
import { readSetting } from '../settings.ts'
import { bucketsOf, floorTo, merged, widen } from './buckets.ts'
import { eachOfJournal, unpackBuckets, unpackPoints, type Bucket, type Point } from './points.ts'
import { rawKeptMs, rawTier, rolledSetting, tiers, type Tier } from './tiers.ts'

/** Reading series, in whatever tier fits the window. Times in ms UTC. */

/** Returns the points of a series in a window, oldest first: of its blocks and of the journal. */
export function readPoints(db: Connection, series: number, sinceMs: number, untilMs: number): Point[] {
  const blocks = db
    .prepare(
      'SELECT points FROM series_block WHERE series = ? AND tier = ? AND from_ms < ? AND to_ms >= ? ORDER BY from_ms',
    )
    .pluck()
    .all(series, rawTier, untilMs, sinceMs) as Buffer[]
  const points = blocks.flatMap(unpackPoints)
  const rows = db
    .prepare('SELECT points FROM series_recent WHERE from_ms < ? AND to_ms >= ? ORDER BY id')
    .pluck()
    .all(untilMs, sinceMs) as Buffer[]
  for (const row of rows)
    eachOfJournal(row, (owner, atMs, value) => {
      if (owner === series) points.push({ atMs, value })
    })
  return ordered(points).filter(({ atMs }) => atMs >= sinceMs && atMs < untilMs)
}

/** Returns points in order, each once: what is being moved from the journal to blocks is for a moment in both. */
export function ordered(points: Point[]): Point[] {
  let isOrdered = true
  for (let index = 1; index < points.length && isOrdered; index += 1)
    isOrdered = (points[index]?.atMs ?? 0) > (points[index - 1]?.atMs ?? 0)
  if (isOrdered) return points
  points.sort((a, b) => a.atMs - b.atMs)
  return points.filter(({ atMs }, index) => index === 0 || points[index - 1]?.atMs !== atMs)
}

/** Returns up to when a tier is complete (ms UTC). */
export function rolledUntil(db: Connection, tier: number): number {
  return Number(readSetting(db, rolledSetting(tier)) ?? 0)
}

/** Returns the buckets of a tier in a window; where the tier is not complete yet, made from the points. */
export function readTier(
  db: Connection,
  series: number,
  tier: Tier,
  sinceMs: number,
  untilMs: number,
): Bucket[] {
  const blocks = db
    .prepare(
      'SELECT points FROM series_block WHERE series = ? AND tier = ? AND from_ms < ? AND to_ms > ? ORDER BY from_ms',
    )
    .pluck()
    .all(series, tier.tier, untilMs, sinceMs) as Buffer[]
  const rolledMs = rolledUntil(db, tier.tier)
  const stored = blocks
    .flatMap((block) => unpackBuckets(block, tier.stepMs))
    .filter(({ fromMs }) => fromMs + tier.stepMs > sinceMs && fromMs < Math.min(untilMs, rolledMs))
  if (untilMs <= rolledMs) return stored
  return [...stored, ...bucketsOf(readPoints(db, series, Math.max(sinceMs, rolledMs), untilMs), tier.stepMs)]
}

/** What a chart is drawn from. */
export interface SeriesWindow {
  /** Length of a point (ms); 0 when each is one measurement. */
  readonly stepMs: number
  readonly buckets: readonly Bucket[]
  /** The whole window as one. */
  readonly total: Bucket
}

/**
 * Returns a window of a series with about `most` points at most, from the finest tier that still holds it. What a fine tier no
 * longer holds comes from the coarser ones.
 */
export function readWindow(
  db: Connection,
  series: number,
  sinceMs: number,
  untilMs: number,
  most: number,
  nowMs: number,
): SeriesWindow {
  const wantedMs = Math.max(1, (untilMs - sinceMs) / most)
  if (sinceMs >= nowMs - rawKeptMs && wantedMs < 60_000) {
    const points = readPoints(db, series, sinceMs, untilMs)
    const total = merged(sinceMs, points.length === 0 ? [] : bucketsOf(points, 1e15))
    if (points.length <= most)
      return { stepMs: 0, buckets: bucketsOf(points, 1), total: { ...total, fromMs: sinceMs } }
    const stepMs = Math.max(1_000, Math.ceil(wantedMs / 1_000) * 1_000)
    return { stepMs, buckets: bucketsOf(points, stepMs), total: { ...total, fromMs: sinceMs } }
  }
  let chosen = tiers[0]
  for (const tier of tiers) if (tier.stepMs <= wantedMs) chosen = tier
  const parts: Bucket[][] = []
  // Points are as wide as the widest tier that they come from.
  let smallest = chosen?.stepMs ?? 60_000
  let untilOf = untilMs
  for (const tier of tiers) {
    if (!chosen || tier.stepMs < chosen.stepMs || untilOf <= sinceMs) continue
    // Blocks go when their last moment is too old, so a tier is whole from the next day on.
    const dayStep = tiers[tiers.length - 1]?.stepMs ?? tier.stepMs
    const heldFromMs = floorTo(nowMs - tier.keptMs, dayStep) + dayStep
    const from = Math.max(sinceMs, heldFromMs)
    if (from >= untilOf) continue
    const part = readTier(db, series, tier, from, untilOf)
    if (part.length > 0) smallest = Math.max(smallest, tier.stepMs)
    parts.unshift(part)
    untilOf = from
  }
  const all = parts.flat()
  const stepMs = Math.max(smallest, Math.ceil(wantedMs / smallest) * smallest)
  return { stepMs, buckets: widen(all, stepMs), total: merged(sinceMs, all) }
}
