import { plainFacts } from '../context.ts'
import { stormWords } from './words.ts'
import { severities, type Severity } from '../../shared/alert-words.ts'
import { isoTime } from '../../shared/time-text.ts'
import { quietUntil, stormSize } from './rules.ts'
import { insertDelivery, insertNotice } from './store.ts'
import type { Planned, Receiver, World } from './policy.ts'

/** From what is to be told to deliveries. */

/** Writes a delivery of a notice to a receiver, on its way or with how it ended. */
export function put(
  { db, nowMs }: World,
  noticeId: number,
  { channel, recipients, name }: Receiver,
  state: 'waiting' | 'quiet' | 'held' | 'muted',
  reason: string | null,
  nextMs: number | null = null,
): void {
  insertDelivery(
    db,
    { noticeId, channelId: channel?.id ?? null, channelName: name, recipients, state, reason, nextMs },
    nowMs,
  )
}

/**
 * Puts notices on their way, each receiver's in the order of what happened: many of one kind become one, and quiet hours
 * keep them until their end.
 */
export function deliverTogether(world: World, planned: readonly Planned[]): void {
  const byReceiver = new Map<string, { receiver: Receiver; list: Planned[] }>()
  for (const plan of planned) {
    for (const receiver of plan.receivers) {
      const group = byReceiver.get(receiver.key) ?? { receiver, list: [] }
      group.list.push(plan)
      byReceiver.set(receiver.key, group)
    }
  }
  const storms = new Map<string, number>()
  for (const { receiver, list } of byReceiver.values()) {
    const kept = newestOfEach(world, receiver, list)
    const sent: number[] = []
    for (const severity of severities) {
      const alike = kept.filter((plan) => plan.severity === severity)
      if (alike.length < stormSize) {
        sent.push(...alike.map(({ noticeId }) => noticeId))
        continue
      }
      const key = `${severity}\n${alike.map(({ noticeId }) => noticeId).join()}`
      const stormId = storms.get(key) ?? insertStorm(world, severity, alike)
      storms.set(key, stormId)
      sent.push(stormId)
      for (const { noticeId } of alike)
        put(world, noticeId, receiver, 'held', `told in one notice with ${alike.length - 1} others`)
    }
    for (const noticeId of sent.sort((x, y) => x - y)) send(world, noticeId, receiver)
  }
}

/**
 * What happened to one item again and again in a moment is told once, as it stands at the end. A watcher's own addresses
 * get its problem and its recovery both, as Night's Watch sends them.
 */
function newestOfEach(world: World, receiver: Receiver, list: readonly Planned[]): Planned[] {
  const keyOf = ({ transition, severity }: Planned): string =>
    `${transition.room}/${transition.item}${receiver.channel === null ? `/${severity}` : ''}`
  const newest = new Map(list.map((plan) => [keyOf(plan), plan]))
  return list.filter((plan) => {
    if (newest.get(keyOf(plan)) === plan) return true
    put(world, plan.noticeId, receiver, 'held', 'told together with a later change of the same moment')
    return false
  })
}

function insertStorm({ db, nowMs }: World, severity: Severity, list: readonly Planned[]): number {
  const words = stormWords(
    severity,
    list.map(({ transition }) => transition),
  )
  const first = list[0]?.transition
  return insertNotice(db, {
    atMs: nowMs,
    kind: 'storm',
    severity,
    title: words.title,
    text: words.text,
    room: first?.room ?? 'watchers',
    item: null,
    incidentId: null,
    facts: {
      ...plainFacts(words.title, words.text),
      details: words.details,
      path: `/${first?.room ?? 'watchers'}`,
    },
  })
}

function send(world: World, noticeId: number, receiver: Receiver): void {
  const untilMs = receiver.channel === null ? null : quietUntil(receiver.channel.quiet, world.nowMs)
  if (untilMs === null) put(world, noticeId, receiver, 'waiting', null, backingOffUntil(world, receiver))
  else put(world, noticeId, receiver, 'quiet', `quiet hours until ${isoTime(untilMs)}`, untilMs)
}

/** A receiver that asked for time, or does not answer, is given it for newer notices too, which thus overtake no older one. */
function backingOffUntil({ db, nowMs }: World, { channel, recipients }: Receiver): number {
  const latest = db
    .prepare(
      `SELECT max(next_ms) FROM delivery WHERE state = 'waiting' AND attempts > 0 AND channel_id IS ? AND recipients IS ?`,
    )
    .pluck()
    .get(channel?.id ?? null, recipients === null ? null : JSON.stringify(recipients)) as number | null
  return Math.max(nowMs, latest ?? nowMs)
}
