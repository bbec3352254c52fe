import { TZDate } from '@date-fns/tz'

/** A local time of a zone, month from 1. */
export interface LocalTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** Returns the local time of a zone at an instant. */
export function localTimeOf(ms: number, zone: string): LocalTime {
  const date = new TZDate(ms, zone)
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
  }
}

/** Returns the first instant at which the clocks of a zone show a local time; null when they skip it. */
export function instantOf(local: LocalTime, zone: string): number | null {
  const { year, month, day, hour, minute, second } = local
  const guess = new TZDate(year, month - 1, day, hour, minute, second, zone).getTime()
  // Where an hour comes twice, the earlier instant is one offset change before.
  for (const earlier of [7_200_000, 3_600_000, 1_800_000, 0]) {
    const at = guess - earlier
    const seen = localTimeOf(at, zone)
    if (
      seen.year === year &&
      seen.month === month &&
      seen.day === day &&
      seen.hour === hour &&
      seen.minute === minute &&
      seen.second === second
    )
      return at
  }
  return null
}
