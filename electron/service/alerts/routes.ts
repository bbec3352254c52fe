import { Type } from 'typebox'
import {
  ChangeChannel,
  Channel,
  Channels,
  CreateChannel,
  CreateMaintenance,
  CreateMute,
  IdParams,
  Incident,
  IncidentQuery,
  Incidents,
  MaintenanceList,
  Mute,
  Mutes,
  NoticePage,
  NoticeQuery,
  TestAnswer,
} from '../../shared/api/alerts.ts'
import { isoTime, parseInstant } from '../../shared/time-text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Connection } from '../store/open.ts'
import { changeChannel, channelView, createChannel, testMessage } from './channel-settings.ts'
import type { Alerts } from './index.ts'
import { activeUntil, addMaintenance, maintenanceView, readMaintenance } from './maintenance.ts'
import { readNotices } from './notices.ts'
import { tomorrowMorning } from './rules.ts'
import type { ChannelRow, IncidentRow, MuteRow } from './schema.ts'
import { readChannels, readIncident, readIncidents, readMutes } from './store.ts'

const tags = ['alerts']

/** Adds the part of the native API by which people are told of changes, or are not. */
export function alertRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  noticeRoutes(app, context)
  channelRoutes(app, alerts, context)
  muteRoutes(app, alerts, context)
  maintenanceRoutes(app, alerts, context)
}

function noticeRoutes(app: App, context: RoomContext): void {
  const { db, clock, commits } = context
  app.get(
    '/api/v1/notices',
    {
      schema: {
        tags,
        summary: 'Everything that was told or not told, and why; newest first',
        querystring: NoticeQuery,
        response: { 200: NoticePage },
      },
    },
    (request) => {
      const page = readNotices(db, request.query)
      if (request.scopeOfKey(null) === 'write') return page
      // The id of a watcher triggers it, and a key that only reads must not.
      return {
        ...page,
        notices: page.notices.map((notice) => ({ ...notice, item: null, path: `/${notice.room}` })),
      }
    },
  )
  app.get(
    '/api/v1/incidents',
    {
      schema: {
        tags,
        summary: 'Problems, newest first',
        querystring: IncidentQuery,
        response: { 200: Incidents },
      },
    },
    (request) => {
      const incidents = readIncidents(db, request.query.open ?? false).map(incidentView)
      return request.scopeOfKey(null) === 'write' ? incidents : incidents.map((one) => ({ ...one, item: '' }))
    },
  )
  app.post(
    '/api/v1/incidents/:id/acknowledge',
    {
      schema: {
        tags,
        summary: 'Stop the reminders of a problem',
        params: IdParams,
        response: { 200: Incident },
      },
    },
    async ({ params: { id } }) => {
      const incident = await commits.write(() => {
        const known = readIncident(db, id)
        if (!known) throw new HttpProblem(404, `there is no incident ${id}`)
        if (known.closedMs !== null) throw new HttpProblem(409, 'this problem is over')
        db.prepare(
          'UPDATE incident SET acknowledged_ms = coalesce(acknowledged_ms, ?), remind_at_ms = NULL WHERE id = ?',
        ).run(Math.round(clock.glance().wallMs), id)
        return readIncident(db, id)
      })
      context.changed('notices')
      if (!incident) throw new HttpProblem(404, `there is no incident ${id}`)
      return incidentView(incident)
    },
  )
}

function incidentView(row: IncidentRow): Incident {
  const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))
  return {
    id: row.id,
    room: row.room,
    item: row.item,
    name: row.name,
    opened: isoTime(row.openedMs),
    closed: time(row.closedMs),
    acknowledged: time(row.acknowledgedMs),
    nextReminder: time(row.remindAtMs),
  }
}

function channelRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  const { db, clock, commits } = context
  const find = (id: number): ChannelRow => {
    const channel = readChannels(db).find((known) => known.id === id)
    if (!channel) throw new HttpProblem(404, `there is no channel ${id}`)
    return channel
  }
  const view = (channel: ChannelRow): Channel => channelView(channel, alerts.desktop)
  const secret = { scope: 'write' } as const
  app.get(
    '/api/v1/channels',
    { config: secret, schema: { tags, summary: 'Channels', response: { 200: Channels } } },
    () => readChannels(db).map(view),
  )
  app.post(
    '/api/v1/channels',
    { schema: { tags, summary: 'Add a channel', body: CreateChannel, response: { 201: Channel } } },
    async ({ body }, reply) => {
      const id = await commits.write(() => createChannel(db, body, clock.glance().wallMs))
      context.changed('notices')
      return reply.status(201).send(view(find(id)))
    },
  )
  app.patch(
    '/api/v1/channels/:id',
    {
      schema: {
        tags,
        summary: 'Change a channel',
        params: IdParams,
        body: ChangeChannel,
        response: { 200: Channel },
      },
    },
    async ({ params: { id }, body }) => {
      await commits.write(() => changeChannel(db, find(id), body))
      context.changed('notices')
      alerts.wake()
      return view(find(id))
    },
  )
  app.delete(
    '/api/v1/channels/:id',
    { schema: { tags, summary: 'Remove a channel', params: IdParams, response: { 204: Type.Null() } } },
    async ({ params: { id } }, reply) => {
      await commits.write(() => {
        find(id)
        db.prepare('DELETE FROM channel WHERE id = ?').run(id)
        db.prepare(
          `UPDATE delivery SET state = 'failed', reason = 'the channel was removed', next_ms = NULL, done_ms = ?
           WHERE channel_id = ? AND state IN ('waiting', 'quiet')`,
        ).run(Math.round(clock.glance().wallMs), id)
      })
      context.changed('notices')
      return reply.status(204).send(null)
    },
  )
  app.post(
    '/api/v1/channels/:id/test',
    {
      schema: {
        tags,
        summary: 'Send a test notice and tell how it went',
        params: IdParams,
        response: { 200: TestAnswer },
      },
    },
    async ({ params: { id } }) => {
      const channel = find(id)
      const result = await alerts.outbox.sendNow(channel, testMessage(clock.glance().wallMs))
      return { sent: result.sent, reason: result.sent ? null : result.reason }
    },
  )
}

function muteRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  const { db, clock, commits } = context
  const now = (): number => Math.round(clock.glance().wallMs)
  app.get('/api/v1/mutes', { schema: { tags, summary: 'What is muted', response: { 200: Mutes } } }, () =>
    readMutes(db, now()).map(muteView),
  )
  app.post(
    '/api/v1/mutes',
    {
      schema: {
        tags,
        summary: 'Mute everything, a room or one item',
        body: CreateMute,
        response: { 201: Mute },
      },
    },
    async ({ body }, reply) => {
      const nowMs = now()
      if ((body.hours === undefined) === (body.until === undefined))
        throw new HttpProblem(400, 'say for how many hours, or until when')
      if (body.item !== undefined && body.room === undefined)
        throw new HttpProblem(400, 'an item needs its room')
      const untilMs =
        body.hours !== undefined ? nowMs + body.hours * 3_600_000 : untilOf(body.until ?? '', nowMs)
      if (untilMs <= nowMs) throw new HttpProblem(400, 'body.until: that time has passed')
      const id = await commits.write(() =>
        Number(
          db
            .prepare('INSERT INTO mute (room, item, from_ms, until_ms, note) VALUES (?, ?, ?, ?, ?)')
            .run(body.room ?? null, body.item ?? null, nowMs, Math.round(untilMs), body.note ?? '')
            .lastInsertRowid,
        ),
      )
      context.changed('notices')
      const made = readMutes(db, nowMs).find((mute) => mute.id === id)
      if (!made) throw new HttpProblem(404, 'the mute is over already')
      return reply.status(201).send(muteView(made))
    },
  )
  app.delete(
    '/api/v1/mutes/:id',
    { schema: { tags, summary: 'End a mute', params: IdParams, response: { 204: Type.Null() } } },
    async ({ params: { id } }, reply) => {
      await commits.write(() => {
        const untilMs = db.prepare('SELECT until_ms FROM mute WHERE id = ?').pluck().get(id) as
          number | undefined
        if (untilMs === undefined) throw new HttpProblem(404, `there is no mute ${id}`)
        db.prepare('DELETE FROM mute WHERE id = ?').run(id)
        tellHeldProblems(db, untilMs, now())
      })
      alerts.wake()
      context.changed('notices')
      return reply.status(204).send(null)
    },
  )
}

/** Problems that nobody was told of because of a silence that would have lasted until a time are told now, if they last. */
function tellHeldProblems(db: Connection, untilMs: number | null, nowMs: number): void {
  if (untilMs === null) return
  db.prepare('UPDATE incident SET remind_at_ms = ? WHERE closed_ms IS NULL AND remind_at_ms = ?').run(
    nowMs,
    Math.round(untilMs),
  )
}

/** @throws HttpProblem 400 */
function untilOf(text: string, nowMs: number): number {
  if (text === 'tomorrow') return tomorrowMorning(nowMs, Intl.DateTimeFormat().resolvedOptions().timeZone)
  const at = parseInstant(text, nowMs)
  if (at === null) throw new HttpProblem(400, `body.until: '${text}' is not a time, nor tomorrow`)
  return at
}

function muteView(row: MuteRow): Mute {
  return {
    id: row.id,
    room: row.room,
    item: row.item,
    from: isoTime(row.fromMs),
    until: isoTime(row.untilMs),
    note: row.note,
  }
}

function maintenanceRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  const { db, clock, commits } = context
  const list = () => readMaintenance(db).map((row) => maintenanceView(row, clock.glance().wallMs))
  app.get(
    '/api/v1/maintenance',
    { schema: { tags, summary: 'Maintenance windows', response: { 200: MaintenanceList } } },
    list,
  )
  app.post(
    '/api/v1/maintenance',
    {
      schema: {
        tags,
        summary: 'Add a maintenance window: once (begin, end) or repeated (schedule, lengthMs)',
        body: CreateMaintenance,
        response: { 201: MaintenanceList },
      },
    },
    async ({ body }, reply) => {
      await commits.write(() => addMaintenance(db, body, clock.glance().wallMs))
      context.changed('notices')
      return reply.status(201).send(list())
    },
  )
  app.delete(
    '/api/v1/maintenance/:id',
    {
      schema: {
        tags,
        summary: 'Remove a maintenance window',
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async ({ params: { id } }, reply) => {
      await commits.write(() => {
        const nowMs = Math.round(clock.glance().wallMs)
        const row = readMaintenance(db).find((known) => known.id === id)
        if (!row) throw new HttpProblem(404, `there is no maintenance window ${id}`)
        db.prepare('DELETE FROM maintenance WHERE id = ?').run(id)
        tellHeldProblems(db, activeUntil(row, nowMs), nowMs)
      })
      alerts.wake()
      context.changed('notices')
      return reply.status(204).send(null)
    },
  )
}
