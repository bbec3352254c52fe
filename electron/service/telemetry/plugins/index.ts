import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import { PluginView, type Plugins as PluginList } from '../../../shared/api/telemetry.ts'
import type { Timer } from '../../clock.ts'
import { HttpProblem } from '../../problem.ts'
import type { TelemetryParts } from '../index.ts'
import type { RecordFilter } from '../schema.ts'
import { groupFields, type GroupField } from '../views/grouped.ts'
import type { FromPlugin } from './worker.ts'

/** Views that people add: a folder with a manifest and a module, found anew each time, so that one can be written while it is looked at. */
export interface Plugins {
  list(): PluginList
  /** Returns what a plug-in shows. @throws HttpProblem 404 when there is none, 400 with what is wrong with it */
  show(name: string): Promise<PluginView>
  stop(): void
}

const namePattern = /^[a-z0-9][a-z0-9-]{0,63}$/
const mostPlugins = 50
const mostManifestBytes = 65_536
const mostSourceBytes = 1_048_576
/** How long (ms) a plug-in may take in all, and how often it may ask. */
const patienceMs = 15_000
const mostQuestions = 50
/** A thread that says nothing for so long (ms) is ended; within it the plug-in is stopped after half of it. */
const silenceMs = 2_000
/** Room (MB) of the thread beside the plug-in's own memory. */
const mostHeapMb = 96
const mostShownText = 20_000
/** What a plug-in showed is good for so long (ms), so that many pages run it once. */
const freshMs = 5_000
const mostCells = 20_000

const Manifest = Type.Object({
  tab: Type.String({ minLength: 1, maxLength: 40 }),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  module: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]+\\.js$', maxLength: 100 })),
})

const Where = Type.Object(
  {
    classification: Type.Optional(Type.String()),
    severity: Type.Optional(Type.Integer()),
    machine: Type.Optional(Type.String()),
    build: Type.Optional(Type.String()),
    system: Type.Optional(Type.String()),
    external: Type.Optional(Type.Boolean()),
    days: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    payload: Type.Optional(Type.String({ maxLength: 1_000 })),
    notPayload: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { additionalProperties: false },
)
const fields = Object.keys(groupFields) as GroupField[]
const Question = Type.Union([
  Type.Object(
    {
      count: Type.Array(Type.Unsafe<GroupField>(Type.String({ enum: fields })), { maxItems: 4 }),
      where: Type.Optional(Where),
      limit: Type.Optional(Type.Integer({ minimum: 1 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { records: Type.Integer({ minimum: 1, maximum: 200 }), where: Type.Optional(Where) },
    { additionalProperties: false },
  ),
])

type Loaded =
  | { readonly name: string; readonly tab: string; readonly description: string; readonly file: string }
  | { readonly name: string; readonly problem: string }

export function createPlugins({ context, log, store }: TelemetryParts, folder: string): Plugins {
  const { clock } = context
  const running = new Set<Worker>()
  const shown = new Map<string, { readonly view: Promise<PluginView>; untilMs: number }>()
  const told = new Set<string>()
  let isStopped = false

  const loadAll = (): Loaded[] => {
    let names: string[]
    try {
      names = readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
        .map(({ name }) => name)
        .sort()
        .slice(0, mostPlugins)
    } catch {
      return []
    }
    const all = names.map((name) => load(folder, name))
    for (const one of all) {
      if (!('problem' in one) || told.has(`${one.name} ${one.problem}`)) continue
      told.add(`${one.name} ${one.problem}`)
      log.warn(`Plugin ${one.name} could not be loaded: ${one.problem}`)
    }
    return all
  }

  const answer = async (text: string): Promise<string> => {
    const question: unknown = JSON.parse(text)
    if (!Check(Question, question))
      throw new HttpProblem(
        400,
        'it asks what cannot be asked: { count: [fields], where?, limit? } or { records: number, where? }',
      )
    const filter = filterOf(question.where ?? {}, clock.glance().wallMs)
    const rows =
      'count' in question
        ? await store().ask('grouped', { filter, by: question.count, limit: question.limit })
        : await store().ask('sampled', { filter, limit: question.records })
    return JSON.stringify(rows)
  }

  const run = (source: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(workerFile(), {
        workerData: { source },
        env: {},
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: mostHeapMb },
      })
      running.add(worker)
      let questions = 0
      let silence: Timer | null = null
      const end = (done: () => void): void => {
        timer.cancel()
        silence?.cancel()
        running.delete(worker)
        void worker.terminate()
        done()
      }
      const fail = (reason: string): void => end(() => reject(new HttpProblem(400, reason)))
      const timer = clock.after(patienceMs, () => fail('it takes too long'))
      const listen = (): void => {
        silence?.cancel()
        if (running.has(worker)) silence = clock.after(silenceMs, () => fail('it takes too long'))
      }
      worker.on('message', (message: FromPlugin) => {
        silence?.cancel()
        switch (message.kind) {
          case 'ready':
            listen()
            return
          case 'failed':
            fail(message.reason)
            return
          case 'shows':
            end(() => resolve(JSON.parse(message.view)))
            return
          case 'asks':
            questions += 1
            if (questions > mostQuestions) fail(`it asks more than ${mostQuestions} times`)
            else
              void answer(message.question).then(
                (rows) => {
                  worker.postMessage(rows)
                  listen()
                },
                (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
              )
            return
          default:
            message satisfies never
        }
      })
      worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)))
      worker.on('exit', () => fail('it ended before it showed anything'))
    })

  /** One at a time, so that many take no more memory than one. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (source: string): Promise<unknown> => {
    const next = last.then(() =>
      isStopped ? Promise.reject(new HttpProblem(503, 'the service is stopping')) : run(source),
    )
    last = next.catch(() => undefined)
    return next
  }

  const showOf = async (name: string): Promise<PluginView> => {
    const found = loadAll().find((one) => one.name === name)
    if (!found) throw new HttpProblem(404, `there is no plug-in '${name}'`)
    if ('problem' in found) throw new HttpProblem(400, `the plug-in ${name} cannot be used: ${found.problem}`)
    const source = readText(found.file, mostSourceBytes)
    if (source === null)
      throw new HttpProblem(
        400,
        `the plug-in ${name} cannot be used: ${path.basename(found.file)} cannot be read`,
      )
    try {
      return checkedView(await inTurn(source))
    } catch (error) {
      if (!(error instanceof HttpProblem) || error.statusCode === 503) throw error
      throw new HttpProblem(400, `the plug-in ${name} failed: ${error.message}`)
    }
  }

  return {
    list: () => ({
      folder,
      plugins: loadAll().map((one) =>
        'problem' in one
          ? { name: one.name, tab: one.name, description: '', problem: one.problem }
          : { name: one.name, tab: one.tab, description: one.description, problem: null },
      ),
    }),
    show(name) {
      const nowMs = clock.glance().monotonicMs
      const known = shown.get(name)
      if (known && known.untilMs > nowMs) return known.view
      const view = showOf(name)
      const entry = { view, untilMs: Number.POSITIVE_INFINITY }
      shown.set(name, entry)
      const done = (): void => {
        entry.untilMs = clock.glance().monotonicMs + freshMs
      }
      view.then(done, () => shown.delete(name))
      return view
    },
    stop() {
      isStopped = true
      for (const worker of running) void worker.terminate()
    },
  }
}

function load(folder: string, name: string): Loaded {
  const problem = (text: string): Loaded => ({ name, problem: text })
  if (!namePattern.test(name)) return problem('its folder is not named with small letters, digits and dashes')
  const text = readText(path.join(folder, name, 'manifest.json'), mostManifestBytes)
  if (text === null) return problem('it has no manifest.json that can be read')
  let manifest: unknown
  try {
    manifest = JSON.parse(text)
  } catch {
    return problem('its manifest.json is no JSON')
  }
  if (!Check(Manifest, manifest))
    return problem(
      'its manifest.json needs a "tab" of 1 to 40 characters, and may have "description" and "module"',
    )
  const given: Static<typeof Manifest> = manifest
  const file = path.join(folder, name, given.module ?? 'view.js')
  if (readText(file, mostSourceBytes) === null)
    return problem(`${path.basename(file)} is missing, or is no file of at most a megabyte`)
  return { name, tab: given.tab, description: given.description ?? '', file }
}

/** Returns a file's text; null for what is no ordinary file, is too large or cannot be read. */
function readText(file: string, mostBytes: number): string | null {
  try {
    const stat = statSync(file)
    return stat.isFile() && stat.size <= mostBytes ? readFileSync(file, 'utf8') : null
  } catch {
    return null
  }
}

function filterOf({ days, ...rest }: Static<typeof Where>, nowMs: number): RecordFilter {
  return { ...rest, ...(days !== undefined && { receivedAfterMs: Math.round(nowMs - days * 86_400_000) }) }
}

/** @throws HttpProblem 400 */
function checkedView(view: unknown): PluginView {
  const whole: unknown = { text: '', tables: [], charts: [], ...(typeof view === 'object' ? view : {}) }
  if (!Check(PluginView, whole))
    throw new HttpProblem(
      400,
      'it shows what cannot be shown: { text?, tables?: [{ title, columns, rows }], charts?: [{ title, kind, labels, series }] }',
    )
  const cells = [
    ...whole.tables.map(
      ({ columns, rows }) => columns.length + rows.reduce((sum, row) => sum + row.length, 0),
    ),
    ...whole.charts.map(
      ({ labels, series }) => labels.length + series.reduce((sum, { values }) => sum + values.length, 0),
    ),
  ].reduce((sum, count) => sum + count, 0)
  if (cells > mostCells || whole.text.length > mostShownText)
    throw new HttpProblem(400, `it shows more than ${mostCells} cells or ${mostShownText} characters`)
  return whole
}

/** The bundle keeps the worker beside this file as JavaScript; Node runs the source as it is. */
function workerFile(): URL {
  const isSource = import.meta.url.endsWith('.ts')
  return new URL(isSource ? './worker.ts' : './plugin-worker.js', import.meta.url)
}
