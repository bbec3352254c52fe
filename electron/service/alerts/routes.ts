import { Type } from 'typebox'
import {
  ChangeChannel,
  Channel,
  Channels,
  CreateChannel,
  IdParams,
  NoticePage,
  NoticeQuery,
  TestAnswer,
} from '../../shared/api/alerts.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { changeChannel, channelView, createChannel, removeChannel, testMessage } from './channel-settings.ts'
import type { Alerts } from './index.ts'
import { readNotices } from './notices.ts'
import { incidentRoutes } from './incident-routes.ts'
import type { ChannelRow } from './schema.ts'
import { readChannels } from './store.ts'
import { maintenanceRoutes, muteRoutes } from './silence-routes.ts'

const tags = ['alerts']

/** Adds the part of the native API by which people are told of changes, or are not. */
export function alertRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  noticeRoutes(app, context)
  incidentRoutes(app, context)
  channelRoutes(app, alerts, context)
  muteRoutes(app, alerts, context)
  maintenanceRoutes(app, alerts, context)
}

function noticeRoutes(app: App, { db }: RoomContext): void {
  app.get(
    '/api/v1/notices',
    {
      schema: {
        tags,
        summary: 'Everything that was told or not told, and why; newest first',
        querystring: NoticeQuery,
        response: { 200: NoticePage },
      },
    },
    (request) => {
      const page = readNotices(db, request.query)
      if (request.scopeOfKey(null) === 'write') return page
      // The id of a watcher triggers it, and a key that only reads must not.
      return {
        ...page,
        notices: page.notices.map((notice) => ({ ...notice, item: null, path: `/${notice.room}` })),
      }
    },
  )
}

function channelRoutes(app: App, alerts: Alerts, context: RoomContext): void {
  const { db, clock, commits } = context
  const find = (id: number): ChannelRow => {
    const channel = readChannels(db).find((known) => known.id === id)
    if (!channel) throw new HttpProblem(404, `there is no channel ${id}`)
    return channel
  }
  const view = (channel: ChannelRow): Channel => channelView(channel, alerts.desktop)
  const secret = { scope: 'write' } as const
  app.get(
    '/api/v1/channels',
    { config: secret, schema: { tags, summary: 'Channels', response: { 200: Channels } } },
    () => readChannels(db).map(view),
  )
  app.post(
    '/api/v1/channels',
    { schema: { tags, summary: 'Add a channel', body: CreateChannel, response: { 201: Channel } } },
    async ({ body }, reply) => {
      const id = await commits.write(() => createChannel(db, body, clock.glance().wallMs))
      context.changed('notices')
      return reply.status(201).send(view(find(id)))
    },
  )
  app.patch(
    '/api/v1/channels/:id',
    {
      schema: {
        tags,
        summary: 'Change a channel',
        params: IdParams,
        body: ChangeChannel,
        response: { 200: Channel },
      },
    },
    async ({ params: { id }, body }) => {
      await commits.write(() => changeChannel(db, find(id), body, clock.glance().wallMs))
      context.changed('notices')
      alerts.wake()
      return view(find(id))
    },
  )
  app.delete(
    '/api/v1/channels/:id',
    { schema: { tags, summary: 'Remove a channel', params: IdParams, response: { 204: Type.Null() } } },
    async ({ params: { id } }, reply) => {
      await commits.write(() => {
        find(id)
        removeChannel(db, id, clock.glance().wallMs)
      })
      context.changed('notices')
      return reply.status(204).send(null)
    },
  )
  app.post(
    '/api/v1/channels/:id/test',
    {
      schema: {
        tags,
        summary: 'Send a test notice and tell how it went',
        params: IdParams,
        response: { 200: TestAnswer },
      },
    },
    async ({ params: { id } }) => {
      const channel = find(id)
      const result = await alerts.outbox.sendNow(channel, testMessage(clock.glance().wallMs))
      return { sent: result.sent, reason: result.sent ? (result.note ?? null) : result.reason }
    },
  )
}
