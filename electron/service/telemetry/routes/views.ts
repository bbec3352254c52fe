import {
  BacktracesQuery,
  BuildCounts,
  CrashesQuery,
  GuiltyDetails,
  IdParams,
  MachineChecks,
  MceQuery,
  Population,
  PopulationQuery,
  Stats,
  Thermal,
  TopCrashes,
  TracedRecords,
  UpdateMatrix,
  ViewQuery,
} from '../../../shared/api/telemetry.ts'
import { noSystem } from '../../../shared/telemetry-words.ts'
import { isoTime, parseSpan } from '../../../shared/time-text.ts'
import type { App, RoomContext } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import type { Telemetry } from '../index.ts'
import { populationWindows } from '../views/counts.ts'
import { answer, asked, guiltyView, tags } from './parts.ts'

const dayMs = 86_400_000
const usualCrashes = 10
const updateDays = 7

/** Adds the views over all records. */
export function viewRoutes(app: App, telemetry: Telemetry, { clock }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)
  const { views } = telemetry
  /** Views of a window begin at a whole minute, so that pages share them. */
  const minute = (): number => Math.floor(now() / 60_000) * 60_000

  app.get(
    '/api/v1/telemetry/builds',
    {
      schema: {
        tags,
        summary: 'Records of each build, in the order of versions',
        querystring: ViewQuery,
        response: { 200: BuildCounts },
      },
    },
    async ({ query: { format } }, reply) => {
      const builds = [...(await asked(views.ask('buildCounts', null)))]
      return answer(reply, format, builds, 'builds', ['build', 'records'], () => builds)
    },
  )
  app.get(
    '/api/v1/telemetry/stats',
    {
      schema: {
        tags,
        summary: 'Shares of classes, kinds of machines, severities and systems',
        querystring: ViewQuery,
        response: { 200: Stats },
      },
    },
    async ({ query: { format } }, reply) => {
      const { total, ...shares } = await asked(views.ask('shares', null))
      const stats = {
        total,
        classifications: [...shares.classifications],
        hostTypes: [...shares.hostTypes],
        severities: [...shares.severities],
        systems: [...shares.systems],
      }
      return answer(reply, format, stats, 'stats', ['of', 'name', 'records'], () =>
        Object.entries(shares).flatMap(([of, rows]) => rows.map((row) => ({ of, ...row }))),
      )
    },
  )
  app.get(
    '/api/v1/telemetry/crashes',
    {
      schema: {
        tags,
        summary: 'Guilty frames with most crashes in a window',
        querystring: CrashesQuery,
        response: { 200: TopCrashes },
      },
    },
    async ({ query }, reply) => {
      const crashes = await crashesOf(query)
      return answer(
        reply,
        query.format,
        crashes,
        'crashes',
        [
          'id',
          'function',
          'module',
          'crashes',
          'counted',
          'machines',
          'firstSeen',
          'lastSeen',
          'firstBuild',
          'isNew',
          'perThousandHours',
          'comment',
          'builds',
        ],
        () => crashes.crashes,
      )
    },
  )
  const crashesOf = async ({
    last = '7d',
    build,
    hidden = false,
    limit = usualCrashes,
  }: CrashesQueryType) => {
    const spanMs = parseSpan(last)
    if (spanMs === null) throw new HttpProblem(400, `last: '${last}' is not a span such as 24h, 7d or 1y`)
    const sinceMs = minute() - spanMs
    const { hours, machines } = await views.own(sinceMs)
    const top = await asked(
      views.ask('topCrashes', {
        sinceMs,
        build: build === '' ? undefined : build,
        withHidden: hidden,
        most: limit,
        ownMachines: machines,
      }),
    )
    const newest = build || top.builds[0]
    return {
      since: isoTime(sinceMs),
      builds: [...top.builds],
      total: top.total,
      unblamed: top.unblamed,
      hidden: top.hidden,
      machineHours: hours,
      crashes: top.crashes.map(({ guilty, firstBuild, ofThisMachine, builds, ...counts }) => ({
        ...guiltyView(guilty, firstBuild),
        ...counts,
        builds: [...builds],
        isNew: newest !== undefined && firstBuild === newest,
        // A crash that was only counted names no machine, so then the rate is not known.
        perThousandHours:
          hours === null || hours < 1 || ofThisMachine === 0 || counts.counted > 0
            ? null
            : (ofThisMachine / hours) * 1_000,
      })),
    }
  }
  app.get(
    '/api/v1/telemetry/guilties/:id',
    {
      schema: {
        tags,
        summary: 'A guilty frame and the machines that crashed there',
        params: IdParams,
        querystring: ViewQuery,
        response: { 200: GuiltyDetails },
      },
    },
    async ({ params: { id }, query: { format } }, reply) => {
      const details = await asked(telemetry.store().ask('guiltyDetails', { id }))
      if (!details) throw new HttpProblem(404, `there is no guilty frame ${id}`)
      const view = {
        ...guiltyView(details.guilty, details.firstBuild),
        counted: details.guilty.counted,
        complete: details.isComplete,
        machines: details.machines.map(({ lastMs, ...rest }) => ({ ...rest, last: isoTime(lastMs) })),
      }
      return answer(
        reply,
        format,
        view,
        `guilty-${id}`,
        ['build', 'machine', 'crashes', 'last'],
        () => view.machines,
      )
    },
  )
  app.get(
    '/api/v1/telemetry/guilties/:id/backtraces',
    {
      schema: {
        tags,
        summary: 'The newest 50 backtraces of a guilty frame',
        params: IdParams,
        querystring: BacktracesQuery,
        response: { 200: TracedRecords },
      },
    },
    async ({ params: { id }, query: { machine, build, format } }, reply) => {
      const store = telemetry.store()
      if (!(await store.ask('guiltyDetails', { id })))
        throw new HttpProblem(404, `there is no guilty frame ${id}`)
      const traces = await asked(store.ask('backtraces', { id, machine, build }))
      const view = traces.map(({ serverMs, frames, ...rest }) => ({
        ...rest,
        received: isoTime(serverMs),
        frames: [...frames],
      }))
      const columns = ['id', 'received', 'build', 'machine', 'program', 'pid', 'signal']
      return answer(
        reply,
        format,
        view,
        `guilty-${id}-backtraces`,
        [...columns, 'frame', 'function', 'module', 'source'],
        () =>
          view.flatMap(({ frames, ...record }) =>
            frames.map((frame, index) => ({ ...record, frame: index, ...frame })),
          ),
      )
    },
  )
  app.get(
    '/api/v1/telemetry/mce',
    {
      schema: {
        tags,
        summary: 'Machine checks of a calendar year (UTC)',
        querystring: MceQuery,
        response: { 200: MachineChecks },
      },
    },
    async ({ query: { year = new Date(now()).getUTCFullYear(), format } }, reply) => {
      const checks = await asked(views.ask('machineChecks', { year }))
      const view = {
        ...checks,
        weeks: [...checks.weeks],
        days: [...checks.days],
        builds: [...checks.builds],
        statuses: [...checks.statuses],
        banks: [...checks.banks],
        machines: [...checks.machines],
      }
      return answer(reply, format, view, `mce-${year}`, ['of', 'key', 'name', 'records'], () => [
        ...checks.weeks.map(({ week, ...row }) => ({ of: 'week', key: week, ...row })),
        ...checks.builds.map(({ build, ...row }) => ({ of: 'build', key: build, ...row })),
        ...(['days', 'statuses', 'banks', 'machines'] as const).flatMap((of) =>
          checks[of].map(({ name, records }) => ({ of, key: name, name: '', records })),
        ),
      ])
    },
  )
  app.get(
    '/api/v1/telemetry/thermal',
    {
      schema: {
        tags,
        summary: 'Throttling for heat in the last five weeks',
        querystring: ViewQuery,
        response: { 200: Thermal },
      },
    },
    async ({ query: { format } }, reply) => {
      const { total, weeks, machines, builds } = await asked(views.ask('thermal', { nowMs: minute() }))
      const view = { total, weeks: [...weeks], machines: [...machines], builds: [...builds] }
      return answer(reply, format, view, 'thermal', ['of', 'name', 'records'], () => [
        ...weeks.map(({ week, records }) => ({ of: 'week', name: week, records })),
        ...machines.map((row) => ({ of: 'machine', ...row })),
        ...builds.map((row) => ({ of: 'build', ...row })),
      ])
    },
  )
  app.get(
    '/api/v1/telemetry/population',
    {
      schema: {
        tags,
        summary: 'Machines that sent a heartbeat, by build, in five windows; ids change every three days',
        querystring: PopulationQuery,
        response: { 200: Population },
      },
    },
    async ({ query: { system, format } }, reply) => {
      const builds = await asked(
        views.ask('population', { nowMs: minute(), system: system === noSystem ? '' : system }),
      )
      const view = {
        windows: [...populationWindows],
        builds: builds.map(({ build, internal, external }) => ({
          build,
          internal: [...internal],
          external: [...external],
        })),
      }
      return answer(reply, format, view, 'population', ['build', 'days', 'internal', 'external'], () =>
        builds.flatMap(({ build, internal, external }) =>
          populationWindows.map((days, index) => ({
            build,
            days: days ?? 'all',
            internal: internal[index] ?? 0,
            external: external[index] ?? 0,
          })),
        ),
      )
    },
  )
  app.get(
    '/api/v1/telemetry/updates',
    {
      schema: {
        tags,
        summary: 'From which version machines went to which, in the last seven days',
        querystring: ViewQuery,
        response: { 200: UpdateMatrix },
      },
    },
    async ({ query: { format } }, reply) => {
      const { versions, steps } = await asked(
        views.ask('updateMatrix', { sinceMs: minute() - updateDays * dayMs }),
      )
      const view = { versions: [...versions], steps: [...steps] }
      return answer(reply, format, view, 'updates', ['from', 'to', 'updates'], () => steps)
    },
  )
}

type CrashesQueryType = {
  readonly last?: string
  readonly build?: string
  readonly hidden?: boolean
  readonly limit?: number
}
