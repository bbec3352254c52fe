import { Type } from 'typebox'
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { WindowQuery } from '../../shared/api/common.ts'
import {
  AtQuery,
  Calendar,
  CalendarQuery,
  FlightPage,
  Gap,
  GapPage,
  GapParams,
  GapQuery,
  MachineHistory,
  NoteBody,
  PageQuery,
  RunningFlight,
  StateAt,
} from '../../shared/api/machine.ts'
import { ExportParams } from '../../shared/api/service.ts'
import { parseInstant } from '../../shared/time-text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem, ReaderError } from '../problem.ts'
import type { Recorder } from './index.ts'
import { parseWindow, WindowError, type WindowBounds } from '../../shared/window.ts'

const tags = ['machine']

/** Adds the recorder's part of the native API. */
export function recorderRoutes(
  app: App,
  recorder: Recorder,
  { db, reader, clock, changed, databaseFolder }: RoomContext,
): void {
  const windowOf = (query: WindowQuery): WindowBounds => {
    try {
      return parseWindow(query, clock.read().wallMs)
    } catch (error) {
      if (error instanceof WindowError) throw new HttpProblem(400, error.message)
      throw error
    }
  }

  app.get(
    '/api/v1/machine/now',
    { schema: { tags, summary: 'The flight being recorded', response: { 200: RunningFlight } } },
    () => {
      const running = recorder.running()
      if (!running) throw new HttpProblem(503, 'No flight is being recorded: the service is stopping.')
      return running
    },
  )

  app.get(
    '/api/v1/machine',
    {
      schema: {
        tags,
        summary: 'History of a window',
        querystring: WindowQuery,
        response: { 200: MachineHistory },
      },
    },
    (request) => reader.ask('machineHistory', { now: recorder.present(), ...windowOf(request.query) }),
  )

  app.get(
    '/api/v1/machine/gaps',
    { schema: { tags, summary: 'Gaps, newest first', querystring: GapQuery, response: { 200: GapPage } } },
    ({ query: { limit = 50, offset = 0, kind, ...window } }) =>
      reader.ask('machineGaps', {
        now: recorder.present(),
        ...windowOf(window),
        limit,
        offset,
        ...(kind && { kind }),
      }),
  )

  app.get(
    '/api/v1/machine/gaps/:id',
    { schema: { tags, summary: 'One gap', params: GapParams, response: { 200: Gap } } },
    async ({ params: { id } }) => {
      const gap = await reader.ask('machineGap', { now: recorder.present(), id })
      if (!gap) throw new HttpProblem(404, `there is no gap '${id}'`)
      return gap
    },
  )

  app.get(
    '/api/v1/machine/flights',
    {
      schema: {
        tags,
        summary: 'Flights, newest first',
        querystring: PageQuery,
        response: { 200: FlightPage },
      },
    },
    ({ query: { limit = 50, offset = 0, ...window } }) =>
      reader.ask('machineFlights', { now: recorder.present(), ...windowOf(window), limit, offset }),
  )

  app.get(
    '/api/v1/machine/calendar',
    {
      schema: {
        tags,
        summary: 'Every day of a year',
        querystring: CalendarQuery,
        response: { 200: Calendar },
      },
    },
    async ({ query }) => {
      const zone = query.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
      try {
        return await reader.ask('machineCalendar', { now: recorder.present(), year: query.year, zone })
      } catch (error) {
        if (error instanceof ReaderError && error.failure === 'RangeError') {
          throw new HttpProblem(400, `zone: '${zone}' is not an IANA time zone`)
        }
        throw error
      }
    },
  )

  app.get(
    '/api/v1/machine/at',
    { schema: { tags, summary: 'Was it up then?', querystring: AtQuery, response: { 200: StateAt } } },
    ({ query }) => {
      const atMs = parseInstant(query.t, clock.read().wallMs)
      if (atMs === null)
        throw new HttpProblem(400, `t: '${query.t}' is not a time such as 2026-11-21T03:00:00Z`)
      return reader.ask('machineAt', { now: recorder.present(), atMs })
    },
  )

  app.put(
    '/api/v1/machine/gaps/:id/note',
    {
      schema: {
        tags,
        summary: 'Write a note on a gap',
        params: GapParams,
        body: NoteBody,
        response: { 200: Gap },
      },
    },
    async ({ params: { id }, body }) => {
      const gap = await reader.ask('machineGap', { now: recorder.present(), id })
      if (!gap) throw new HttpProblem(404, `there is no gap '${id}'`)
      const note = body.note.trim()
      if (note === '') db.prepare('DELETE FROM gap_note WHERE gap = ?').run(id)
      else {
        db.prepare(
          `INSERT INTO gap_note (gap, note, changed_ms) VALUES (?, ?, ?)
           ON CONFLICT (gap) DO UPDATE SET note = excluded.note, changed_ms = excluded.changed_ms`,
        ).run(id, note, Math.round(clock.read().wallMs))
      }
      changed('history')
      return { ...gap, note: note === '' ? null : note }
    },
  )

  app.get(
    '/api/v1/export/:what',
    {
      schema: {
        tags,
        summary: 'Download the database, or a window of the history as JSON or CSV',
        params: ExportParams,
        querystring: WindowQuery,
        response: {
          200: { description: 'The file', content: { 'application/octet-stream': { schema: Type.Any() } } },
        },
      },
    },
    async (request, reply) => {
      const { what } = request.params
      // The file holds the secrets of channels and watchers.
      if (what === 'database' && request.scopeOfKey(null) !== 'write')
        throw new HttpProblem(403, "this key is for 'read'; 'write' is needed to have the whole database")
      const window = windowOf(request.query)
      const folder = makeExportFolder(databaseFolder)
      const target = path.join(folder, what)
      try {
        if (what === 'database') await reader.ask('copyDatabase', { target })
        else await reader.ask('writeExport', { now: recorder.present(), form: what, target, ...window })
      } catch (error) {
        rmSync(folder, { recursive: true, force: true })
        throw error
      }
      const stream = createReadStream(target)
      stream.on('close', () => rmSync(folder, { recursive: true, force: true }))
      const name = what === 'database' ? 'watchkeeper.db' : `watchkeeper-${what}`
      return reply
        .header('content-type', contentTypes[what])
        .header('content-length', statSync(target).size)
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(stream)
    },
  )
}

/** A hardened service may have no temporary folder, but it always has the one of its database. */
function makeExportFolder(databaseFolder: string): string {
  try {
    return mkdtempSync(path.join(os.tmpdir(), 'watchkeeper-export-'))
  } catch {
    return mkdtempSync(path.join(databaseFolder, '.watchkeeper-export-'))
  }
}

const contentTypes = {
  database: 'application/vnd.sqlite3',
  'history.json': 'application/json; charset=utf-8',
  'gaps.csv': 'text/csv; charset=utf-8',
  'flights.csv': 'text/csv; charset=utf-8',
} as const
