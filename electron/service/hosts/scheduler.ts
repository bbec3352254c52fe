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

/** Tasks that fall due within so many ms are done together, since every timer costs. */
const togetherMs = 2

interface Entry {
  readonly atMs: number
  readonly task: Task
}

/** Returns a scheduler that does nothing before a task is added. */
export function createScheduler(clock: Clock): Scheduler {
  const heap: Entry[] = []
  let timer: Timer | null = null
  let timerMs = Number.POSITIVE_INFINITY
  let isStopped = false
  const now = (): number => clock.glance().monotonicMs

  const push = (task: Task): void => {
    const entry = { atMs: task.dueMs, task }
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = heap[above] as Entry
      if (other.atMs <= entry.atMs) break
      heap[at] = other
      at = above
    }
    heap[at] = entry
  }
  const pop = (): void => {
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if ((heap[below + 1]?.atMs ?? Number.POSITIVE_INFINITY) < (heap[below] as Entry).atMs) below += 1
      const other = heap[below] as Entry
      if (other.atMs >= last.atMs) break
      heap[at] = other
      at = below
    }
    heap[at] = last
  }
  const plan = (): void => {
    const head = heap[0]
    if (isStopped || !head || head.atMs >= timerMs) return
    timer?.cancel()
    timerMs = head.atMs
    timer = clock.after(Math.max(0, head.atMs - now()), turn)
  }
  const turn = (): void => {
    timer = null
    timerMs = Number.POSITIVE_INFINITY
    const nowMs = now()
    for (let head = heap[0]; head && head.atMs <= nowMs + togetherMs; head = heap[0]) {
      pop()
      const { task } = head
      // A task that was hastened or taken out leaves entries behind that mean nothing any more.
      if (!task.isPlanned || head.atMs !== task.dueMs) continue
      const isGrid = task.dueMs >= task.gridMs
      if (isGrid) task.gridMs = nextGrid(task, nowMs)
      task.dueMs = task.gridMs
      push(task)
      if (!task.isBusy) task.run()
      else if (isGrid) task.skipped += 1
      else task.isWantedAgain = true
    }
    plan()
  }

  return {
    add(task, firstMs) {
      task.isPlanned = true
      task.gridMs = now() + firstMs
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

/** Returns the next time of a rhythm after now: times that were missed are left out, and the rhythm stays. */
function nextGrid({ gridMs, intervalMs }: Task, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs + togetherMs - gridMs) / intervalMs))
  return gridMs + (missed + 1) * intervalMs
}
