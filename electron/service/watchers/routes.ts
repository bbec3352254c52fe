import { Type } from 'typebox'
import { isoTime, parseInstant } from '../../shared/time-text.ts'
import {
  BodyParams,
  BulkAnswer,
  BulkBody,
  ChangeWatcher,
  CommentBody,
  CreateWatcher,
  EventQuery,
  Preview,
  PreviewBody,
  SignalAnswer,
  SignalBody,
  Watcher,
  WatcherAddresses,
  WatcherEvents,
  WatcherFlips,
  WatcherList,
  WatcherParams,
  WatcherQuery,
} from '../../shared/api/watchers.ts'
import { problemStates, watcherStates } from '../../shared/watcher-words.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { WatcherError } from './errors.ts'
import type { Watchers } from './index.ts'
import { ScheduleError } from '../schedules/schedule-error.ts'
import { compileSchedule } from '../schedules/schedule.ts'
import type { WatcherEntry, WatcherRecord } from './schema.ts'
import { scheduleWords } from '../../shared/schedule-words.ts'
import { eventView, viewOf } from './view.ts'
import { badgeRoutes } from './wire/badges.ts'
import { healthchecksApiRoutes } from './wire/healthchecks-api.ts'
import { healthchecksPingRoutes } from './wire/healthchecks-ping.ts'
import { heartbeatRoutes } from './wire/heartbeats.ts'
import { agentOf, commentOf, originOf, printable } from './wire/ingest.ts'
import { nightsWatchRoutes, shortTrigger } from './wire/nights-watch.ts'
import { rootRoutes } from './wire/root.ts'

const tags = ['watchers']
/** Signals carry output of up to 100 kB, which JSON's escapes make longer. */
const signalBodyLimit = 1_048_576
const previewed = 5
/** Clocks of clients may be this much ahead (ms). */
const mostAheadMs = 60_000

/** Adds the watchers' part of the native API and every compatible one. */
export function watcherRoutes(app: App, watchers: Watchers, context: RoomContext): void {
  nightsWatchRoutes(app, watchers, context)
  healthchecksApiRoutes(app, watchers, context)
  rootRoutes(app, [
    shortTrigger(watchers, context),
    healthchecksPingRoutes(app, watchers, context),
    heartbeatRoutes(app, watchers, context),
  ])
  badgeRoutes(app, watchers, context)
  readRoutes(app, watchers, context)
  writeRoutes(app, watchers, context)
}

function findIn(watchers: Watchers, id: string): WatcherRecord {
  const watcher = watchers.resolve(id)
  if (!watcher) throw new HttpProblem(404, `there is no watcher '${printable(id, 60)}'`)
  return watcher
}

/** Turns what a watcher refuses into an answer. */
async function asked<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ScheduleError) throw new HttpProblem(400, error.message)
    if (!(error instanceof WatcherError)) throw error
    switch (error.kind) {
      case 'not-found':
        throw new HttpProblem(404, error.message)
      case 'slug-taken':
      case 'already-paused':
      case 'already-unpaused':
        throw new HttpProblem(409, error.message)
      case 'bad-slug':
      case 'bad-schedule':
      case 'bad-setting':
      case 'no-change':
        throw new HttpProblem(400, error.message)
      default:
        throw new HttpProblem(400, error.kind satisfies never)
    }
  }
}

/** A key that only reads is shown no name by which a watcher can be triggered; its slug takes the id's place. */
function withoutSecrets(watcher: Watcher): Watcher {
  return { ...watcher, id: watcher.slug, uuid: '', token: '', badgeKey: '' }
}

function readRoutes(app: App, watchers: Watchers, { clock, reader, db }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)
  const view = (entry: WatcherEntry): Watcher =>
    viewOf(entry, watchers.judged(entry), watchers.blind(), now())

  app.get(
    '/api/v1/watchers',
    {
      schema: {
        tags,
        summary: 'Watchers, problems first',
        querystring: WatcherQuery,
        response: { 200: WatcherList },
      },
    },
    async (request) => {
      const { state, limit = 50, offset = 0, ...rest } = request.query
      const states = state?.split(',').filter((word) => word !== '') ?? []
      const wanted = states.flatMap((word) => (word === 'problem' ? [...problemStates] : [word]))
      const unknown = wanted.find((word) => !(watcherStates as readonly string[]).includes(word))
      if (unknown !== undefined)
        throw new HttpProblem(400, `'${printable(unknown, 40)}' is not a state of watchers`)
      const list = await reader.ask('watcherList', {
        ...rest,
        nowMs: now(),
        blind: watchers.blind(),
        states: wanted,
        limit,
        offset,
      })
      const isFull = request.scopeOfKey(null) === 'write'
      return isFull ? list : { ...list, watchers: list.watchers.map(withoutSecrets) }
    },
  )
  app.get(
    '/api/v1/watchers/addresses',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Keys in the addresses of triggers and badges',
        response: { 200: WatcherAddresses },
      },
    },
    () => ({ pingKey: watchers.pingKey(), badgeKey: watchers.badgeKey() }),
  )
  app.get(
    '/api/v1/watchers/:id',
    {
      schema: {
        tags,
        summary: 'One watcher, by id, uuid or slug',
        params: WatcherParams,
        response: { 200: Watcher },
      },
    },
    (request) => {
      const entry = watchers.get(findIn(watchers, request.params.id).id)
      if (!entry) throw new HttpProblem(404, 'it was removed')
      return request.scopeOfKey(null) === 'write' ? view(entry) : withoutSecrets(view(entry))
    },
  )
  app.get(
    '/api/v1/watchers/:id/events',
    {
      schema: {
        tags,
        summary: 'History, newest first',
        params: WatcherParams,
        querystring: EventQuery,
        response: { 200: WatcherEvents },
      },
    },
    ({ params, query: { limit = 50, offset = 0 } }) => {
      const { id } = findIn(watchers, params.id)
      return {
        total: watchers.countEvents(id),
        events: watchers.events(id, { limit, offset }).map(eventView),
      }
    },
  )
  app.get(
    '/api/v1/watchers/:id/events/:n/body',
    {
      schema: {
        tags,
        summary: 'Body of a trigger, as text',
        params: BodyParams,
        response: { 200: Type.String() },
      },
    },
    async ({ params }, reply) => {
      const body = watchers.body(findIn(watchers, params.id).id, params.n)
      if (!body) throw new HttpProblem(404, `trigger ${params.n} has no body, or it is no longer kept`)
      return reply.header('content-type', 'text/plain; charset=utf-8').send(body.toString('utf8'))
    },
  )
  app.get(
    '/api/v1/watchers/:id/flips',
    {
      schema: {
        tags,
        summary: 'Changes of state, newest first',
        params: WatcherParams,
        response: { 200: WatcherFlips },
      },
    },
    ({ params }) => {
      const { code } = findIn(watchers, params.id)
      const rows = db
        .prepare(
          `SELECT at_ms, from_state, to_state, facts ->> '$.text' AS text FROM transition
           WHERE room = 'watchers' AND item = ? ORDER BY id DESC LIMIT 200`,
        )
        .all(code) as { at_ms: number; from_state: string; to_state: string; text: string }[]
      return rows.map(({ at_ms, from_state, to_state, text }) => ({
        at: isoTime(at_ms),
        from: from_state,
        to: to_state,
        text,
      }))
    },
  )
  app.post(
    '/api/v1/watchers/preview',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The next due times of a schedule',
        body: PreviewBody,
        response: { 200: Preview },
      },
    },
    ({ body: { schedule } }) =>
      asked(() => {
        const compiled = compileSchedule(schedule)
        const due: string[] = []
        let atMs: number | null = now()
        while (due.length < previewed) {
          atMs = compiled.nextDue(atMs)
          if (atMs === null || !Number.isFinite(atMs) || atMs > 8.64e15) break
          due.push(isoTime(atMs))
        }
        return { due, words: scheduleWords(schedule) }
      }),
  )
}

function writeRoutes(app: App, watchers: Watchers, { clock }: RoomContext): void {
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
        body: ChangeWatcher,
        response: { 200: Watcher },
      },
    },
    ({ params, body }) =>
      asked(async () => {
        const { id } = findIn(watchers, params.id)
        try {
          return view(await watchers.change(id, body))
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
