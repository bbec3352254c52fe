import type { Source } from '../../../shared/vocabulary.ts'

/** A run of the machine read from another program's records. Times in ms UTC. */
export interface FoundRun {
  /** Stays the same when the same run is read again. */
  readonly key: string
  readonly beginMs: number
  readonly endMs: number
  readonly asleepMs: number
  readonly bootId: string | null
  readonly os: string | null
  readonly ended: 'clean' | 'unclean' | null
}

/** A flight of flight-recorder's own table; times in seconds, as it keeps them. */
export interface FoundFlight {
  readonly id: number
  readonly duration: number
  readonly lastTs: number
}

/** What one source held. */
export type Found =
  | { readonly source: 'flight-recorder'; readonly flights: readonly FoundFlight[] }
  | {
      readonly source: Exclude<Source, 'watchkeeper' | 'flight-recorder'>
      readonly runs: readonly FoundRun[]
    }

/** The machine that imports: it tells a run that still goes on from one whose end is not known. */
export interface PresentMachine {
  readonly nowMs: number
  /** null where the system does not tell */
  readonly bootedAtMs: number | null
}

/** A source that cannot be read, with a sentence for the user. */
export class ImportError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImportError'
  }
}
