import type { Connection } from '../store/open.ts'
import { placeFlights, type Placed } from './placement.ts'
import {
  readBatterySamples,
  readClockSteps,
  readEvidence,
  readFlights,
  readImported,
  readLapses,
} from './rows.ts'
import { isFresh, isSameBoot } from './rules.ts'
import { buildTimeline, type Present, type Timeline } from './timeline.ts'

/** A jump of the wall clock, placed on its axis. */
export interface PlacedStep {
  readonly atMs: number
  readonly stepMs: number
  readonly flightId: number
}

/** Everything that was recorded, placed and judged. */
export interface History {
  readonly timeline: Timeline
  readonly steps: readonly PlacedStep[]
  readonly hints: readonly string[]
  readonly present: Present
}

/** The machine now, as a reader sees it that does not know whether a flight is being recorded. */
export type PresentOfReader = Omit<Present, 'runningFlight'>

interface Cached {
  readonly version: string
  readonly wallMs: number
  readonly history: History
}

const cache = new WeakMap<Connection, Cached>()

/** The parts of one page are asked for together; what was built for the first serves the others. */
const cacheMs = 2_000

/** Reads and builds the machine's history as of `now`. Work grows with the number of flights. */
export function readHistory(db: Connection, now: PresentOfReader): History {
  // Others' commits change the one number, this connection's own the other.
  const version = `${String(db.pragma('data_version', { simple: true }))}.${String(db.prepare('SELECT total_changes()').pluck().get())}`
  const cached = cache.get(db)
  if (cached?.version === version && Math.abs(cached.wallMs - now.wallMs) < cacheMs) return cached.history
  const history = db.transaction(() => build(db, now))()
  cache.set(db, { version, wallMs: now.wallMs, history })
  return history
}

function build(db: Connection, now: PresentOfReader): History {
  const placed = placeFlights(readFlights(db), now.wallMs)
  const evidence = readEvidence(db)
  const samples = readBatterySamples(db)
  const running = findRunning(placed, now)
  const present: Present = { ...now, wallMs: presentMs(running, now), runningFlight: running?.row.id ?? null }
  const timeline = buildTimeline({
    placed,
    imported: readImported(db),
    lapses: readLapses(db),
    evidenceOf: (id) => evidence.get(id) ?? [],
    sampleOf: (id) => samples.get(id) ?? null,
    present,
  })
  return { timeline, steps: placeSteps(db, placed), hints: hintsOf(placed), present }
}

/**
 * Returns the present on the axis on which flights are placed. While the clock is not set, that is where the running flight
 * was placed plus what the boot clock says has passed.
 */
function presentMs(running: Placed | null, now: PresentOfReader): number {
  if (running === null || running.clock !== 'untrusted') return now.wallMs
  const { last_boot_ms } = running.row
  const passed = last_boot_ms !== null && now.bootMs !== null ? now.bootMs - last_boot_ms : 0
  return running.endMs + Math.max(0, Math.round(passed))
}

/** Returns the flight that was stamped so lately that it must still be running, or null. Our own comes first. */
export function findRunning(placed: readonly Placed[], now: PresentOfReader): Placed | null {
  let own: Placed | null = null
  let foreign: Placed | null = null
  for (const entry of placed) {
    if (entry.row.ended !== null) continue
    if (entry.source === 'watchkeeper') {
      if (own === null || entry.row.id > own.row.id) own = entry
    } else if (foreign === null || entry.row.last_ts > foreign.row.last_ts) foreign = entry
  }
  return [own, foreign].find((entry) => entry !== null && isRunning(entry, now)) ?? null
}

function isRunning({ row, source }: Placed, now: PresentOfReader): boolean {
  const isThisBoot = isSameBoot(row.boot_id, now.bootId)
  if (source === 'watchkeeper' && isThisBoot === false) return false
  const hasBootClock = isThisBoot === true && row.last_boot_ms !== null && now.bootMs !== null
  const ageMs = hasBootClock ? (now.bootMs ?? 0) - (row.last_boot_ms ?? 0) : now.wallMs - row.last_ts * 1_000
  return ageMs >= -5_000 && isFresh(ageMs, row.interval_ms ?? 10_000)
}

function placeSteps(db: Connection, placed: readonly Placed[]): PlacedStep[] {
  const steps = readClockSteps(db)
  if (steps.length === 0) return []
  const beginOf = new Map(placed.map(({ row, beginMs }) => [row.id, beginMs]))
  return steps.flatMap(({ flight_id, at_elapsed_ms, step_ms }) => {
    const beginMs = beginOf.get(flight_id)
    return beginMs === undefined
      ? []
      : [{ atMs: beginMs + at_elapsed_ms, stepMs: step_ms, flightId: flight_id }]
  })
}

function hintsOf(placed: readonly Placed[]): string[] {
  const unset = placed.filter(({ clock }) => clock === 'untrusted').length
  if (unset === 0) return []
  const [flights, were, they] = unset === 1 ? ['flight', 'was', 'it is'] : ['flights', 'were', 'they are']
  return [
    `${unset} ${flights} ${were} recorded with a clock that was never set or that contradicts the others; ${they} placed between the neighbours, with an error bar.`,
  ]
}
