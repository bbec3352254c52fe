import { Type } from 'typebox'
import {
  ChangeTelemetrySettings,
  ClientState,
  PluginParams,
  PluginQuery,
  Plugins,
  PluginView,
  PurgeAnswer,
  PurgeBody,
  SpoolParams,
  TelemetrySettings,
  TelemetrySummary,
} from '../../../shared/api/telemetry.ts'
import { isoTime, isoTimeOrNull } from '../../../shared/time-text.ts'
import type { App, RoomContext } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import type { Telemetry } from '../index.ts'
import type { Summary } from '../views/summary.ts'
import { csvTable } from '../views/index.ts'
import { answer, asked, sendCsv, tags } from './parts.ts'

/** Adds the routes of settings, retention, this machine as a client, and plug-in views. */
export function settingRoutes(app: App, telemetry: Telemetry, { changed }: RoomContext): void {
  app.get(
    '/api/v1/telemetry',
    {
      schema: { tags, summary: 'How full the store is, and what came', response: { 200: TelemetrySummary } },
    },
    async (): Promise<TelemetrySummary> => {
      const base = {
        store: telemetry.place.kind,
        place: telemetry.placeText,
        received: { ...telemetry.collector.received },
        lastPurge: telemetry.purger.last && {
          at: isoTime(telemetry.purger.last.atMs),
          records: telemetry.purger.last.records,
        },
      }
      const found = await figuresOf(telemetry)
      if (typeof found === 'string')
        return {
          ...base,
          state: 'unavailable',
          reason: found,
          records: null,
          crashes: null,
          guilties: null,
          bytes: null,
          oldest: null,
          newest: null,
          counted: null,
          quarantined: null,
        }
      const [summary, bytes] = found
      return {
        ...base,
        state: 'ready',
        reason: null,
        bytes,
        records: summary.records,
        crashes: summary.crashes,
        guilties: summary.guilties,
        oldest: isoTimeOrNull(summary.oldestMs),
        newest: isoTimeOrNull(summary.newestMs),
        counted: summary.counted,
        quarantined: summary.quarantined,
      }
    },
  )
  app.get(
    '/api/v1/telemetry/settings',
    {
      config: { scope: 'write' },
      schema: { tags, summary: 'Settings of telemetry', response: { 200: TelemetrySettings } },
    },
    () => telemetry.settings,
  )
  app.patch(
    '/api/v1/telemetry/settings',
    {
      schema: {
        tags,
        summary: 'Change settings; what is left out stays',
        body: ChangeTelemetrySettings,
        response: { 200: TelemetrySettings },
      },
    },
    ({ body }) => telemetry.change(body),
  )
  app.post(
    '/api/v1/telemetry/purge',
    {
      schema: {
        tags,
        summary: 'Let go of what retention says, or only count it',
        body: PurgeBody,
        response: { 200: PurgeAnswer },
      },
    },
    ({ body }) => asked(telemetry.purger.run(body.dryRun ?? false)),
  )
  clientRoutes(app, telemetry, changed)
  pluginRoutes(app, telemetry)
}

/** Returns the store's figures, or why there are none. */
async function figuresOf(telemetry: Telemetry): Promise<readonly [Summary, number] | string> {
  try {
    return await Promise.all([telemetry.views.ask('summary', null), telemetry.store().bytes()])
  } catch (error) {
    if (error instanceof HttpProblem && error.statusCode === 503) return telemetry.trouble ?? error.message
    throw error
  }
}

function clientRoutes(app: App, telemetry: Telemetry, changed: RoomContext['changed']): void {
  const state = { 200: ClientState }
  const { client } = telemetry
  app.get(
    '/api/v1/telemetry/client',
    {
      config: { scope: 'write' },
      schema: { tags, summary: 'This machine as a client, with what waits to be sent', response: state },
    },
    () => client.state(),
  )
  app.post(
    '/api/v1/telemetry/client/consent',
    {
      schema: {
        tags,
        summary: 'Say yes or no to reporting what goes wrong on this machine',
        body: Type.Object({ consent: Type.Boolean() }, { additionalProperties: false }),
        response: state,
      },
    },
    async ({ body }) => {
      await telemetry.consent(body.consent)
      return client.state()
    },
  )
  app.post(
    '/api/v1/telemetry/client/spool/:id/approve',
    { schema: { tags, summary: 'Let a waiting record be sent', params: SpoolParams, response: state } },
    ({ params: { id } }) => {
      if (!client.approve(id)) throw new HttpProblem(404, `no record '${id}' waits`)
      changed('telemetry')
      return client.state()
    },
  )
  app.delete(
    '/api/v1/telemetry/client/spool/:id',
    { schema: { tags, summary: 'Discard a waiting record', params: SpoolParams, response: state } },
    ({ params: { id } }) => {
      if (!client.discard(id)) throw new HttpProblem(404, `no record '${id}' waits`)
      changed('telemetry')
      return client.state()
    },
  )
}

function pluginRoutes(app: App, { plugins }: Telemetry): void {
  app.get(
    '/api/v1/telemetry/plugins',
    {
      schema: { tags, summary: 'Plug-in views, also those that cannot be used', response: { 200: Plugins } },
    },
    () => plugins.list(),
  )
  app.get(
    '/api/v1/telemetry/plugins/:name',
    {
      schema: {
        tags,
        summary: 'What a plug-in shows; as CSV one of its tables, the first unless told otherwise',
        params: PluginParams,
        querystring: PluginQuery,
        response: { 200: PluginView },
      },
    },
    async ({ params: { name }, query: { format, table = 0 } }, reply) => {
      const view = await asked(plugins.show(name))
      if (format !== 'csv') return answer(reply, format, view, name, [], () => [])
      const chosen = view.tables[table]
      if (!chosen) throw new HttpProblem(404, `the plug-in ${name} shows no table ${table}`)
      return sendCsv(
        reply,
        `${name}-${table}`,
        csvTable(chosen.columns, chosen.rows),
      ) as unknown as PluginView
    },
  )
}
