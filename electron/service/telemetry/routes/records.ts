import { Type } from 'typebox'
import {
  Choices,
  ExportQuery,
  IdParams,
  Quarantine,
  QuarantineQuery,
  RecordDetails,
  RecordExportParams,
  RecordPage,
  RecordsQuery,
} from '../../../shared/api/telemetry.ts'
import { isoTime } from '../../../shared/time-text.ts'
import type { App, RoomContext } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import { backtraceOf, framesOf, isBeginning } from '../guilty/guilty.ts'
import type { Telemetry } from '../index.ts'
import { csvHeader } from '../records/pieces.ts'
import { sendRecords } from '../wire/seed-records.ts'
import { recordView } from '../records/record-view.ts'
import { answer, asked, filterOf, tags } from './parts.ts'

/** How long (ms) a page of the list is looked for before what was found is shown. */
const patienceMs = 1_500
const usualLimit = 50
/** Rows of a CSV that a browser shows, as telemetrics has it. */
const mostInline = 10_000

/** Adds the routes of the list of records. */
export function recordRoutes(app: App, telemetry: Telemetry, { clock }: RoomContext): void {
  const now = (): number => clock.glance().wallMs
  app.get(
    '/api/v1/telemetry/records',
    {
      schema: {
        tags,
        summary: 'Records, newest first; `before` asks for the next piece',
        querystring: RecordsQuery,
        response: { 200: RecordPage },
      },
    },
    async ({ query: { before, limit = usualLimit, ...query } }) => {
      const piece = await asked(
        telemetry.store().ask('list', {
          filter: filterOf(query, now()),
          before: before ?? null,
          limit,
          withPayload: false,
          patienceMs,
        }),
      )
      return {
        records: piece.records.map(recordView),
        before: piece.before,
        complete: piece.isComplete,
      }
    },
  )
  app.get(
    '/api/v1/telemetry/records/:id',
    {
      schema: {
        tags,
        summary: 'A record with its payload and backtrace',
        params: IdParams,
        response: { 200: RecordDetails },
      },
    },
    async ({ params: { id } }) => {
      const record = await telemetry.store().ask('one', { id })
      if (!record) throw new HttpProblem(404, `there is no record ${id}`)
      const payload = record.payload ?? ''
      const guilty =
        record.guiltyId === null
          ? null
          : await telemetry.store().ask('guiltyDetails', { id: record.guiltyId })
      const backtrace = backtraceOf(record.classification, payload)
      return {
        ...recordView(record),
        payload,
        backtrace: backtrace && { ...backtrace, frames: [...backtrace.frames] },
        guiltyFrame: guilty && { function: guilty.guilty.function, module: guilty.guilty.module },
        skippable: framesOf(record.classification, payload)
          .filter((frame) => !isBeginning(frame))
          .map(({ function: name, module }) => ({ function: name, module })),
      }
    },
  )
  app.get(
    '/api/v1/telemetry/export/records.:form',
    {
      schema: {
        tags,
        summary: 'All records that fit a filter as CSV (of telemetrics) or JSON',
        params: RecordExportParams,
        querystring: ExportQuery,
        response: {
          200: { description: 'The file', content: { 'application/octet-stream': { schema: Type.Any() } } },
        },
      },
    },
    ({ params: { form }, query: { before: _before, limit, inline = false, ...query } }, reply) => {
      const filter = filterOf(query, now())
      const most = Math.min(limit ?? Number.MAX_SAFE_INTEGER, inline ? mostInline : Number.MAX_SAFE_INTEGER)
      if (!inline) {
        const stamp = Math.floor(now() / 1_000)
        void reply.header('content-disposition', `attachment; filename="export-${stamp}.${form}"`)
      }
      const type = form === 'json' ? 'application/json' : inline ? 'text/plain' : 'text/csv'
      return asked(
        sendRecords(
          reply.type(`${type}; charset=utf-8`),
          telemetry,
          filter,
          most,
          form,
          form === 'csv'
            ? { head: `${csvHeader}\n`, between: '', tail: '' }
            : { head: '[', between: ',\n', tail: ']\n' },
        ),
      )
    },
  )
  app.get(
    '/api/v1/telemetry/choices',
    {
      schema: {
        tags,
        summary: 'Classes, builds and systems that records have had',
        response: { 200: Choices },
      },
    },
    async () => {
      const { classifications, builds, systems } = await telemetry.views.ask('choices', null)
      return { classifications: [...classifications], builds: [...builds], systems: [...systems] }
    },
  )
  app.get(
    '/api/v1/telemetry/quarantine',
    {
      schema: {
        tags,
        summary: 'Records that were wrong and kept aside, newest first',
        querystring: QuarantineQuery,
        response: { 200: Quarantine },
      },
    },
    async ({ query: { before, limit = usualLimit, format } }, reply) => {
      const kept = await telemetry.store().ask('quarantined', { before: before ?? null, limit })
      const view = kept.map(({ id, at_ms, reason, fields, payload }) => ({
        id,
        at: isoTime(at_ms),
        reason,
        fields: JSON.parse(fields) as Record<string, string>,
        payload,
      }))
      return answer(
        reply,
        format,
        view,
        'kept-aside',
        ['id', 'at', 'reason', 'fields', 'payload'],
        () => view,
      )
    },
  )
}
