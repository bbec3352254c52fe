import { hostname } from 'node:os'
import { randomBytes } from 'node:crypto'
import type { Timer } from '../clock.ts'
import type { RoomContext, Silences, Transitions } from '../context.ts'
import type { Connection } from '../store/open.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import type { ChannelWorld } from './channels/channel.ts'
import type { DesktopNotifier } from './channels/desktop.ts'
import { openWindows, readMaintenance } from './maintenance.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { claimTransitions, mostAtOnce, refreshProblem, remind } from './policy.ts'
import { gatheredAt } from './rules.ts'
import { insertTransition, readChannels } from './store.ts'

/** The pipeline from changes of state to what people are told. */
export interface Alerts extends Transitions, Silences {
  /** Begins to claim and deliver; `origin` is where people open the UI. */
  start(origin: string): void
  stop(): void
  readonly outbox: Outbox
  readonly desktop: DesktopNotifier
  /** Looks anew for what is to be reminded of or delivered, after a change of settings. */
  wake(): void
  /** Resolves when every change so far is claimed and nothing is being sent. */
  settled(): Promise<void>
}

const longestWaitMs = 30_000
const settleMs = 1_500
/** Notices are kept for a year; transitions, which histories are drawn from, for two. */
const noticeMs = 365 * 86_400_000
const pruneEveryMs = 6 * 3_600_000

/** Returns the pipeline of a service; nothing is told before `start`. */
export function createAlerts(context: RoomContext, desktop: DesktopNotifier): Alerts {
  const { db, clock, commits } = context
  const log = context.log.child({ name: 'ALERTS' })
  const state: { origin: string | null } = { origin: null }
  const world: ChannelWorld = {
    desktop,
    nowMs: () => clock.glance().wallMs,
    installation: installationOf(db),
    host: hostname(),
    log,
  }
  // What waits by the wall clock waits on when that clock is set.
  context.observation.onStep((stepMs) => {
    void commits
      .write(() => moveWaiting(db, stepMs, context.observation.flightId))
      .catch((error: unknown) => log.error({ err: error }, 'Following the clock failed'))
  })
  const outbox = createOutbox(context, world, () => state.origin)
  let timer: Timer | null = null
  let settling: Timer | null = null
  let isRunning = false
  let firstMs: number | null = null
  let prunedMs = Number.NEGATIVE_INFINITY
  let working: Promise<void> = Promise.resolve()

  const plan = (delayMs: number): void => {
    timer?.cancel()
    if (!isRunning) return
    timer = clock.after(delayMs, () => {
      timer = null
      working = round()
    })
  }

  const round = async (): Promise<void> => {
    firstMs = null
    let waitMs = longestWaitMs
    let hasMore = false
    try {
      const nowMs = Math.round(clock.glance().wallMs)
      const hasWork =
        db.prepare('SELECT 1 FROM transition WHERE claimed_ms IS NULL LIMIT 1').get() !== undefined ||
        db.prepare('SELECT 1 FROM incident WHERE remind_at_ms <= ? LIMIT 1').get(nowMs) !== undefined
      if (hasWork) {
        const claimed = await commits.write(() => {
          // A recovery that waits comes before a reminder of its problem.
          const count = claimTransitions(db, nowMs)
          if (count < mostAtOnce) remind(db, nowMs)
          return count
        })
        hasMore = claimed >= mostAtOnce
        context.changed('notices')
        outbox.wake()
      }
      if (clock.glance().monotonicMs - prunedMs > pruneEveryMs) {
        prunedMs = clock.glance().monotonicMs
        await commits.write(() => prune(db, nowMs))
      }
      const next = db
        .prepare('SELECT min(remind_at_ms) FROM incident WHERE closed_ms IS NULL')
        .pluck()
        .get() as number | null
      if (next !== null) waitMs = Math.min(longestWaitMs, Math.max(0, next - nowMs))
    } catch (error) {
      waitMs = 1_000
      if (isRunning) log.error({ err: error }, 'Claiming changes failed; it is tried again')
    }
    if (isRunning && timer === null) plan(hasMore ? 0 : waitMs)
  }

  return {
    outbox,
    desktop,
    record(transition) {
      insertTransition(db, transition)
      const nowMs = clock.glance().monotonicMs
      firstMs ??= nowMs
      plan(Math.max(0, gatheredAt(firstMs, nowMs) - nowMs))
    },
    refresh(room, item, facts) {
      refreshProblem(db, room, item, facts, clock.glance().wallMs)
    },
    maintenance: (nowMs) => openWindows(readMaintenance(db), nowMs),
    start(origin) {
      isRunning = true
      state.origin = origin
      makeFirstChannel(db, desktop, clock.glance().wallMs)
      // Triggers that waited while nobody was here may end a problem before it is told.
      settling = clock.after(settleMs, () => {
        outbox.start()
        // Changes that are being gathered are not cut short.
        if (timer === null) plan(0)
      })
    },
    stop() {
      isRunning = false
      timer?.cancel()
      settling?.cancel()
      outbox.stop()
    },
    wake() {
      plan(0)
      outbox.wake()
    },
    async settled() {
      await working
      await outbox.idle()
    },
  }
}

/** Names this installation in the ids of its mails, so that two of them never share a thread. */
function installationOf(db: Connection): string {
  const known = readSetting(db, 'installation')
  if (known !== null) return known
  const made = randomBytes(8).toString('hex')
  writeSetting(db, 'installation', made)
  return made
}

/** A desktop is told from the first start on; where there is none, people choose how to be told. */
function makeFirstChannel(db: Connection, desktop: DesktopNotifier, nowMs: number): void {
  if (readSetting(db, 'first-channel') !== null) return
  db.transaction(() => {
    writeSetting(db, 'first-channel', 'made')
    if (readChannels(db).length > 0 || desktop.problem() !== null) return
    db.prepare(
      "INSERT INTO channel (kind, name, settings, created_ms) VALUES ('desktop', 'Desktop', '{}', ?)",
    ).run(Math.round(nowMs))
  })()
}

function moveWaiting(db: Connection, stepMs: number, flightId: number | null): void {
  // What began in this flight was timed by the clock that was wrong, and moves with it, as the flight has done.
  db.prepare(
    `UPDATE incident SET opened_ms = opened_ms + @step WHERE closed_ms IS NULL AND opened_ms + @step >=
       (SELECT (last_ts - duration) * 1000 FROM flight WHERE id = @flight)`,
  ).run({ step: stepMs, flight: flightId })
  db.prepare("UPDATE delivery SET next_ms = next_ms + ? WHERE state = 'waiting'").run(stepMs)
  db.prepare('UPDATE incident SET remind_at_ms = remind_at_ms + ? WHERE closed_ms IS NULL').run(stepMs)
}

function prune(db: Connection, nowMs: number): void {
  db.prepare('DELETE FROM notice WHERE at_ms < ?').run(nowMs - noticeMs)
  db.prepare('DELETE FROM transition WHERE at_ms < ? AND claimed_ms IS NOT NULL').run(nowMs - 2 * noticeMs)
  db.prepare('DELETE FROM incident WHERE closed_ms < ?').run(nowMs - 2 * noticeMs)
  db.prepare('DELETE FROM mute WHERE until_ms < ?').run(nowMs - noticeMs)
}
