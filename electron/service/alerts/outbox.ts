import { isoTime } from '../../shared/time-text.ts'
import type { ChannelSettings, MailServer } from '../../shared/api/alerts.ts'
import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Connection } from '../store/open.ts'
import type { ChannelWorld } from './channels/channel.ts'
import { sendDiscord, sendGotify, sendNtfy, sendSlack } from './channels/chats.ts'
import { sendDesktop } from './channels/desktop.ts'
import { sendEmail, sendMail } from './channels/email.ts'
import { sendWebhook } from './channels/webhook.ts'
import { giveUpAfterMs, leastAttempts, mostFinalAttempts, muteOf, retryDelay } from './rules.ts'
import type { ChannelRow, DeliveryRow, Message, SendResult } from './schema.ts'
import { deliveryOf, endDelivery, readChannels, readMessage, readMutes, type DeliveryRaw } from './store.ts'
import { endQuietHours, hasQuietToEnd } from './digest.ts'

/** Delivers what waits. Every delivery is tried until it ends; what was being sent when the service died is sent again. */
export interface Outbox {
  start(): void
  stop(): void
  /** Looks for work now. */
  wake(): void
  /** Sends one message outside the outbox, for the test button. */
  sendNow(channel: ChannelRow, message: Message): Promise<SendResult>
  /** Resolves when nothing is being sent. */
  idle(): Promise<void>
}

const longestWaitMs = 30_000
const mostPerReceiver = 50
/** Stands for our own work among those that rest. */
const own = 'ourselves'
/** A clock set back must not hold a retry up for longer than the longest retry waits. */
const beyondReachMs = 2 * 3_600_000

/** Mail server of watchers with addresses of their own, when no mail channel is set up (Night's Watch). */
const localMailServer = (host: string): MailServer => ({
  host: 'localhost',
  port: 25,
  security: 'none',
  from: `watchkeeper@${/^[\w.-]+$/.test(host) ? host : 'localhost'}`,
})

/** Returns the outbox of a service. `origin` is where people open the UI, once that is known. */
export function createOutbox(context: RoomContext, world: ChannelWorld, origin: () => string | null): Outbox {
  const { db, clock, commits } = context
  const log = context.log.child({ name: 'ALERTS' })
  const busy = new Map<string, Promise<void>>()
  /** What came of sendings that could not be written down yet: only the writing is tried again. */
  const unwritten = new Map<number, SendResult>()
  /** Receivers that are left alone for a while after a failure of our own; by the monotonic clock. */
  const resting = new Map<string, { untilMs: number; failures: number }>()
  let timer: Timer | null = null
  let isRunning = false
  const now = (): number => Math.round(clock.glance().wallMs)

  const sendBy = (channel: ChannelRow, message: Message): Promise<SendResult> => {
    switch (channel.kind) {
      case 'desktop':
        return sendDesktop(message, channel.settings, world)
      case 'email':
        return sendEmail(message, channel.settings as ChannelSettings['email'], world)
      case 'webhook':
        return sendWebhook(message, channel.settings as ChannelSettings['webhook'], world)
      case 'ntfy':
        return sendNtfy(message, channel.settings as ChannelSettings['ntfy'], world)
      case 'slack':
        return sendSlack(message, channel.settings as ChannelSettings['slack'], world)
      case 'discord':
        return sendDiscord(message, channel.settings as ChannelSettings['discord'], world)
      case 'gotify':
        return sendGotify(message, channel.settings as ChannelSettings['gotify'], world)
      default:
        return channel.kind satisfies never
    }
  }

  const attempt = async (delivery: DeliveryRow, message: Message): Promise<SendResult> => {
    const channels = readChannels(db)
    try {
      if (delivery.channelId === null) {
        const mail = channels.find(({ kind, enabled }) => kind === 'email' && enabled)
        const server = mail
          ? serverOf(mail.settings as ChannelSettings['email'])
          : localMailServer(world.host)
        return await sendMail(message, server, delivery.recipients ?? [], world)
      }
      const channel = channels.find(({ id }) => id === delivery.channelId)
      if (!channel) return { sent: false, reason: 'the channel was removed', isHopeless: true }
      if (!channel.enabled) return { sent: false, reason: 'the channel is switched off', isHopeless: true }
      return await sendBy(channel, message)
    } catch (error) {
      return { sent: false, reason: error instanceof Error ? error.message : String(error) }
    }
  }

  const settle = (delivery: DeliveryRow, message: Message, result: SendResult): void => {
    const nowMs = now()
    const attempts = delivery.attempts + 1
    if (result.sent) {
      db.prepare('UPDATE delivery SET attempts = ? WHERE id = ?').run(attempts, delivery.id)
      // It went out after all, though its recovery was to tell of it.
      db.prepare("UPDATE delivery SET state = 'waiting' WHERE id = ? AND state = 'held'").run(delivery.id)
      endDelivery(db, delivery.id, 'sent', result.note ?? null, nowMs)
      return
    }
    const isHopeless =
      result.isHopeless === true || (result.isFinal === true && attempts >= mostFinalAttempts)
    const isTooOld = nowMs - message.atMs >= giveUpAfterMs && attempts >= leastAttempts
    db.prepare('UPDATE delivery SET attempts = ?, reason = ? WHERE id = ?').run(
      attempts,
      result.reason,
      delivery.id,
    )
    if (isHopeless || isTooOld) {
      endDelivery(db, delivery.id, 'failed', result.reason, nowMs)
      log.warn(`Notice ${message.noticeId} could not be told: ${result.reason}`)
      return
    }
    const nextMs = nowMs + retryDelay(attempts, result.retryAfterMs ?? null)
    // What waits for the same receiver waits with it, so that nothing overtakes and nobody is pressed.
    db.prepare(
      `UPDATE delivery SET next_ms = max(next_ms, ?) WHERE state = 'waiting' AND (id = ? OR (${receiverKey} = (
         SELECT ${receiverKey} FROM delivery WHERE id = ?) AND ?))`,
    ).run(nextMs, delivery.id, delivery.id, result.isFinal === true ? 0 : 1)
  }

  /** A mute that was made while a notice waited holds it, too. */
  const isMutedNow = async (delivery: DeliveryRow, { noticeId, incidentId }: Message): Promise<boolean> => {
    const nowMs = now()
    const notice = db.prepare('SELECT room, item FROM notice WHERE id = ?').get(noticeId) as
      { room: string; item: string | null } | undefined
    const mute = notice?.item == null ? null : muteOf(readMutes(db, nowMs), notice.room, notice.item, nowMs)
    if (mute === null || unwritten.has(delivery.id)) return false
    await commits.write(() => {
      endDelivery(db, delivery.id, 'muted', `muted until ${isoTime(mute.untilMs)}`, nowMs)
      db.prepare('UPDATE incident SET remind_at_ms = ? WHERE id = ? AND closed_ms IS NULL').run(
        mute.untilMs,
        incidentId,
      )
    })
    return true
  }

  /** One receiver gets its notices one after the other, in their order. */
  const serve = async (deliveries: readonly DeliveryRow[]): Promise<void> => {
    for (const delivery of deliveries) {
      if (!isRunning) return
      const state = db.prepare('SELECT state FROM delivery WHERE id = ?').pluck().get(delivery.id)
      const message = readMessage(db, delivery.noticeId, origin())
      if (state !== 'waiting' || !message) continue
      if (await isMutedNow(delivery, message)) continue
      const result = unwritten.get(delivery.id) ?? (await attempt(delivery, message))
      unwritten.set(delivery.id, result)
      // Written down even while the service stops, or it would be sent again.
      await commits.write(() => settle(delivery, message, result))
      unwritten.delete(delivery.id)
      context.changed('notices')
      // A receiver that does not answer will not answer the next one either.
      if (!result.sent && result.isFinal !== true) return
    }
  }

  const round = async (): Promise<void> => {
    timer = null
    if (!isRunning) return
    try {
      const nowMs = now()
      if (hasQuietToEnd(db, nowMs)) await commits.write(() => endQuietHours(db, nowMs))
      for (const [key, deliveries] of waiting(db, nowMs)) {
        if (busy.has(key) || isResting(key)) continue
        const work = serve(deliveries)
          .then(() => {
            resting.delete(key)
          })
          .catch((error: unknown) => {
            if (isRunning) log.error({ err: error }, 'Delivering notices failed; it is tried again')
            rest(key)
          })
          .finally(() => {
            busy.delete(key)
            if (isRunning && timer !== null) plan()
          })
        busy.set(key, work)
      }
      resting.delete(own)
    } catch (error) {
      if (isRunning) log.error({ err: error }, 'Delivering notices failed; it is tried again')
      rest(own)
    }
    plan()
  }

  const rest = (key: string): void => {
    const failures = (resting.get(key)?.failures ?? 0) + 1
    resting.set(key, {
      failures,
      untilMs: clock.glance().monotonicMs + Math.min(60_000, 500 * 2 ** failures),
    })
  }

  const isResting = (key: string): boolean => (resting.get(key)?.untilMs ?? 0) > clock.glance().monotonicMs

  const plan = (): void => {
    timer?.cancel()
    if (!isRunning) return
    const idle = [...resting.keys()].filter(isResting)
    const next = nearest(db, [...busy.keys(), ...idle])
    const rests = idle.map((key) => (resting.get(key)?.untilMs ?? 0) - clock.glance().monotonicMs)
    const due = next === null || idle.includes(own) ? longestWaitMs : Math.max(0, next - now())
    const wait = Math.min(longestWaitMs, due, ...rests)
    timer = clock.after(wait, () => void round())
  }

  return {
    start() {
      isRunning = true
      plan()
    },
    stop() {
      isRunning = false
      timer?.cancel()
    },
    wake: plan,
    sendNow: (channel, message) => sendBy(channel, message),
    async idle() {
      while (busy.size > 0) await Promise.all(busy.values())
    },
  }
}

function serverOf({ host, port, security, user, password, from }: ChannelSettings['email']): MailServer {
  return {
    host,
    port,
    security,
    from,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
  }
}

const receiverKey = "coalesce(channel_id, 'to ' || recipients)"

/** Returns what is due by receiver, each in the order of its notices. */
function waiting(db: Connection, nowMs: number): Map<string, DeliveryRow[]> {
  const rows = db
    .prepare(
      `SELECT * FROM (SELECT *, ${receiverKey} AS receiver, row_number() OVER (PARTITION BY ${receiverKey} ORDER BY id) AS place
         FROM delivery WHERE state = 'waiting' AND (next_ms <= ? OR next_ms > ?))
       WHERE place <= ${mostPerReceiver} ORDER BY id`,
    )
    .all(nowMs, nowMs + giveUpAfterMs + beyondReachMs) as (DeliveryRaw & { receiver: string | number })[]
  const groups = new Map<string, DeliveryRow[]>()
  for (const row of rows) {
    const key = String(row.receiver)
    const group = groups.get(key) ?? []
    group.push(deliveryOf(row))
    groups.set(key, group)
  }
  return groups
}

function nearest(db: Connection, busy: readonly string[]): number | null {
  const marks = busy.map(() => '?').join()
  return (
    (db
      .prepare(
        `SELECT min(next_ms) FROM delivery WHERE state IN ('waiting', 'quiet')
         ${busy.length > 0 ? `AND CAST(${receiverKey} AS TEXT) NOT IN (${marks})` : ''}`,
      )
      .pluck()
      .get(...busy) as number | null) ?? null
  )
}
