import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { alertRooms } from '../shared/alert-words.ts'
import type { FarScope, Scope } from '../shared/host-words.ts'
import type { BlindReason } from '../shared/watcher-words.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { Reader } from './reader/queries.ts'
import type { GroupCommit } from './store/group-commit.ts'
import type { Connection } from './store/open.ts'
import type { Series } from './store/series/series.ts'

/** What changed, for whoever follows the event stream. */
export type Topic =
  'machine' | 'history' | 'service' | 'watchers' | 'hosts' | 'telemetry' | 'health' | 'notices'

/** A stretch of wall time in which nobody looked, and so nothing can be said. */
export interface BlindSpan {
  readonly fromMs: number
  readonly toMs: number
  readonly why: BlindReason
}

/**
 * What something is known by: signals of this machine, of its networks or of beyond them, which reach us only while we are there
 * and connected; or something that lasts, such as a file, which tells afterwards as well.
 */
export type Vantage = Scope | 'lasting'

/** The stretches in which nobody looked, for each way of knowing. */
export type Blindness = Readonly<Record<Vantage, readonly BlindSpan[]>>

/** Answers “were we looking at time t?”. Rooms ask it before they call anything late or down. */
export interface Observation {
  /** The flight that is being recorded; null before the first stamp. */
  readonly flightId: number | null
  /** Every stretch in which nobody looked, oldest first, none touching another; as seen from this machine unless told otherwise. */
  blindSpans(vantage?: Vantage): readonly BlindSpan[]
  /**
   * Notes a sleep, a stall or a step of the wall clock at once, rather than at the next stamp.
   *
   * @returns how far (ms) the wall clock has jumped since the last call; 0 when it has not
   */
  look(): number
  /** Calls back after each step of the wall clock that was noticed, with its size (ms). */
  onStep(listener: (stepMs: number) => void): void
}

/** Returns all that an observation knows; what nobody asks of it is not put together, since every trigger asks. */
export function blindnessOf(observation: Observation): Blindness {
  return {
    get local() {
      return observation.blindSpans('local')
    },
    get link() {
      return observation.blindSpans('link')
    },
    get beyond() {
      return observation.blindSpans('beyond')
    },
    get lasting() {
      return observation.blindSpans('lasting')
    },
  }
}

/** This machine's own connection, as other rooms ask for it. */
export interface ConnectionView {
  scopeOf(address: string): Scope
  /** Something reached us from there, which proves the connection up to there. */
  heard(scope: Scope): void
  /** Tells how the connection is, unless it was proved within `freshMs`; an outage that this finds is written down. */
  check(scope: FarScope, freshMs: number): Promise<'online' | 'offline' | 'unknown'>
}

/** A change of state that somebody may have to be told of. */
export interface NewTransition {
  readonly atMs: number
  readonly room: (typeof alertRooms)[number]
  /** What it happened to, within its room. */
  readonly item: string
  readonly kind: 'problem' | 'recovery' | 'info' | 'update'
  readonly from: string
  readonly to: string
  readonly facts: TransitionFacts
}

/** What a notice says of a transition; written down with it, so that a later change or removal does not alter it. */
export interface TransitionFacts {
  readonly name: string
  /** The sentence that is told. */
  readonly text: string
  readonly details: readonly string[]
  readonly tags: readonly string[]
  readonly slug: string
  /** Unguessable address of the item for templates; empty where there is none. */
  readonly code: string
  /** Path of the item in the UI, such as `/watchers/abcdefgh`. */
  readonly path: string
  /** Ids of the channels that are told; null for all. */
  readonly channels: readonly number[] | null
  /** Addresses that are told by e-mail beside the channels. */
  readonly emails: readonly string[]
  /** Subject and text of the e-mail, where another program's wording is kept. */
  readonly mail: { readonly subject: string; readonly text: string } | null
  readonly remindMs: number | null
  readonly exitStatus: number | null
  readonly body: string
  /** Why nobody is to be told now, such as a parent that is down; left out when people are told. */
  readonly heldBy?: string
  /** Names of what else is touched by it. */
  readonly affected?: readonly string[]
}

/** Returns facts that say no more than a name and a sentence, for everybody. */
export function plainFacts(name: string, text: string): TransitionFacts {
  return {
    name,
    text,
    details: [],
    tags: [],
    slug: '',
    code: '',
    path: '/notices',
    channels: null,
    emails: [],
    mail: null,
    remindMs: null,
    exitStatus: null,
    body: '',
  }
}

/** Where rooms write their changes of state. */
export interface Transitions {
  /** Writes a transition in the transaction that runs; whoever tells people is woken after it. */
  record(transition: NewTransition): void
  /** Brings what is still told of an open problem in line with changed settings, in the transaction that runs. */
  refresh(room: NewTransition['room'], item: string, facts: Partial<TransitionFacts>): void
}

/** A maintenance window that is open. */
export interface Silence {
  readonly name: string
  readonly untilMs: number
  covers(room: NewTransition['room'], item: string, tags: readonly string[]): boolean
}

/** Asks what is silenced; rooms leave such time out of their figures. */
export interface Silences {
  maintenance(nowMs: number): readonly Silence[]
}

/** What every room is given; rooms know nothing else of each other or of the service around them. */
export interface RoomContext {
  readonly version: string
  readonly databaseFolder: string
  /** The service's own connection; what takes long is asked of `reader` instead. */
  readonly db: Connection
  readonly reader: Reader
  readonly clock: Clock
  readonly log: Log
  /** One transaction for the writes of all requests of a moment. */
  readonly commits: GroupCommit
  /** Measurements of all rooms, started and stopped by the service. */
  readonly series: Series
  readonly observation: Observation
  readonly connection: ConnectionView
  readonly transitions: Transitions
  readonly silences: Silences
  /** Tells the followers of the event stream that a topic changed. */
  changed(topic: Topic): void
}

/** The HTTP server as a room sees it: typed by its schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What a room adds to the HTTP server. */
export interface RoomRoutes {
  routes(app: App): void
  /** Registers the room's metrics and returns a function that brings them up to date before each scrape. */
  metrics?(registry: Registry): Promise<() => Promise<void>>
}
