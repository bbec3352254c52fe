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
