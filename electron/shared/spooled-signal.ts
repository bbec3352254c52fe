import { signalKinds, type SignalKind } from './watcher-words.ts'

/** A trigger that waits in a file until it can be delivered. */
export interface SpooledSignal {
  /** Makes a trigger that is delivered twice count once. */
  readonly id: string
  /** Id, slug or name of the watcher, or the address to deliver to. */
  readonly watcher: string
  readonly kind: SignalKind
  /** When it happened, ms UTC. */
  readonly atMs: number
  readonly exitStatus: number | null
  readonly run: string
  readonly comment: string
  readonly body: string
}

/** Returns the trigger that a file holds; null when it holds none. @throws SyntaxError when it is no JSON */
export function parseSpooled(text: string): SpooledSignal | null {
  const value = JSON.parse(text) as Partial<Record<keyof SpooledSignal, unknown>> | null
  if (typeof value !== 'object' || value === null) return null
  const { id, watcher, kind, atMs, exitStatus, run, comment, body } = value
  const known = signalKinds.find((name) => name === kind)
  const isWhole =
    typeof id === 'string' &&
    id !== '' &&
    typeof watcher === 'string' &&
    known !== undefined &&
    typeof atMs === 'number' &&
    Number.isFinite(atMs) &&
    (exitStatus === null ||
      (Number.isInteger(exitStatus) && Number(exitStatus) >= 0 && Number(exitStatus) <= 255)) &&
    typeof run === 'string' &&
    typeof comment === 'string' &&
    typeof body === 'string'
  return isWhole
    ? { id, watcher, kind: known, atMs, exitStatus: exitStatus as number | null, run, comment, body }
    : null
}
