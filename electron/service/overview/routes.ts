import {
  ChangeSetup,
  Findings,
  Overview,
  OverviewHistory,
  OverviewHistoryQuery,
  SearchQuery,
  Setup,
} from '../../shared/api/overview.ts'
import { parseWindow, WindowError } from '../../shared/window.ts'
import type { App, RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Hosts } from '../hosts/index.ts'
import type { Recorder } from '../recorder/index.ts'
import type { Telemetry } from '../telemetry/index.ts'
import type { Watchers } from '../watchers/index.ts'
import { crashLane, historyOf } from './history.ts'
import { findAll } from './search.ts'
import { whileThere } from './while-there.ts'
import { readSetup, writeSetup } from './setup.ts'

/** What the overview is made of. */
export interface OverviewRooms {
  readonly context: RoomContext
  readonly recorder: Recorder
  readonly hosts: Hosts
  readonly watchers: Watchers
  readonly telemetry: Telemetry
  overview(): Overview
}

const tags = ['service']
const usualLimit = 6

/** Adds the routes of what concerns all rooms: how they stand, their past, a search, and the first run. */
export function overviewRoutes(app: App, rooms: OverviewRooms): void {
  const { context, recorder } = rooms
  const { db, reader, clock, observation, commits } = context
  const now = (): number => Math.round(clock.glance().wallMs)

  app.get(
    '/api/v1/overview',
    {
      schema: {
        tags,
        summary: 'How everything together stands: one worst state, problems first',
        response: { 200: Overview },
      },
    },
    () => rooms.overview(),
  )
  app.get(
    '/api/v1/overview/history',
    {
      schema: {
        tags,
        summary: 'The past of all rooms on one axis of time',
        querystring: OverviewHistoryQuery,
        response: { 200: OverviewHistory },
      },
    },
    async (request) => {
      const past = await reader.ask('overviewPast', {
        now: recorder.present(),
        blind: observation.blindSpans('beyond'),
        ...windowOf(request.query, now()),
      })
      const history = historyOf(past, await crashesOf(rooms, past.sinceMs, past.untilMs))
      if (request.scopeOfKey(null) === 'write') return history
      // The id of a watcher triggers it, and a key that only reads must not.
      return {
        ...history,
        lanes: history.lanes.map((lane) => ({
          ...lane,
          spans: lane.spans.map((span) => ({
            ...span,
            path: lane.room === 'watchers' ? '/watchers' : span.path,
          })),
        })),
      }
    },
  )
  app.get(
    '/api/v1/search',
    {
      schema: {
        tags,
        summary: 'Hosts, watchers, crashes, classes, builds, records and incidents by a part of their name',
        querystring: SearchQuery,
        response: { 200: Findings },
      },
    },
    async (request) => {
      const { q, limit = usualLimit } = request.query
      return findAll(rooms, q, limit, now(), request.scopeOfKey(null) === 'write')
    },
  )
  app.get(
    '/api/v1/setup',
    {
      schema: { tags, summary: 'What a first run can tell and has to ask', response: { 200: Setup } },
    },
    () => readSetup(db),
  )
  app.put(
    '/api/v1/setup',
    {
      schema: {
        tags,
        summary: 'Say that the first run is over, or begin it again',
        body: ChangeSetup,
        response: { 200: Setup },
      },
    },
    async ({ body: { done } }) => {
      await commits.write(() => writeSetup(db, done))
      context.changed('service')
      return readSetup(db)
    },
  )
}

/** @throws HttpProblem 400 */
function windowOf(
  query: Parameters<typeof parseWindow>[0],
  nowMs: number,
): { sinceMs: number | null; untilMs: number | null; lastMs: number | null } {
  try {
    const { sinceMs, untilMs, lastMs } = parseWindow(query, nowMs)
    return { sinceMs, untilMs, lastMs }
  } catch (error) {
    if (error instanceof WindowError) throw new HttpProblem(400, error.message)
    throw error
  }
}

async function crashesOf({ telemetry, context }: OverviewRooms, sinceMs: number, untilMs: number) {
  const slots = await whileThere(telemetry, context.log, (store) =>
    store.ask('crashTimes', { sinceMs, untilMs }),
  )
  return slots === null ? null : crashLane(slots, sinceMs, untilMs)
}
