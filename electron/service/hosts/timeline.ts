import type { BlindSpan } from '../context.ts'
import { hostSegments, type HostSegment, type UnobservedReason } from '../../shared/host-words.ts'
import type { IncidentKind, SpanKind } from './schema.ts'

/** A host's past as stretches without gap or overlap, and their sums. Pure; times in ms UTC. */

export interface PastIncident {
  readonly kind: IncidentKind
  readonly openedMs: number
  readonly closedMs: number | null
}

export interface PastSpan {
  readonly kind: SpanKind
  readonly fromMs: number
  readonly toMs: number | null
}

/** All that a host's past is made of. */
export interface HostPast {
  /** When it was first judged; null when it never was. */
  readonly firstMs: number | null
  readonly incidents: readonly PastIncident[]
  readonly spans: readonly PastSpan[]
  /** When nobody looked, in order. */
  readonly blind: readonly BlindSpan[]
  readonly nowMs: number
}

export interface Segment {
  readonly fromMs: number
  readonly toMs: number
  readonly kind: HostSegment
  readonly why: UnobservedReason | null
}

interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  readonly kind: HostSegment
  readonly why: UnobservedReason | null
}

/** What covers what, the strongest first. A moment is what the first layer that has it says, else up. */
function layersOf({ firstMs, incidents, spans, blind, nowMs }: HostPast): Stretch[][] {
  const never = Number.POSITIVE_INFINITY
  const of = (kind: SpanKind, segment: HostSegment, why: UnobservedReason | null): Stretch[] =>
    spans
      .filter((span) => span.kind === kind)
      .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? never, kind: segment, why }))
  const failing = (wanted: IncidentKind): Stretch[] =>
    incidents
      .filter(({ kind }) => kind === wanted)
      .map(({ openedMs, closedMs }) => ({
        fromMs: openedMs,
        toMs: closedMs ?? never,
        kind: wanted,
        why: null,
      }))
  const begin = firstMs ?? nowMs
  return [
    [{ fromMs: nowMs, toMs: never, kind: 'unobserved', why: 'not-yet' }],
    of('paused', 'paused', null),
    [{ fromMs: Number.NEGATIVE_INFINITY, toMs: begin, kind: 'unobserved', why: 'not-yet' }],
    blind.map(({ fromMs, toMs, why }) => ({
      fromMs,
      toMs,
      kind: why === 'asleep' ? 'asleep' : 'unobserved',
      why,
    })),
    of('offline', 'unobserved', 'offline'),
    of('blind', 'unobserved', 'cannot-probe'),
    of('maintenance', 'maintenance', null),
    failing('down'),
    failing('degraded'),
  ]
}

/** Returns a window as stretches, oldest first, neighbours of one kind joined. They fill the window exactly. */
export function segmentsOf(past: HostPast, sinceMs: number, untilMs: number): Segment[] {
  const layers = layersOf(past).map((layer) =>
    untangled(layer.filter(({ fromMs, toMs }) => toMs > sinceMs && fromMs < untilMs)),
  )
  const cursors = layers.map(() => 0)
  const segments: Segment[] = []
  let atMs = sinceMs
  while (atMs < untilMs) {
    let endMs = untilMs
    let found: Stretch | null = null
    for (const [index, layer] of layers.entries()) {
      let cursor = cursors[index] ?? 0
      while (cursor < layer.length && (layer[cursor]?.toMs ?? 0) <= atMs) cursor += 1
      cursors[index] = cursor
      const stretch = layer[cursor]
      if (!stretch) continue
      if (stretch.fromMs > atMs) endMs = Math.min(endMs, stretch.fromMs)
      else {
        endMs = Math.min(endMs, stretch.toMs)
        found = stretch
        break
      }
    }
    const kind = found?.kind ?? 'up'
    const why = found?.why ?? null
    const last = segments[segments.length - 1]
    if (last && last.kind === kind && last.why === why)
      segments[segments.length - 1] = { ...last, toMs: endMs }
    else segments.push({ fromMs: atMs, toMs: endMs, kind, why })
    atMs = endMs
  }
  return segments
}

/** Returns stretches in order and without overlap: of two that overlap, the later begins where the earlier ends. */
function untangled(layer: Stretch[]): Stretch[] {
  layer.sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs)
  const clean: Stretch[] = []
  let endMs = Number.NEGATIVE_INFINITY
  for (const stretch of layer) {
    const fromMs = Math.max(stretch.fromMs, endMs)
    if (stretch.toMs <= fromMs) continue
    clean.push({ ...stretch, fromMs })
    endMs = stretch.toMs
  }
  return clean
}

/** How a window divides; the parts (ms) add up to it. */
export interface Figures {
  readonly parts: Readonly<Record<HostSegment, number>>
  /** Per cent of the observed time in which it was up or degraded; null when none was observed. */
  readonly uptime: number | null
  readonly longestDownMs: number
}

/** Returns the sums of stretches. */
export function figuresOf(segments: readonly Segment[]): Figures {
  const parts = Object.fromEntries(hostSegments.map((kind) => [kind, 0])) as Record<HostSegment, number>
  let longestDownMs = 0
  for (const { kind, fromMs, toMs } of segments) {
    parts[kind] += toMs - fromMs
    if (kind === 'down') longestDownMs = Math.max(longestDownMs, toMs - fromMs)
  }
  return { parts, uptime: uptimeOf(parts), longestDownMs }
}

/**
 * Returns the share of the observed time in which a host was up or degraded (per cent, three decimals); null when it was not
 * observed. It is 100 only when there was no downtime, and 0 only when there was nothing else.
 */
export function uptimeOf({ up, degraded, down }: Readonly<Record<HostSegment, number>>): number | null {
  const good = up + degraded
  const all = good + down
  if (all <= 0) return null
  if (down === 0) return 100
  if (good === 0) return 0
  return Math.min(99.999, Math.max(0.001, Math.floor((good / all) * 100_000) / 1_000))
}
