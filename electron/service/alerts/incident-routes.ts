import { IdParams, Incident, IncidentQuery, Incidents, NoteBody } from '../../shared/api/alerts.ts'
import { severalLines } from '../../shared/text.ts'
import { isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import { parseWindow, WindowError } from '../../shared/window.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Connection } from '../store/open.ts'
import type { IncidentRow } from './schema.ts'
import { readIncident, readIncidents, readNotes, type IncidentFilter } from './store.ts'

const tags = ['alerts']
const usualLimit = 500

/** Adds the routes of problems of all rooms, past and present. */
export function incidentRoutes(app: App, context: RoomContext): void {
  const { db, clock, commits } = context
  const now = (): number => Math.round(clock.glance().wallMs)
  const known = (id: number): IncidentRow => {
    const incident = readIncident(db, id)
    if (!incident) throw new HttpProblem(404, `there is no incident ${id}`)
    return incident
  }
  app.get(
    '/api/v1/incidents',
    {
      schema: {
        tags,
        summary: 'Problems of all rooms that touch a window, newest first',
        querystring: IncidentQuery,
        response: { 200: Incidents },
      },
    },
    (request) => {
      const incidents = readIncidents(db, filterOf(request.query, now()))
      const views = incidents.map((row) => incidentView(db, row, now()))
      if (request.scopeOfKey(null) === 'write') return views
      // The id of a watcher triggers it, and a key that only reads must not.
      return views.map((one) => ({ ...one, item: '', path: `/${one.room}` }))
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
      await commits.write(() => {
        if (known(id).closedMs !== null) throw new HttpProblem(409, 'this problem is over')
        db.prepare(
          'UPDATE incident SET acknowledged_ms = coalesce(acknowledged_ms, ?), remind_at_ms = NULL WHERE id = ?',
        ).run(now(), id)
      })
      context.changed('notices')
      return incidentView(db, known(id), now())
    },
  )
  app.post(
    '/api/v1/incidents/:id/notes',
    {
      schema: {
        tags,
        summary: 'Write a note on a problem',
        params: IdParams,
        body: NoteBody,
        response: { 201: Incident },
      },
    },
    async ({ params: { id }, body: { text } }, reply) => {
      const note = severalLines(text).trim()
      if (note === '') throw new HttpProblem(400, 'body.text: a note needs words')
      await commits.write(() => {
        known(id)
        db.prepare('INSERT INTO incident_note (incident_id, at_ms, text) VALUES (?, ?, ?)').run(
          id,
          now(),
          note,
        )
      })
      context.changed('notices')
      return reply.status(201).send(incidentView(db, known(id), now()))
    },
  )
}

/** @throws HttpProblem 400 */
function filterOf(
  { open = false, room, limit = usualLimit, ...window }: IncidentQuery,
  nowMs: number,
): IncidentFilter {
  try {
    const { sinceMs, untilMs, lastMs } = parseWindow(window, nowMs)
    const end = untilMs ?? Number.MAX_SAFE_INTEGER
    const begin = sinceMs ?? (lastMs === null ? 0 : Math.min(end, nowMs) - lastMs)
    return { onlyOpen: open, room: room ?? null, sinceMs: begin, untilMs: end, limit }
  } catch (error) {
    if (error instanceof WindowError) throw new HttpProblem(400, error.message)
    throw error
  }
}

function incidentView(db: Connection, row: IncidentRow, nowMs: number): Incident {
  return {
    id: row.id,
    room: row.room,
    item: row.item,
    name: row.name,
    opened: isoTime(row.openedMs),
    closed: isoTimeOrNull(row.closedMs),
    acknowledged: isoTimeOrNull(row.acknowledgedMs),
    nextReminder: isoTimeOrNull(row.remindAtMs),
    text: row.text,
    affected: [...row.affected],
    path: row.path === '' ? `/${row.room}` : row.path,
    durationMs: Math.max(0, (row.closedMs ?? nowMs) - row.openedMs),
    notes: readNotes(db, row.id).map(({ at_ms, text }) => ({ at: isoTime(at_ms), text })),
  }
}
