import {
  ChangesQuery,
  HealthChanges,
  KeptReport,
  KeptReports,
  KeptReportsQuery,
  ReportParams,
  ReportTextQuery,
} from '../../shared/api/health.ts'
import { Type } from 'typebox'
import { isoTime } from '../../shared/time-text.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Health } from './index.ts'
import { asText } from './report-reply.ts'
import { reportJson, reportText, type DaemonReport } from './report.ts'

const tags = ['health']
const usualReports = 50

/** Adds the routes of reports that were kept. */
export function keptRoutes(app: App, health: Health, { clock, reader }: RoomContext): void {
  app.get(
    '/api/v1/health/reports',
    {
      schema: {
        tags,
        summary: 'Reports that were kept, newest first; `before` asks for the next piece',
        querystring: KeptReportsQuery,
        response: { 200: KeptReports },
      },
    },
    ({ query: { before, limit, why } }) =>
      reader.ask('healthReports', { before: before ?? null, limit: limit ?? usualReports, why: why ?? null }),
  )
  app.post(
    '/api/v1/health/reports',
    { schema: { tags, summary: 'Make a report now and keep it', response: { 200: KeptReport } } },
    async () => {
      const report = await health.sample()
      const atMs = Math.round(clock.glance().wallMs)
      const id = await health.keeper.keep(report, 'asked', atMs)
      const { reports } = await reader.ask('healthReports', { before: id + 1, limit: 1, why: null })
      return reports[0] ?? { id, at: isoTime(atMs), why: 'asked' as const, bytes: 0 }
    },
  )
  app.get(
    '/api/v1/health/reports/:id',
    {
      schema: {
        tags,
        summary: 'A kept report, as `/health/report` has it',
        params: ReportParams,
        querystring: ReportTextQuery,
        response: { 200: Type.String() },
      },
    },
    async ({ params: { id }, query: { format, view } }, reply) => {
      const kept = await reader.ask('healthReport', { id })
      if (kept === null) throw new HttpProblem(404, `there is no report ${id}`)
      const { report } = kept
      return asText(
        reply,
        format,
        () => reportJson(report),
        () => reportText(report, view ?? 'full'),
      )
    },
  )
  app.get(
    '/api/v1/health/reports/:id/changes',
    {
      schema: {
        tags,
        summary: 'What changed since a report: packages, drivers, hardware, services, disks',
        params: ReportParams,
        querystring: ChangesQuery,
        response: { 200: HealthChanges },
      },
    },
    async ({ params: { id }, query: { to } }) => {
      const found = await reader.ask('healthChanges', { from: id, to: to ?? (await present(health)) })
      if (found === null)
        throw new HttpProblem(404, `there is no report ${to === undefined ? id : `${id}, or none ${to}`}`)
      return {
        from: { id, at: isoTime(found.fromMs) },
        to: { id: to ?? null, at: isoTime(found.toMs ?? health.reportMs ?? clock.glance().wallMs) },
        changes: [...found.changes],
      }
    },
  )
}

/** Returns the present with what is installed now. */
async function present(
  health: Health,
): Promise<{ readonly report: DaemonReport; readonly packages: Readonly<Record<string, string>> | null }> {
  const report = health.report ?? (await health.sample())
  const packages = await health.workers.packages.read().catch(() => null)
  return { report, packages: packages === null ? null : Object.fromEntries(packages.versions) }
}
