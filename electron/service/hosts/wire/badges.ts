import type { FastifyReply } from 'fastify'
import { badgeSvg } from '../../../shared/badge.ts'
import { dayMs, latencyText } from '../../../shared/time-text.ts'
import type { App, RoomContext } from '../../context.ts'
import type { Hosts } from '../index.ts'
import { hostOfBadge } from '../route-parts.ts'
import { firstOf, stateOf, uptimeIn } from '../view.ts'
import type { WatchedHost } from '../watched.ts'

/** Badges of hosts, each at an address that nobody can guess. */

const colours = { good: '#4c1', fair: '#dfb317', bad: '#e05d44', none: '#9f9f9f' } as const
const days = { '24h': 1, '7d': 7, '30d': 30, '365d': 365 } as const
const file = /^(?:(state|latency)|uptime-(24h|7d|30d|365d))\.(svg|json)$/

interface Badge {
  readonly label: string
  readonly message: string
  readonly colour: string
}

/** Adds `/badges/hosts/<code>/state.svg`, `latency.svg` and `uptime-<24h, 7d, 30d or 365d>.svg`; `.json` is for shields.io. */
export function hostBadgeRoutes(app: App, hosts: Hosts, { clock, observation }: RoomContext): void {
  const badgeOf = (host: WatchedHost, what: string | undefined, window: string | undefined): Badge => {
    const { name } = host.record
    if (what === 'state') {
      const state = stateOf(host)
      const colour = {
        up: colours.good,
        degraded: colours.fair,
        down: colours.bad,
        unobserved: colours.none,
        new: colours.none,
        paused: colours.none,
      }
      return { label: name, message: state, colour: colour[state] }
    }
    if (what === 'latency') {
      const ms = host.probes[0]?.latencyMs ?? null
      return {
        label: `${name} latency`,
        message: ms === null ? 'unknown' : latencyText(ms),
        colour: ms === null ? colours.none : '#007ec6',
      }
    }
    const nowMs = Math.round(clock.glance().wallMs)
    const { id } = host.record
    const span = days[window as keyof typeof days] * dayMs
    const uptime = uptimeIn(
      firstOf(host),
      hosts.store.incidents(id),
      hosts.store.spans(id),
      observation.blindSpans(),
      nowMs - span,
      nowMs,
    )
    return {
      label: `${name} uptime ${window ?? ''}`,
      message: uptime === null ? 'unobserved' : `${uptime} %`,
      colour:
        uptime === null
          ? colours.none
          : uptime >= 99
            ? colours.good
            : uptime >= 95
              ? colours.fair
              : colours.bad,
    }
  }
  app.get(
    '/badges/hosts/:code/:file',
    { config: { access: 'open' }, schema: { hide: true } },
    (request, reply) => {
      const { code, file: name } = request.params as { code: string; file: string }
      const match = file.exec(name)
      const host = match ? hostOfBadge(hosts, code) : null
      if (!match || !host) return reply.status(404).send({ error: 'there is no such badge' })
      return send(reply, badgeOf(host, match[1], match[2]), match[3] === 'svg')
    },
  )
}

function send(reply: FastifyReply, { label, message, colour }: Badge, isSvg: boolean): FastifyReply {
  return reply
    .headers({
      'content-type': isSvg ? 'image/svg+xml; charset=utf-8' : 'application/json; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache, max-age=0',
    })
    .send(
      isSvg
        ? badgeSvg(label, message, colour)
        : JSON.stringify({ schemaVersion: 1, label, message, color: colour }),
    )
}
