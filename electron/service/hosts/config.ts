import type { ApplyAnswer, ChangeHost, HostConfig, HostsConfig } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import { HostError } from './errors.ts'
import type { Changes } from './changes.ts'
import type { HostRecord } from './schema.ts'
import type { HostStore } from './store.ts'
import { checkProbesOf, defaultProbes, hostDefaults, newHost, tidyDomain } from './settings.ts'

/** Hosts as a configuration file has them: names instead of ids, and only what differs from the defaults. */

/** A host with its probes. */
export interface Configured {
  readonly host: HostRecord
  readonly probes: readonly Probe[]
}

/** Returns all hosts with their probes, in the order in which they were added. */
export function configuredOf(store: HostStore): Configured[] {
  return store
    .hosts()
    .map((host) => ({ host, probes: store.probes(host.id).map(({ settings }) => settings) }))
}

/** Names of channels by id. */
export type ChannelNames = ReadonlyMap<number, string>

/** Returns hosts as a file has them, in the order in which they were added. */
export function configOf(all: readonly Configured[], channels: ChannelNames): HostConfig[] {
  const domains = new Map(all.map(({ host }) => [host.id, host.domain]))
  return all.map(({ host, probes }) => {
    const parent = host.parent === null ? null : (domains.get(host.parent) ?? null)
    const named = host.channels?.flatMap((id) => channels.get(id) ?? []) ?? null
    return sparse(host, probes, parent, named)
  })
}

function sparse(
  host: Omit<HostRecord, 'id'>,
  probes: readonly Probe[],
  parent: string | null,
  channels: readonly string[] | null,
): HostConfig {
  const {
    domain,
    name,
    description,
    group,
    tags,
    intervalMs,
    retryMs,
    failures,
    successes,
    emails,
    remindMs,
  } = host
  const settings = { description, group, tags, intervalMs, retryMs, failures, successes, emails, remindMs }
  const changed = Object.entries(settings).filter(
    ([key, value]) =>
      JSON.stringify(value) !== JSON.stringify(hostDefaults[key as keyof typeof hostDefaults]),
  )
  return {
    domain,
    ...(name !== domain && { name }),
    ...Object.fromEntries(changed),
    ...(parent !== null && { parent }),
    ...(channels !== null && { channels: [...channels] }),
    ...(host.paused && { paused: true }),
    ...(JSON.stringify(probes) !== JSON.stringify(defaultProbes) && { probes: [...probes] }),
  }
}

/** What has to be done to bring hosts in line with a file. */
export interface Plan {
  readonly answer: ApplyAnswer
  /** What there is to do, in order; done again from the beginning it comes to the same. */
  readonly steps: readonly ((changes: Changes) => void)[]
}

/**
 * Returns what a file asks for. A host is known by its domain, so its history stays; what the file does not say is as the
 * defaults have it. Applying a file twice changes nothing the second time.
 *
 * @throws HostError naming the host that cannot be as the file has it
 */
export function planOf(
  file: HostsConfig,
  all: readonly Configured[],
  channels: ChannelNames,
  prune: boolean,
  nowMs: number,
): Plan {
  const known = new Map(all.map((one) => [one.host.domain.toLowerCase(), one]))
  const present = new Map(configOf(all, channels).map((one) => [one.domain.toLowerCase(), one]))
  const wanted = new Map<string, { readonly config: HostConfig; readonly full: Omit<HostRecord, 'id'> }>()
  for (const given of file.hosts) {
    const config = named(given.domain, () => ({ ...given, domain: tidyDomain(given.domain) }))
    const key = config.domain.toLowerCase()
    if (wanted.has(key)) throw new HostError('bad-setting', `${config.domain} is in the file twice`)
    const { parent: _parent, channels: _channels, ...rest } = config
    wanted.set(key, { config, full: named(config.domain, () => newHost(rest, nowMs)) })
  }
  for (const { config } of wanted.values()) {
    checkParent(config, wanted, prune ? new Map() : known)
    named(config.domain, () => checkProbesOf(config.domain, config.probes ?? defaultProbes))
  }
  checkCircles(wanted, present)
  const ids = idsOf(channels)
  const added: string[] = []
  const changed: string[] = []
  let unchanged = 0
  for (const [key, { config, full }] of wanted) {
    const before = present.get(key)
    const probes = config.probes ?? defaultProbes
    const after = sparse(full, probes, config.parent ?? null, config.channels ?? null)
    if (!before) added.push(config.domain)
    else if (same(before, after)) unchanged += 1
    else changed.push(config.domain)
  }
  const removed = prune
    ? all.filter(({ host }) => !wanted.has(host.domain.toLowerCase())).map(({ host }) => host.domain)
    : []

  const idOf = new Map(all.map(({ host }) => [host.domain.toLowerCase(), host.id]))
  const steps: ((changes: Changes) => void)[] = []
  for (const [key, { config }] of wanted) {
    if (known.has(key)) continue
    const { parent: _parent, channels: _channels, ...rest } = config
    steps.push((changes) => idOf.set(key, changes.create(rest)))
  }
  for (const [key, { config, full }] of wanted) {
    if (present.has(key) && !changed.includes(config.domain)) continue
    const { createdMs: _created, paused, ...settings } = full
    const chosen = config.channels?.map((name) => idOfChannel(ids, config.domain, name)) ?? null
    const before = known.get(key)
    steps.push((changes) => {
      const id = idOf.get(key)
      if (id === undefined) return
      const change: ChangeHost = {
        ...settings,
        tags: [...settings.tags],
        emails: [...settings.emails],
        parent: config.parent == null ? null : (idOf.get(config.parent.toLowerCase()) ?? null),
        channels: chosen,
        probes: [...(config.probes ?? defaultProbes)],
      }
      unlessSame(() => changes.change(id, change))
      if (before && before.host.paused !== paused) unlessSame(() => changes.setPaused(id, paused))
    })
  }
  for (const domain of removed)
    steps.push((changes) => {
      const id = idOf.get(domain.toLowerCase())
      if (id !== undefined) changes.remove(id)
    })
  return { answer: { added, changed, removed, unchanged }, steps }
}

function unlessSame(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof HostError && (error.kind === 'no-change' || error.kind === 'already-so')))
      throw error
  }
}

/** @throws HostError when hosts of a file are behind themselves */
function checkCircles(
  wanted: ReadonlyMap<string, { readonly config: HostConfig }>,
  present: ReadonlyMap<string, HostConfig>,
): void {
  const parentOf = (key: string): string | null =>
    ((wanted.get(key)?.config ?? present.get(key))?.parent ?? null)?.toLowerCase() ?? null
  const safe = new Set<string>()
  for (const key of wanted.keys()) {
    const chain = new Set<string>()
    for (let at: string | null = key; at !== null && !safe.has(at); at = parentOf(at)) {
      if (chain.has(at)) throw new HostError('bad-setting', `${at}: a host cannot be behind itself`)
      chain.add(at)
    }
    for (const one of chain) safe.add(one)
  }
}

/** Names the host whose setting is refused. */
function named<T>(domain: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof HostError) || error.message.includes(domain)) throw error
    throw new HostError(error.kind, `${domain}: ${error.message}`)
  }
}

function checkParent(
  { domain, parent }: HostConfig,
  wanted: ReadonlyMap<string, unknown>,
  known: ReadonlyMap<string, unknown>,
): void {
  if (parent === undefined || parent === null) return
  if (!wanted.has(parent.toLowerCase()) && !known.has(parent.toLowerCase()))
    throw new HostError('bad-setting', `${domain}: its parent ${parent} is not there`)
}

function idsOf(channels: ChannelNames): Map<string, number> {
  return new Map([...channels].map(([id, name]) => [name, id]))
}

function idOfChannel(ids: ReadonlyMap<string, number>, domain: string, name: string): number {
  const id = ids.get(name)
  if (id === undefined) throw new HostError('bad-setting', `${domain}: there is no channel '${name}'`)
  return id
}

/** Two configurations are the same in whatever order their keys and their probes' keys come. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  )
}
