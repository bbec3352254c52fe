import type { Bucket, Point } from './points.ts'

/** From points to buckets, and from buckets to wider ones. Pure. */

/** Returns the value below which a share of sorted values lies (nearest rank). */
export function percentile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[Math.min(rank, sorted.length) - 1] ?? null
}

/** Returns one bucket of points, which must be in order; its figures are those of the points that were answered. */
export function bucketOf(fromMs: number, points: readonly Point[]): Bucket {
  const values: number[] = []
  let sum = 0
  let differences = 0
  let previous: number | null = null
  for (const { value } of points) {
    if (Number.isNaN(value)) continue
    values.push(value)
    sum += value
    if (previous !== null) differences += Math.abs(value - previous)
    previous = value
  }
  const sorted = Float64Array.from(values).sort()
  return {
    fromMs,
    count: points.length,
    lost: points.length - values.length,
    min: sorted[0] ?? null,
    avg: values.length === 0 ? null : sum / values.length,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    max: sorted[sorted.length - 1] ?? null,
    jitter: values.length < 2 ? null : differences / (values.length - 1),
  }
}

/** Returns points, which must be in order, as buckets of `stepMs` that begin at its multiples. */
export function bucketsOf(points: readonly Point[], stepMs: number): Bucket[] {
  const buckets: Bucket[] = []
  let begin = 0
  while (begin < points.length) {
    const fromMs = floorTo(points[begin]?.atMs ?? 0, stepMs)
    let end = begin + 1
    while (end < points.length && (points[end]?.atMs ?? 0) < fromMs + stepMs) end += 1
    buckets.push(bucketOf(fromMs, points.slice(begin, end)))
    begin = end
  }
  return buckets
}

/** Returns the largest multiple of `stepMs` that is not after a time. */
export function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs
}

/**
 * Returns buckets, which must be in order, put together to wider ones. Extremes and counts stay exact; the median is the
 * median of the medians, and the 95th percentile the highest of its parts, so that no spike is lost.
 */
export function widen(buckets: readonly Bucket[], stepMs: number): Bucket[] {
  const wide: Bucket[] = []
  let begin = 0
  while (begin < buckets.length) {
    const fromMs = floorTo(buckets[begin]?.fromMs ?? 0, stepMs)
    let end = begin + 1
    while (end < buckets.length && (buckets[end]?.fromMs ?? 0) < fromMs + stepMs) end += 1
    wide.push(merged(fromMs, buckets.slice(begin, end)))
    begin = end
  }
  return wide
}

/** Returns one bucket that stands for all of some; see {@link widen}. */
export function merged(fromMs: number, parts: readonly Bucket[]): Bucket {
  const [only] = parts
  if (only && parts.length === 1) return { ...only, fromMs }
  let count = 0
  let lost = 0
  let weighted = 0
  let jitterSum = 0
  let jitterWeight = 0
  const medians: { value: number; weight: number }[] = []
  const p95s: number[] = []
  let min: number | null = null
  let max: number | null = null
  for (const part of parts) {
    count += part.count
    lost += part.lost
    const answered = part.count - part.lost
    if (part.avg !== null) weighted += part.avg * answered
    if (part.p50 !== null) medians.push({ value: part.p50, weight: answered })
    if (part.p95 !== null) p95s.push(part.p95)
    if (part.min !== null) min = min === null ? part.min : Math.min(min, part.min)
    if (part.max !== null) max = max === null ? part.max : Math.max(max, part.max)
    if (part.jitter !== null) {
      jitterSum += part.jitter * answered
      jitterWeight += answered
    }
  }
  return {
    fromMs,
    count,
    lost,
    min,
    avg: count > lost ? weighted / (count - lost) : null,
    p50: weightedMedian(medians),
    p95: p95s.length === 0 ? null : Math.max(...p95s),
    max,
    jitter: jitterWeight > 0 ? jitterSum / jitterWeight : null,
  }
}

function weightedMedian(medians: { value: number; weight: number }[]): number | null {
  medians.sort((a, b) => a.value - b.value)
  const half = medians.reduce((sum, { weight }) => sum + weight, 0) / 2
  let seen = 0
  for (const { value, weight } of medians) {
    seen += weight
    if (seen >= half) return value
  }
  return null
}
