import type { WindowQuery } from '../../shared/api/common.ts'
import { parseInstant, parseSpan } from '../../shared/time-text.ts'

/** A window whose words cannot be understood, with a sentence for the user. */
export class WindowError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WindowError'
  }
}

/**
 * Returns the bounds (ms UTC) that `since`, `until` and `last` name; null where one is left open.
 *
 * @throws WindowError
 */
export function parseWindow(
  query: WindowQuery,
  nowMs: number,
): { sinceMs: number | null; untilMs: number | null } {
  const untilMs = query.until === undefined ? null : instant('until', query.until, nowMs)
  if (query.last !== undefined) {
    if (query.since !== undefined) throw new WindowError('give either since or last, not both')
    const span = parseSpan(query.last)
    if (span === null) throw new WindowError(`last: '${query.last}' is not a span such as 24h, 30d or 1y`)
    return { sinceMs: (untilMs ?? nowMs) - span, untilMs }
  }
  const sinceMs = query.since === undefined ? null : instant('since', query.since, nowMs)
  if (sinceMs !== null && sinceMs > (untilMs ?? nowMs))
    throw new WindowError('the window ends before it begins')
  return { sinceMs, untilMs }
}

function instant(name: string, text: string, nowMs: number): number {
  const ms = parseInstant(text, nowMs)
  if (ms === null)
    throw new WindowError(`${name}: '${text}' is not a time such as 2026-11-21 or 2026-11-21T03:00:00Z`)
  return ms
}
