import { TZDate } from '@date-fns/tz'
import type { QuietHours } from '../../shared/api/alerts.ts'
import type { MuteRow } from './schema.ts'

/** Decisions of the alert pipeline. Pure; times in ms UTC. */

/** So many changes of one kind for one receiver in one moment are told as one. */
export const stormSize = 4
/** Changes are gathered until none has come for the first time, or for the second in all (desktop.md 1.7). */
export const gathering = { quietMs: 1_000, mostMs: 3_000 } as const

/** Returns when the gathering of changes ends that began at `firstMs`, the newest having come at `lastMs`. */
export function gatheredAt(firstMs: number, lastMs: number): number {
  return Math.min(lastMs + gathering.quietMs, firstMs + gathering.mostMs)
}

const firstRetryMs = 10_000
const longestRetryMs = 3_600_000
/** A notice that could not be told for a day is of no use. */
export const giveUpAfterMs = 86_400_000
/** Yet it is tried this often at least: a machine that was off for a day has had no chance. */
export const leastAttempts = 8
/** What the receiver calls a mistake of ours is tried only so often. */
export const mostFinalAttempts = 3

/** Returns how long to wait after the nth failed attempt: 10 s, 20 s, 40 s … up to an hour; longer when asked to. */
export function retryDelay(attempts: number, retryAfterMs: number | null): number {
  const delay = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(attempts - 1, 20))
  return Math.max(delay, Math.min(retryAfterMs ?? 0, giveUpAfterMs))
}

/** Returns what `Retry-After` asks for (ms): seconds or a date (RFC 9110, 10.2.3); null when it says nothing. */
export function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}

const longestReminderMs = 86_400_000

/** Returns how long after the nth reminder the next one comes: each waits twice as long, up to a day. */
export function reminderDelay(remindMs: number, reminders: number): number {
  return Math.max(remindMs, Math.min(longestReminderMs, remindMs * 2 ** Math.min(reminders, 20)))
}

/** Returns the mute that covers an item longest; null when none does. */
export function muteOf(mutes: readonly MuteRow[], room: string, item: string, nowMs: number): MuteRow | null {
  let longest: MuteRow | null = null
  for (const mute of mutes) {
    if (mute.fromMs > nowMs || mute.untilMs <= nowMs) continue
    if (mute.room !== null && mute.room !== room) continue
    if (mute.item !== null && mute.item !== item) continue
    if (longest === null || mute.untilMs > longest.untilMs) longest = mute
  }
  return longest
}

/** Returns when the quiet hours end that cover a time; null when none do. Hours that a zone's clocks skip are left out. */
export function quietUntil(quiet: QuietHours | null, nowMs: number): number | null {
  if (quiet === null || quiet.from === quiet.to) return null
  const local = new TZDate(nowMs, quiet.zone)
  const at = (text: string, addDays: number): number => {
    const [hour = 0, minute = 0] = text.split(':').map(Number)
    return new TZDate(
      local.getFullYear(),
      local.getMonth(),
      local.getDate() + addDays,
      hour,
      minute,
      quiet.zone,
    ).getTime()
  }
  for (const day of [-1, 0]) {
    const begin = at(quiet.from, day)
    const end = at(quiet.to, quiet.to > quiet.from ? day : day + 1)
    if (begin <= nowMs && nowMs < end) return end
  }
  return null
}

/** Returns the morning (08:00 local time) of the day after. */
export function tomorrowMorning(nowMs: number, zone: string): number {
  const local = new TZDate(nowMs, zone)
  return new TZDate(local.getFullYear(), local.getMonth(), local.getDate() + 1, 8, 0, zone).getTime()
}
