import type { ChangeHost, CreateHost } from '../../shared/api/hosts.ts'
import type { RoomContext } from '../context.ts'
import type { Series } from '../store/series/series.ts'
import type { Desk } from './desk.ts'
import { HostError } from './errors.ts'
import type { HostRecord } from './schema.ts'
import { changedHost, checkProbesOf, defaultProbes, newHost } from './settings.ts'
import type { HostStore } from './store.ts'
import type { WatchedHost } from './watched.ts'

/** Changes of hosts inside one transaction. */
export interface Changes {
  create(input: CreateHost): number
  change(id: number, change: ChangeHost): void
  setPaused(id: number, paused: boolean): void
  remove(id: number): void
}

/** What changes are made with. */
export interface ChangeParts {
  readonly store: HostStore
  readonly desk: Desk
  readonly series: Series
  readonly hosts: ReadonlyMap<number, WatchedHost>
}

/** Returns the changes; each throws HostError when it cannot be, and runs in a transaction of the caller's. */
export function createChanges(context: RoomContext, { store, desk, series, hosts }: ChangeParts): Changes {
  const { db, clock, observation } = context
  const now = (): number => Math.round(clock.glance().wallMs)

  const checkParent = (id: number | null, parent: number | null | undefined): void => {
    if (parent === null || parent === undefined) return
    if (!store.host(parent)) throw new HostError('bad-setting', `there is no host ${parent} to be its parent`)
    // Asked of the database, which knows what the transaction has changed already.
    const parentOf = db.prepare('SELECT parent_id FROM host WHERE id = ?').pluck()
    const seen = new Set<number>()
    for (
      let at: number | null = parent;
      at !== null && !seen.has(at);
      at = parentOf.get(at) as number | null
    ) {
      if (at === id) throw new HostError('bad-setting', 'a host cannot be behind itself')
      seen.add(at)
    }
  }
  const checkChannels = (
    channels: readonly number[] | null | undefined,
    kept: readonly number[] | null,
  ): void => {
    const known = new Set(db.prepare('SELECT id FROM channel').pluck().all() as number[])
    const missing = channels?.find((id) => !known.has(id) && !kept?.includes(id))
    if (missing !== undefined) throw new HostError('bad-setting', `there is no channel ${missing}`)
  }
  const checkDomain = (domain: string, own: number | null): void => {
    const holder = db.prepare('SELECT id FROM host WHERE domain = ?').pluck().get(domain) as
      number | undefined
    if (holder !== undefined && holder !== own)
      throw new HostError(
        'domain-taken',
        `the host ${domain} is there already; give it another probe instead`,
      )
  }
  const found = (id: number): HostRecord => {
    const host = store.host(id)
    if (!host) throw new HostError('not-found', `there is no host ${id}`)
    return host
  }
  return {
    create(input) {
      const host = newHost(input, now())
      checkProbesOf(host.domain, input.probes ?? defaultProbes)
      checkDomain(host.domain, null)
      checkParent(null, host.parent)
      checkChannels(host.channels, null)
      const id = store.insert(host)
      store.setProbes(id, input.probes ?? defaultProbes, now())
      if (host.paused) store.startSpan(id, 'paused', now(), observation.flightId)
      return id
    },
    change(id, change) {
      const before = found(id)
      const host = changedHost(before, change)
      checkDomain(host.domain, id)
      checkParent(id, change.parent)
      checkChannels(change.channels, before.channels)
      checkProbesOf(host.domain, change.probes ?? store.probes(id).map(({ settings }) => settings))
      const probes = store.probes(id).map(({ settings }) => settings)
      const isSame =
        JSON.stringify(host) === JSON.stringify(before) &&
        (change.probes === undefined || JSON.stringify(change.probes) === JSON.stringify(probes))
      if (isSame) throw new HostError('no-change', 'nothing would change')
      store.change(host)
      if (change.probes !== undefined) {
        for (const gone of store.setProbes(id, change.probes, now())) series.remove(gone)
        desk.reassess(id, now(), {
          nowMs: now(),
          behind: hosts.get(id)?.behind ?? null,
          inMaintenance: hosts.get(id)?.maintenance != null,
          children: [],
        })
      }
      const { name, channels, emails, remindMs } = host
      context.transitions.refresh('hosts', String(id), { name, channels, emails, remindMs })
    },
    setPaused(id, paused) {
      const host = found(id)
      if (host.paused === paused)
        throw new HostError('already-so', `it is ${paused ? 'already' : 'not'} paused`)
      store.change({ ...host, paused })
      if (paused) {
        desk.pause(host, now())
        for (const kind of ['offline', 'blind', 'maintenance'] as const) store.endSpan(id, kind, now())
      } else desk.unpause(host, now())
    },
    remove(id) {
      const host = found(id)
      desk.close(host, now())
      for (const { id: probe } of store.probes(id)) series.remove(probe)
      store.remove(id)
    },
  }
}
