/** What can be wrong with what was asked of a host. */
export type HostErrorKind =
  'not-found' | 'ambiguous' | 'domain-taken' | 'bad-setting' | 'no-change' | 'already-so'

/** A request about a host that cannot be met, with a sentence. */
export class HostError extends Error {
  readonly kind: HostErrorKind

  constructor(kind: HostErrorKind, message: string) {
    super(message)
    this.name = 'HostError'
    this.kind = kind
  }
}
