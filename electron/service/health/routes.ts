import { Type } from 'typebox'
import {
  ChangeHealthSettings,
  HealthHistory,
  HealthHistoryQuery,
  HealthPlugIns,
  HealthSettings,
  HealthSummary,
  ReportTextQuery,
} from '../../shared/api/health.ts'
import { metricKindNames } from '../../shared/health-words.ts'
import { dayMs } from '../../shared/time-text.ts'
import { parseWindow, WindowError } from '../../shared/window.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Health } from './index.ts'
import { keptRoutes } from './kept-routes.ts'
import { asText } from './report-reply.ts'
import { reportJson, reportText, workerText, type DaemonReport } from './report.ts'
import type { MetricState } from './schema.ts'
import { shownMetrics, summaryView } from './view.ts'

const tags = ['health']

/** Adds the room's routes: those of system-health-daemon's report, and the native ones. */
export function healthRoutes(app: App, health: Health, context: RoomContext): void {
  reportRoutes(app, health)
  nativeRoutes(app, health, context)
  keptRoutes(app, health, context)
}

function reportRoutes(app: App, health: Health): void {
  const current = (): DaemonReport => {
    if (!health.settings.enabled) throw new HttpProblem(503, 'reports of this machine are switched off')
    if (health.report === null)
      throw new HttpProblem(503, 'there is no report yet; the first one is being made')
    return health.report
  }
  const response = { 200: Type.String() }
  app.get(
    '/health/report',
    {
      schema: {
        tags,
        summary: 'The last report, with system-health-daemon’s keys',
        description:
          'JSON with TAB indentation, or its text with `format=text`; `view=brief` is the text that system-health-daemon wrote.',
        querystring: ReportTextQuery,
        response,
      },
    },
    ({ query: { format, view } }, reply) => {
      const report = current()
      return asText(
        reply,
        format,
        () => reportJson(report),
        () => reportText(report, view ?? 'full'),
      )
    },
  )
  app.get(
    '/health/report/:worker',
    {
      schema: {
        tags,
        summary: 'One worker of the last report',
        params: Type.Object({ worker: Type.String({ maxLength: 100 }) }),
        querystring: ReportTextQuery,
        response,
      },
    },
    ({ params, query: { format, view } }, reply) => {
      const { worker_reports: workers } = current()
      const found = workers.find(({ name }) => name.toLowerCase() === params.worker.toLowerCase())
      if (!found)
        throw new HttpProblem(
          404,
          `there is no worker '${params.worker}'; there are ${workers.map(({ name }) => name).join(', ')}`,
        )
      return asText(
        reply,
        format,
        () => reportJson(found),
        () => workerText(found, view ?? 'full'),
      )
    },
  )
}

/** Windows without words are this long. */
const usualWindowMs = dayMs
const usualPoints = 300
/** More series at once would make an answer that no page can draw. */
const mostSeries = 60

function nativeRoutes(app: App, health: Health, { clock, reader, observation }: RoomContext): void {
  app.get(
    '/api/v1/health',
    {
      schema: {
        tags,
        summary: 'How this machine is: every figure with its level',
        response: { 200: HealthSummary },
      },
    },
    () => summaryView(health),
  )
  app.get(
    '/api/v1/health/history',
    {
      schema: {
        tags,
        summary: 'Figures over time',
        querystring: HealthHistoryQuery,
        response: { 200: HealthHistory },
      },
    },
    async ({ query: { metric, points, ...window } }) => {
      const nowMs = Math.round(clock.glance().wallMs)
      const { sinceMs, untilMs } = windowOf(window, nowMs)
      const chosen = chosenMetrics(health, metric)
      if (chosen.length > mostSeries)
        throw new HttpProblem(
          400,
          `metric: ${chosen.length} series are too many at once; name at most ${mostSeries}`,
        )
      if (untilMs > nowMs - 120_000) await health.flush()
      return reader.ask('healthHistory', {
        metrics: chosen.map(({ id, kind, item }) => ({ id, kind, item })),
        blind: observation.blindSpans().filter(({ toMs }) => toMs > sinceMs),
        sinceMs,
        untilMs,
        points: points ?? usualPoints,
        nowMs,
      })
    },
  )
  app.get(
    '/api/v1/health/settings',
    {
      config: { scope: 'write' },
      schema: { tags, summary: 'Settings of health', response: { 200: HealthSettings } },
    },
    () => health.settings,
  )
  app.patch(
    '/api/v1/health/settings',
    {
      schema: {
        tags,
        summary: 'Change settings; what is left out stays',
        body: ChangeHealthSettings,
        response: { 200: HealthSettings },
      },
    },
    ({ body }) => health.change(body),
  )
  app.get(
    '/api/v1/health/plugins',
    {
      schema: { tags, summary: 'Plug-ins, also those that cannot be used', response: { 200: HealthPlugIns } },
    },
    () => health.plugIns.list(health.workers.list),
  )
}

function windowOf(
  query: Parameters<typeof parseWindow>[0],
  nowMs: number,
): { readonly sinceMs: number; readonly untilMs: number } {
  try {
    const bounds = parseWindow(query, nowMs)
    const untilMs = bounds.untilMs ?? nowMs
    return { untilMs, sinceMs: bounds.sinceMs ?? untilMs - (bounds.lastMs ?? usualWindowMs) }
  } catch (error) {
    if (error instanceof WindowError) throw new HttpProblem(400, error.message)
    throw error
  }
}

/** Returns the metrics that ids or kinds name. @throws HttpProblem 400 */
function chosenMetrics(health: Health, text: string | undefined): readonly MetricState[] {
  const all = [...health.desk.metrics.values()]
  if (text === undefined || text === '') return shownMetrics(health).slice(0, mostSeries)
  const chosen = text.split(',').flatMap((word) => {
    const name = word.trim()
    if (/^\d+$/.test(name)) {
      const found = all.find(({ id }) => id === Number(name))
      if (!found) throw new HttpProblem(400, `metric: there is no metric ${name}`)
      return [found]
    }
    if (!metricKindNames.some((kind) => kind === name))
      throw new HttpProblem(
        400,
        `metric: '${name}' is neither an id nor one of ${metricKindNames.join(', ')}`,
      )
    return shownMetrics(health).filter(({ kind }) => kind === name)
  })
  return [...new Set(chosen)]
}
