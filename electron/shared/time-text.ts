import { maxDateMs } from './clock-floor.ts'

/** Text forms of times and durations that people and programs read. Pure; milliseconds throughout. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
export const dayMs = 24 * hour

/** Returns a time (ms since the epoch, UTC) as ISO 8601 with milliseconds and `Z`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Returns a time as ISO 8601, or null for a time that is not known. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}

/**
 * Returns a duration (ms) in words with its two largest units: `2 d 3 h`, `12 min 5 s`, `0.4 s`.
 * Meant for reading; use {@link clockDuration} where every second counts.
 */
export function wordDuration(ms: number): string {
  if (ms < 0) return `−${wordDuration(-ms)}`
  if (ms < 10 * second) return `${(ms / second).toFixed(ms % second === 0 ? 0 : 1)} s`
  const parts: readonly (readonly [number, string])[] = [
    [dayMs, 'd'],
    [hour, 'h'],
    [minute, 'min'],
    [second, 's'],
  ]
  const first = parts.findIndex(([unit]) => ms >= unit)
  const shown = parts.slice(first, first + 2)
  const smallest = shown[shown.length - 1]?.[0] ?? second
  let rest = Math.round(ms / smallest) * smallest
  if (first > 0 && rest >= (parts[first - 1]?.[0] ?? Infinity)) return wordDuration(rest)
  const words: string[] = []
  for (const [unit, name] of shown) {
    const count = Math.floor(rest / unit)
    rest -= count * unit
    if (count > 0) words.push(`${count} ${name}`)
  }
  return words.join(' ')
}

/** Returns how long something lasts yet, in whole minutes and never none: `4 h`, `1 h 30 min`. */
export function remainingWords(until: string, nowMs: number): string {
  const minutes = Math.max(1, Math.ceil((Date.parse(until) - nowMs) / minute))
  return wordDuration(minutes * minute)
}

/** Returns a latency (ms) for reading, with three digits. */
export function latencyText(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`
}

/** Returns a duration (ms) as `[D d ]HH:MM:SS`, seconds rounded half up. */
export function clockDuration(ms: number): string {
  const total = Math.round(Math.abs(ms) / second)
  const days = Math.floor(total / 86_400)
  const pad = (value: number): string => String(value).padStart(2, '0')
  const clock = `${pad(Math.floor((total % 86_400) / 3_600))}:${pad(Math.floor((total % 3_600) / 60))}:${pad(total % 60)}`
  return `${ms < 0 ? '-' : ''}${days > 0 ? `${days} d ` : ''}${clock}`
}

const spanUnits: Readonly<Record<string, number>> = {
  s: second,
  m: minute,
  min: minute,
  h: hour,
  d: dayMs,
  w: 7 * dayMs,
  y: 365 * dayMs,
}

/** No record goes further back than this; beyond it times could not be written. */
const longestSpan = 1_000 * 365 * dayMs

/** Returns the length in ms of a span such as `90m`, `24h`, `30d`, `2w` or `1y` (365 days); null when it is not one. */
export function parseSpan(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w|y)\s*$/.exec(text)
  if (!match) return null
  const length = Number(match[1]) * (spanUnits[match[2] ?? ''] ?? Number.NaN)
  return length > 0 && length <= longestSpan ? Math.round(length) : null
}

/** Returns a length (ms) as the shortest text that {@link parseSpan} reads back as the same: `90m`, `1d`, `2.5s`. */
export function spanText(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [7 * dayMs, 'w'],
    [dayMs, 'd'],
    [hour, 'h'],
    [minute, 'm'],
  ]
  const [unit, name] = units.find(([length]) => ms >= length && ms % length === 0) ?? [second, 's']
  return `${ms / unit}${name}`
}

/**
 * Returns the time (ms UTC) of an instant given as ISO 8601 (`2026-11-21`, `2026-11-21T03:00`, `2026-11-21 03:00:15Z`),
 * as Unix seconds (`@1600000000`), or as `now`; null when it is none of these. A text without a zone is local time.
 */
export function parseInstant(text: string, nowMs: number): number | null {
  const trimmed = text.trim()
  if (trimmed === 'now') return nowMs
  const unix = /^@(-?\d+(?:\.\d+)?)$/.exec(trimmed)
  if (unix) return valid(Math.round(Number(unix[1]) * second))
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/.exec(
      trimmed,
    )
  if (!match) return null
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', fraction = '', zone] = match
  const millis = Math.floor(Number(`0.${fraction || '0'}`) * second)
  const fields = [year, month, day, hours, minutes, seconds].map(Number)
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields
  const asUtc = new Date(Date.UTC(y, mo - 1, d, h, mi, s, millis))
  const isReal =
    asUtc.getUTCFullYear() === y &&
    asUtc.getUTCMonth() === mo - 1 &&
    asUtc.getUTCDate() === d &&
    h < 24 &&
    mi < 60 &&
    s < 60
  if (!isReal) return null
  if (zone === undefined) return valid(new Date(y, mo - 1, d, h, mi, s, millis).getTime())
  if (zone === 'Z') return valid(asUtc.getTime())
  const sign = zone.startsWith('-') ? -1 : 1
  const offset = Number(zone.slice(1, 3)) * hour + Number(zone.slice(-2)) * minute
  return valid(asUtc.getTime() - sign * offset)
}

function valid(ms: number): number | null {
  return Number.isFinite(ms) && Math.abs(ms) <= maxDateMs ? ms : null
}
