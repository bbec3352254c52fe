import { Type } from 'typebox'
import { BulkAnswer } from '../../shared/api/watchers.ts'
import {
  AnchorsBody,
  ApplyAnswer,
  ApplyQuery,
  ChangeHost,
  CreateHost,
  Host,
  HostBulk,
  HostParams,
  HostsConfig,
  ProbingInfo,
  TryAnswer,
  TryBody,
} from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import type { App, RoomContext } from '../context.ts'
import { planOf } from './config.ts'
import { latencyText } from '../../shared/time-text.ts'
import { HostError } from './errors.ts'
import type { Hosts } from './index.ts'
import { probeWords } from './probes/index.ts'
import type { Sample } from './probes/probe.ts'
import { anchorsOf, applySteps, asked, channelNames, findIn, tags, viewIn } from './route-parts.ts'
import { checkProbesOf, tidyDomain } from './settings.ts'
import { rounded } from './view.ts'
import type { WatchedHost } from './watched.ts'

/** The routes by which hosts are tried, made, changed and removed. */

/** A file of thousands of hosts is longer than other bodies (bytes). */
const configLimit = 8 * 1_048_576

/** Adds the routes by which hosts are tried, made, changed and removed. */
export function writeRoutes(app: App, hosts: Hosts, { clock, db }: RoomContext): void {
  const now = (): number => Math.round(clock.glance().wallMs)
  const view = (host: WatchedHost): Host => viewIn(hosts, host, now())

  app.post(
    '/api/v1/hosts',
    { schema: { tags, summary: 'Add a host', body: CreateHost, response: { 201: Host } } },
    async ({ body }, reply) => reply.status(201).send(view(await asked(() => hosts.create(body)))),
  )
  app.patch(
    '/api/v1/hosts/:id',
    {
      schema: {
        tags,
        summary: 'Change a host',
        params: HostParams,
        body: ChangeHost,
        response: { 200: Host },
      },
    },
    ({ params, body }) =>
      asked(async () => {
        const host = findIn(hosts, params.id)
        try {
          return view(await hosts.change(host.record.id, body))
        } catch (error) {
          // Saying again what is so already is no mistake of a form.
          if (error instanceof HostError && error.kind === 'no-change') return view(host)
          throw error
        }
      }),
  )
  app.delete(
    '/api/v1/hosts/:id',
    {
      schema: {
        tags,
        summary: 'Remove a host with its history',
        params: HostParams,
        response: { 204: Type.Null() },
      },
    },
    async ({ params }, reply) => {
      await asked(() => hosts.remove(findIn(hosts, params.id).record.id))
      return reply.status(204).send(null)
    },
  )
  for (const [verb, paused] of [
    ['pause', true],
    ['unpause', false],
  ] as const) {
    app.post(
      `/api/v1/hosts/:id/${verb}`,
      {
        schema: {
          tags,
          summary: paused ? 'Stop probing for a while' : 'Probe again',
          params: HostParams,
          response: { 200: Host },
        },
      },
      ({ params }) =>
        asked(async () => view(await hosts.setPaused(findIn(hosts, params.id).record.id, paused))),
    )
  }
  app.post(
    '/api/v1/hosts/:id/check',
    {
      schema: {
        tags,
        summary: 'Probe now, besides the rhythm',
        params: HostParams,
        response: { 202: Type.Null() },
      },
    },
    async ({ params }, reply) => {
      hosts.sampleNow(findIn(hosts, params.id))
      return reply.status(202).send(null)
    },
  )
  app.post(
    '/api/v1/hosts/check',
    { schema: { tags, summary: 'Probe all hosts within the next seconds', response: { 202: Type.Null() } } },
    async (_request, reply) => {
      hosts.sampleAll()
      return reply.status(202).send(null)
    },
  )
  app.post(
    '/api/v1/hosts/try',
    {
      schema: {
        tags,
        summary: 'Take one sample of probes without keeping anything',
        body: TryBody,
        response: { 200: TryAnswer },
      },
    },
    ({ body: { domain, probes } }) =>
      asked(async () => {
        const tidy = tidyDomain(domain)
        checkProbesOf(tidy, probes)
        const samples = await hosts.tryProbes(tidy, probes)
        return {
          results: samples.map((sample, index) => {
            const probe = probes[index] ?? { kind: 'icmp' as const }
            return {
              kind: probe.kind,
              words: probeWords(tidy, probe),
              ok: sample.outcome === 'ok',
              observed: sample.outcome !== 'unobserved',
              ms: sample.ms === null ? null : rounded(sample.ms),
              text:
                sample.outcome === 'ok' ? answerWords(sample, probe) : (sample.cause?.text ?? 'no answer'),
              address: sample.address,
            }
          }),
        }
      }),
  )
  app.post(
    '/api/v1/hosts/bulk',
    {
      schema: {
        tags,
        summary: 'Pause, unpause, remove, tag, untag or group many',
        body: HostBulk,
        response: { 200: BulkAnswer },
      },
    },
    ({ body: { action, ids, value } }) =>
      asked(async () => {
        const text = value?.trim() ?? ''
        if ((action === 'tag' || action === 'untag') && text === '')
          throw new HostError('bad-setting', 'body.value: a tag is needed')
        const unique = [...new Set(ids)]
        const done = { changed: 0 }
        await hosts.together((changes) => {
          done.changed = 0
          for (const id of unique) {
            const host = hosts.store.host(id)
            if (!host) continue
            try {
              switch (action) {
                case 'pause':
                case 'unpause':
                  changes.setPaused(id, action === 'pause')
                  break
                case 'remove':
                  changes.remove(id)
                  break
                case 'tag':
                  changes.change(id, { tags: [...host.tags, text] })
                  break
                case 'untag':
                  changes.change(id, { tags: host.tags.filter((tag) => tag !== text) })
                  break
                case 'group':
                  changes.change(id, { group: text })
                  break
                default:
                  action satisfies never
              }
              done.changed += 1
            } catch (error) {
              if (!(error instanceof HostError) || error.kind === 'bad-setting') throw error
            }
          }
        })
        return { changed: done.changed, unchanged: unique.length - done.changed }
      }),
  )
  app.put(
    '/api/v1/hosts/config',
    {
      bodyLimit: configLimit,
      schema: {
        tags,
        summary: 'Bring hosts in line with a configuration; known domains keep their history',
        querystring: ApplyQuery,
        body: HostsConfig,
        response: { 200: ApplyAnswer },
      },
    },
    ({ body, query: { dryRun = false, prune = false } }) =>
      asked(async () => {
        const plan = planOf(body, hosts.configured(), channelNames(db), prune, now())
        const anchors = body.anchors && anchorsOf(body.anchors)
        if (dryRun) return plan.answer
        await applySteps(hosts, plan.steps)
        if (anchors) await hosts.connection.setAnchors(anchors)
        return plan.answer
      }),
  )
  app.put(
    '/api/v1/hosts/anchors',
    {
      schema: {
        tags,
        summary: 'Choose the addresses by which this machine tells whether its own connection works',
        body: AnchorsBody,
        response: { 200: ProbingInfo },
      },
    },
    ({ body }) =>
      asked(async () => {
        await hosts.connection.setAnchors(anchorsOf(body.anchors))
        return hosts.probing()
      }),
  )
}

function answerWords({ ms, answeredFrom }: Sample, { degradedMs = null }: Probe): string {
  const from = answeredFrom === null ? '' : `, from ${answeredFrom}`
  const isSlow = degradedMs !== null && ms !== null && ms > degradedMs
  return `answered in ${latencyText(ms ?? 0)}${from}${isSlow ? ', which is degraded' : ''}`
}
