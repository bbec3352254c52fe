import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App, RoomContext } from '../../context.ts'
import { parseInstant } from '../../../shared/time-text.ts'
import { mostBodyBytes } from '../../../shared/watcher-words.ts'
import { WatcherError } from '../errors.ts'
import type { Watchers } from '../index.ts'
import { slugOf } from '../names.ts'
import type { BodyFilters, Signal, WatcherRecord } from '../schema.ts'
import { agentOf, anyBody, bodyOf, isUuid, originOf, Query, uuidPattern } from './ingest.ts'
import type { RootHandler } from './root.ts'

/** Period and grace of a watcher that a first ping creates, as healthchecks has them (hc/api/models.py). */
export const createdDefaults = { periodMs: 86_400_000, graceMs: 3_600_000 } as const

type Action =
  { readonly kind: Signal['kind']; readonly exitStatus: number | null } | { readonly problem: 'url' }

/** Adds the ping addresses of healthchecks under `/ping/`, and returns what answers to ids at the root. */
export function healthchecksPingRoutes(app: App, watchers: Watchers, context: RoomContext): RootHandler {
  const options = { config: { access: 'secret' }, schema: { hide: true } } as const
  const byUuidOf = async (
    uuid: string,
    action: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const watcher = watchers.find('uuid', uuid.toLowerCase())
    return watcher ? ping(watcher, action, request, reply, 200) : say(reply, 404, 'not found')
  }
  const byUuid = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    byUuidOf((request.params as { uuid: string }).uuid, undefined, request, reply)
  const bySlug = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { key, slug, action } = request.params as { key: string; slug: string; action?: string }
    if (!isPingKey(request, key, watchers)) return say(reply, 404, 'not found')
    if (!/^[a-z0-9_-]{1,100}$/.test(slug)) return say(reply, 400, 'invalid url format')
    const watcher = watchers.find('slug', slug) ?? watchers.find('slug', slugOf(slug))
    if (watcher) return ping(watcher, action, request, reply, 200)
    if (new Query(request.url).last('create') !== '1') return say(reply, 404, 'not found')
    if ('problem' in actionOf(action)) return say(reply, 400, 'invalid url format')
    try {
      const created = await createBySlug(watchers, slug)
      return await ping(created, action, request, reply, 201)
    } catch (error) {
      if (!(error instanceof WatcherError)) throw error
      // Two first pings at once: the other one made it.
      const other = watchers.find('slug', slug)
      return other ? ping(other, action, request, reply, 200) : say(reply, 404, 'not found')
    }
  }

  const ping = async (
    watcher: WatcherRecord,
    actionText: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
    status: 200 | 201,
  ): Promise<FastifyReply> => {
    const action = actionOf(actionText)
    if ('problem' in action) return say(reply, 400, 'invalid url format')
    const query = new Query(request.url)
    const run = query.last('rid') ?? ''
    if (run !== '' && !isUuid(run)) return say(reply, 400, 'invalid uuid format')
    const nowMs = Math.round(context.clock.glance().wallMs)
    const told = query.last('at')
    const at = told === null ? nowMs : parseInstant(told, nowMs)
    if (at === null) return say(reply, 400, 'invalid time format')
    const body = bodyOf(request)
    const signal = filtered(watcher.filters, request, body, {
      kind: action.kind,
      exitStatus: action.exitStatus,
      atMs: Math.min(at, nowMs),
      run: run.toLowerCase(),
      comment: '',
      origin: originOf(request),
      agent: agentOf(request),
      body,
    })
    try {
      await watchers.signal(watcher.id, signal)
    } catch (error) {
      // It was removed in this very moment.
      if (error instanceof WatcherError && error.kind === 'not-found') return say(reply, 404, 'not found')
      throw error
    }
    return say(reply, status, status === 201 ? 'Created' : 'OK')
  }

  anyBody(app, (scope) => {
    for (const tail of ['', '/']) scope.all(`/ping/:uuid${tail}`, options, byUuid)
    scope.all('/ping/:key/:slug', options, (request, reply) => {
      const { key, slug } = request.params as { key: string; slug: string }
      return isUuid(key) ? byUuidOf(key, slug, request, reply) : bySlug(request, reply)
    })
    scope.all('/ping/:key/:slug/:action', options, bySlug)
  })
  return {
    pattern: uuidPattern,
    takesAction: true,
    handle: (request, reply, uuid, action) => byUuidOf(uuid, action, request, reply),
  }
}

function say(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply
    .status(status)
    .headers({
      'content-type': 'text/plain; charset=utf-8',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      ...(status < 300 && { 'ping-body-limit': String(mostBodyBytes) }),
    })
    .send(text)
}

function actionOf(text: string | undefined): Action {
  switch (text) {
    case undefined:
    case '':
      return { kind: 'success', exitStatus: null }
    case 'start':
    case 'log':
    case 'fail':
      return { kind: text, exitStatus: null }
    default: {
      if (!/^\d{1,9}$/.test(text)) return { problem: 'url' }
      const exitStatus = Number(text)
      if (exitStatus > 255) return { problem: 'url' }
      return { kind: exitStatus === 0 ? 'success' : 'fail', exitStatus }
    }
  }
}

/** The key of the slug addresses; an access key that may trigger does as well. */
export function isPingKey(request: FastifyRequest, given: string, watchers: Watchers): boolean {
  if (given === watchers.pingKey()) return true
  if (!/^[A-Za-z0-9_-]{43}$/.test(given)) return false
  const scope = request.scopeOfKey(given)
  return scope === 'trigger' || scope === 'write'
}

/** Makes a watcher as healthchecks does at a first ping. @throws WatcherError when the slug is taken or none */
export async function createBySlug(watchers: Watchers, slug: string): Promise<WatcherRecord> {
  const { periodMs, graceMs } = createdDefaults
  const entry = await watchers.create({
    name: slug,
    slug,
    schedule: { kind: 'period', periodMs },
    graceMs,
    runLimitMs: graceMs,
  })
  return entry.watcher
}

/** Tells a signal's kind from words in its body: failing words first, then succeeding, then starting ones. */
function filtered(
  filters: BodyFilters | null,
  request: FastifyRequest,
  body: Buffer | null,
  signal: Signal,
): Signal {
  if (filters?.postOnly && request.method !== 'POST') return { ...signal, ignored: true }
  if (!filters?.enabled || signal.kind !== 'success' || signal.exitStatus !== null) return signal
  const text = body?.toString('utf8') ?? ''
  const has = (words: readonly string[]): boolean => words.some((word) => text.includes(word))
  if (has(filters.failure)) return { ...signal, kind: 'fail' }
  if (has(filters.success)) return signal
  if (has(filters.start)) return { ...signal, kind: 'start' }
  return filters.defaultFail ? { ...signal, kind: 'fail' } : { ...signal, ignored: true }
}
