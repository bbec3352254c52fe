/** Ticks of an axis of time that is drawn without Chart.js. */
export interface TimeTick {
  readonly left: string
  readonly shift: string
  readonly text: string
}

const parts = [0, 0.25, 0.5, 0.75, 1]

/** Returns five ticks from the begin to the end of a window (ms UTC), in local time. */
export function timeTicks(sinceMs: number, untilMs: number): TimeTick[] {
  const lengthMs = untilMs - sinceMs
  const format = new Intl.DateTimeFormat(
    undefined,
    lengthMs < 2 * 86_400_000
      ? { hour: '2-digit', minute: '2-digit' }
      : lengthMs < 200 * 86_400_000
        ? { month: 'short', day: 'numeric' }
        : { year: 'numeric', month: 'short' },
  )
  return parts.map((part) => ({
    left: `${part * 100}%`,
    shift: `translateX(-${part * 100}%)`,
    text: format.format(sinceMs + part * lengthMs),
  }))
}
