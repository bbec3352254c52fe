import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { badgeSvg } from '../../../shared/badge.ts'
import type { WatcherState } from '../../../shared/watcher-words.ts'
import type { App, RoomContext } from '../../context.ts'
import type { Watchers } from '../index.ts'

/** The words of healthchecks for a watcher's state. */
export type BadgeState = 'new' | 'up' | 'grace' | 'down' | 'paused'

/** Returns a state in healthchecks' words. */
export function badgeState(state: WatcherState): BadgeState {
  switch (state) {
    case 'late':
    case 'failing':
      return 'down'
    case 'grace':
      return 'grace'
    case 'paused':
      return 'paused'
    case 'new':
      return 'new'
    case 'up':
    case 'running':
    case 'unobserved':
      return 'up'
    default:
      return state satisfies never
  }
}

/** Colours of healthchecks' badges (hc/lib/badges.py). */
const colours = { up: '#4c1', late: '#fe7d37', down: '#e05d44', new: '#9f9f9f', paused: '#9f9f9f' } as const
type Shown = keyof typeof colours

const formats = ['svg', 'json', 'shields'] as const
type Format = (typeof formats)[number]

/** A name that ends in `-2` shows two states: what is in its grace counts as up. */
const twoStates = /-2$/

interface Badge {
  readonly label: string
  readonly status: Shown
  readonly total: number
  readonly grace: number
  readonly down: number
}

/** Adds badges of one watcher, of a tag, and of all. Their keys are secrets of their own, which trigger nothing. */
export function badgeRoutes(app: App, watchers: Watchers, { clock, reader }: RoomContext): void {
  const options = { config: { access: 'open' }, schema: { hide: true } } as const
  const nowMs = (): number => Math.round(clock.glance().wallMs)

  const one = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { states = '3', file } = request.params as { states?: string; file: string }
    const named = split(file)
    const isTwo = states === '2' || (named !== null && twoStates.test(named.name))
    const watcher = named && watchers.find('badge_key', named.name.replace(twoStates, ''))
    const entry = watcher && watchers.get(watcher.id)
    if (!named || !entry) return missing(reply)
    const state = badgeState(watchers.judged(entry).state)
    const status: Shown = state === 'grace' ? (isTwo ? 'up' : 'late') : state
    return send(reply, named.format, {
      label: entry.watcher.name,
      status,
      total: 1,
      grace: state === 'grace' ? 1 : 0,
      down: state === 'down' ? 1 : 0,
    })
  }
  const many = async (
    key: string,
    label: string,
    tag: string | null,
    format: Format,
    isTwo: boolean,
    reply: FastifyReply,
  ) => {
    if (key !== watchers.badgeKey()) return missing(reply)
    const { counts } = await reader.ask('watcherList', {
      nowMs: nowMs(),
      blind: watchers.blind(),
      limit: 1,
      offset: 0,
      ...(tag !== null && { onlyTag: tag }),
    })
    const down = counts.late + counts.failing
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return send(reply, format, {
      label,
      status: down > 0 ? 'down' : counts.grace > 0 && !isTwo ? 'late' : 'up',
      total,
      grace: counts.grace,
      down,
    })
  }

  app.get('/b/:states(^[23]$)/:file', options, one)
  app.get('/badge/:file', options, async (request, reply) => {
    const named = split((request.params as { file: string }).file)
    if (!named) return missing(reply)
    const bare = named.name.replace(twoStates, '')
    if (bare === watchers.badgeKey())
      return many(bare, 'watchers', null, named.format, bare !== named.name, reply)
    return one(request, reply)
  })
  app.get('/badge/:key/tag/:file', options, async (request, reply) => {
    const { key, file } = request.params as { key: string; file: string }
    const named = split(file)
    if (!named) return missing(reply)
    const tag = named.name.replace(twoStates, '')
    return many(key, tag, tag, named.format, tag !== named.name, reply)
  })
}

function split(file: string): { name: string; format: Format } | null {
  const at = file.lastIndexOf('.')
  const format = formats.find((known) => known === file.slice(at + 1))
  return at > 0 && format ? { name: file.slice(0, at), format } : null
}

function missing(reply: FastifyReply): FastifyReply {
  return reply.status(404).send({ error: 'there is no such badge' })
}

function send(reply: FastifyReply, format: Format, badge: Badge): FastifyReply {
  const text = render(format, badge)
  const types = { svg: 'image/svg+xml', json: 'application/json', shields: 'application/json' }
  return reply
    .headers({
      'content-type': `${types[format]}; charset=utf-8`,
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache, max-age=0',
      etag: `"${createHash('sha1').update(text).digest('hex').slice(0, 20)}"`,
    })
    .send(text)
}

function render(format: Format, badge: Badge): string {
  const { label, status, total, grace, down } = badge
  switch (format) {
    case 'svg':
      return badgeSvg(label, status, colours[status])
    case 'json':
      return JSON.stringify({ status, total, grace, down })
    case 'shields':
      return JSON.stringify({
        schemaVersion: 1,
        label,
        message: status,
        color: colours[status],
        ...(status === 'down' && { isError: true }),
      })
    default:
      return format satisfies never
  }
}
