import { dayMs } from '../../../shared/time-text.ts'

/** How long measurements are kept, and how finely. */

/** Every echo is kept for two days. */
export const rawKeptMs = 2 * dayMs
export const rawTier = 0

export interface Tier {
  readonly tier: number
  readonly stepMs: number
  /** Buckets that lie in one of these lengths are packed together. */
  readonly blockMs: number
  readonly keptMs: number
}

/** The finest first. */
export const tiers: readonly Tier[] = [
  { tier: 1, stepMs: 60_000, blockMs: dayMs / 4, keptMs: 14 * dayMs },
  { tier: 2, stepMs: 3_600_000, blockMs: 30 * dayMs, keptMs: 2 * 366 * dayMs },
  { tier: 3, stepMs: dayMs, blockMs: 360 * dayMs, keptMs: 20 * 366 * dayMs },
]

/** Name of the setting that holds up to when a tier is complete (ms UTC). */
export function rolledSetting(tier: number): string {
  return `series-rolled-${tier}`
}
