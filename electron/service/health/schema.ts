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
}

/** A metric as it is written down. */
export interface MetricRow {
  readonly id: number
  readonly kind: MetricKindName
  readonly item: string
  readonly level: HealthLevel
  readonly levelMs: number
  readonly lastValue: number | null
  readonly lastMs: number | null
  /** When its last problems were told of (ms UTC), oldest first. */
  readonly problems: readonly number[]
}

/** What is known of a metric while the service runs. */
export interface MetricState {
  readonly id: number
  readonly kind: MetricKindName
  readonly item: string
  value: number | null
  atMs: number | null
  limits: Limits
  standing: Standing
}

/** The level of a metric and what is about to change it. Times in ms UTC unless they say otherwise. */
export interface Standing {
  readonly level: HealthLevel
  readonly sinceMs: number
  /** A level that the value has reached but not for long enough; null when none is. */
  readonly rising: Pending | null
  readonly falling: Pending | null
  /** When the last problems of it began, oldest first, none older than a day. */
  readonly problems: readonly number[]
}

/** A level that waits for its time; `heldMs` is how long (ms) it was seen to hold, not how long ago it began. */
export interface Pending {
  readonly level: HealthLevel
  readonly heldMs: number
  readonly fromMs: number
}
