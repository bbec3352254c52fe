import { createHash } from 'node:crypto'
import { isoTime } from '../../../shared/time-text.ts'
import type { RoomContext } from '../../context.ts'
import type { Watchers } from '../index.ts'
import type { WatcherEntry } from '../schema.ts'
import { badgeState } from './badges.ts'
import { CheckError } from './healthchecks-check.ts'
import type { Query } from './ingest.ts'

/** How healthchecks shows what it knows. */

/** The name that a read-only key shows of a check instead of its secret uuid. */
export function uniqueKey(uuid: string): string {
  return createHash('sha1').update(uuid.replaceAll('-', '').slice(0, 16)).digest('hex')
}

/** Returns a watcher as a check; for a key that only reads without ids and addresses. */
export function checkView(
  entry: WatcherEntry,
  watchers: Watchers,
  origin: string,
  isFull: boolean,
): Record<string, unknown> {
  const { watcher, facts } = entry
  const judged = watchers.judged(entry)
  const { schedule, filters } = watcher
  const second = (ms: number | null): string | null =>
    ms === null ? null : `${isoTime(ms).slice(0, 19)}+00:00`
  const lastPing = Math.max(facts.lastSuccessMs ?? 0, facts.lastFailMs ?? 0)
  const manage = `${origin}/api/v3/checks/${watcher.uuid}`
  return {
    name: watcher.name,
    slug: watcher.slug,
    tags: watcher.tags.join(' '),
    desc: watcher.description,
    grace: Math.round(watcher.graceMs / 1_000),
    n_pings: facts.triggers,
    status: badgeState(judged.state),
    started: facts.runs.length > 0,
    last_ping: second(lastPing === 0 ? null : lastPing),
    next_ping: second(judged.dueMs),
    manual_resume: watcher.pausedPolicy === 'ignore',
    methods: filters?.postOnly ? 'POST' : '',
    subject: '',
    subject_fail: '',
    start_kw: filters?.start.join(',') ?? '',
    success_kw: filters?.success.join(',') ?? '',
    failure_kw: filters?.failure.join(',') ?? '',
    filter_subject: false,
    filter_body: false,
    filter_http_body: filters?.enabled ?? false,
    filter_default_fail: filters?.defaultFail ?? false,
    badge_url: `${origin}/b/2/${watcher.badgeKey}.svg`,
    ...(facts.lastDurationMs !== null && { last_duration: Math.round(facts.lastDurationMs / 1_000) }),
    ...(isFull
      ? {
          uuid: watcher.uuid,
          ping_url: `${origin}/ping/${watcher.uuid}`,
          update_url: manage,
          pause_url: `${manage}/pause`,
          resume_url: `${manage}/resume`,
          channels: watcher.channels === null ? '*' : watcher.channels.join(','),
        }
      : { unique_key: uniqueKey(watcher.uuid) }),
    ...(schedule.kind === 'period'
      ? { timeout: Math.round(schedule.periodMs / 1_000) }
      : { schedule: schedule.expression, tz: 'zone' in schedule ? schedule.zone : 'UTC' }),
  }
}

/** Returns a watcher's pings, newest first; without addresses where there is no origin. */
export function pingsOf(watchers: Watchers, { watcher }: WatcherEntry, origin: string | null): unknown[] {
  return watchers
    .events(watcher.id, { limit: 1_000, offset: 0 })
    .filter(({ kind }) => kind === 'success' || kind === 'start' || kind === 'fail' || kind === 'log')
    .map((event) => ({
      type: event.ignored ? 'ign' : event.kind,
      date: isoTime(event.atMs).replace('Z', '000+00:00'),
      n: event.n,
      scheme: 'http',
      remote_addr: event.origin,
      method: '',
      ua: event.agent,
      rid: event.run === '' ? null : event.run,
      ...(event.durationMs !== null && { duration: event.durationMs / 1_000 }),
      body_url: event.bodyBytes > 0 ? `${origin}/api/v3/checks/${watcher.uuid}/pings/${event.n}/body` : null,
    }))
}

/** Returns when a watcher went down and came up, newest first. @throws CheckError for a window that is none */
export function flipsOf(
  { db }: RoomContext,
  { watcher }: WatcherEntry,
  query: Query,
  nowMs: number,
): unknown[] {
  const number = (name: string, most: number): number | null => {
    const text = query.last(name)
    if (text === null) return null
    if (!/^\d{1,11}$/.test(text) || Number(text) > most) throw new CheckError(`invalid ${name}`)
    return Number(text)
  }
  const seconds = number('seconds', 31_536_000)
  const start = number('start', 10_000_000_000)
  const end = number('end', 10_000_000_000)
  const rows = db
    .prepare(
      `SELECT at_ms, from_state, to_state FROM transition WHERE room = 'watchers' AND item = ? AND at_ms >= ? AND at_ms < ?
       ORDER BY id DESC LIMIT 1000`,
    )
    .all(
      watcher.code,
      seconds !== null ? nowMs - seconds * 1_000 : (start ?? 0) * 1_000,
      end === null ? Number.MAX_SAFE_INTEGER : end * 1_000,
    ) as { at_ms: number; from_state: string; to_state: string }[]
  const isDown = (state: string): boolean => state === 'late' || state === 'failing'
  return rows
    .filter(({ from_state, to_state }) => isDown(from_state) !== isDown(to_state))
    .map(({ at_ms, to_state }) => ({
      timestamp: `${isoTime(at_ms).slice(0, 19)}+00:00`,
      up: isDown(to_state) ? 0 : 1,
    }))
}
