import { createHash } from 'node:crypto'
import type { Schedule, WatcherSource } from '../../shared/api/watchers.ts'
import type { FarScope } from '../../shared/host-words.ts'
import type { PausedPolicy } from '../../shared/watcher-words.ts'
import type {
  BodyFilters,
  Cause,
  OpenRunRow,
  Verdict,
  WatcherEntry,
  WatcherFacts,
  WatcherRecord,
} from './schema.ts'

/** How watchers are written in their tables. */

export interface ConfigRow {
  readonly id: number
  readonly code: string
  readonly uuid: string
  readonly token: string
  readonly badge_key: string
  readonly name: string
  readonly slug: string
  readonly description: string
  readonly tags: string
  readonly schedule: string
  readonly grace_ms: number
  readonly run_limit_ms: number | null
  readonly tolerance: number
  readonly paused_policy: string
  readonly emails: string
  readonly channels: string | null
  readonly remind_ms: number | null
  readonly filters: string | null
  readonly source: string | null
  readonly paused: number
  readonly created_ms: number
}

export interface StateRow {
  readonly watcher_id: number
  readonly wake_ms: number | null
  readonly due_from_ms: number | null
  readonly flight_id: number | null
  readonly verdict: string
  readonly verdict_ms: number
  readonly cause: string | null
  readonly failures: number
  readonly runs: string
  readonly last_trigger_ms: number | null
  readonly last_success_ms: number | null
  readonly last_fail_ms: number | null
  readonly last_exit_status: number | null
  readonly last_duration_ms: number | null
  readonly triggers: number
  readonly events: number
  readonly last_event_id: number | null
  readonly reach: string | null
}

export type JoinedRow = ConfigRow & StateRow

/** Returns the columns that a user can change, in the order of the statements. */
export function changeable(watcher: Omit<WatcherRecord, 'id'>): (string | number | null)[] {
  return [
    watcher.name,
    watcher.slug,
    watcher.description,
    JSON.stringify(watcher.tags),
    JSON.stringify(watcher.schedule),
    Math.round(watcher.graceMs),
    watcher.runLimitMs === null ? null : Math.round(watcher.runLimitMs),
    watcher.tolerance,
    watcher.pausedPolicy,
    JSON.stringify(watcher.emails),
    watcher.channels === null ? null : JSON.stringify(watcher.channels),
    watcher.remindMs === null ? null : Math.round(watcher.remindMs),
    watcher.filters === null ? null : JSON.stringify(watcher.filters),
    watcher.source === null ? null : JSON.stringify(watcher.source),
    watcher.paused ? 1 : 0,
  ]
}

/** Returns a name for what a user decided about a watcher, which is another one after each change of it. */
export function revisionOf(watcher: WatcherRecord): string {
  return createHash('sha256')
    .update(JSON.stringify(changeable(watcher)))
    .digest('base64url')
    .slice(0, 12)
}

/** Returns what a user decided about a watcher, from its row. */
export function recordOfRow(row: ConfigRow): WatcherRecord {
  return {
    id: row.id,
    code: row.code,
    uuid: row.uuid,
    token: row.token,
    badgeKey: row.badge_key,
    name: row.name,
    slug: row.slug,
    description: row.description,
    tags: JSON.parse(row.tags) as string[],
    schedule: JSON.parse(row.schedule) as Schedule,
    graceMs: row.grace_ms,
    runLimitMs: row.run_limit_ms,
    tolerance: row.tolerance,
    pausedPolicy: row.paused_policy as PausedPolicy,
    emails: JSON.parse(row.emails) as string[],
    channels: row.channels === null ? null : (JSON.parse(row.channels) as number[]),
    remindMs: row.remind_ms,
    filters: row.filters === null ? null : (JSON.parse(row.filters) as BodyFilters),
    source: row.source === null ? null : (JSON.parse(row.source) as WatcherSource),
    paused: row.paused === 1,
    createdMs: row.created_ms,
  }
}

/** Returns a watcher with its state, from what was decided and its other row. */
export function entryOf(watcher: WatcherRecord, row: StateRow): WatcherEntry {
  return {
    watcher,
    facts: factsOf(row),
    verdict: row.verdict as Verdict,
    verdictMs: row.verdict_ms,
    cause: row.cause === null ? null : (JSON.parse(row.cause) as Cause),
    wakeMs: row.wake_ms,
  }
}

function factsOf(row: StateRow): WatcherFacts {
  return {
    dueFromMs: row.due_from_ms,
    flightId: row.flight_id,
    failures: row.failures,
    runs: row.runs === '[]' ? [] : (JSON.parse(row.runs) as OpenRunRow[]),
    lastTriggerMs: row.last_trigger_ms,
    lastSuccessMs: row.last_success_ms,
    lastFailMs: row.last_fail_ms,
    lastExitStatus: row.last_exit_status,
    lastDurationMs: row.last_duration_ms,
    triggers: row.triggers,
    events: row.events,
    lastEventId: row.last_event_id,
    reach: row.reach as FarScope | null,
  }
}

/** Returns a watcher from a row that joins both tables. */
export function entryOfJoined(row: JoinedRow): WatcherEntry {
  return entryOf(recordOfRow(row), row)
}
