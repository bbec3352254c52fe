import type { HealthLevel, Limits, MetricKindName } from '../../shared/health-words.ts'

/** A figure as a report has it. */
export interface Figure {
  readonly kind: MetricKindName
  readonly item: string
  readonly value: number
  /** Limits that the thing itself gives, such as those of a sensor. */
  readonly ownLimits?: Limits
  /** Room that is left (bytes), for disks. */
  readonly freeBytes?: number
  /** When its function told it; a figure that is told again is no new one. */
  readonly told?: string
}

/** A metric as it is written down. */
export interface MetricRow {
  readonly id: number
  readonly kind: MetricKindName
  readonly item: string
  readonly lastValue: number | null
  readonly lastMs: number | null
  readonly standing: Standing
}

/** What is known of a metric while the service runs. */
export interface MetricState {
  readonly id: number
  readonly kind: MetricKindName
  readonly item: string
  value: number | null
  /** When it was measured. */
  atMs: number | null
  /** When a report last had it, be it measured anew or told again. */
  seenMs: number | null
  limits: Limits
  standing: Standing
}

/** The level of a metric and what is about to change it. Times in ms UTC unless they say otherwise. */
export interface Standing {
  readonly level: HealthLevel
  readonly sinceMs: number
  /** When people were told of it; null while they are not to know. */
  readonly beganMs: number | null
  /** A level that the value has reached but not for long enough; null when none is. */
  readonly rising: Pending | null
  readonly falling: Pending | null
  /** When it last got better. */
  readonly fellMs: number | null
  /** Whether it got worse again soon after it had got better. */
  readonly isRelapse: boolean
}

/** A level that waits for its time; `heldMs` is how long (ms) it was seen to hold, not how long ago it began. */
export interface Pending {
  readonly level: HealthLevel
  readonly heldMs: number
  readonly fromMs: number
}
