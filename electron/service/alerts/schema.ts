import type { ChannelSettings, QuietHours } from '../../shared/api/alerts.ts'
import type { ChannelKind, DeliveryState, NoticeKind, Severity } from '../../shared/alert-words.ts'
import type { NewTransition, TransitionFacts } from '../context.ts'

/** A transition that waits to be told. Times in ms UTC. */
export interface TransitionRow {
  readonly id: number
  readonly atMs: number
  readonly room: NewTransition['room']
  readonly item: string
  readonly kind: 'problem' | 'recovery' | 'info' | 'update'
  readonly to: string
  readonly facts: TransitionFacts
}

/** A way by which people are told. */
export interface ChannelRow<Kind extends ChannelKind = ChannelKind> {
  readonly id: number
  readonly kind: Kind
  readonly name: string
  readonly enabled: boolean
  readonly settings: ChannelSettings[Kind]
  readonly quiet: QuietHours | null
}

export interface IncidentRow {
  readonly id: number
  readonly room: NewTransition['room']
  readonly item: string
  readonly name: string
  readonly openedMs: number
  readonly closedMs: number | null
  readonly acknowledgedMs: number | null
  readonly reminders: number
  readonly remindAtMs: number | null
  /** What was told of it, and names of what else it touched. */
  readonly text: string
  readonly affected: readonly string[]
  /** Path of its item in the UI. */
  readonly path: string
}

export interface MuteRow {
  readonly id: number
  readonly room: string | null
  readonly item: string | null
  readonly fromMs: number
  readonly untilMs: number
  readonly note: string
}

/** One notice on its way to one channel, or to addresses of its own. */
export interface DeliveryRow {
  readonly id: number
  readonly noticeId: number
  readonly channelId: number | null
  readonly recipients: readonly string[] | null
  readonly state: DeliveryState
  readonly attempts: number
}

/** What is told, as every channel gets it. */
export interface Message {
  readonly noticeId: number
  readonly incidentId: number | null
  readonly atMs: number
  readonly kind: NoticeKind
  readonly severity: Severity
  readonly title: string
  readonly text: string
  readonly facts: TransitionFacts
  /** Address of the item in the UI; null when nobody could open it. */
  readonly link: string | null
}

/** How a sending ended. */
export type SendResult =
  | {
      readonly sent: true
      /** What went wrong all the same, such as one of several addresses that was refused. */
      readonly note?: string
    }
  | {
      readonly sent: false
      readonly reason: string
      /** The receiver asked to wait this long (ms). */
      readonly retryAfterMs?: number
      /** Trying again would change nothing. */
      readonly isFinal?: boolean
      /** There is nobody to tell: not even a second try makes sense. */
      readonly isHopeless?: boolean
    }
