import type { EchoWay } from '../../../shared/host-words.ts'

/** How an echo ended. */
export type EchoResult =
  | {
      readonly kind: 'answer'
      readonly ms: number
      /** Who answered; null where the way does not tell. */
      readonly from: string | null
    }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable'; readonly text: string }
  /** The fault is this machine's: no route, no permission, no buffer. */
  | { readonly kind: 'fault'; readonly text: string }

export interface EchoRequest {
  /** An IP address, never a name. */
  readonly address: string
  readonly timeoutMs: number
  readonly bytes: number
}

/** One way of sending echoes. `done` is called once for each, never from within `send`. */
export interface Echoer {
  readonly way: EchoWay
  send(request: EchoRequest, done: (result: EchoResult) => void): void
  /** Ends what is on its way without an answer and gives everything back. */
  stop(): Promise<void>
}

/** A way that this system does not offer, with the reason and what would open it. */
export interface Refusal {
  readonly way: EchoWay
  readonly why: string
  readonly fix: string | null
}
