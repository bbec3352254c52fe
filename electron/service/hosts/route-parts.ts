import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Host } from '../../shared/api/hosts.ts'
import { printable } from '../../shared/text.ts'
import type { RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import type { Changes } from './changes.ts'
import { HostError } from './errors.ts'
import type { Hosts } from './index.ts'
import { tidyDomain } from './settings.ts'
import { hostView } from './view.ts'
import type { WatchedHost } from './watched.ts'

export const tags = ['hosts']

/** Finds a host by id, domain or name. @throws HttpProblem 404 */
export function findIn(hosts: Hosts, name: string): WatchedHost {
  let host: WatchedHost | null
  try {
    host = hosts.find(name)
  } catch (error) {
    throw error instanceof HostError ? new HttpProblem(409, error.message) : error
  }
  if (!host) throw new HttpProblem(404, `there is no host '${printable(name, 80)}'`)
  return host
}

/** Turns what a host refuses into an answer. */
export async function asked<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    switch (error.kind) {
      case 'not-found':
        throw new HttpProblem(404, error.message)
      case 'domain-taken':
      case 'ambiguous':
      case 'already-so':
        throw new HttpProblem(409, error.message)
      case 'bad-setting':
      case 'no-change':
        throw new HttpProblem(400, error.message)
      default:
        throw new HttpProblem(400, error.kind satisfies never)
    }
  }
}

/** Returns the part of a badge's address that nobody can guess. */
export function badgeCode(hosts: Hosts, id: number): string {
  const mark = createHmac('sha256', hosts.badgeKey()).update(`host ${id}`).digest('base64url').slice(0, 16)
  return `${id}-${mark}`
}

/** Returns the host that a badge's address names; null when it was not made by us. */
export function hostOfBadge(hosts: Hosts, code: string): WatchedHost | null {
  const id = Number(/^(\d{1,10})-/.exec(code)?.[1] ?? Number.NaN)
  const host = hosts.watched.get(id)
  if (!host) return null
  const [given, right] = [Buffer.from(code), Buffer.from(badgeCode(hosts, id))]
  return given.length === right.length && timingSafeEqual(given, right) ? host : null
}

/** Returns a host as the API shows it. */
export function viewIn(hosts: Hosts, host: WatchedHost, nowMs: number): Host {
  const view = hostView(
    host,
    hosts.children(host),
    hosts.dayUptimes([host]).get(host.record.id) ?? null,
    hosts.defaultMs,
    nowMs,
  )
  return { ...view, badge: `/badges/hosts/${badgeCode(hosts, host.record.id)}` }
}

/** Returns the names of channels by id. */
export function channelNames(db: RoomContext['db']): Map<number, string> {
  const rows = db.prepare('SELECT id, name FROM channel').all() as { id: number; name: string }[]
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** Anchors are addresses, since names could not be looked up when they are needed. @throws HostError */
export function anchorsOf(given: readonly string[]): string[] {
  return [
    ...new Set(
      given.map((text) => {
        const address = tidyDomain(text)
        if (isIP(address.split('%')[0] ?? '') === 0)
          throw new HostError('bad-setting', `the anchor '${address.slice(0, 80)}' is not an IP address`)
        return address
      }),
    ),
  ]
}

/** More changes than this in one transaction would hold up the event loop. */
const stepsAtOnce = 50

/** Does what a configuration asks for, a part in each transaction, so that none holds up the event loop. */
export async function applySteps(
  hosts: Hosts,
  steps: readonly ((changes: Changes) => void)[],
): Promise<void> {
  for (let begin = 0; begin < steps.length; begin += stepsAtOnce)
    await hosts.together((changes) => {
      for (const step of steps.slice(begin, begin + stepsAtOnce)) step(changes)
    })
}
