/** What can time: the clocks of the service and of the shell alike. */
export interface Timers {
  after(delayMs: number, callback: () => void): { cancel(): void }
}

/** Returns a function that is called at once and then at most once in a while, the last call never lost. */
export function throttle(clock: Timers, everyMs: number, work: () => void): { call(): void; stop(): void } {
  let timer: { cancel(): void } | null = null
  let isWaiting = false
  const run = (): void => {
    timer = null
    if (!isWaiting) return
    isWaiting = false
    work()
    timer = clock.after(everyMs, run)
  }
  return {
    call() {
      isWaiting = true
      if (timer === null) run()
    },
    stop() {
      timer?.cancel()
      isWaiting = false
    },
  }
}
