import { Type } from 'typebox'
import { ConfigAnswer, ConfigApplyQuery, ConfigBody, ConfigQuery } from '../../shared/api/config.ts'
import type { App } from '../context.ts'
import { asked as askedOfHosts } from '../hosts/route-parts.ts'
import { HttpProblem } from '../problem.ts'
import { asked as askedOfWatchers } from '../watchers/route-parts.ts'
import { ConfigError, readConfigFile, writeConfigFile } from './file.ts'
import { planConfiguration, type ConfigRooms } from './plan.ts'
import { readConfiguration } from './read.ts'

const tags = ['service']
const bodyLimit = 9_000_000

/** Adds the routes by which everything that users decided is taken away as a file, and brought back. */
export function configRoutes(app: App, rooms: ConfigRooms): void {
  const { db, clock } = rooms.context
  const now = (): number => Math.round(clock.glance().wallMs)
  app.get(
    '/api/v1/config',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Everything that users decided, as a YAML file',
        querystring: ConfigQuery,
        response: { 200: Type.String() },
      },
    },
    async ({ query: { secrets = false } }, reply) =>
      reply
        .header('content-type', 'application/yaml; charset=utf-8')
        .header('content-disposition', 'attachment; filename="watchkeeper.yaml"')
        .send(writeConfigFile(readConfiguration(db, secrets, now()))),
  )
  app.put(
    '/api/v1/config',
    {
      bodyLimit,
      schema: {
        tags,
        summary: 'Bring everything in line with a file; all of it is checked before anything is changed',
        querystring: ConfigApplyQuery,
        body: ConfigBody,
        response: { 200: ConfigAnswer },
      },
    },
    ({ body: { text }, query: { dryRun = false, prune = false } }) =>
      askedOfHosts(() =>
        askedOfWatchers(async () => {
          try {
            const plan = planConfiguration(readConfigFile(text), rooms, prune, now())
            if (!dryRun) await plan.apply()
            return plan.answer
          } catch (error) {
            if (error instanceof ConfigError) throw new HttpProblem(400, error.message)
            throw error
          }
        }),
      ),
  )
}
