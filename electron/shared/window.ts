import { clockFloorMs } from './clock-floor.ts'
import type { WindowQuery } from './api/common.ts'
import { parseInstant, parseSpan } from './time-text.ts'

/** A window whose words cannot be understood, with a sentence for the user. */
export class WindowError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WindowError'
  }
}

/** The bounds of a window (ms UTC); null where one is left open. `lastMs` is its length when only the end is given. */
export interface WindowBounds {
  readonly sinceMs: number | null
  readonly untilMs: number | null
  readonly lastMs: number | null
}

/**
 * Returns the bounds that `since`, `until` and `last` name.
 *
 * @throws WindowError
 */
export function parseWindow(query: WindowQuery, nowMs: number): WindowBounds {
  const untilMs = query.until === undefined ? null : instant('until', query.until, nowMs)
  if (query.last !== undefined) {
    if (query.since !== undefined) throw new WindowError('give either since or last, not both')
    const lastMs = parseSpan(query.last)
    if (lastMs === null) throw new WindowError(`last: '${query.last}' is not a span such as 24h, 30d or 1y`)
    return { sinceMs: null, untilMs, lastMs }
  }
  const sinceMs = query.since === undefined ? null : instant('since', query.since, nowMs)
  if (sinceMs !== null && untilMs !== null && sinceMs > untilMs)
    throw new WindowError('the window ends before it begins')
  // A clock that is not set knows nothing of the future.
  if (sinceMs !== null && sinceMs > nowMs && nowMs >= clockFloorMs)
    throw new WindowError('the window lies in the future')
  return { sinceMs, untilMs, lastMs: null }
}

function instant(name: string, text: string, nowMs: number): number {
  const ms = parseInstant(text, nowMs)
  if (ms === null)
    throw new WindowError(`${name}: '${text}' is not a time such as 2026-11-21 or 2026-11-21T03:00:00Z`)
  return ms
}
