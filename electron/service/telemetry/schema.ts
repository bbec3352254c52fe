/** What the tables of records hold, as the room works with it. */

/** A record that a client sent, after every check. */
export interface NewRecord {
  readonly recordVersion: number
  readonly severity: number
  readonly classification: string
  readonly machine: string
  /** Seconds since the epoch by the client's clock, which nobody vouches for. */
  readonly clientS: number
  readonly arch: string
  readonly hostType: string
  readonly kernel: string
  readonly board: string
  readonly cpu: string
  readonly bios: string
  readonly event: string
  readonly system: string
  readonly build: string
  readonly payloadVersion: number
  readonly external: boolean
  readonly payload: string
}

/** A record as it is stored. */
export interface StoredRecord extends NewRecord {
  readonly id: number
  /** When it came, by our clock (ms UTC). */
  readonly serverMs: number
  readonly guiltyId: number | null
}

/** A stored record without its payload, for lists. */
export type ListedRecord = Omit<StoredRecord, 'payload'> & { readonly payload: string | null }

/** What became of a record. */
export interface Accepted {
  /** `repeated` when the very same record had come before, `counted` when the storm guard only counted it. */
  readonly outcome: 'stored' | 'repeated' | 'counted'
  /** Null for a record that was only counted. */
  readonly id: number | null
  readonly serverMs: number
}

/** A frame by which crashes are grouped. */
export interface Frame {
  readonly function: string
  readonly module: string
}

/** A frame that was blamed, with what users decided of it. */
export interface GuiltyRow {
  readonly id: number
  readonly function: string
  readonly module: string
  readonly comment: string
  readonly hidden: number
  readonly first_ms: number
  readonly last_ms: number
  readonly first_build_id: number | null
  readonly fixed_ms: number | null
  readonly fixed_build: string | null
  readonly back_ms: number | null
  readonly counted: number
}

/** Which records are asked for; all that is given must hold. */
export interface RecordFilter {
  /** Exact, or with `*` or `%` for any characters. */
  readonly classification?: string
  readonly severity?: number
  readonly machine?: string
  readonly build?: string
  readonly system?: string
  readonly external?: boolean
  readonly guiltyId?: number
  readonly event?: string
  /** Strictly after this server time (ms UTC). */
  readonly receivedAfterMs?: number
  /** Strictly before this server time (ms UTC). */
  readonly receivedBeforeMs?: number
  /** Strictly after this client time (s). */
  readonly capturedAfterS?: number
  /** At or after, and before, these client times (s). */
  readonly capturedFromS?: number
  readonly capturedToS?: number
  readonly fromId?: number
  /** Regular expressions of JavaScript that the payload must match, or must not. */
  readonly payload?: string
  readonly notPayload?: string
}
