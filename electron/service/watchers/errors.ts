/** What can be wrong with what was asked of a watcher. */
export type WatcherErrorKind =
  | 'not-found'
  | 'slug-taken'
  | 'changed-meanwhile'
  | 'bad-slug'
  | 'bad-schedule'
  | 'bad-setting'
  | 'already-paused'
  | 'already-unpaused'
  | 'no-change'

/** A request about a watcher that cannot be met, with a sentence. */
export class WatcherError extends Error {
  readonly kind: WatcherErrorKind
  /** For a slug that is taken: the code of the watcher that has it. */
  readonly holder: string | null

  constructor(kind: WatcherErrorKind, message: string, holder: string | null = null) {
    super(message)
    this.name = 'WatcherError'
    this.kind = kind
    this.holder = holder
  }
}
