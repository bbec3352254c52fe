import { Type } from 'typebox'
import { isoTime, isoTimeOrNull } from '../../shared/time-text.ts'
import {
  BodyParams,
  EventQuery,
  Preview,
  PreviewBody,
  JobProposals,
  LookBody,
  SourceLook,
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
import type { Watchers } from './index.ts'
import { compileSchedule } from '../schedules/schedule.ts'
import type { WatcherEntry } from './schema.ts'
import { scheduleWords } from '../../shared/schedule-words.ts'
import { eventView, viewOf } from './view.ts'
import { badgeRoutes } from './wire/badges.ts'
import { healthchecksApiRoutes } from './wire/healthchecks-api.ts'
import { healthchecksPingRoutes } from './wire/healthchecks-ping.ts'
import { heartbeatRoutes } from './wire/heartbeats.ts'
import { printable } from '../../shared/text.ts'
import { nightsWatchRoutes, shortTrigger } from './wire/nights-watch.ts'
import { rootRoutes } from './wire/root.ts'
import { writeRoutes } from './write-routes.ts'
import { asked, findIn, tags } from './route-parts.ts'

const previewed = 5

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

/** A key that only reads is shown no name by which a watcher can be triggered; its slug takes the id's place. */
function withoutSecrets(watcher: Watcher): Watcher {
  return { ...watcher, id: watcher.slug, uuid: '', token: '', badgeKey: '', source: null }
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
    '/api/v1/watchers/proposals',
    {
      // Commands of crontabs may hold secrets.
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'What this machine’s schedulers run, as watchers could have it; nothing is changed',
        response: { 200: JobProposals },
      },
    },
    () => watchers.proposals(),
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
    '/api/v1/watchers/look',
    {
      // Which files this machine has is nothing for a key that only reads.
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'What a source shows now, without keeping it',
        body: LookBody,
        response: { 200: SourceLook },
      },
    },
    ({ body: { source } }) =>
      asked(async () => {
        const { found, fault } = await watchers.look(source)
        return {
          at: isoTimeOrNull(found?.atMs ?? null),
          good: found === null ? null : found.kind === 'success',
          text: fault ?? found?.comment ?? 'There is nothing yet.',
          fault: fault !== null,
        }
      }),
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
