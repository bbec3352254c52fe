import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Schedule } from '../../../shared/api/watchers.ts'
import type { App, RoomContext } from '../../context.ts'
import { WatcherError } from '../errors.ts'
import type { Watchers } from '../index.ts'
import { slugOf } from '../names.ts'
import { ScheduleError } from '../../schedules/schedule-error.ts'
import type { Signal, WatcherRecord } from '../schema.ts'
import { createBySlug, isPingKey } from './healthchecks-ping.ts'
import { agentOf, anyBody, bodyOf, commentOf, isUuid, originOf, Query } from './ingest.ts'
import { printable } from '../../../shared/text.ts'
import type { RootHandler } from './root.ts'

const options = { config: { access: 'secret' }, schema: { hide: true } } as const

/** Adds the addresses that clients of other heartbeat services call, of which only the base changes; returns what answers at the root. */
export function heartbeatRoutes(app: App, watchers: Watchers, context: RoomContext): RootHandler {
  const receive = async (
    watcher: WatcherRecord,
    request: FastifyRequest,
    signal: Partial<Signal> & Pick<Signal, 'kind'>,
  ): Promise<void> => {
    await watchers.signal(watcher.id, {
      atMs: Math.round(context.clock.glance().wallMs),
      exitStatus: null,
      run: '',
      comment: '',
      origin: originOf(request),
      agent: agentOf(request),
      body: bodyOf(request),
      ...signal,
    })
  }
  anyBody(app, (scope) => {
    kuma(scope, watchers, receive)
    heartbeat(scope, watchers, receive)
    gatus(scope, watchers, receive)
    cronitor(scope, watchers, receive)
    sentry(scope, watchers, receive)
  })
  return snitch(watchers, receive)
}

type Receive = (
  watcher: WatcherRecord,
  request: FastifyRequest,
  signal: Partial<Signal> & Pick<Signal, 'kind'>,
) => Promise<void>

function plain(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.status(status).header('content-type', 'text/plain; charset=utf-8').send(text)
}

/** Uptime Kuma's push monitors: https://github.com/louislam/uptime-kuma/wiki/API-Documentation */
function kuma(scope: App, watchers: Watchers, receive: Receive): void {
  scope.all('/api/push/:token', options, async (request, reply) => {
    const { token } = request.params as { token: string }
    const watcher = watchers.find('token', token)
    const query = new Query(request.url)
    const ping = query.last('ping')
    const pingMs = ping === null ? null : Number(ping)
    const isBad = pingMs !== null && !(pingMs >= 0 && pingMs <= 1e11)
    if (!watcher || isBad)
      return reply.status(404).send({ ok: false, msg: 'Monitor not found or not active.' })
    const status = query.last('status') ?? 'up'
    await receive(watcher, request, {
      kind: status === 'up' ? 'success' : 'fail',
      comment: commentOf(query.last('msg')),
      ...(pingMs !== null && { durationMs: pingMs }),
    })
    return reply.send({ ok: true })
  })
}

/** Dead Man's Snitch: https://deadmanssnitch.com/docs */
function snitch(watchers: Watchers, receive: Receive): RootHandler {
  return {
    pattern: /^[A-Za-z0-9]{32}$/,
    takesAction: false,
    async handle(request, reply, token) {
      const watcher = watchers.find('token', token)
      if (!watcher) return plain(reply, 404, 'Not Found')
      const query = new Query(request.url)
      const status = query.last('s') ?? ''
      const exitStatus = /^\d{1,3}$/.test(status) && Number(status) <= 255 ? Number(status) : null
      await receive(watcher, request, {
        kind: status === '' || exitStatus === 0 ? 'success' : 'fail',
        exitStatus,
        comment: commentOf(query.last('m')),
      })
      return plain(reply, 200, 'Got it, thanks!')
    },
  }
}

/** Better Stack and openstatus: https://betterstack.com/docs/uptime/cron-and-heartbeat-monitor/ */
function heartbeat(scope: App, watchers: Watchers, receive: Receive): void {
  for (const prefix of ['/heartbeat/', '/api/v1/heartbeat/']) {
    const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const { token, status } = request.params as { token: string; status?: string }
      const watcher = watchers.find('token', token)
      const exitStatus = status !== undefined && /^\d{1,3}$/.test(status) ? Number(status) : null
      const isKnown = status === undefined || status === 'fail' || (exitStatus !== null && exitStatus <= 255)
      if (!watcher || !isKnown) return plain(reply, 404, 'Not Found')
      const isFail = status === 'fail' || (exitStatus !== null && exitStatus > 0)
      await receive(watcher, request, { kind: isFail ? 'fail' : 'success', exitStatus })
      return plain(reply, 200, 'OK')
    }
    scope.all(`${prefix}:token`, options, handle)
    scope.all(`${prefix}:token/:status`, options, handle)
  }
}

/** Gatus' external endpoints: https://github.com/TwiN/gatus#external-endpoints */
function gatus(scope: App, watchers: Watchers, receive: Receive): void {
  scope.post('/api/v1/endpoints/:key/external', options, async (request, reply) => {
    const { key } = request.params as { key: string }
    const query = new Query(request.url)
    const success = query.last('success')
    if (success !== 'true' && success !== 'false')
      return plain(reply, 400, 'missing or invalid success query parameter')
    const authorization = request.headers.authorization
    if (!/^Bearer(?: |$)/.test(authorization ?? '')) return plain(reply, 401, 'invalid Authorization header')
    const token = (authorization ?? '').slice(7).trim()
    if (token === '') return plain(reply, 401, 'bearer token must not be empty')
    const watcher = gatusWatcher(watchers, key)
    if (!watcher) return plain(reply, 404, 'not found')
    if (token !== watcher.token && !isPingKey(request, token, watchers))
      return plain(reply, 401, 'invalid token')
    const duration = query.last('duration')
    const durationMs = duration === null ? null : goDuration(duration)
    if (duration !== null && durationMs === null)
      return plain(reply, 400, `invalid duration: ${printable(duration, 60)}`)
    const isFine = success === 'true'
    await receive(watcher, request, {
      kind: isFine ? 'success' : 'fail',
      comment: isFine ? '' : commentOf(query.last('error')),
      ...(durationMs !== null && { durationMs }),
    })
    return reply.status(200).send()
  })
}

/** The key is `group_name`, in which the characters `/ _ , . # + &` and space are written as `-`. */
function gatusWatcher(watchers: Watchers, key: string): WatcherRecord | null {
  const at = key.indexOf('_')
  const names = [slugOf(key), at < 0 ? '' : key.slice(at + 1), key]
  for (const name of names) {
    const watcher = name === '' ? null : (watchers.find('slug', name) ?? watchers.find('slug', slugOf(name)))
    if (watcher) return watcher
  }
  return null
}

const goUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** Returns the length (ms) of Go's duration text such as `1.5s` or `1h2m`; null when it is none. */
export function goDuration(text: string): number | null {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return null
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * (goUnits[unit ?? ''] ?? 0), 0)
}

/** Finds a watcher by its slug or makes it, as services do that create monitors at their first signal. */
async function findOrCreate(watchers: Watchers, name: string): Promise<WatcherRecord | null> {
  const slug = slugOf(name)
  if (/^-*$/.test(slug)) return null
  const known = watchers.find('slug', name) ?? watchers.find('slug', slug)
  if (known) return known
  try {
    return await createBySlug(watchers, slug)
  } catch (error) {
    if (!(error instanceof WatcherError)) throw error
    return watchers.find('slug', slug)
  }
}

/** Cronitor: https://cronitor.io/docs/telemetry-api */
function cronitor(scope: App, watchers: Watchers, receive: Receive): void {
  scope.all('/p/:key/:monitor', options, async (request, reply) => {
    const { key, monitor } = request.params as { key: string; monitor: string }
    if (!isPingKey(request, key, watchers)) return plain(reply, 403, 'Invalid API key')
    const query = new Query(request.url)
    const state = query.last('state') ?? 'complete'
    const kinds: Readonly<Record<string, Signal['kind']>> = {
      run: 'start',
      complete: 'success',
      ok: 'success',
      fail: 'fail',
      tick: 'success',
    }
    const kind = Object.hasOwn(kinds, state) ? kinds[state] : undefined
    if (kind === undefined) return plain(reply, 400, 'Invalid state')
    const watcher = await findOrCreate(watchers, monitor)
    if (!watcher) return plain(reply, 400, 'Invalid monitor key')
    const status = query.last('status_code')
    const duration = query.all('metric').find((metric) => metric.startsWith('duration:'))
    const seconds = duration === undefined ? Number.NaN : Number(duration.slice(9))
    const words = [query.last('message'), ...query.all('metric'), query.last('env'), query.last('host')]
    await receive(watcher, request, {
      kind,
      run: printable(query.last('series') ?? '', 100),
      exitStatus:
        status !== null && /^\d{1,3}$/.test(status) && Number(status) <= 255 ? Number(status) : null,
      comment: commentOf(words.filter((word) => word !== null).join(' ')),
      ...(seconds >= 0 && { durationMs: seconds * 1_000 }),
    })
    return plain(reply, 200, 'OK')
  })
}

/** Sentry's cron check-ins: https://docs.sentry.io/product/crons/getting-started/http/ */
function sentry(scope: App, watchers: Watchers, receive: Receive): void {
  for (const tail of ['', '/']) {
    scope.all(`/api/:project/cron/:slug/:key${tail}`, options, async (request, reply) => {
      const { slug, key } = request.params as { slug: string; key: string }
      if (!isPingKey(request, key, watchers)) return reply.status(403).send({ detail: 'invalid key' })
      const query = new Query(request.url)
      const body = jsonOf(request)
      const told = (name: string): string | null => {
        const value = body?.[name]
        return typeof value === 'string' ? value : query.last(name)
      }
      const kinds: Readonly<Record<string, Signal['kind']>> = {
        in_progress: 'start',
        ok: 'success',
        error: 'fail',
      }
      const status = told('status') ?? ''
      const kind = Object.hasOwn(kinds, status) ? kinds[status] : undefined
      if (kind === undefined)
        return reply.status(400).send({ detail: 'status must be in_progress, ok or error' })
      const run = told('check_in_id') ?? (kind === 'start' ? randomUUID() : '')
      if (run !== '' && !isUuid(run) && !/^[0-9a-f]{32}$/i.test(run))
        return reply.status(400).send({ detail: 'check_in_id must be a uuid' })
      const watcher = await findOrCreate(watchers, slug)
      if (!watcher) return reply.status(400).send({ detail: 'the slug has no letter or digit' })
      try {
        // A key that may only trigger changes no settings.
        const mayConfigure = key === watchers.pingKey() || request.scopeOfKey(key) === 'write'
        if (mayConfigure) await configure(watchers, watcher, body?.['monitor_config'])
      } catch (error) {
        if (!(error instanceof WatcherError || error instanceof ScheduleError)) throw error
        return reply.status(400).send({ detail: error.message })
      }
      const duration = body?.['duration']
      await receive(watcher, request, {
        kind,
        run: run.toLowerCase(),
        comment: printable(told('environment') ?? '', 100),
        body: null,
        ...(typeof duration === 'number' && duration >= 0 && { durationMs: duration * 1_000 }),
      })
      return reply.status(202).send({ id: run })
    })
  }
}

function jsonOf(request: FastifyRequest): Record<string, unknown> | null {
  try {
    const value = JSON.parse(bodyOf(request)?.toString('utf8') ?? 'null') as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

const unitMs: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
}

/** A check-in may carry its monitor's settings: margins are minutes there. */
async function configure(watchers: Watchers, watcher: WatcherRecord, config: unknown): Promise<void> {
  if (config === undefined || config === null) return
  if (typeof config !== 'object') throw new ScheduleError('monitor_config must be an object')
  const given = config as Record<string, unknown>
  const schedule = sentrySchedule(given)
  const minutes = (name: string): number | null => {
    const value = given[name]
    return typeof value === 'number' && value >= 0 && value <= 525_600 ? value * 60_000 : null
  }
  const graceMs = minutes('checkin_margin')
  const runLimitMs = minutes('max_runtime')
  const threshold = given['failure_issue_threshold']
  const change = {
    ...(schedule && { schedule }),
    ...(graceMs !== null && { graceMs }),
    ...(runLimitMs !== null && runLimitMs > 0 && { runLimitMs }),
    ...(typeof threshold === 'number' && Number.isInteger(threshold) && threshold >= 1 && threshold <= 1_001
      ? { tolerance: threshold - 1 }
      : {}),
  }
  if (Object.keys(change).length === 0) return
  try {
    await watchers.change(watcher.id, change)
  } catch (error) {
    if (!(error instanceof WatcherError && error.kind === 'no-change')) throw error
  }
}

function sentrySchedule(config: Record<string, unknown>): Schedule | null {
  const schedule = config['schedule'] as { type?: unknown; value?: unknown; unit?: unknown } | undefined
  if (typeof schedule !== 'object') return null
  const zone = typeof config['timezone'] === 'string' ? config['timezone'] : 'UTC'
  if (schedule.type === 'crontab' && typeof schedule.value === 'string')
    return { kind: 'cron', expression: schedule.value.slice(0, 500), zone: zone.slice(0, 60) }
  const unit =
    typeof schedule.unit === 'string' && Object.hasOwn(unitMs, schedule.unit)
      ? unitMs[schedule.unit]
      : undefined
  if (schedule.type === 'interval' && typeof schedule.value === 'number' && unit !== undefined)
    return { kind: 'period', periodMs: schedule.value * unit }
  throw new ScheduleError('monitor_config.schedule must be a crontab or an interval')
}
