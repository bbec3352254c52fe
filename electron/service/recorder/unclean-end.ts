import type { Gap } from '../../shared/api/machine.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { causeWords } from '../../shared/vocabulary.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import { plainFacts, type NewTransition, type RoomContext } from '../context.ts'

/** What is told at the start after a flight that was cut off: once, and never after one that ended in order. */

const told = 'unclean-end-told'

/** Returns the flight before this one that was cut off and of which nobody was told yet; null when there is none. */
export function untoldUncleanFlight({ db }: RoomContext, flightId: number): number | null {
  const before = db
    .prepare(
      `SELECT flight_id, ended FROM flight_detail WHERE source = 'watchkeeper' AND flight_id < ?
       ORDER BY flight_id DESC LIMIT 1`,
    )
    .get(flightId) as { flight_id: number; ended: string | null } | undefined
  if (!before || before.ended !== null) return null
  return readSetting(db, told) === String(before.flight_id) ? null : before.flight_id
}

/** Writes down that a flight was cut off, and why, for people to be told; in one transaction with the mark that it was done. */
export function recordUncleanEnd(
  { db, transitions }: RoomContext,
  cutOffFlight: number,
  gap: Gap | null,
  nowMs: number,
): void {
  const words = gap === null ? null : wordsOf(gap)
  db.transaction(() => {
    writeSetting(db, told, String(cutOffFlight))
    if (gap && words) transitions.record(transitionOf(gap, words, nowMs))
  }).immediate()
}

function wordsOf({ kind, cause, causeConfidence, durationMs }: Gap): { name: string; text: string } | null {
  const length = wordDuration(durationMs)
  const why =
    cause === null || cause === 'unknown'
      ? 'The cause is not known.'
      : `Cause: ${causeWords[cause]}${causeConfidence === 'certain' ? '' : ' (likely)'}.`
  switch (kind) {
    case 'crashed':
      return {
        name: 'This machine crashed or lost power',
        text: `This machine stopped without a shutdown and was away for ${length}. ${why}`,
      }
    case 'recorder-off':
      return {
        name: 'Watchkeeper was cut off',
        text: `Watchkeeper was ended without warning and did not look for up to ${length}; the machine stayed up.`,
      }
    case 'unknown':
      return {
        name: 'The record was cut off',
        text: `The record was cut off for ${length}, and nothing tells whether the machine stopped. ${why}`,
      }
    case 'off':
    case 'asleep':
      return null
    default:
      return kind satisfies never
  }
}

function transitionOf(
  gap: Gap,
  { name, text }: { name: string; text: string },
  nowMs: number,
): NewTransition {
  return {
    atMs: nowMs,
    room: 'recorder',
    item: 'machine',
    kind: 'info',
    from: 'up',
    to: gap.kind,
    facts: {
      ...plainFacts(name, text),
      details: [
        `from ${gap.from} to ${gap.to}`,
        ...gap.reasons,
        ...gap.evidence.slice(0, 5).map((line) => line.text),
      ],
      slug: 'machine',
      code: gap.id,
      path: '/machine',
    },
  }
}
