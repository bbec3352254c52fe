import type { Watcher, WatcherEvent } from '../../shared/api/watchers.ts'
import { isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import type { Blindness, BlindSpan } from '../context.ts'
import { judge, judgeRuns, verdictOf, type Judgement } from './rules.ts'
import { compileSchedule } from '../schedules/schedule.ts'
import type { WatcherEntry, WatcherEventRow } from './schema.ts'
import { revisionOf } from './rows.ts'
import { sentenceOf } from './words.ts'

/** Returns how a watcher stands, from its rows and the time. */
export function judgeEntry(entry: WatcherEntry, blindness: Blindness, nowMs: number): Judgement {
  const { watcher, verdict, cause } = entry
  const lateDueMs = verdict === 'late' && cause?.kind === 'overdue' ? cause.dueMs : null
  return judge(
    watcher,
    compileSchedule(watcher.schedule),
    { ...entry.facts, lateDueMs },
    blindOf(entry, blindness),
    nowMs,
  )
}

/** Returns when nobody could have heard of a watcher: what lasts is found afterwards, and who is far away may be cut off. */
function blindOf({ watcher, facts }: WatcherEntry, blindness: Blindness): readonly BlindSpan[] {
  return blindness[watcher.source === null ? (facts.reach ?? 'local') : 'lasting']
}

/** Returns a watcher as the native API shows it. */
export function viewOf(entry: WatcherEntry, judged: Judgement, blindness: Blindness, nowMs: number): Watcher {
  const { watcher, facts } = entry
  const isRecorded = verdictOf(judged) === entry.verdict
  return {
    id: watcher.code,
    revision: revisionOf(watcher),
    uuid: watcher.uuid,
    token: watcher.token,
    badgeKey: watcher.badgeKey,
    name: watcher.name,
    slug: watcher.slug,
    description: watcher.description,
    tags: [...watcher.tags],
    schedule: watcher.schedule,
    graceMs: watcher.graceMs,
    runLimitMs: watcher.runLimitMs,
    tolerance: watcher.tolerance,
    pausedPolicy: watcher.pausedPolicy,
    emails: [...watcher.emails],
    channels: watcher.channels === null ? null : [...watcher.channels],
    remindMs: watcher.remindMs,
    source: watcher.source,
    state: judged.state,
    since: isoTime(isRecorded ? entry.verdictMs : nowMs),
    sentence: sentenceOf(entry, judged, nowMs),
    paused: watcher.paused,
    due: isoTimeOrNull(judged.dueMs),
    lateAt: isoTimeOrNull(judged.lateMs),
    missed: isoTimeOrNull(judged.missed?.dueMs ?? null),
    missedWhy: judged.missed?.why ?? null,
    failures: facts.failures,
    runs: judgeRuns(facts.runs, watcher.runLimitMs, blindOf(entry, blindness)).map(
      ({ run, startedMs, limitMs }) => ({
        run,
        startedAt: isoTime(startedMs),
        limitAt: isoTimeOrNull(limitMs),
        overdue: limitMs !== null && limitMs <= nowMs,
      }),
    ),
    lastTrigger: isoTimeOrNull(facts.lastTriggerMs),
    lastSuccess: isoTimeOrNull(facts.lastSuccessMs),
    lastFail: isoTimeOrNull(facts.lastFailMs),
    lastDurationMs: facts.lastDurationMs,
    triggers: facts.triggers,
    createdAt: isoTime(watcher.createdMs),
  }
}

/** Returns an entry of a watcher's history as the native API shows it. */
export function eventView(row: WatcherEventRow): WatcherEvent {
  return {
    n: row.n,
    at: isoTime(row.atMs),
    kind: row.kind,
    ignored: row.ignored,
    exitStatus: row.exitStatus,
    run: row.run,
    durationMs: row.durationMs,
    comment: row.comment,
    from: row.origin,
    agent: row.agent,
    bodyBytes: row.bodyBytes,
  }
}
