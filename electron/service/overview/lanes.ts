import type { LaneState } from '../../shared/api/overview.ts'

/** Spans of several sources as one lane that a screen can show. Pure; ms UTC throughout. */

/** Something that a room's past held. */
export interface PastSpan {
  readonly fromMs: number
  readonly toMs: number
  readonly state: LaneState
  /** What it happened to; the same name is told once. */
  readonly name: string
  readonly text: string
  readonly path: string
  /** How many it stands for; one when left out. */
  readonly count?: number
}

/** What is drawn of one or more spans. */
export interface DrawnSpan {
  readonly fromMs: number
  readonly toMs: number
  readonly state: LaneState
  readonly count: number
  readonly text: string
  readonly path: string
}

/** So many places a lane has; what lies closer together is drawn as one. */
const places = 400
const mostNamed = 4

interface Gathered {
  readonly fromMs: number
  toMs: number
  readonly state: LaneState
  count: number
  readonly first: PastSpan
  readonly names: Set<string>
}

/** Returns what is drawn of spans in a window, oldest first. Spans of one state that touch or all but touch become one. */
export function drawLane(spans: readonly PastSpan[], sinceMs: number, untilMs: number): DrawnSpan[] {
  const nearMs = (untilMs - sinceMs) / places
  const open = new Map<LaneState, Gathered>()
  const drawn: Gathered[] = []
  const inWindow = spans
    .filter(({ fromMs, toMs }) => fromMs < untilMs && toMs >= sinceMs)
    .sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs)
  for (const span of inWindow) {
    const fromMs = Math.max(sinceMs, span.fromMs)
    const toMs = Math.min(untilMs, span.toMs)
    const before = open.get(span.state)
    if (before && fromMs - before.toMs <= nearMs) {
      before.toMs = Math.max(before.toMs, toMs)
      before.count += span.count ?? 1
      before.names.add(span.name)
      continue
    }
    const gathered = {
      fromMs,
      toMs,
      state: span.state,
      count: span.count ?? 1,
      first: span,
      names: new Set([span.name]),
    }
    open.set(span.state, gathered)
    drawn.push(gathered)
  }
  return drawn.map(({ fromMs, toMs, state, count, first, names }) => ({
    fromMs,
    toMs,
    state,
    count,
    text: names.size === 1 ? first.text : namesText([...names]),
    path: names.size === 1 ? first.path : roomPath(first.path),
  }))
}

function namesText(names: readonly string[]): string {
  const rest = names.length - mostNamed
  return `${names.slice(0, mostNamed).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** Several items are seen together on the page of their room. */
function roomPath(path: string): string {
  return /^\/[a-z]+/.exec(path)?.[0] ?? path
}
