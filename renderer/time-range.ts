/** The window of time that a page shows. */
export type TimeRange =
  | { readonly kind: 'last'; readonly last: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'fixed'; readonly sinceMs: number; readonly untilMs: number }

export const presets = [
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
  { value: '30d', label: 'Last 30 days' },
  { value: '365d', label: 'Last year' },
] as const

/** Returns the parameters of the API for a window. */
export function queryOf(range: TimeRange): Readonly<Record<string, string>> {
  switch (range.kind) {
    case 'last':
      return { last: range.last }
    case 'all':
      return {}
    case 'fixed':
      return { since: new Date(range.sinceMs).toISOString(), until: new Date(range.untilMs).toISOString() }
  }
}

/** Returns a window between two times, or null when they are not in order. */
export function fixedRange(sinceMs: number, untilMs: number): Extract<TimeRange, { kind: 'fixed' }> | null {
  return Number.isFinite(sinceMs) && Number.isFinite(untilMs) && untilMs > sinceMs
    ? { kind: 'fixed', sinceMs: Math.round(sinceMs), untilMs: Math.round(untilMs) }
    : null
}

const short = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

export function describeRange(range: TimeRange): string {
  switch (range.kind) {
    case 'last':
      return presets.find(({ value }) => value === range.last)?.label ?? `Last ${range.last}`
    case 'all':
      return 'Everything'
    case 'fixed':
      return `${short.format(range.sinceMs)} – ${short.format(range.untilMs)}`
  }
}
