import type { Schedule, WatcherSource } from '../../shared/api/watchers.ts'
import type { FarScope } from '../../shared/host-words.ts'
import type { PausedPolicy, WatcherEventKind } from '../../shared/watcher-words.ts'

/** Keywords that tell a signal's kind from its body, as healthchecks has them. */
export interface BodyFilters {
  readonly enabled: boolean
  readonly subject: readonly string[]
  readonly start: readonly string[]
  readonly success: readonly string[]
  readonly failure: readonly string[]
  readonly defaultFail: boolean
  readonly postOnly: boolean
}

/** What a user decided about a watcher. Times and lengths in ms. */
export interface WatcherRecord {
  readonly id: number
  readonly code: string
  readonly uuid: string
  readonly token: string
  readonly badgeKey: string
  readonly name: string
  readonly slug: string
  readonly description: string
  readonly tags: readonly string[]
  readonly schedule: Schedule
  readonly graceMs: number
  readonly runLimitMs: number | null
  readonly tolerance: number
  readonly pausedPolicy: PausedPolicy
  readonly emails: readonly string[]
  readonly channels: readonly number[] | null
  readonly remindMs: number | null
  readonly filters: BodyFilters | null
  /** Where we look by ourselves, so that the job need not tell us; null when it does. */
  readonly source: WatcherSource | null
  readonly paused: boolean
  readonly createdMs: number
}

/** A run that has not ended. */
export interface OpenRunRow {
  readonly run: string
  readonly startedMs: number
  /** Flight in which it started, whose clock may still be set. */
  readonly flightId?: number | null
}

/** What was last written down about how a watcher stands. */
export const verdicts = ['ok', 'late', 'failing', 'unobserved', 'paused'] as const
export type Verdict = (typeof verdicts)[number]

/** Why a watcher is a problem. */
export type Cause =
  | { readonly kind: 'overdue'; readonly dueMs: number }
  | { readonly kind: 'run-too-long'; readonly runs: readonly OpenRunRow[] }
  | {
      readonly kind: 'failed'
      readonly exitStatus: number | null
      readonly failures: number
      readonly run: string
    }
  | { readonly kind: 'missed'; readonly dueMs: number; readonly why: string }

/** What follows from a watcher's triggers. */
export interface WatcherFacts {
  /** Time from which the next due time is counted; null until the first trigger. */
  readonly dueFromMs: number | null
  /** Flight in which that time was taken, whose clock may still be set. */
  readonly flightId: number | null
  readonly failures: number
  readonly runs: readonly OpenRunRow[]
  readonly lastTriggerMs: number | null
  readonly lastSuccessMs: number | null
  readonly lastFailMs: number | null
  readonly lastExitStatus: number | null
  readonly lastDurationMs: number | null
  readonly triggers: number
  readonly events: number
  /** The newest entry of the history; null before the first. */
  readonly lastEventId: number | null
  /** How far away the last trigger came from; null for this machine. */
  readonly reach: FarScope | null
  /** Due time for which it has been called late, if it stands so now. */
  readonly lateDueMs?: number | null
}

/** A watcher with all that is known of it. */
export interface WatcherEntry {
  readonly watcher: WatcherRecord
  readonly facts: WatcherFacts
  readonly verdict: Verdict
  readonly verdictMs: number
  readonly cause: Cause | null
  readonly wakeMs: number | null
}

/** An entry of a watcher's history. */
export interface WatcherEventRow {
  readonly n: number
  readonly atMs: number
  readonly kind: WatcherEventKind
  readonly ignored: boolean
  readonly exitStatus: number | null
  readonly run: string
  readonly durationMs: number | null
  readonly comment: string
  readonly origin: string
  readonly agent: string
  readonly bodyBytes: number
}

/** A signal as it reached us. */
export interface Signal {
  readonly kind: 'success' | 'start' | 'fail' | 'log'
  readonly atMs: number
  readonly exitStatus: number | null
  /** Id of the run it belongs to; empty for none. */
  readonly run: string
  readonly comment: string
  readonly origin: string
  readonly agent: string
  readonly body: Buffer | null
  /** Recorded without effect, as a trigger by another method than the watcher takes. */
  readonly ignored?: boolean
  /** A duration (ms) that the client measured itself. */
  readonly durationMs?: number
}
