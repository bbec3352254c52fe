import { latencyText, wordDuration } from '../electron/shared/time-text.ts'

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const dateOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' })

/** Local time in the user's own form. */
export function localTime(iso: string): string {
  return dateTime.format(new Date(iso))
}

/** A day `YYYY-MM-DD` in the user's own form. */
export function localDay(day: string): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return dateOnly.format(new Date(year, month - 1, date))
}

export function percent(value: number, digits = 2): string {
  return `${value.toFixed(digits)} %`
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`
  return `${Math.ceil(value / 1e3)} kB`
}

/** How far off a time is: `in 5 min 3 s` or `2 h 4 min ago`. */
export function countdown(iso: string, nowMs: number): string {
  const left = Date.parse(iso) - nowMs
  const words = wordDuration(Math.round(Math.abs(left) / 1_000) * 1_000)
  return left >= 0 ? `in ${words}` : `${words} ago`
}

/** Local time in a zone of its own, with the zone's name. */
export function zonedTime(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    timeZone: zone,
  }).format(new Date(iso))
}

export { latencyText, wordDuration }
