import { anyBody } from './ingest.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Schedule } from '../../../shared/api/watchers.ts'
import type { App, RoomContext } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import { WatcherError } from '../errors.ts'
import type { Watchers } from '../index.ts'
import { isMailAddress, slugOf } from '../names.ts'
import { pythonError, pythonJson } from '../nights-watch-text.ts'
import { parseCoalMine, noNewlines } from '../../schedules/coal-mine.ts'
import { ScheduleError } from '../../schedules/schedule-error.ts'
import type { WatcherRecord } from '../schema.ts'
import type { NewWatcher, WatcherChange } from '../settings.ts'
import { agentOf, commentOf, originOf, Query } from './ingest.ts'
import type { RootHandler } from './root.ts'
import { describe, list } from './nights-watch-list.ts'
import { allow, type Call, type Dialect, flag, python, Refusal } from './nights-watch-call.ts'

const nightsWatch: Dialect = {
  path: '/nights-watch/v1/watcher/',
  one: 'watcher',
  many: 'watchers',
  title: 'Watcher',
  isCoalMine: false,
}
const dialects: readonly Dialect[] = [
  nightsWatch,
  { path: '/coal-mine/v1/canary/', one: 'canary', many: 'canaries', title: 'Canary', isCoalMine: true },
]
const commands = ['create', 'delete', 'update', 'get', 'list', 'trigger', 'pause', 'unpause'] as const
type CommandName = (typeof commands)[number]

/** Adds the API of Night's Watch, the one of Coal Mine, and the short trigger addresses. */
export function nightsWatchRoutes(app: App, watchers: Watchers, context: RoomContext): void {
  anyBody(app, (scope) => {
    const options = { config: { access: 'secret' }, schema: { hide: true } } as const
    for (const dialect of dialects) {
      scope.all(`${dialect.path}:command`, options, async (request, reply) => {
        const { command } = request.params as { command: string }
        const known = commands.find((name) => name === command)
        return answer(reply, async () => {
          if (!known) throw new Refusal(404, '404 Not Found')
          const query = new Query(request.url)
          if (known !== 'trigger') checkKey(request, query, known === 'get' || known === 'list')
          return run(known, { dialect, query, watchers, context, request })
        })
      })
    }
  })
}

/** Answers `/<8 letters>`, the shortest way to trigger a watcher. */
export function shortTrigger(watchers: Watchers, context: RoomContext): RootHandler {
  return {
    pattern: /^[a-z]{8}$/,
    takesAction: false,
    handle: (request, reply, code) =>
      answer(reply, async () => {
        const query = new Query(request.url)
        const watcher = watchers.find('code', code)
        if (!watcher) throw python('KeyError', `No such watcher ${code}`, 404)
        return trigger(watcher, { dialect: nightsWatch, query, watchers, context, request })
      }),
  }
}

async function answer(
  reply: FastifyReply,
  work: () => Promise<Record<string, unknown>>,
): Promise<FastifyReply> {
  let status = 200
  let body: Record<string, unknown>
  try {
    body = { status: 'ok', ...(await work()) }
  } catch (error) {
    if (error instanceof Refusal) {
      status = error.status
      body = { status: 'error', error: error.message }
    } else if (error instanceof WatcherError && error.kind === 'not-found') {
      status = 404
      body = { status: 'error', error: pythonError('KeyError', 'No such watcher') }
    } else if (error instanceof HttpProblem && error.statusCode === 429) {
      status = 429
      body = { status: 'error', error: error.message }
    } else throw error
  }
  return reply.status(status).header('content-type', 'text/json; charset=utf-8').send(pythonJson(body))
}

function checkKey(request: FastifyRequest, query: Query, isReading: boolean): void {
  const scope = request.scopeOfKey(query.first('auth_key'))
  if (scope === null) throw new Refusal(401, '401 Unauthorized')
  if (scope === 'write') return
  if (scope !== 'read' || !isReading) throw new Refusal(401, '401 Unauthorized')
}

async function run(command: CommandName, call: Call): Promise<Record<string, unknown>> {
  const { query, watchers, dialect } = call
  switch (command) {
    case 'create':
      return create(call)
    case 'update':
      return update(call)
    case 'list':
      return list(call)
    case 'trigger': {
      const watcher = identify(call, ['id', 'slug', 'name'])
      return trigger(watcher, call)
    }
    case 'get': {
      allow(query, ['id', 'slug', 'name'])
      return { [dialect.one]: describe(identify(call, ['id', 'slug', 'name']), call) }
    }
    case 'delete': {
      allow(query, ['id', 'slug', 'name'])
      await watchers.remove(identify(call, ['id', 'slug', 'name']).id)
      return {}
    }
    case 'pause':
    case 'unpause': {
      allow(query, ['id', 'slug', 'name', 'comment', ...(dialect.isCoalMine ? ['m'] : [])])
      const watcher = identify(call, ['id', 'slug', 'name'])
      const comment = commentOf(query.last('comment') ?? query.last('m'))
      await refusing(call, () => watchers.setPaused(watcher.id, command === 'pause', comment))
      return { [dialect.one]: describe(watcher, call) }
    }
    default:
      return command satisfies never
  }
}

/** Finds the watcher that a request means: by id, else slug, else name. */
function identify({ query, watchers, dialect }: Call, by: readonly string[]): WatcherRecord {
  const id = by.includes('id') ? query.last('id') : null
  const slug = by.includes('slug') ? query.last('slug') : null
  const name = by.includes('name') ? query.last('name') : null
  const given = id ?? slug ?? name
  if (given === null) throw python('Exception', 'Must specify id, slug, or name')
  if (!dialect.isCoalMine) {
    const spare = [
      ['slug', slug],
      ['name', name],
    ].find(([, value]) => value !== null && value !== given)
    if (spare && id !== null) throw python('Exception', `Unexpected argument "${spare[0] ?? ''}"`)
  }
  const watcher =
    id !== null
      ? watchers.find('code', id)
      : slug !== null
        ? watchers.find('slug', slug)
        : watchers.find('slug', slugOf(name ?? ''))
  if (watcher) return watcher
  throw dialect.isCoalMine
    ? new Refusal(404, 'Canary Not Found')
    : python('KeyError', `No such watcher ${given}`, 404)
}

async function create(call: Call): Promise<Record<string, unknown>> {
  const { query, watchers, dialect } = call
  allow(query, ['name', 'periodicity', 'description', 'email', 'paused'])
  const missing = ['name', 'periodicity'].find((argument) => query.last(argument) === null)
  if (missing !== undefined) throw python('Exception', `Missing argument "${missing}"`)
  const name = nameOf(query) ?? ''
  const input: NewWatcher = {
    name,
    schedule: scheduleOf(query.last('periodicity') ?? '', dialect),
    description: (query.last('description') ?? '').slice(0, 10_000),
    emails: emailsOf(query),
    paused: flag(query, 'paused') ?? false,
    armed: true,
  }
  const entry = await refusing(call, () => watchers.create(input))
  return { [dialect.one]: describe(entry.watcher, call) }
}

async function update(call: Call): Promise<Record<string, unknown>> {
  const { query, watchers, dialect } = call
  allow(query, ['id', 'slug', 'name', 'periodicity', 'description', 'email'])
  if (query.last('id') === null && query.last('slug') === null)
    throw python('Exception', dialect.isCoalMine ? 'Must specify id or slug' : 'Muset specify id or slug')
  const watcher = identify(call, ['id', 'slug'])
  const periodicity = query.last('periodicity')
  const name = nameOf(query)
  const emails = query.all('email')
  const change: WatcherChange = {
    ...(name !== null && { name, slug: checkedSlug(name) }),
    ...(periodicity !== null && { schedule: scheduleOf(periodicity, dialect) }),
    ...(query.last('description') !== null && {
      description: (query.last('description') ?? '').slice(0, 10_000),
    }),
    ...(emails.length > 0 && { emails: emails.includes('-') ? [] : emailsOf(query) }),
  }
  if (Object.keys(change).length === 0) throw python('ValueError', 'No updates specified')
  await refusing(call, () => watchers.change(watcher.id, change))
  return { [dialect.one]: describe(watcher, call) }
}

async function trigger(watcher: WatcherRecord, call: Call): Promise<Record<string, unknown>> {
  const { query, watchers, context, request } = call
  allow(query, ['id', 'slug', 'name', 'comment', 'm', 's'])
  const comment = commentOf(query.last('comment') ?? query.last('m'))
  const outcome = await watchers.signal(watcher.id, {
    kind: 'success',
    atMs: Math.round(context.clock.glance().wallMs),
    exitStatus: null,
    run: '',
    comment,
    origin: originOf(request),
    agent: agentOf(request),
    body: null,
  })
  return { recovered: outcome?.recovered ?? false, unpaused: outcome?.unpaused ?? false }
}

function nameOf(query: Query): string | null {
  const name = query.last('name')
  if (name !== null && name.length > 200) throw python('ValueError', 'the name is longer than 200 characters')
  return name
}

function checkedSlug(name: string): string {
  const slug = slugOf(name)
  if (/^-*$/.test(slug)) throw python('ValueError', `the name ${name} makes an empty slug`)
  return slug
}

function emailsOf(query: Query): string[] {
  const emails = query.all('email').map((address) => address.trim())
  const bad = emails.find((address) => !isMailAddress(address))
  if (bad !== undefined) throw python('ValueError', `Bad e-mail address ${bad}`)
  if (emails.length > 50) throw python('ValueError', 'more than 50 e-mail addresses')
  return emails
}

function scheduleOf(text: string, { isCoalMine }: Dialect): Schedule {
  const trimmed = text.trim()
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(trimmed) ? Number(trimmed) : Number.NaN
  if (Number.isFinite(number)) {
    if (number <= 0 && !(isCoalMine && trimmed.startsWith('-')))
      throw python(
        'TypeError',
        isCoalMine ? 'numeric periodicities must be positive' : 'periodicity must be positive',
      )
    if (number > 0) {
      const periodMs = number * 1_000
      if (periodMs < 1_000 || periodMs > 100 * 365 * 86_400_000)
        throw python('ValueError', 'periodicity must be between 1 second and 100 years')
      return { kind: 'period', periodMs }
    }
  }
  if (!isCoalMine) throw python('ValueError', `invalid literal for int() with base 10: '${text}'`)
  if (/[\r\n]/.test(text)) throw python('TypeError', noNewlines)
  try {
    parseCoalMine(text)
  } catch (error) {
    if (error instanceof ScheduleError) throw python('TypeError', error.message)
    throw error
  }
  if (text.length > 500) throw python('TypeError', 'the schedule is longer than 500 characters')
  return { kind: 'coal-mine', expression: text }
}

/** Runs a change and turns what it refuses into the original's words. */
async function refusing<T>({ dialect }: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof WatcherError)) throw error
    switch (error.kind) {
      case 'slug-taken': {
        const slug = /'(.*)'/.exec(error.message)?.[1] ?? ''
        throw python(
          'AlreadyExistsError',
          `${dialect.title} ${slug} already exists with identifier ${error.holder ?? ''}`,
        )
      }
      case 'already-paused':
        throw new Refusal(400, 'AlreadyPausedError()')
      case 'already-unpaused':
        throw new Refusal(400, 'AlreadyUnpausedError()')
      case 'no-change':
        throw python('ValueError', 'No updates specified')
      case 'not-found':
        throw dialect.isCoalMine
          ? new Refusal(404, 'Canary Not Found')
          : python('KeyError', 'No such watcher', 404)
      case 'bad-slug':
      case 'bad-schedule':
      case 'bad-setting':
      case 'changed-meanwhile':
        throw python('ValueError', error.message)
      default:
        throw new Refusal(400, error.kind satisfies never)
    }
  }
}
