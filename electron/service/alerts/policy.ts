import { plainFacts } from '../context.ts'
import { stormWords, titleOf } from './words.ts'
import { severities, type Severity } from '../../shared/alert-words.ts'
import { isoTime } from '../../shared/time-text.ts'
import type { Connection } from '../store/open.ts'
import { maintenanceOf, readMaintenance, type MaintenanceRow } from './maintenance.ts'
import { muteOf, quietUntil, reminderDelay, stormSize } from './rules.ts'
import type { ChannelRow, IncidentRow, MuteRow, TransitionRow } from './schema.ts'
import {
  claim,
  deliveryOf,
  dueReminders,
  endDelivery,
  insertDelivery,
  insertNotice,
  openIncident,
  readChannels,
  readMutes,
  unclaimed,
  type DeliveryRaw,
} from './store.ts'

/** One receiver of notices: a channel, or addresses that a watcher has of its own. */
interface Receiver {
  readonly key: string
  readonly channel: ChannelRow | null
  readonly recipients: readonly string[] | null
  readonly name: string
}

interface World {
  readonly db: Connection
  readonly channels: readonly ChannelRow[]
  readonly mutes: readonly MuteRow[]
  readonly maintenance: readonly MaintenanceRow[]
  readonly nowMs: number
}

interface Planned {
  readonly transition: TransitionRow
  readonly severity: Severity
  readonly noticeId: number
  readonly receivers: readonly Receiver[]
}

/** More at once would hold up the event loop; the rest follows at once. */
export const mostAtOnce = 500

function readWorld(db: Connection, nowMs: number): World {
  return {
    db,
    channels: readChannels(db),
    mutes: readMutes(db, nowMs),
    maintenance: readMaintenance(db),
    nowMs,
  }
}

/**
 * Claims the transitions that wait and writes what is to be told of each, in the transaction that runs. Each is claimed once;
 * everything that was not told is written down with its reason.
 *
 * @returns how many transitions were claimed
 */
export function claimTransitions(db: Connection, nowMs: number): number {
  const transitions = unclaimed(db, mostAtOnce)
  if (transitions.length === 0) return 0
  const world = readWorld(db, nowMs)
  const planned = transitions.flatMap((transition) => planTransition(world, transition) ?? [])
  deliverTogether(world, planned)
  claim(
    db,
    transitions.map(({ id }) => id),
    nowMs,
  )
  return transitions.length
}

/** Writes the notice of a transition and what keeps it from being told; returns what is left to deliver. */
function planTransition(world: World, transition: TransitionRow): Planned | null {
  const { db, nowMs } = world
  const { room, item, kind, facts } = transition
  const before = openIncident(db, room, item)
  const incident = kind === 'problem' && before === null ? createIncident(db, transition) : before
  if (kind === 'recovery' && before !== null)
    db.prepare('UPDATE incident SET closed_ms = ?, remind_at_ms = NULL WHERE id = ?').run(
      transition.atMs,
      before.id,
    )
  if (facts.text === '') return null
  const severity: Severity = kind === 'update' ? 'problem' : kind
  const noticeId = insertNotice(db, {
    atMs: transition.atMs,
    kind,
    severity,
    title: titleOf(severity, facts),
    text: facts.text,
    room,
    item,
    incidentId: incident?.id ?? null,
    facts,
  })
  const receivers = receiversOf(world, transition)
  const held = heldBack(world, transition)
  if (held) {
    for (const receiver of receivers) put(world, noticeId, receiver, held.state, held.reason)
    if (severity === 'problem' && incident) remindAt(db, incident.id, held.untilMs)
    return null
  }
  if (severity === 'problem' && incident && facts.remindMs !== null && kind === 'problem')
    remindAt(db, incident.id, nowMs + reminderDelay(facts.remindMs, 0))
  return {
    transition,
    severity,
    noticeId,
    receivers: receivers.filter((receiver) => isWanted(world, before, severity, noticeId, receiver)),
  }
}

function createIncident(db: Connection, { room, item, atMs, facts }: TransitionRow): IncidentRow {
  const { lastInsertRowid } = db
    .prepare('INSERT INTO incident (room, item, name, opened_ms) VALUES (?, ?, ?, ?)')
    .run(room, item, facts.name, atMs)
  return {
    id: Number(lastInsertRowid),
    room,
    item,
    name: facts.name,
    openedMs: atMs,
    closedMs: null,
    acknowledgedMs: null,
    reminders: 0,
    remindAtMs: null,
  }
}

function remindAt(db: Connection, incidentId: number, atMs: number): void {
  db.prepare('UPDATE incident SET remind_at_ms = ? WHERE id = ?').run(Math.round(atMs), incidentId)
}

/** Mutes and maintenance keep a change from being told, whatever the channel. */
function heldBack(
  { mutes, maintenance, nowMs }: World,
  { room, item, facts }: Pick<TransitionRow, 'room' | 'item' | 'facts'>,
): { state: 'muted' | 'held'; reason: string; untilMs: number } | null {
  const mute = muteOf(mutes, room, item, nowMs)
  if (mute) return { state: 'muted', reason: `muted until ${isoTime(mute.untilMs)}`, untilMs: mute.untilMs }
  const window = maintenanceOf(maintenance, { room, item, tags: facts.tags }, nowMs)
  return window
    ? {
        state: 'held',
        reason: `maintenance “${window.name}” until ${isoTime(window.untilMs)}`,
        untilMs: window.untilMs,
      }
    : null
}

function receiversOf({ channels }: World, { facts }: Pick<TransitionRow, 'facts'>): Receiver[] {
  // Channels that are gone must not make a watcher tell nobody.
  const chosen = facts.channels?.filter((id) => channels.some((channel) => channel.id === id)) ?? null
  const wanted = chosen?.length === 0 && (facts.channels?.length ?? 0) > 0 ? null : chosen
  const list: Receiver[] = channels
    .filter(({ id, enabled }) => enabled && (wanted === null || wanted.includes(id)))
    .map((channel) => ({ key: `channel ${channel.id}`, channel, recipients: null, name: channel.name }))
  if (facts.emails.length > 0) {
    const recipients = [...facts.emails]
    list.push({
      key: recipients.join(),
      channel: null,
      recipients,
      name: `E-mail to ${recipients.join(', ')}`,
    })
  }
  return list
}

function put(
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

/** A recovery is told where its problem was; a problem that is still on its way is told together with its end. */
function isWanted(
  world: World,
  incident: IncidentRow | null,
  severity: Severity,
  noticeId: number,
  receiver: Receiver,
): boolean {
  if (severity !== 'recovery' || incident === null) return true
  const { db, nowMs } = world
  const told = db
    .prepare(
      `SELECT d.id, d.notice_id, d.channel_id, d.recipients, d.state, d.attempts, d.reason FROM delivery d
       JOIN notice n ON n.id = d.notice_id
       WHERE n.incident_id = ? AND n.severity = 'problem' AND d.channel_id IS ? AND d.recipients IS ?`,
    )
    .all(
      incident.id,
      receiver.channel?.id ?? null,
      receiver.recipients === null ? null : JSON.stringify(receiver.recipients),
    ) as (DeliveryRaw & { reason: string | null })[]
  const isTold = told.some(
    ({ state, reason }) =>
      state === 'sent' || state === 'failed' || (state === 'held' && reason?.startsWith('told')),
  )
  let isCollapsed = false
  for (const row of told) {
    const { id, state, attempts } = deliveryOf(row)
    if (state === 'waiting' && attempts > 0) {
      endDelivery(db, id, 'held', 'told together with the recovery, which came first', nowMs)
      isCollapsed = true
    } else if (state === 'waiting') isCollapsed = true
    else if (state === 'quiet') isCollapsed = true
  }
  if (told.length === 0 || isTold || isCollapsed) return true
  put(world, noticeId, receiver, 'held', 'its problem was not told here either')
  return false
}

/**
 * Puts notices on their way, each receiver's in the order of what happened: many of one kind become one, and quiet hours
 * keep them until their end.
 */
function deliverTogether(world: World, planned: readonly Planned[]): void {
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
  if (untilMs === null) put(world, noticeId, receiver, 'waiting', null)
  else put(world, noticeId, receiver, 'quiet', `quiet hours until ${isoTime(untilMs)}`, untilMs)
}

/** Tells again of problems that last, or for the first time of those that were kept back; in the transaction that runs. */
export function remind(db: Connection, nowMs: number): number {
  const due = dueReminders(db, nowMs)
  if (due.length === 0) return 0
  const world = readWorld(db, nowMs)
  const planned: Planned[] = []
  for (const incident of due) {
    const last = lastProblem(db, incident)
    if (!last || incident.acknowledgedMs !== null) {
      db.prepare('UPDATE incident SET remind_at_ms = NULL WHERE id = ?').run(incident.id)
      continue
    }
    const held = heldBack(world, last)
    if (held) {
      remindAt(db, incident.id, held.untilMs)
      continue
    }
    const { facts } = last
    const reminders = incident.reminders + 1
    db.prepare('UPDATE incident SET reminders = ?, remind_at_ms = ? WHERE id = ?').run(
      reminders,
      facts.remindMs === null ? null : Math.round(nowMs + reminderDelay(facts.remindMs, reminders)),
      incident.id,
    )
    const transition: TransitionRow = { ...last, atMs: nowMs }
    const noticeId = insertNotice(db, {
      atMs: nowMs,
      kind: 'reminder',
      severity: 'problem',
      title: `Still: ${titleOf('problem', facts)}`,
      text: facts.text,
      room: incident.room,
      item: incident.item,
      incidentId: incident.id,
      facts,
    })
    planned.push({ transition, severity: 'problem', noticeId, receivers: receiversOf(world, last) })
  }
  deliverTogether(world, planned)
  return due.length
}

function lastProblem(db: Connection, { room, item }: IncidentRow): TransitionRow | null {
  const row = db
    .prepare(
      `SELECT id, at_ms, facts FROM transition WHERE room = ? AND item = ? AND kind IN ('problem', 'update') ORDER BY id DESC LIMIT 1`,
    )
    .get(room, item) as { id: number; at_ms: number; facts: string } | undefined
  return row
    ? {
        id: row.id,
        atMs: row.at_ms,
        room,
        item,
        kind: 'problem',
        to: '',
        facts: JSON.parse(row.facts) as TransitionRow['facts'],
      }
    : null
}
