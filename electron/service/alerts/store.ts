import type { NoticeKind, DeliveryState, Severity } from '../../shared/alert-words.ts'
import type { QuietHours } from '../../shared/api/alerts.ts'
import type { NewTransition, TransitionFacts } from '../context.ts'
import type { Connection } from '../store/open.ts'
import type { ChannelRow, DeliveryRow, IncidentRow, Message, MuteRow, TransitionRow } from './schema.ts'

/** Statements of the alert pipeline. */

/** Writes a transition, in the transaction that runs if there is one. */
export function insertTransition(db: Connection, transition: NewTransition): void {
  const { atMs, room, item, kind, from, to, facts } = transition
  db.prepare(
    'INSERT INTO transition (at_ms, room, item, kind, from_state, to_state, facts) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).run(Math.round(atMs), room, item, kind, from, to, JSON.stringify(facts))
}

/** Returns the transitions that wait to be told, oldest first. */
export function unclaimed(db: Connection, most: number): TransitionRow[] {
  const rows = db
    .prepare('SELECT * FROM transition WHERE claimed_ms IS NULL ORDER BY id LIMIT ?')
    .all(most) as {
    id: number
    at_ms: number
    room: TransitionRow['room']
    item: string
    kind: TransitionRow['kind']
    to_state: string
    facts: string
  }[]
  return rows.map((row) => ({
    id: row.id,
    atMs: row.at_ms,
    room: row.room,
    item: row.item,
    kind: row.kind,
    to: row.to_state,
    facts: JSON.parse(row.facts) as TransitionFacts,
  }))
}

/** Marks transitions as told of, whatever became of it. */
export function claim(db: Connection, ids: readonly number[], nowMs: number): void {
  const mark = db.prepare('UPDATE transition SET claimed_ms = ? WHERE id = ?')
  for (const id of ids) mark.run(nowMs, id)
}

interface ChannelRaw {
  readonly id: number
  readonly kind: ChannelRow['kind']
  readonly name: string
  readonly enabled: number
  readonly settings: string
  readonly quiet: string | null
}

/** Returns all channels, in the order in which they were added. */
export function readChannels(db: Connection): ChannelRow[] {
  return (db.prepare('SELECT * FROM channel ORDER BY id').all() as ChannelRaw[]).map((row) => ({
    id: row.id,
    kind: row.kind,
    name: row.name,
    enabled: row.enabled === 1,
    settings: JSON.parse(row.settings) as ChannelRow['settings'],
    quiet: row.quiet === null ? null : (JSON.parse(row.quiet) as QuietHours),
  }))
}

/** Returns the mutes that have not ended. */
export function readMutes(db: Connection, nowMs: number): MuteRow[] {
  const rows = db.prepare('SELECT * FROM mute WHERE until_ms > ? ORDER BY id').all(nowMs) as {
    id: number
    room: string | null
    item: string | null
    from_ms: number
    until_ms: number
    note: string
  }[]
  return rows.map((row) => ({
    id: row.id,
    room: row.room,
    item: row.item,
    fromMs: row.from_ms,
    untilMs: row.until_ms,
    note: row.note,
  }))
}

interface IncidentRaw {
  readonly id: number
  readonly room: IncidentRow['room']
  readonly item: string
  readonly name: string
  readonly opened_ms: number
  readonly closed_ms: number | null
  readonly acknowledged_ms: number | null
  readonly reminders: number
  readonly remind_at_ms: number | null
  readonly text: string
  readonly affected: string
  readonly path: string
}

function incidentOf(row: IncidentRaw): IncidentRow {
  return {
    id: row.id,
    room: row.room,
    item: row.item,
    name: row.name,
    openedMs: row.opened_ms,
    closedMs: row.closed_ms,
    acknowledgedMs: row.acknowledged_ms,
    reminders: row.reminders,
    remindAtMs: row.remind_at_ms,
    text: row.text,
    affected: JSON.parse(row.affected) as string[],
    path: row.path,
  }
}

/** Returns the problem of an item that lasts; null when there is none. */
export function openIncident(db: Connection, room: string, item: string): IncidentRow | null {
  const row = db
    .prepare('SELECT * FROM incident WHERE room = ? AND item = ? AND closed_ms IS NULL')
    .get(room, item) as IncidentRaw | undefined
  return row ? incidentOf(row) : null
}

/** Returns a problem by its id, past or present; null when there is none. */
export function readIncident(db: Connection, id: number): IncidentRow | null {
  const row = db.prepare('SELECT * FROM incident WHERE id = ?').get(id) as IncidentRaw | undefined
  return row ? incidentOf(row) : null
}

/** Which problems are asked for. Times in ms UTC. */
export interface IncidentFilter {
  readonly onlyOpen: boolean
  readonly room: string | null
  readonly sinceMs: number
  readonly untilMs: number
  readonly limit: number
}

/** Returns the problems that touch a window, the newest first. */
export function readIncidents(db: Connection, filter: IncidentFilter): IncidentRow[] {
  const rows = db
    .prepare(
      `SELECT * FROM incident
       WHERE opened_ms <= @untilMs AND (closed_ms IS NULL OR closed_ms >= @sinceMs) AND (closed_ms IS NULL OR NOT @onlyOpen)
       AND (room = @room OR @room IS NULL) ORDER BY opened_ms DESC, id DESC LIMIT @limit`,
    )
    .all({ ...filter, onlyOpen: filter.onlyOpen ? 1 : 0 }) as IncidentRaw[]
  return rows.map(incidentOf)
}

/** A remark that somebody made on a problem. */
export interface NoteRow {
  readonly at_ms: number
  readonly text: string
}

/** Returns the notes of a problem, oldest first. */
export function readNotes(db: Connection, incidentId: number): NoteRow[] {
  return db
    .prepare('SELECT at_ms, text FROM incident_note WHERE incident_id = ? ORDER BY id')
    .all(incidentId) as NoteRow[]
}

/** Returns the problems that people are to be reminded of by now. */
export function dueReminders(db: Connection, nowMs: number): IncidentRow[] {
  return (
    db
      .prepare(
        'SELECT * FROM incident WHERE remind_at_ms <= ? AND closed_ms IS NULL ORDER BY remind_at_ms LIMIT 200',
      )
      .all(nowMs) as IncidentRaw[]
  ).map(incidentOf)
}

/** A new notice with what it says. */
export interface NewNotice {
  readonly atMs: number
  readonly kind: NoticeKind
  readonly severity: Severity
  readonly title: string
  readonly text: string
  readonly room: string
  readonly item: string | null
  readonly incidentId: number | null
  readonly facts: TransitionFacts
}

/** Writes a notice and returns its id. */
export function insertNotice(db: Connection, notice: NewNotice): number {
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO notice (at_ms, kind, severity, title, text, room, item, incident_id, facts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      Math.round(notice.atMs),
      notice.kind,
      notice.severity,
      notice.title,
      notice.text,
      notice.room,
      notice.item,
      notice.incidentId,
      JSON.stringify(notice.facts),
    )
  return Number(lastInsertRowid)
}

/** A new delivery; ends as they are when `state` is one. */
export interface NewDelivery {
  readonly noticeId: number
  readonly channelId: number | null
  readonly channelName: string
  readonly recipients: readonly string[] | null
  readonly state: DeliveryState
  readonly reason: string | null
  readonly nextMs: number | null
}

/** Writes a delivery and returns its id. */
export function insertDelivery(db: Connection, delivery: NewDelivery, nowMs: number): number {
  const isEnd = delivery.state !== 'waiting' && delivery.state !== 'quiet'
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO delivery (notice_id, channel_id, channel_name, recipients, state, reason, next_ms, done_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      delivery.noticeId,
      delivery.channelId,
      delivery.channelName,
      delivery.recipients === null ? null : JSON.stringify(delivery.recipients),
      delivery.state,
      delivery.reason,
      isEnd ? null : Math.round(delivery.nextMs ?? nowMs),
      isEnd ? Math.round(nowMs) : null,
    )
  return Number(lastInsertRowid)
}

export interface DeliveryRaw {
  readonly id: number
  readonly notice_id: number
  readonly channel_id: number | null
  readonly recipients: string | null
  readonly state: DeliveryState
  readonly attempts: number
}

/** Returns a delivery from its row. */
export function deliveryOf(row: DeliveryRaw): DeliveryRow {
  return {
    id: row.id,
    noticeId: row.notice_id,
    channelId: row.channel_id,
    recipients: row.recipients === null ? null : (JSON.parse(row.recipients) as string[]),
    state: row.state,
    attempts: row.attempts,
  }
}

/** Ends a delivery; one that has ended stays as it ended. */
export function endDelivery(
  db: Connection,
  id: number,
  state: 'sent' | 'held' | 'muted' | 'failed',
  reason: string | null,
  nowMs: number,
): void {
  db.prepare(
    `UPDATE delivery SET state = ?, reason = ?, next_ms = NULL, done_ms = ? WHERE id = ? AND state IN ('waiting', 'quiet')`,
  ).run(state, reason, Math.round(nowMs), id)
}

/** Returns what is told of a notice. */
export function readMessage(db: Connection, noticeId: number, origin: string | null): Message | null {
  const row = db.prepare('SELECT * FROM notice WHERE id = ?').get(noticeId) as
    | {
        id: number
        at_ms: number
        kind: NoticeKind
        severity: Severity
        title: string
        text: string
        incident_id: number | null
        facts: string
      }
    | undefined
  if (!row) return null
  const facts = JSON.parse(row.facts) as TransitionFacts
  return {
    noticeId: row.id,
    incidentId: row.incident_id,
    atMs: row.at_ms,
    kind: row.kind,
    severity: row.severity,
    title: row.title,
    text: row.text,
    facts,
    link: origin === null ? null : `${origin}/#${facts.path}`,
  }
}
