/** A timer that can be called off. */
export interface ShellTimer {
  cancel(): void
}

/** The only way in which the shell reads time; tests hand in one of their own. */
export interface ShellClock {
  /** Wall clock, ms UTC. */
  wallMs(): number
  /** A clock that never jumps, ms. */
  monotonicMs(): number
  after(delayMs: number, callback: () => void): ShellTimer
}

export const systemClock: ShellClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Returns a function that works at once and then at most once in a while (ms), the last call never lost. */
export function throttled(clock: ShellClock, everyMs: number, work: () => void): () => void {
  let isResting = false
  let isAsked = false
  const rest = (): void => {
    isResting = true
    clock.after(everyMs, () => {
      isResting = false
      if (!isAsked) return
      isAsked = false
      work()
      rest()
    })
  }
  return () => {
    if (isResting) {
      isAsked = true
      return
    }
    work()
    rest()
  }
}
