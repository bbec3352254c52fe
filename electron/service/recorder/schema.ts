import type { ClockState, Source } from '../../shared/vocabulary.ts'

/** What the machine was like at a stamp, kept so that an unclean end can be explained. */
export interface MachineSample {
  /** Load average over a minute; null where the system has none. */
  readonly load: number | null
  /** bytes */
  readonly memoryFree: number | null
  /** bytes */
  readonly memoryTotal: number | null
  /** `mains`, `battery`, or null where it is not known. */
  readonly power: 'mains' | 'battery' | null
  /** percent of charge; null without a battery */
  readonly battery: number | null
}

/** A row of `flight`, in flight-recorder's units (seconds), with what its detail row adds, if it has one. */
export interface FlightRow {
  readonly id: number
  readonly duration: number
  readonly last_ts: number
  readonly source: Source | null
  readonly boot_id: string | null
  readonly begin_boot_ms: number | null
  readonly begin_monotonic_ms: number | null
  readonly last_boot_ms: number | null
  readonly last_monotonic_ms: number | null
  readonly anchor_wall_ms: number | null
  readonly anchor_elapsed_ms: number | null
  readonly clock_state: ClockState | null
  readonly interval_ms: number | null
  readonly os: string | null
  readonly ended: string | null
}

/** A stretch inside a flight in which nobody looked. */
export interface LapseRow {
  readonly flight_id: number
  readonly at_elapsed_ms: number
  readonly length_ms: number
  readonly kind: 'asleep' | 'stalled'
}

export interface ClockStepRow {
  readonly flight_id: number
  readonly at_elapsed_ms: number
  readonly step_ms: number
}

export interface EvidenceRow {
  readonly flight_id: number
  readonly source: string
  readonly at_ms: number | null
  readonly fact: string
  readonly text: string
}

/** A run of the machine that another program recorded. */
export interface ImportedRow {
  readonly id: number
  readonly source: Source
  readonly begin_ms: number
  readonly end_ms: number
  readonly asleep_ms: number
  readonly boot_id: string | null
  readonly os: string | null
  readonly ended: string | null
}

/** How a flight ended in order. A flight that was cut off has none. */
export const endings = ['SIGTERM', 'SIGINT', 'SIGHUP', 'shutdown', 'quit'] as const
export type Ending = (typeof endings)[number]
