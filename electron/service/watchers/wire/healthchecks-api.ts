import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Schedule } from '../../../shared/api/watchers.ts'
import type { App, RoomContext } from '../../context.ts'
import { WatcherError } from '../errors.ts'
import type { Watchers } from '../index.ts'
import { ScheduleError } from '../../schedules/schedule-error.ts'
import { compileSchedule } from '../../schedules/schedule.ts'
import { randomToken, slugOf } from '../names.ts'
import type { WatcherEntry } from '../schema.ts'
import type { NewWatcher, WatcherChange } from '../settings.ts'
import { createdDefaults } from './healthchecks-ping.ts'
import { filterFields, readCheck, CheckError, type CheckInput } from './healthchecks-check.ts'
import { anyBody, bodyOf, Query } from './ingest.ts'
import { checkView, flipsOf, pingsOf, uniqueKey } from './healthchecks-view.ts'

/** Adds the part of healthchecks' management API that dashboards and tools use, under v1, v2 and v3. */
export function healthchecksApiRoutes(app: App, watchers: Watchers, context: RoomContext): void {
  anyBody(app, (scope) => checkRoutes(scope, watchers, context))
}

function checkRoutes(app: App, watchers: Watchers, context: RoomContext): void {
  const { db, clock } = context
  const open = { config: { access: 'secret' }, schema: { hide: true } } as const
  const now = (): number => Math.round(clock.glance().wallMs)

  /** Every handler: the key first, then the work; errors in healthchecks' shape. */
  const handle =
    (
      needed: 'read' | 'write',
      work: (request: FastifyRequest, reply: FastifyReply, isFull: boolean) => unknown,
    ) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const body = bodyObject(request)
      const given = typeof body?.['api_key'] === 'string' ? body['api_key'] : null
      const scope = request.scopeOfKey(given)
      if (scope === null || scope === 'trigger' || (needed === 'write' && scope !== 'write'))
        return reply.status(401).send({ error: 'wrong api key' })
      void reply.header('x-key-scope', scope)
      try {
        return await work(request, reply, scope === 'write')
      } catch (error) {
        if (error instanceof CheckError) return reply.status(400).send({ error: error.message })
        if (error instanceof WatcherError || error instanceof ScheduleError)
          return reply.status(400).send({ error: `json validation error: ${error.message}` })
        throw error
      }
    }
  const found = (request: FastifyRequest): WatcherEntry | null => {
    const { uuid } = request.params as { uuid: string }
    const watcher =
      watchers.find('uuid', uuid.toLowerCase()) ??
      // A read-only key shows this instead of the uuid, and it finds the check again.
      (/^[0-9a-f]{40}$/.test(uuid) ? allEntries() : []).find(
        (entry) => uniqueKey(entry.watcher.uuid) === uuid,
      )?.watcher
    return watcher ? watchers.get(watcher.id) : null
  }
  const allEntries = (): WatcherEntry[] => watchers.ids().flatMap((id) => watchers.get(id) ?? [])
  const view = (entry: WatcherEntry, request: FastifyRequest, isFull: boolean): unknown =>
    checkView(entry, watchers, `${request.protocol}://${request.headers.host ?? ''}`, isFull)

  for (const version of ['v1', 'v2', 'v3']) {
    const base = `/api/${version}`
    app.get(
      `${base}/checks/`,
      open,
      handle('read', (request, _reply, isFull) => {
        const query = new Query(request.url)
        const tags = query.all('tag')
        const slug = query.last('slug')
        const shown = allEntries().filter(
          ({ watcher }) =>
            tags.every((tag) => watcher.tags.includes(tag)) && (slug === null || watcher.slug === slug),
        )
        return { checks: shown.map((entry) => view(entry, request, isFull)) }
      }),
    )
    app.post(
      `${base}/checks/`,
      open,
      handle('write', async (request, reply) => {
        const input = readCheck(bodyObject(request))
        const matched = matching(allEntries(), input)
        if (matched) {
          const changed = await update(watchers, matched, input)
          return reply.status(200).send(view(changed, request, true))
        }
        const entry = await watchers.create(newWatcher(input))
        return reply.status(201).send(view(entry, request, true))
      }),
    )
    app.get(
      `${base}/checks/:uuid`,
      open,
      handle('read', (request, reply, isFull) => {
        const entry = found(request)
        return entry ? view(entry, request, isFull) : reply.status(404).send({ error: 'not found' })
      }),
    )
    app.post(
      `${base}/checks/:uuid`,
      open,
      handle('write', async (request, reply) => {
        const entry = found(request)
        if (!entry) return reply.status(404).send({ error: 'not found' })
        return view(await update(watchers, entry, readCheck(bodyObject(request))), request, true)
      }),
    )
    app.delete(
      `${base}/checks/:uuid`,
      open,
      handle('write', async (request, reply) => {
        const entry = found(request)
        if (!entry) return reply.status(404).send({ error: 'not found' })
        const shown = view(entry, request, true)
        await watchers.remove(entry.watcher.id)
        return shown
      }),
    )
    for (const verb of ['pause', 'resume'] as const) {
      app.post(
        `${base}/checks/:uuid/${verb}`,
        open,
        handle('write', async (request, reply) => {
          const entry = found(request)
          if (!entry) return reply.status(404).send({ error: 'not found' })
          const wants = verb === 'pause'
          if (!wants && !entry.watcher.paused) return reply.status(409).send({ error: 'check is not paused' })
          if (entry.watcher.paused !== wants) await watchers.setPaused(entry.watcher.id, wants)
          const after = watchers.get(entry.watcher.id)
          return after ? view(after, request, true) : reply.status(404).send({ error: 'not found' })
        }),
      )
    }
    app.get(
      `${base}/checks/:uuid/pings/`,
      open,
      handle('read', (request, reply, isFull) => {
        const entry = found(request)
        if (!entry) return reply.status(404).send({ error: 'not found' })
        const origin = isFull ? `${request.protocol}://${request.headers.host ?? ''}` : null
        return { pings: pingsOf(watchers, entry, origin) }
      }),
    )
    app.get(
      `${base}/checks/:uuid/pings/:n/body`,
      open,
      handle('read', (request, reply) => {
        const entry = found(request)
        const n = Number((request.params as { n: string }).n)
        const body = entry && Number.isInteger(n) ? watchers.body(entry.watcher.id, n) : null
        if (!body) return reply.status(404).send({ error: 'not found' })
        return reply.header('content-type', 'text/plain; charset=utf-8').send(body)
      }),
    )
    app.get(
      `${base}/checks/:uuid/flips/`,
      open,
      handle('read', (request, reply) => {
        const entry = found(request)
        if (!entry) return reply.status(404).send({ error: 'not found' })
        return flipsOf(context, entry, new Query(request.url), now())
      }),
    )
    app.get(
      `${base}/channels/`,
      open,
      handle('read', () => {
        const rows = db.prepare('SELECT id, name, kind FROM channel ORDER BY id').all() as {
          id: number
          name: string
          kind: string
        }[]
        return { channels: rows.map(({ id, name, kind }) => ({ id: String(id), name, kind })) }
      }),
    )
    app.get(
      `${base}/badges/`,
      open,
      handle('read', (request) => {
        const origin = `${request.protocol}://${request.headers.host ?? ''}`
        const tags = new Set(allEntries().flatMap(({ watcher }) => [...watcher.tags]))
        const key = watchers.badgeKey()
        const addresses = (path: string): Record<string, string> => ({
          svg: `${origin}${path}-2.svg`,
          svg3: `${origin}${path}.svg`,
          json: `${origin}${path}-2.json`,
          json3: `${origin}${path}.json`,
          shields: `${origin}${path}-2.shields`,
          shields3: `${origin}${path}.shields`,
        })
        const badges: Record<string, unknown> = { '*': addresses(`/badge/${key}`) }
        for (const tag of tags) badges[tag] = addresses(`/badge/${key}/tag/${encodeURIComponent(tag)}`)
        return { badges }
      }),
    )
    app.get(`${base}/status/`, open, () => 'OK')
  }
}

/** Returns the JSON object of a request's body, whatever its type says; null when it is none. */
function bodyObject(request: FastifyRequest): Record<string, unknown> | null {
  const text = bodyOf(request)?.toString('utf8').trim() ?? ''
  if (text === '') return null
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function matching(entries: readonly WatcherEntry[], input: CheckInput): WatcherEntry | null {
  const { unique } = input
  if (unique.length === 0) return null
  return (
    entries.find(({ watcher }) =>
      unique.every((field) => {
        switch (field) {
          case 'name':
            return watcher.name === (input.name ?? '')
          case 'slug':
            return watcher.slug === (input.slug ?? '')
          case 'tags':
            return watcher.tags.join(' ') === (input.tags ?? []).join(' ')
          case 'timeout':
            return (
              watcher.schedule.kind === 'period' && watcher.schedule.periodMs === (input.timeout ?? 0) * 1_000
            )
          case 'grace':
            return watcher.graceMs === (input.grace ?? 0) * 1_000
          default:
            return field satisfies never
        }
      }),
    ) ?? null
  )
}

function scheduleOf(input: CheckInput, before: Schedule | null): Schedule | null {
  const zone = input.tz ?? (before && 'zone' in before ? before.zone : 'UTC')
  // A zone that is none is refused even where no schedule uses it.
  if (input.tz !== undefined) compileSchedule({ kind: 'calendar', expression: 'daily', zone })
  if (input.schedule !== undefined) {
    // One line of five fields is cron, everything else a calendar event of systemd (wire.md 12).
    const isCron = input.schedule.trim().split(/\s+/).length === 5
    const schedule = { kind: isCron ? 'cron' : 'calendar', expression: input.schedule, zone } as const
    compileSchedule(schedule)
    return schedule
  }
  if (input.timeout !== undefined) return { kind: 'period', periodMs: input.timeout * 1_000 }
  if (input.tz !== undefined && before && 'zone' in before) return { ...before, zone }
  return null
}

function newWatcher(input: CheckInput): NewWatcher {
  const graceMs = input.grace === undefined ? createdDefaults.graceMs : input.grace * 1_000
  const name = input.name ?? ''
  const shown = name === '' ? `unnamed ${randomToken().slice(0, 6).toLowerCase()}` : name
  return {
    name: shown,
    slug: input.slug ?? slugOf(shown),
    schedule: scheduleOf(input, null) ?? { kind: 'period', periodMs: createdDefaults.periodMs },
    graceMs,
    // healthchecks lets the grace limit the run as well.
    runLimitMs: graceMs > 0 ? graceMs : null,
    ...fields(input),
    filters: filterFields(input, null),
  }
}

function fields(input: CheckInput): WatcherChange {
  return {
    ...(input.tags !== undefined && { tags: [...input.tags] }),
    ...(input.desc !== undefined && { description: input.desc }),
    ...(input.manualResume !== undefined && { pausedPolicy: input.manualResume ? 'ignore' : 'unpause' }),
    ...(input.channels !== undefined && { channels: input.channels === null ? null : [...input.channels] }),
  }
}

async function update(watchers: Watchers, entry: WatcherEntry, input: CheckInput): Promise<WatcherEntry> {
  const { watcher } = entry
  const schedule = scheduleOf(input, watcher.schedule)
  const graceMs = input.grace === undefined ? undefined : input.grace * 1_000
  const followsGrace = watcher.runLimitMs === watcher.graceMs
  const change: WatcherChange = {
    ...(input.name !== undefined && input.name !== '' && { name: input.name }),
    ...(input.slug !== undefined && input.slug !== '' && { slug: input.slug }),
    ...(schedule && { schedule }),
    ...(graceMs !== undefined && {
      graceMs,
      ...(followsGrace && { runLimitMs: graceMs > 0 ? graceMs : null }),
    }),
    ...fields(input),
    filters: filterFields(input, watcher.filters),
  }
  try {
    return await watchers.change(watcher.id, change)
  } catch (error) {
    if (error instanceof WatcherError && error.kind === 'no-change') return watchers.get(watcher.id) ?? entry
    throw error
  }
}
