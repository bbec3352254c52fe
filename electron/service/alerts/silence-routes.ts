import { Type } from 'typebox'
import {
  CreateMaintenance,
  CreateMute,
  IdParams,
  MaintenanceList,
  Mute,
  Mutes,
} from '../../shared/api/alerts.ts'
import { isoTime, parseInstant } from '../../shared/time-text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Connection } from '../store/open.ts'
import type { Alerts } from './index.ts'
import { activeUntil, addMaintenance, maintenanceView, readMaintenance } from './maintenance.ts'
import { tomorrowMorning } from './rules.ts'
import type { MuteRow } from './schema.ts'
import { readMutes } from './store.ts'

const tags = ['alerts']

/** The routes of mutes and maintenance windows. */

/** Adds the routes of mutes. */
export function muteRoutes(app: App, alerts: Alerts, context: RoomContext): void {
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

/** Adds the routes of maintenance windows. */
export function maintenanceRoutes(app: App, alerts: Alerts, context: RoomContext): void {
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
