import type { BlindSpan } from '../context.ts'

/** Arithmetic with time in which somebody looked. Spans are in order and do not touch. Pure; ms throughout. */

/** Returns the stretch without observation that covers a moment, its begin included and its end not; or null. */
export function blindAt(atMs: number, blind: readonly BlindSpan[]): BlindSpan | null {
  const index = firstEndingAfter(atMs, blind)
  const span = blind[index]
  return span && span.fromMs <= atMs ? span : null
}

/** Returns the moment by which `lengthMs` of observed time have passed since `fromMs`. */
export function addObserved(fromMs: number, lengthMs: number, blind: readonly BlindSpan[]): number {
  let endMs = fromMs + lengthMs
  for (let index = firstEndingAfter(fromMs, blind); index < blind.length; index += 1) {
    const span = blind[index]
    if (!span || span.fromMs >= endMs) break
    endMs += span.toMs - Math.max(span.fromMs, fromMs)
  }
  return endMs
}

function firstEndingAfter(atMs: number, blind: readonly BlindSpan[]): number {
  let low = 0
  let high = blind.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((blind[middle]?.toMs ?? 0) > atMs) high = middle
    else low = middle + 1
  }
  return low
}
