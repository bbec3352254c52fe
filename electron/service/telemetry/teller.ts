import { frameLabel } from '../../shared/telemetry-words.ts'
import { wordDuration } from '../../shared/time-text.ts'
import type { Timer } from '../clock.ts'
import { plainFacts, type BlindSpan } from '../context.ts'
import { ask, marks, type Work } from '../store/records/work.ts'
import type { TelemetryParts } from './index.ts'
import type { GuiltyRow } from './schema.ts'
import { readSetting, writeSetting } from '../store/settings.ts'

/** Tells of new guilty frames, of those that are back, and of machines that fell silent. */
export interface Teller {
  /** Looks soon whether there is something to tell. */
  look(): void
  start(): void
  stop(): void
}

/** Crashes come in crowds: what is told of them is gathered for so long (ms). */
const gatherMs = 2_000
/** Other collectors of the same database may have left something to tell. */
const everyMs = 60_000
const silentEveryMs = 10 * 60_000
/** Only machines that reported over at least this long are missed. */
const knownForMs = 24 * 3_600_000
const lookBackMs = 30 * 24 * 3_600_000
const silentSetting = 'telemetry-silent'
const mostTold = 200
/** So many new frames are told of one by one; more of them together. */
const mostApart = 5
/** After a crowd the next ones are gathered for longer (ms). */
const crowdGatherMs = 60_000
/** Longest frame (characters) in a title. */
const longestLabel = 80

export function createTeller({ context, log, store, hasStore, settings }: TelemetryParts): Teller {
  const { clock, db, commits, transitions, observation } = context
  let soon: Timer | null = null
  let regular: Timer | null = null
  let lastSilentMs: number | null = null
  let isStopped = false
  /** Monotonic time until which new frames are gathered, since many came at once. */
  let crowdUntilMs = Number.NEGATIVE_INFINITY
  let busy: Promise<void> = Promise.resolve()
  const now = (): number => Math.round(clock.glance().wallMs)

  const tellGuilties = async (): Promise<void> => {
    const waitMs = crowdUntilMs - clock.glance().monotonicMs
    if (waitMs > 0) {
      lookIn(waitMs)
      return
    }
    const nowMs = now()
    const rows = await store().write(() => claimUntold(nowMs))
    if (rows.length === 0) return
    const { newGuilty, back } = settings().alerts
    const shown = rows.filter(({ hidden }) => hidden === 0)
    const fresh = newGuilty ? shown.filter((row) => !isBack(row)) : []
    const returned = back ? shown.filter(isBack) : []
    const isCrowd = fresh.length > mostApart
    if (isCrowd) crowdUntilMs = clock.glance().monotonicMs + crowdGatherMs
    await commits.write(() => {
      for (const row of returned) transitions.record(transitionOf(row, nowMs))
      if (isCrowd) transitions.record(crowdOf(fresh, nowMs))
      else for (const row of fresh) transitions.record(transitionOf(row, nowMs))
    })
    const ids = rows.map(({ id }) => id)
    await store().write(() => markTold(ids, nowMs))
  }

  const tellSilent = async (): Promise<void> => {
    const { silentMachines, silentHours } = settings().alerts
    const known = JSON.parse(readSetting(db, silentSetting) ?? '[]') as string[]
    if (!silentMachines && known.length === 0) return
    const nowMs = now()
    const reports = silentMachines
      ? await store().ask('reportTimes', { sinceMs: nowMs - lookBackMs, knownForMs })
      : []
    const silent = reports.filter(
      (row) =>
        row.last_ms - row.first_ms >= knownForMs &&
        observedMs(row.last_ms, nowMs, observation.blindSpans()) > silentHours * 3_600_000,
    )
    const names = silent.map(({ machine }) => machine)
    const gone = silent.filter(({ machine }) => !known.includes(machine)).slice(0, mostTold)
    const returned = known.filter((machine) => !names.includes(machine))
    if (gone.length + returned.length === 0) return
    await commits.write(() => {
      for (const { machine, last_ms } of gone)
        transitions.record({
          atMs: nowMs,
          room: 'telemetry',
          item: `machine ${machine}`,
          kind: 'problem',
          from: 'reporting',
          to: 'silent',
          facts: {
            ...plainFacts(
              machine,
              `The machine ${machine} has sent no record for ${wordDuration(nowMs - last_ms)}.`,
            ),
            path: '/telemetry/records',
          },
        })
      for (const machine of returned)
        transitions.record({
          atMs: nowMs,
          room: 'telemetry',
          item: `machine ${machine}`,
          kind: 'recovery',
          from: 'silent',
          to: 'reporting',
          facts: {
            ...plainFacts(
              machine,
              silentMachines
                ? `The machine ${machine} sends records again, or is no longer waited for.`
                : `Silent machines are no longer told of.`,
            ),
            path: '/telemetry/records',
          },
        })
      const still = known.filter((machine) => names.includes(machine))
      writeSetting(db, silentSetting, JSON.stringify([...still, ...gone.map(({ machine }) => machine)]))
    })
  }

  let isWaiting = false
  const run = (): void => {
    // One that waits for its turn sees all there is to tell then.
    if (isWaiting) return
    isWaiting = true
    busy = busy.then(async () => {
      isWaiting = false
      if (isStopped || !hasStore()) return
      try {
        await tellGuilties()
        const { monotonicMs } = clock.glance()
        if (lastSilentMs === null || monotonicMs - lastSilentMs >= silentEveryMs) {
          lastSilentMs = monotonicMs
          await tellSilent()
        }
      } catch (error) {
        if (!isStopped) log.warn({ err: error }, 'Telling of crashes failed')
      }
    })
  }

  const lookIn = (delayMs: number): void => {
    soon ??= clock.after(delayMs, () => {
      soon = null
      run()
    })
  }
  const plan = (): void => {
    regular?.cancel()
    regular = clock.after(everyMs, () => {
      run()
      plan()
    })
  }

  return {
    look: () => lookIn(gatherMs),
    start() {
      run()
      plan()
    },
    stop() {
      isStopped = true
      soon?.cancel()
      regular?.cancel()
    },
  }
}

/** Returns for how long (ms) a stretch was looked at. */
export function observedMs(fromMs: number, toMs: number, blind: readonly BlindSpan[]): number {
  const lost = blind.reduce(
    (sum, span) => sum + Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs)),
    0,
  )
  return Math.max(0, toMs - fromMs - lost)
}

function isBack({ back_ms, fixed_ms }: GuiltyRow): boolean {
  return back_ms !== null && fixed_ms !== null
}

/** Returns a frame as titles name it. */
function labelOf(row: GuiltyRow): string {
  const label = frameLabel(row)
  return label.length > longestLabel ? `${label.slice(0, longestLabel - 1).toWellFormed()}…` : label
}

/** Returns what tells of many new frames at once. */
function crowdOf(rows: readonly GuiltyRow[], nowMs: number) {
  const labels = rows.slice(0, mostApart).map(labelOf)
  return {
    atMs: nowMs,
    room: 'telemetry' as const,
    item: `guilties from ${rows[0]?.id ?? 0}`,
    kind: 'info' as const,
    from: 'unseen',
    to: 'new',
    facts: {
      ...plainFacts(
        `${rows.length} new crashes, first: ${labels[0] ?? ''}`,
        `Crashes in ${rows.length} frames were seen for the first time.`,
      ),
      details: labels,
      path: '/telemetry/crashes',
    },
  }
}

function transitionOf(row: GuiltyRow, nowMs: number) {
  const label = labelOf(row)
  const hasReturned = isBack(row)
  const text = hasReturned
    ? `Crashes in ${label} are back, though they were fixed${row.fixed_build === null ? '' : ` in build ${row.fixed_build}`}.`
    : `A crash in ${label} was seen for the first time.`
  return {
    atMs: nowMs,
    room: 'telemetry' as const,
    item: `guilty ${row.id}`,
    kind: 'info' as const,
    from: hasReturned ? 'fixed' : 'unseen',
    to: hasReturned ? 'back' : 'new',
    facts: {
      ...plainFacts(hasReturned ? `${label} is back` : `New crash: ${label}`, text),
      details: row.comment === '' ? [] : [row.comment],
      path: `/telemetry/crashes/${row.id}`,
    },
  }
}

/** A claim that is older than this (ms) was made by somebody who did not come to telling. */
const claimMs = 5 * 60_000

/**
 * A new guilty frame has 0, one that was told 1, and one that is being told the time of its claim: of several collectors one tells, and a crash
 * in between tells again rather than never.
 */
function* claimUntold(nowMs: number): Work<readonly GuiltyRow[]> {
  yield* ask(
    'UPDATE guilty SET told = 0 WHERE told > 1 AND (told < ? OR told > ?)',
    nowMs - claimMs,
    nowMs + claimMs,
  )
  return yield* ask<GuiltyRow>(
    'UPDATE guilty SET told = ? WHERE id IN (SELECT id FROM guilty WHERE told = 0 ORDER BY id LIMIT 5000) AND told = 0 RETURNING *',
    nowMs,
  )
}

function* markTold(ids: readonly number[], claimedMs: number): Work<void> {
  for (let from = 0; from < ids.length; from += 500) {
    const some = ids.slice(from, from + 500)
    yield* ask(`UPDATE guilty SET told = 1 WHERE told = ? AND id IN (${marks(some)})`, claimedMs, ...some)
  }
}
