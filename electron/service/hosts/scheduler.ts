import type { Clock, Timer } from '../clock.ts'

/** Something that is done again and again, from start to start. */
export interface Task {
  /** Length of the interval (ms). */
  intervalMs: number
  /** Next time of its own rhythm (monotonic ms), which never drifts. */
  gridMs: number
  /** Next time it is done: that of its rhythm, or sooner when asked for (monotonic ms). */
  dueMs: number
  /** True while it is being done; a time that falls due meanwhile is left out and counted. */
  isBusy: boolean
  /** True when it was asked for while it was being done. */
  isWantedAgain: boolean
  skipped: number
  /** False once it is taken out. */
  isPlanned: boolean
  run(): void
}

/** Does tasks at their times, with one timer for the nearest. */
export interface Scheduler {
  /** Plans a task's first time so long from now (ms); its rhythm goes on from there. */
  add(task: Task, firstMs: number): void
  /** Has a task done so long from now (ms) at the latest; its rhythm stays. */
  hasten(task: Task, delayMs: number): void
  remove(task: Task): void
  /** Says that a task is done, which may have been asked for again meanwhile. */
  ended(task: Task): void
  stop(): void
}

/**
 * Tasks are done at multiples of this (ms), those of one moment together: a wake-up of the machine costs more than an echo.
 * Rhythms keep their length exactly.
 */
const slotMs = 20

interface Slot {
  readonly atMs: number
  readonly tasks: Task[]
}

/** Returns a scheduler that does nothing before a task is added. */
export function createScheduler(clock: Clock): Scheduler {
  const slots = new Map<number, Slot>()
  /** The times of the slots, the nearest at the end. */
  let order: number[] = []
  let timer: Timer | null = null
  let timerMs = Number.POSITIVE_INFINITY
  let isStopped = false
  const now = (): number => clock.glance().monotonicMs

  const push = (task: Task): void => {
    const atMs = slotOf(task.dueMs)
    const slot = slots.get(atMs)
    if (slot) {
      slot.tasks.push(task)
      return
    }
    slots.set(atMs, { atMs, tasks: [task] })
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((order[middle] ?? 0) > atMs) low = middle + 1
      else high = middle
    }
    order.splice(low, 0, atMs)
  }
  const plan = (): void => {
    const nextMs = order[order.length - 1]
    if (isStopped || nextMs === undefined || nextMs >= timerMs) return
    timer?.cancel()
    timerMs = nextMs
    timer = clock.after(Math.max(0, nextMs - now()), turn)
  }
  const turn = (): void => {
    timer = null
    timerMs = Number.POSITIVE_INFINITY
    // Timers are no more exact than a millisecond.
    const nowMs = now() + 1
    for (
      let atMs = order[order.length - 1];
      atMs !== undefined && atMs <= nowMs;
      atMs = order[order.length - 1]
    ) {
      order.pop()
      const slot = slots.get(atMs)
      slots.delete(atMs)
      for (const task of slot?.tasks ?? []) doIt(task, atMs, nowMs)
    }
    if (order.length === 0) order = []
    plan()
  }
  const doIt = (task: Task, atMs: number, nowMs: number): void => {
    // A task that was hastened or taken out leaves entries behind that mean nothing any more.
    if (!task.isPlanned || slotOf(task.dueMs) !== atMs) return
    const isGrid = task.dueMs >= task.gridMs
    if (isGrid) task.gridMs = nextGrid(task, nowMs)
    task.dueMs = task.gridMs
    push(task)
    if (!task.isBusy) task.run()
    else if (isGrid) task.skipped += 1
    else task.isWantedAgain = true
  }

  return {
    add(task, firstMs) {
      task.isPlanned = true
      task.gridMs = slotOf(now() + firstMs)
      task.dueMs = task.gridMs
      push(task)
      plan()
    },
    hasten(task, delayMs) {
      const atMs = now() + delayMs
      if (!task.isPlanned || atMs >= task.dueMs) return
      task.dueMs = atMs
      push(task)
      plan()
    },
    remove(task) {
      task.isPlanned = false
      task.isWantedAgain = false
    },
    ended(task) {
      task.isBusy = false
      if (!task.isWantedAgain) return
      task.isWantedAgain = false
      this.hasten(task, 0)
    },
    stop() {
      isStopped = true
      timer?.cancel()
    },
  }
}

/** Returns the moment at which a time's tasks are done. */
function slotOf(ms: number): number {
  return Math.ceil(ms / slotMs) * slotMs
}

/** Returns the next time of a rhythm after now: times that were missed are left out, and the rhythm stays. */
function nextGrid({ gridMs, intervalMs }: Task, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - gridMs) / intervalMs))
  return gridMs + (missed + 1) * intervalMs
}
