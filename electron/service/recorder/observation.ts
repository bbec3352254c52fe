import type { BlindReason } from '../../shared/watcher-words.ts'
import type { Clock } from '../clock.ts'
import type { BlindSpan, Observation, Vantage } from '../context.ts'
import type { Connection } from '../store/open.ts'
import { isSameBoot } from './rules.ts'

/** Older flights than this many tell nothing that a watcher still waits for. */
const mostFlights = 20_000
/** Where stamps are rare, this much of the time around a sleep is given to it at most. */
const mostUnsureMs = 30_000
/** Slewing and the clocks' own grain stay below this; more is a step or a sleep. */
const smallestChangeMs = 1_000
/** The recorder tells a stall or a sleep from a stamp that comes late; one is due after this long at the latest. */
const longestWithoutStampMs = 45_000

interface FlightSpan {
  readonly id: number
  readonly duration: number
  readonly last_ts: number
  readonly boot_id: string | null
}

/** The observation, with what tells it that the record changed. */
export interface RecordedObservation extends Observation {
  /** Forgets what was read, since flights, sleeps or steps were written. */
  renew(): void
}

/**
 * Returns the observation that the recorder's own flights give: nobody looked between them, in their sleeps and stalls,
 * nor in wall time that a clock jumped over. Flights of other recorders do not count, since they saw only the machine.
 *
 * @param stampNow writes a stamp, which notes sleeps and steps
 */
export function createObservation(db: Connection, clock: Clock, stampNow: () => void): RecordedObservation {
  let cached: Sight | null = null
  let last = clock.read()
  const listeners: ((stepMs: number) => void)[] = []
  const read = (): Sight => (cached ??= readSight(db))

  return {
    get flightId() {
      return read().flightId
    },
    blindSpans(vantage = 'local') {
      const record = read()
      // An outage that goes on ends at the present, which moves.
      return record.openFromMs === null || vantage === 'local' || vantage === 'lasting'
        ? (record.seen[vantage] ??= seenFrom(record, vantage, null))
        : seenFrom(record, vantage, Math.round(clock.glance().wallMs))
    },
    onStep(listener) {
      listeners.push(listener)
    },
    renew() {
      cached = null
    },
    look() {
      // Sleep and steps alike move the two cheap clocks against each other, and a stall shows in either.
      const seen = clock.glance()
      const wall = seen.wallMs - last.wallMs
      const monotonic = seen.monotonicMs - last.monotonicMs
      if (Math.abs(wall - monotonic) < smallestChangeMs && monotonic < longestWithoutStampMs) return 0
      const now = clock.read()
      const boot = now.bootMs !== null && last.bootMs !== null ? now.bootMs - last.bootMs : monotonic
      // Where the monotonic clock goes on in suspend, only the recorder can tell a sleep, from its own interval.
      const passed = clock.monotonicStopsInSuspend
        ? Math.max(boot, now.monotonicMs - last.monotonicMs)
        : now.monotonicMs - last.monotonicMs
      const step = now.wallMs - last.wallMs - passed
      const slept = now.monotonicMs - last.monotonicMs + smallestChangeMs <= passed
      last = now
      stampNow()
      if (slept || Math.abs(step) >= smallestChangeMs) cached = null
      if (Math.abs(step) < smallestChangeMs) return 0
      for (const listener of listeners) listener(Math.round(step))
      return Math.round(step)
    },
  }
}

/** What was read, with what was made of it for those who asked. */
interface Sight {
  readonly spans: readonly BlindSpan[]
  readonly flightId: number | null
  readonly outages: readonly OutageRow[]
  /** Since when the outage that goes on has been going on; null for none. */
  readonly openFromMs: number | null
  readonly seen: { [Key in Vantage]?: readonly BlindSpan[] }
}

interface OutageRow {
  readonly scope: string
  readonly from_ms: number
  readonly to_ms: number | null
}

/** Outages that ended this long before the newest (ms) concern no deadline that is still open. */
const outageMemoryMs = 400 * 86_400_000

function readSight(db: Connection): Sight {
  const { spans, flightId } = readSpans(db)
  const outages = db
    .prepare(
      `SELECT scope, from_ms, to_ms FROM outage
       WHERE to_ms IS NULL OR to_ms > (SELECT max(from_ms) FROM outage) - ? ORDER BY from_ms`,
    )
    .all(outageMemoryMs) as OutageRow[]
  const openFromMs = outages.find(({ to_ms }) => to_ms === null)?.from_ms ?? null
  return { spans, flightId, outages, openFromMs, seen: {} }
}

function seenFrom(record: Sight, vantage: Vantage, nowMs: number | null): readonly BlindSpan[] {
  switch (vantage) {
    case 'local':
      return record.spans
    case 'lasting':
      // What lasts is found when we are back; only a machine that was off or asleep could not have made it.
      return record.spans.filter(({ why }) => why !== 'not-running')
    case 'link':
    case 'beyond': {
      const cutOff = record.outages.flatMap(({ scope, from_ms, to_ms }): BlindSpan[] =>
        vantage === 'beyond' || scope === 'link'
          ? [{ fromMs: from_ms, toMs: to_ms ?? nowMs ?? from_ms, why: 'offline' }]
          : [],
      )
      return cutOff.length === 0 ? record.spans : joined([...record.spans, ...cutOff])
    }
    default:
      return vantage satisfies never
  }
}

function readSpans(db: Connection): { spans: BlindSpan[]; flightId: number | null } {
  const flights = (
    db
      .prepare(
        `SELECT f.id, f.duration, f.last_ts, d.boot_id FROM flight f JOIN flight_detail d ON d.flight_id = f.id
         WHERE d.source = 'watchkeeper' ORDER BY f.id DESC LIMIT ?`,
      )
      .all(mostFlights) as FlightSpan[]
  ).reverse()
  const placed = flights
    .map(({ id, duration, last_ts, boot_id }) => ({
      id,
      bootId: boot_id,
      fromMs: Math.round((last_ts - duration) * 1_000),
      toMs: Math.round(last_ts * 1_000),
    }))
    .sort((a, b) => a.fromMs - b.fromMs || a.id - b.id)
  const first = placed[0]
  // Before the first flight nobody looked at all.
  const spans: BlindSpan[] = first ? [{ fromMs: 0, toMs: first.fromMs, why: 'not-running' }] : []
  for (const [index, flight] of placed.entries()) {
    const before = placed[index - 1]
    if (!before || before.toMs >= flight.fromMs) continue
    const isSame = isSameBoot(before.bootId, flight.bootId)
    spans.push({
      fromMs: before.toMs,
      toMs: flight.fromMs,
      why: isSame === false ? 'machine-off' : 'not-running',
    })
  }
  const firstId = flights[0]?.id ?? 0
  const beginOf = new Map(placed.map(({ id, fromMs }) => [id, fromMs]))
  spans.push(...lapseSpans(db, firstId, beginOf), ...stepSpans(db, firstId, beginOf))
  return { spans: joined(spans), flightId: flights[flights.length - 1]?.id ?? null }
}

function lapseSpans(db: Connection, firstId: number, beginOf: ReadonlyMap<number, number>): BlindSpan[] {
  const rows = db
    .prepare(
      `SELECT l.flight_id, l.at_elapsed_ms, l.length_ms, l.kind, d.interval_ms FROM lapse l
       JOIN flight_detail d ON d.flight_id = l.flight_id WHERE l.flight_id >= ?`,
    )
    .all(firstId) as {
    flight_id: number
    at_elapsed_ms: number
    length_ms: number
    kind: string
    interval_ms: number | null
  }[]
  return rows.flatMap(({ flight_id, at_elapsed_ms, length_ms, kind, interval_ms }) => {
    const begin = beginOf.get(flight_id)
    if (begin === undefined) return []
    const why: BlindReason = kind === 'asleep' ? 'asleep' : 'not-running'
    const fromMs = begin + at_elapsed_ms
    // Only the length of a sleep is known; it began at some moment between the stamp before and the next one due.
    const unsureMs = kind === 'asleep' ? Math.min(interval_ms ?? 0, mostUnsureMs) : 0
    return [{ fromMs, toMs: fromMs + length_ms + unsureMs, why }]
  })
}

/** A clock set forward jumps over wall time that never was. */
function stepSpans(db: Connection, firstId: number, beginOf: ReadonlyMap<number, number>): BlindSpan[] {
  const rows = db
    .prepare('SELECT flight_id, at_elapsed_ms, step_ms FROM clock_step WHERE flight_id >= ? AND step_ms > 0')
    .all(firstId) as { flight_id: number; at_elapsed_ms: number; step_ms: number }[]
  return rows.flatMap(({ flight_id, at_elapsed_ms, step_ms }) => {
    const begin = beginOf.get(flight_id)
    if (begin === undefined) return []
    const toMs = begin + at_elapsed_ms
    return [{ fromMs: toMs - step_ms, toMs, why: 'clock-moved' as const }]
  })
}

/** Spans that touch become one; the longer part says why. */
function joined(spans: BlindSpan[]): BlindSpan[] {
  spans.sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs)
  const list: BlindSpan[] = []
  for (const span of spans) {
    if (span.toMs <= span.fromMs) continue
    const before = list[list.length - 1]
    if (!before || before.toMs < span.fromMs) {
      list.push(span)
      continue
    }
    const isLonger = span.toMs - span.fromMs > before.toMs - before.fromMs
    list[list.length - 1] = {
      fromMs: before.fromMs,
      toMs: Math.max(before.toMs, span.toMs),
      why: isLonger ? span.why : before.why,
    }
  }
  return list
}
