import { Type } from 'typebox'
import { parseInstant } from '../../shared/time-text.ts'
import {
  BulkAnswer,
  BulkBody,
  ChangeWatcher,
  ChangeWatcherQuery,
  CommentBody,
  CreateWatcher,
  SignalAnswer,
  SignalBody,
  Watcher,
  WatcherParams,
} from '../../shared/api/watchers.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { WatcherError } from './errors.ts'
import type { Watchers } from './index.ts'
import type { WatcherEntry } from './schema.ts'
import { viewOf } from './view.ts'
import { agentOf, commentOf, originOf } from './wire/ingest.ts'
import { printable } from '../../shared/text.ts'
import { asked, findIn, tags } from './route-parts.ts'

/** Clocks of clients may be this much ahead (ms). */
const mostAheadMs = 60_000

/** Signals carry output of up to 100 kB, which JSON's escapes make longer. */
const signalBodyLimit = 1_048_576

/** The routes by which watchers are made, changed and triggered. */

/** Adds the routes by which watchers are made, changed, removed and triggered. */
export function writeRoutes(app: App, watchers: Watchers, { clock }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)
  const view = (entry: WatcherEntry): Watcher =>
    viewOf(entry, watchers.judged(entry), watchers.blind(), now())

  app.post(
    '/api/v1/watchers',
    { schema: { tags, summary: 'Add a watcher', body: CreateWatcher, response: { 201: Watcher } } },
    async ({ body }, reply) => reply.status(201).send(view(await asked(() => watchers.create(body)))),
  )
  app.patch(
    '/api/v1/watchers/:id',
    {
      schema: {
        tags,
        summary: 'Change a watcher',
        params: WatcherParams,
        querystring: ChangeWatcherQuery,
        body: ChangeWatcher,
        response: { 200: Watcher },
      },
    },
    ({ params, query, body }) =>
      asked(async () => {
        const { id } = findIn(watchers, params.id)
        try {
          return view(await watchers.change(id, body, query.revision))
        } catch (error) {
          // Saying again what is so already is no mistake of a form.
          const entry = error instanceof WatcherError && error.kind === 'no-change' ? watchers.get(id) : null
          if (!entry) throw error
          return view(entry)
        }
      }),
  )
  app.delete(
    '/api/v1/watchers/:id',
    {
      schema: {
        tags,
        summary: 'Remove a watcher with its history',
        params: WatcherParams,
        response: { 204: Type.Null() },
      },
    },
    async ({ params }, reply) => {
      await asked(() => watchers.remove(findIn(watchers, params.id).id))
      return reply.status(204).send(null)
    },
  )
  for (const [verb, paused] of [
    ['pause', true],
    ['unpause', false],
  ] as const) {
    app.post(
      `/api/v1/watchers/:id/${verb}`,
      {
        schema: {
          tags,
          summary: paused ? 'Expect nothing for a while' : 'Expect triggers again, from now on',
          params: WatcherParams,
          body: Type.Optional(CommentBody),
          response: { 200: Watcher },
        },
      },
      ({ params, body }) =>
        asked(async () =>
          view(
            await watchers.setPaused(
              findIn(watchers, params.id).id,
              paused,
              commentOf(body?.comment ?? null),
            ),
          ),
        ),
    )
  }
  app.post(
    '/api/v1/watchers/:id/triggers',
    {
      bodyLimit: signalBodyLimit,
      config: { scope: 'trigger' },
      schema: {
        tags,
        summary: 'Tell that a job succeeded, started, failed or said something',
        params: WatcherParams,
        querystring: Type.Object(
          {
            id: Type.Optional(
              Type.String({ maxLength: 100, description: 'a trigger sent twice counts once' }),
            ),
          },
          { additionalProperties: false },
        ),
        body: SignalBody,
        response: { 200: SignalAnswer },
      },
    },
    async (request) => {
      const { params, body, query } = request
      const { id } = findIn(watchers, params.id)
      const nowMs = now()
      const at = body.at === undefined ? nowMs : parseInstant(body.at, nowMs)
      if (at === null) throw new HttpProblem(400, `body.at: '${printable(body.at ?? '', 40)}' is not a time`)
      const failed = (body.exitStatus ?? 0) > 0
      if (at > nowMs + mostAheadMs) throw new HttpProblem(400, 'body.at: that time has not come yet')
      if (failed && body.kind !== undefined && body.kind !== 'fail')
        throw new HttpProblem(
          400,
          `body.kind: a run that ended with ${body.exitStatus ?? 0} is not a ${body.kind}`,
        )
      const outcome = await asked(() =>
        watchers.signal(
          id,
          {
            kind: body.kind ?? (failed ? 'fail' : 'success'),
            atMs: Math.min(at, nowMs),
            exitStatus: body.exitStatus ?? null,
            run: printable(body.run ?? '', 100),
            comment: commentOf(body.comment ?? null),
            origin: originOf(request),
            agent: agentOf(request),
            body: body.body === undefined || body.body === '' ? null : Buffer.from(body.body, 'utf8'),
          },
          query.id,
        ),
      )
      return outcome ?? { recovered: false, unpaused: false, ignored: true, event: 0 }
    },
  )
  app.post(
    '/api/v1/watchers/bulk',
    {
      schema: {
        tags,
        summary: 'Pause, unpause or remove many',
        body: BulkBody,
        response: { 200: BulkAnswer },
      },
    },
    async ({ body: { action, ids } }) => {
      const outcomes = await Promise.all(
        [...new Set(ids)].map(async (name) => {
          const watcher = watchers.resolve(name)
          if (!watcher) return false
          try {
            if (action === 'remove') await watchers.remove(watcher.id)
            else await watchers.setPaused(watcher.id, action === 'pause')
            return true
          } catch (error) {
            if (error instanceof WatcherError) return false
            throw error
          }
        }),
      )
      const changed = outcomes.filter(Boolean).length
      return { changed, unchanged: outcomes.length - changed }
    },
  )
}
