import { Type } from 'typebox'
import {
  ChangeGuilty,
  Guilty,
  IdParams,
  Regroup,
  SkipChange,
  SkipList,
  SkipPreview,
  ViewQuery,
} from '../../../shared/api/telemetry.ts'
import { frameLabel } from '../../../shared/telemetry-words.ts'
import { isoTime, isoTimeOrNull } from '../../../shared/time-text.ts'
import type { App, RoomContext } from '../../context.ts'
import { HttpProblem } from '../../problem.ts'
import type { Telemetry } from '../index.ts'
import { mostSkipped, type RegroupRow } from '../records/regroup.ts'
import { decideGuilty } from '../records/decide.ts'
import { answer, asked, guiltyView, tags } from './parts.ts'

const previewPatienceMs = 10_000
const mostRegroups = 50

/** Adds the routes by which people say who is to blame. */
export function guiltyRoutes(app: App, telemetry: Telemetry, { clock, changed }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)

  app.patch(
    '/api/v1/telemetry/guilties/:id',
    {
      schema: {
        tags,
        summary: 'Comment on a guilty frame, hide it, or say that it is fixed',
        params: IdParams,
        body: ChangeGuilty,
        response: { 200: Guilty },
      },
    },
    async ({ params: { id }, body }) => {
      if (body.fixed === false && typeof body.fixedBuild === 'string')
        throw new HttpProblem(400, 'what is not fixed is fixed in no build')
      const found = await telemetry.store().write(() => decideGuilty(id, body, now()))
      if (!found) throw new HttpProblem(404, `there is no guilty frame ${id}`)
      telemetry.views.forget()
      await telemetry.keepDecisions()
      changed('telemetry')
      return guiltyView(found.row, found.firstBuild)
    },
  )
  app.get(
    '/api/v1/telemetry/skip-list',
    {
      schema: {
        tags,
        summary: 'Frames that are never guilty, what is being blamed anew, and earlier changes',
        querystring: ViewQuery,
        response: { 200: SkipList },
      },
    },
    async ({ query: { format } }, reply) => {
      const store = telemetry.store()
      const [frames, regroups, decided] = await Promise.all([
        store.ask('skipFrames', null),
        store.ask('regroups', { most: mostRegroups }),
        store.ask('decidedGuilties', null),
      ])
      const view = {
        frames: frames.map(({ added_ms, ...frame }) => ({ ...frame, added: isoTime(added_ms) })),
        running: telemetry.regrouper.progress,
        regroups: regroups.map(regroupView),
        decided: decided.map((row) => guiltyView(row, null)),
      }
      return answer(reply, format, view, 'skip-list', ['function', 'module', 'added'], () => view.frames)
    },
  )
  app.post(
    '/api/v1/telemetry/skip-list/preview',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What a change of the skip list would move; nothing is changed',
        body: SkipChange,
        response: { 200: SkipPreview },
      },
    },
    async ({ body: { add = [], remove = [] } }) => {
      const { moves, looked, isComplete } = await asked(
        telemetry.store().ask('previewSkip', { change: { add, remove }, patienceMs: previewPatienceMs }),
      )
      return { moves: [...moves], looked, complete: isComplete }
    },
  )
  app.post(
    '/api/v1/telemetry/skip-list',
    {
      schema: {
        tags,
        summary: 'Change the skip list; all crashes are blamed anew in the background',
        body: SkipChange,
        response: { 202: Regroup },
      },
    },
    async ({ body: { add = [], remove = [] } }, reply) => {
      const frames = await telemetry.store().ask('skipFrames', null)
      if (frames.length + add.length > mostSkipped)
        throw new HttpProblem(400, `the skip list holds ${mostSkipped} frames at most`)
      const unknown = remove.find(
        (frame) => !frames.some((one) => one.function === frame.function && one.module === frame.module),
      )
      if (unknown) throw new HttpProblem(404, `${frameLabel(unknown)} is not in the skip list`)
      const taken = add.find((frame) =>
        frames.some((one) => one.function === frame.function && one.module === frame.module),
      )
      if (taken) throw new HttpProblem(409, `${frameLabel(taken)} is in the skip list already`)
      const row = await telemetry.regrouper.change({ add, remove }, wordsOf(add, remove))
      if (!row) throw new HttpProblem(400, 'name frames to add or to remove')
      await telemetry.keepDecisions()
      changed('telemetry')
      return reply.status(202).send(regroupView(row))
    },
  )
  app.post(
    '/api/v1/telemetry/skip-list/recompute',
    { schema: { tags, summary: 'Blame all crashes anew', response: { 202: Regroup } } },
    async (_request, reply) => reply.status(202).send(regroupView(await telemetry.regrouper.recompute())),
  )
  app.post(
    '/api/v1/telemetry/skip-list/reset',
    {
      schema: { tags, summary: 'Empty the skip list', response: { 202: Type.Union([Regroup, Type.Null()]) } },
    },
    async (_request, reply) => {
      const frames = await telemetry.store().ask('skipFrames', null)
      const remove = frames.map(({ function: name, module }) => ({ function: name, module }))
      const row = await telemetry.regrouper.change({ add: [], remove }, 'empty the skip list')
      changed('telemetry')
      return reply.status(202).send(row && regroupView(row))
    },
  )
  app.post(
    '/api/v1/telemetry/regroups/:id/undo',
    {
      schema: {
        tags,
        summary: 'Take back a change of the skip list',
        params: IdParams,
        response: { 202: Regroup },
      },
    },
    async ({ params: { id } }, reply) => {
      const row = await telemetry.regrouper.undo(id)
      if (!row)
        throw new HttpProblem(404, `there is no change ${id}, or nothing is left of it in the skip list`)
      changed('telemetry')
      return reply.status(202).send(regroupView(row))
    },
  )
}

function wordsOf(
  add: readonly { readonly function: string; readonly module: string }[],
  remove: readonly { readonly function: string; readonly module: string }[],
): string {
  const listed = (frames: typeof add): string => {
    const shown = frames.slice(0, 3).map(frameLabel).join(', ')
    return frames.length > 3 ? `${shown} and ${frames.length - 3} more` : shown
  }
  return [
    ...(add.length > 0 ? [`skip ${listed(add)}`] : []),
    ...(remove.length > 0 ? [`no longer skip ${listed(remove)}`] : []),
  ].join('; ')
}

function regroupView(row: RegroupRow): Regroup {
  return {
    id: row.id,
    at: isoTime(row.at_ms),
    what: row.what,
    moved: row.moved,
    done: isoTimeOrNull(row.done_ms),
    undoable: row.undoable === 1,
  }
}
