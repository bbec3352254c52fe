import type { Clock } from '../clock.ts'
import type { EchoRequest, EchoResult } from './icmp/echo.ts'
import type { FarScope, Scope } from '../../shared/host-words.ts'

/** Whether this machine's own connection works, found out only when something fails. */

export type Connection = 'online' | 'offline' | 'unknown'

/** What the gate is given. */
export interface GateParts {
  readonly clock: Clock
  echo(request: EchoRequest, done: (result: EchoResult) => void): void
  gateways(): Promise<readonly string[]>
  /** Addresses beyond the gateway that answer whenever the uplink works. */
  anchors(): readonly string[]
  /** Addresses that have answered once: only their silence means something. */
  isProven(address: string): boolean
  answered(address: string): void
  /**
   * Probes a few hosts that were well lately, since gateway and anchors may keep silent while all else works. Resolves when
   * they have answered or had their time; their answers are proofs.
   */
  witnesses(): Promise<void>
  /** Whether a gateway has ever answered. */
  hadGateway(): boolean
  gatewayAnswered(): void
  /** Whether the machine has any address but its own loopback. */
  isLinked(): boolean
}

/** What a look at the connection came to. */
export interface GateView {
  readonly link: Connection
  readonly beyond: Connection
  readonly text: string
  readonly gateways: readonly string[]
  /** Gateways and anchors that were asked in vain. */
  readonly silent: readonly string[]
}

export interface Gate {
  /** Something of that distance answered, which proves the connection up to there. */
  proof(scope: Scope): void
  /**
   * Tells how the connection was at a moment (monotonic ms) or after it: by a proof that came since, else by asking gateway
   * and anchors.
   */
  ask(scope: FarScope, sinceMs: number, done: (connection: Connection) => void): void
  /** Looks at gateway and anchors, and learns which of them answer. */
  look(): Promise<GateView>
  /** Monotonic time at which the connection to that distance was proved last. */
  provenMs(scope: FarScope): number
  readonly last: GateView | null
}

const timeoutMs = 1_000
/** Two echoes each: one may be lost. */
const secondMs = 400
const echoBytes = 32

/** Returns the gate. */
export function createGate(parts: GateParts): Gate {
  const { clock } = parts
  const proofs: Record<FarScope, number> = {
    link: Number.NEGATIVE_INFINITY,
    beyond: Number.NEGATIVE_INFINITY,
  }
  let looking: { readonly sinceMs: number; readonly view: Promise<GateView> } | null = null
  let queued: Promise<GateView> | null = null
  let last: GateView | null = null
  const now = (): number => clock.glance().monotonicMs

  const proof = (scope: Scope): void => {
    if (scope === 'local') return
    proofs.link = now()
    if (scope === 'beyond') proofs.beyond = now()
  }
  /** Resolves with whether any of two echoes was answered. */
  const answers = (address: string): Promise<boolean> =>
    new Promise((resolve) => {
      let open = 2
      const send = (): void =>
        parts.echo({ address, timeoutMs, bytes: echoBytes }, (result) => {
          open -= 1
          if (result.kind === 'answer') {
            parts.answered(address)
            resolve(true)
          } else if (open === 0) resolve(false)
        })
      send()
      clock.after(secondMs, send)
    })

  const evidenceSince = async (sinceMs: number): Promise<GateView> => {
    const gateways = await parts.gateways()
    const anchors = parts.anchors()
    const asked = await Promise.all(
      [...gateways, ...anchors].map(async (address) => ({ address, isThere: await answers(address) })),
    )
    const heard = (list: readonly string[]): boolean =>
      asked.some(({ address, isThere }) => isThere && list.includes(address))
    if (heard(gateways)) parts.gatewayAnswered()
    const silent = asked.flatMap(({ address, isThere }) => (isThere ? [] : [address]))
    const view = (): GateView => ({
      silent,
      ...viewOf({
        gateways,
        gatewayAnswers: heard(gateways),
        gatewayProven: gateways.some((address) => parts.isProven(address)),
        anchorAnswers: heard(anchors),
        anchorProven: anchors.some((address) => parts.isProven(address)),
        hadGateway: parts.hadGateway(),
        isLinked: parts.isLinked(),
        linkProof: proofs.link >= sinceMs,
        beyondProof: proofs.beyond >= sinceMs,
      }),
    })
    const first = view()
    if (first.beyond !== 'offline' && first.link !== 'offline') return first
    await parts.witnesses()
    return view()
  }
  const look = async (): Promise<GateView> => {
    const sinceMs = now()
    const view = await evidenceSince(sinceMs).catch((error: unknown): GateView => {
      const reason = error instanceof Error ? error.message : 'it failed'
      return {
        link: 'unknown',
        beyond: 'unknown',
        text: `the network cannot be looked at: ${reason}`,
        gateways: [],
        silent: [],
      }
    })
    if (view.link === 'online') proofs.link = Math.max(proofs.link, sinceMs)
    if (view.beyond === 'online') proofs.beyond = Math.max(proofs.beyond, sinceMs)
    last = view
    return view
  }
  /** One look at a time; who comes in its midst waits for one more that all of them share. */
  const shared = (sinceMs: number): Promise<GateView> => {
    if (looking && looking.sinceMs >= sinceMs) return looking.view
    if (looking) return (queued ??= looking.view.then(begin))
    return begin()
  }
  const begin = (): Promise<GateView> => {
    queued = null
    const entry = { sinceMs: now(), view: look() }
    looking = entry
    return entry.view.then((view) => {
      if (looking === entry) looking = null
      return view
    })
  }

  return {
    proof,
    ask(scope, sinceMs, done) {
      if (proofs[scope] >= sinceMs) {
        done('online')
        return
      }
      void shared(sinceMs).then((view) => done(proofs[scope] >= sinceMs ? 'online' : view[scope]))
    },
    look: () => shared(now()),
    provenMs: (scope) => proofs[scope],
    get last() {
      return last
    },
  }
}

/** What was heard when the gate asked around. */
export interface Evidence {
  readonly gateways: readonly string[]
  readonly gatewayAnswers: boolean
  readonly gatewayProven: boolean
  readonly anchorAnswers: boolean
  readonly anchorProven: boolean
  /** Whether there has ever been a gateway. */
  readonly hadGateway: boolean
  readonly isLinked: boolean
  readonly linkProof: boolean
  readonly beyondProof: boolean
}

/** Returns what evidence means. Only the silence of somebody who has answered before counts. Pure. */
export function viewOf(evidence: Evidence): Omit<GateView, 'silent'> {
  const { gateways, gatewayAnswers, gatewayProven, anchorAnswers, anchorProven, isLinked } = evidence
  const names = gateways.join(', ')
  if (!isLinked)
    return { link: 'offline', beyond: 'offline', text: 'this machine is in no network', gateways }
  const link: Connection =
    gatewayAnswers || anchorAnswers || evidence.linkProof ? 'online' : gatewayProven ? 'offline' : 'unknown'
  if (anchorAnswers || evidence.beyondProof)
    return { link, beyond: 'online', text: 'the connection works', gateways }
  if (gateways.length === 0 && evidence.hadGateway)
    return { link, beyond: 'offline', text: 'this machine has no gateway any more', gateways }
  if (anchorProven)
    return {
      link,
      beyond: 'offline',
      text: gatewayAnswers
        ? `the gateway ${names} answers, but none of the anchors beyond it does`
        : `neither the gateway ${names} nor any anchor answers`,
      gateways,
    }
  if (gatewayAnswers) return { link, beyond: 'online', text: `the gateway ${names} answers`, gateways }
  return gatewayProven
    ? { link, beyond: 'offline', text: `the gateway ${names} does not answer`, gateways }
    : {
        link,
        beyond: 'unknown',
        text: 'neither gateway nor anchors have ever answered, so nothing can be told',
        gateways,
      }
}
