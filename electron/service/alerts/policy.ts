import { titleOf } from './words.ts'
import type { Severity } from '../../shared/alert-words.ts'
import { isoTime, wordDuration } from '../../shared/time-text.ts'
import type { TransitionFacts } from '../context.ts'
import type { Connection } from '../store/open.ts'
import { maintenanceOf, readMaintenance, type MaintenanceRow } from './maintenance.ts'
import { muteOf, reminderDelay } from './rules.ts'
import type { ChannelRow, IncidentRow, MuteRow, TransitionRow } from './schema.ts'
import {
  claim,
  deliveryOf,
  dueReminders,
  endDelivery,
  insertNotice,
  openIncident,
  readChannels,
  readMutes,
  unclaimed,
  type DeliveryRaw,
} from './store.ts'
import { deliverTogether, put } from './deliver.ts'

/** One receiver of notices: a channel, or addresses that a watcher has of its own. */
export interface Receiver {
  readonly key: string
  readonly channel: ChannelRow | null
  readonly recipients: readonly string[] | null
  readonly name: string
}

export interface World {
  readonly db: Connection
  readonly channels: readonly ChannelRow[]
  readonly mutes: readonly MuteRow[]
  readonly maintenance: readonly MaintenanceRow[]
  readonly nowMs: number
}

export interface Planned {
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
  if (kind === 'update' && before !== null && facts.text !== '')
    db.prepare('UPDATE incident SET text = ? WHERE id = ?').run(facts.text, before.id)
  if (facts.text === '') {
    if (kind === 'recovery' && before !== null) dropUntold(db, before.id, nowMs)
    return null
  }
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
    if (severity === 'problem' && incident && held.untilMs !== null) remindAt(db, incident.id, held.untilMs)
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

/** A problem that ended without a word is no longer told. */
function dropUntold(db: Connection, incidentId: number, nowMs: number): void {
  db.prepare(
    `UPDATE delivery SET state = 'held', reason = 'it ended before it could be told', next_ms = NULL, done_ms = ?
     WHERE state IN ('waiting', 'quiet') AND notice_id IN (
       SELECT id FROM notice WHERE incident_id = ? AND severity = 'problem')`,
  ).run(nowMs, incidentId)
}

function createIncident(db: Connection, { room, item, atMs, facts }: TransitionRow): IncidentRow {
  const { lastInsertRowid } = db
    .prepare(
      'INSERT INTO incident (room, item, name, opened_ms, text, affected, path) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(room, item, facts.name, atMs, facts.text, JSON.stringify(facts.affected ?? []), facts.path)
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
    text: facts.text,
    affected: facts.affected ?? [],
    path: facts.path,
  }
}

function remindAt(db: Connection, incidentId: number, atMs: number | null): void {
  db.prepare('UPDATE incident SET remind_at_ms = ? WHERE id = ?').run(
    atMs === null ? null : Math.round(atMs),
    incidentId,
  )
}

/** Mutes and maintenance keep a change from being told, whatever the channel. */
function heldBack(
  { mutes, maintenance, nowMs }: World,
  { room, item, facts }: Pick<TransitionRow, 'room' | 'item' | 'facts'>,
): { state: 'muted' | 'held'; reason: string; untilMs: number | null } | null {
  // Whoever held it tells when that is over.
  if (facts.heldBy !== undefined) return { state: 'held', reason: facts.heldBy, untilMs: null }
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
      text: `${facts.text} This has lasted for ${wordDuration(nowMs - incident.openedMs)}.`,
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

/** Brings the newest problem of an item, and its reminders, in line with changed settings. */
export function refreshProblem(
  db: Connection,
  room: string,
  item: string,
  facts: Partial<TransitionFacts>,
  nowMs: number,
): void {
  const incident = openIncident(db, room, item)
  const last = incident && lastProblem(db, incident)
  if (!incident || !last) return
  const after = { ...last.facts, ...facts }
  db.prepare('UPDATE transition SET facts = ? WHERE id = ?').run(JSON.stringify(after), last.id)
  if (after.remindMs === last.facts.remindMs || incident.acknowledgedMs !== null) return
  const nextMs =
    after.remindMs === null ? null : Math.round(nowMs + reminderDelay(after.remindMs, incident.reminders))
  db.prepare('UPDATE incident SET remind_at_ms = ? WHERE id = ?').run(nextMs, incident.id)
}
