import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import { sqliteCode } from '../store/errors.ts'
import type { Desk } from './desk.ts'
import type { WatcherStore } from './store.ts'

/** Judges watchers at their deadlines, with one timer for the nearest of them. */
export interface Watchman {
  start(): void
  stop(): void
  /** Sets the timer anew, when a write brought a nearer deadline. */
  replan(): void
  /** Notices a step of the clock before anything is written by the new time. */
  noticeStep(): void
}

/** A sleep or a step of the clock is noticed after this long at the latest. */
const longestWaitMs = 30_000
/** Clients that waited for us to come back are heard before anybody is judged. */
const settleMs = 1_000
/** A timer that is this late was held up, and so were the triggers of that time. */
const stallMs = 1_000
const mostAtOnce = 200
/** A proof of the connection this old (ms) need not be asked for again before somebody is called late. */
const freshProofMs = 10_000
const askPatienceMs = 10_000
const keepInTouchMs = 60_000
const retryMs = 1_000

/** Returns the watchman; it does nothing before `start`. */
export function createWatchman(context: RoomContext, store: WatcherStore, desk: Desk): Watchman {
  const { clock, commits, observation } = context
  const log = context.log.child({ name: 'WATCHERS' })
  let timer: Timer | null = null
  let plannedMs = Number.POSITIVE_INFINITY
  let pendingStepMs = 0
  let isRunning = false
  let isSettling = false
  let isJudging = false
  let lookedMs = Number.NEGATIVE_INFINITY

  const plan = (delayMs: number): void => {
    timer?.cancel()
    const { wallMs, monotonicMs } = clock.glance()
    plannedMs = wallMs + delayMs
    timer = clock.after(delayMs, () => {
      timer = null
      const lateMs = clock.glance().monotonicMs - monotonicMs - delayMs
      // After a stall the triggers that wait in sockets are heard first; at any time those of this turn are.
      if (lateMs > stallMs) plan(settleMs)
      else setImmediate(() => void round())
    })
  }
  const planNext = (): void => {
    if (!isRunning) return
    const nearest = store.nearestWake()
    const wait = nearest === null ? longestWaitMs : nearest - clock.glance().wallMs
    plan(Math.min(longestWaitMs, Math.max(0, Math.ceil(wait))))
  }

  /** Facts of the flight whose clock was moved move with it, as the flight does. */
  const followStep = async (): Promise<void> => {
    pendingStepMs += observation.look()
    const stepMs = pendingStepMs
    const { flightId } = observation
    if (stepMs === 0 || flightId === null) return
    log.info(`Due times of this flight are moved by ${(stepMs / 1_000).toFixed(3)} s with the clock.`)
    pendingStepMs = 0
    try {
      await commits.write(() => store.shift(flightId, stepMs))
    } catch (error) {
      // It is followed at the next look.
      pendingStepMs += stepMs
      throw error
    }
  }

  /** A watcher that cannot be judged keeps no other from it, and is looked at again later. */
  const review = (id: number): void => {
    const nowMs = Math.round(clock.glance().wallMs)
    try {
      desk.review(id, nowMs)
    } catch (error) {
      if (sqliteCode(error) !== null) throw error
      log.error({ err: error }, `The watcher ${id} could not be judged`)
      store.postpone(id, nowMs + longestWaitMs)
    }
  }

  const isFar = (id: number): boolean => (store.load(id)?.facts.reach ?? null) !== null

  /** Before somebody far away is called late, it is found out whether we could be reached at all. */
  const reviewFar = async (ids: readonly number[]): Promise<void> => {
    try {
      await context.connection.check('beyond', freshProofMs)
      if (!isRunning) return
      await commits.write(() => {
        for (const id of ids) review(id)
      })
      desk.announce()
      planNext()
    } catch (error) {
      if (isRunning) log.error({ err: error }, 'Judging watchers failed; it is tried again')
    }
  }

  /** Where jobs report from afar, an outage is to be known with its begin, though no host is probed. */
  const keepInTouch = (): void => {
    const { monotonicMs } = clock.glance()
    if (monotonicMs - lookedMs < keepInTouchMs || !store.hasFar()) return
    lookedMs = monotonicMs
    void context.connection.check('beyond', keepInTouchMs)
  }

  const round = async (): Promise<void> => {
    if (!isRunning || isJudging) return
    isSettling = false
    isJudging = true
    let delayMs: number | null = null
    try {
      await followStep()
      const nowMs = Math.round(clock.glance().wallMs)
      const ids = store.dueIds(nowMs, mostAtOnce)
      let far: number[] = []
      if (ids.length > 0) {
        await commits.write(() => {
          far = ids.filter(isFar)
          for (const id of ids) {
            if (far.includes(id)) store.postpone(id, nowMs + askPatienceMs)
            else review(id)
          }
        })
        desk.announce()
      }
      if (far.length > 0) void reviewFar(far)
      keepInTouch()
    } catch (error) {
      delayMs = retryMs
      if (isRunning) log.error({ err: error }, 'Judging watchers failed; it is tried again')
    } finally {
      isJudging = false
    }
    if (!isRunning) return
    if (delayMs === null) planNext()
    else plan(delayMs)
  }

  return {
    start() {
      isRunning = true
      isSettling = true
      observation.look()
      plan(settleMs)
    },
    stop() {
      isRunning = false
      timer?.cancel()
    },
    replan() {
      const lowest = store.takeLowestWake()
      if (!isRunning || isSettling || isJudging || lowest === null || lowest >= plannedMs) return
      plan(Math.max(0, Math.ceil(lowest - clock.glance().wallMs)))
    },
    noticeStep() {
      void followStep().catch((error: unknown) => log.error({ err: error }, 'Following the clock failed'))
    },
  }
}
