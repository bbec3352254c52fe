import { randomBytes } from 'node:crypto'
import type { ChangeHost, CreateHost, HostList, HostQuery, ProbingInfo } from '../../shared/api/hosts.ts'
import type { Probe } from '../../shared/api/probes.ts'
import { printable } from '../../shared/text.ts'
import { isoTimeOrNull } from '../../shared/time-text.ts'
import type { RoomContext } from '../context.ts'
import { configuredOf, type Configured } from './config.ts'
import { createConnection, type OwnConnection } from './connection.ts'
import { createDesk } from './desk.ts'
import { createChanges, type Changes } from './changes.ts'
import { HostError } from './errors.ts'
import { descendantsOf, familyChanged } from './family.ts'
import { createPinger, type Pinger } from './icmp/pinger.ts'
import { createMonitor } from './monitor.ts'
import { systemNetwork, type Network } from './network.ts'
import type { ProbeTools, Sample } from './probes/probe.ts'
import { runProbe } from './probes/index.ts'
import { createResolver, type Lookup } from './probes/resolver.ts'
import type { HostRecord, ProbeRecord } from './schema.ts'
import { defaultIntervalMs } from './settings.ts'
import { createHostStore, type HostStore } from './store.ts'
import { loadBeats } from './beats.ts'
import { listOf } from './list.ts'
import { dayUptimes } from './day-uptimes.ts'
import { probingWords } from './probing-words.ts'
import { noStreaks } from './rules.ts'
import { faultOf, forgetStreaks, watchedHost, watchedProbe, type WatchedHost } from './watched.ts'

/** The room of the pings. Everything that writes resolves after the commit. */
export interface Hosts {
  readonly defaultMs: number
  readonly watched: ReadonlyMap<number, WatchedHost>
  readonly store: HostStore
  readonly network: Network
  readonly connection: OwnConnection
  start(): void
  stop(): Promise<void>
  /** Finds by id, domain or name. @throws HostError `ambiguous` when several have the name */
  find(name: string): WatchedHost | null
  list(query: HostQuery): HostList
  children(host: WatchedHost): WatchedHost[]
  /** Shares of the observed time of the last day in which hosts were up (per cent), by their ids. */
  dayUptimes(hosts: readonly WatchedHost[]): Map<number, number | null>
  create(input: CreateHost): Promise<WatchedHost>
  change(id: number, change: ChangeHost): Promise<WatchedHost>
  setPaused(id: number, paused: boolean): Promise<WatchedHost>
  remove(id: number): Promise<void>
  /** Does several of these in one transaction; `work` is given the same without waiting. */
  together(work: (changes: Changes) => void): Promise<void>
  sampleNow(host: WatchedHost): void
  /** Probes every host that is not paused within a few seconds, beside the rhythm. */
  sampleAll(): void
  tryProbes(domain: string, probes: readonly Probe[]): Promise<Sample[]>
  probing(): Promise<ProbingInfo>
  /** All hosts with their probes, in the order in which they were added. */
  configured(): Configured[]
  /** The secret of the badges' addresses; made once. */
  badgeKey(): string
}

/** What the room reaches the world with; tests bring their own. */
export interface HostEdges {
  readonly pinger?: Pinger
  readonly network?: Network
  readonly lookup?: Lookup
  /** Interval (ms) of hosts that have none of their own. */
  readonly defaultMs?: number
}

/** When the connection is back, hosts are probed within this (ms), not all at once. */
const returnWithinMs = 5_000

/** Returns the room; nothing is probed before `start`. */
export function createHosts(context: RoomContext, edges: HostEdges = {}): Hosts {
  const { db, clock, commits, observation, series } = context
  const log = context.log.child({ name: 'HOSTS' })
  const defaultMs = edges.defaultMs ?? defaultIntervalMs
  const store = createHostStore(db)
  const desk = createDesk(context, store)
  const pinger = edges.pinger ?? createPinger(clock)
  const network = edges.network ?? systemNetwork(() => clock.glance().monotonicMs)
  const tools: ProbeTools = { clock, pinger, resolver: createResolver(clock, edges.lookup) }
  const watched = new Map<number, WatchedHost>()
  const now = (): number => Math.round(clock.glance().wallMs)
  let stopping: Promise<void> | null = null
  let isStarted = false

  const connection: OwnConnection = createConnection(context, store, desk, {
    network,
    echo: (request, done) => pinger.echo(request, done),
    hosts: () => watched.values(),
    wentOffline(host, fromMs) {
      host.isOffline = true
      host.unobservedMs = fromMs
      forgetStreaks(host)
    },
    cameOnline(host) {
      host.isOffline = false
      host.unobservedMs = null
      monitor.hurry(host, returnWithinMs)
    },
    witnesses: () => monitor.witnesses(),
  })
  const monitor = createMonitor({
    context,
    store,
    desk,
    series,
    network,
    tools,
    defaultMs,
    hosts: watched,
    connection: () => connection,
  })

  /** Brings a host that is watched in line with what is written down. */
  const load = (id: number, isNew = false): WatchedHost | null => {
    const record = store.host(id)
    if (record) return place(record, store.probes(id), store.openSpan(id, 'paused')?.fromMs ?? null, isNew)
    const known = watched.get(id)
    if (known) monitor.unwatch(known)
    watched.delete(id)
    familyChanged(watched)
    return null
  }
  const place = (
    record: HostRecord,
    records: readonly ProbeRecord[],
    pausedMs: number | null,
    isNew: boolean,
  ): WatchedHost => {
    const host = watched.get(record.id) ?? watchedHost(record)
    const isMoved = host.record.domain !== record.domain
    const wasBlind = !host.record.paused && faultOf(host) !== null
    host.record = record
    const before = new Map(host.probes.map((probe) => [probe.id, probe]))
    const stays = new Set(records.map((one) => one.id))
    const gone = host.probes.filter((probe) => !stays.has(probe.id))
    if (gone.length > 0) monitor.unwatch({ ...host, probes: gone })
    host.probes = records.map((one) => {
      const probe = before.get(one.id) ?? watchedProbe(host, one, monitor.sample)
      const isChanged = isMoved || JSON.stringify(probe.settings) !== JSON.stringify(one.settings)
      if (isChanged) {
        // What is on its way asks for what is no longer wanted.
        probe.begun += 1
        Object.assign(probe, { isBusy: false, scope: null, fault: null, lastOk: null, waiting: [] })
        probe.streaks = noStreaks
      }
      const { settings, verdict, verdictMs, cause } = one
      Object.assign(probe, { settings, verdict, verdictMs, cause })
      return probe
    })
    watched.set(record.id, host)
    host.pausedMs = pausedMs
    familyChanged(watched)
    if (record.paused) {
      monitor.unwatch(host)
      for (const probe of host.probes) probe.fault = null
      Object.assign(host, { isOffline: false, unobservedMs: null, beats: [] })
    } else {
      followFault(host, wasBlind)
      if (isStarted) monitor.watch(host, isNew)
    }
    return host
  }
  /** Other probes than before may all be such as cannot be taken, or no longer all. */
  const followFault = (host: WatchedHost, wasBlind: boolean): void => {
    const isBlind = faultOf(host) !== null
    if (isBlind === wasBlind) return
    const atMs = now()
    const { id } = host.record
    host.unobservedMs = isBlind ? atMs : null
    void commits
      .write(() => {
        if (isBlind) store.startSpan(id, 'blind', atMs, observation.flightId)
        else store.endSpan(id, 'blind', atMs)
      })
      .catch((error: unknown) => log.error({ err: error }, 'Noting whether a host can be probed failed'))
  }
  /** Takes up everything that is written down, with a few questions for all hosts together. */
  const loadAll = (): void => {
    const forgotten: number[] = []
    const probes = Map.groupBy(store.allProbes(), ({ hostId }) => hostId)
    const paused = new Map(store.openSpans('paused').map(({ hostId, fromMs }) => [hostId, fromMs]))
    const open = new Map(store.openIncidents().map((incident) => [incident.hostId, incident]))
    for (const record of store.hosts()) {
      const host = place(record, probes.get(record.id) ?? [], paused.get(record.id) ?? null, false)
      host.behind = open.get(record.id)?.behind ?? null
      if (open.has(record.id)) continue
      // A problem without an incident, as at the end of a maintenance that nobody saw, is found out anew.
      for (const probe of host.probes)
        if (probe.verdict === 'down' || probe.verdict === 'degraded') {
          probe.verdict = 'new'
          forgotten.push(probe.id)
        }
    }
    if (forgotten.length === 0) return
    const nowMs = now()
    void commits
      .write(() => {
        for (const id of forgotten) store.saveVerdict(id, 'new', nowMs, null)
      })
      .catch((error: unknown) => log.error({ err: error }, 'Forgetting old verdicts failed'))
  }
  const changes = createChanges(context, { store, desk, series, hosts: watched })
  const together = async (work: (all: Changes) => void): Promise<void> => {
    observation.look()
    await commits.write(() => work(changes))
    context.changed('hosts')
  }

  const one = async (id: number, work: () => void): Promise<WatchedHost> => {
    await together(work)
    const host = load(id)
    if (!host) throw new HostError('not-found', `there is no host ${id}`)
    return host
  }

  observation.onStep((stepMs) => {
    monitor.clockMoved(stepMs)
    connection.clockMoved(stepMs)
    const { flightId } = observation
    if (flightId === null) return
    void commits
      .write(() => store.shift(flightId, stepMs))
      .catch((error: unknown) => log.error({ err: error }, 'Following the clock failed'))
  })

  const room: Hosts = {
    defaultMs,
    watched,
    store,
    network,
    connection,
    start() {
      const nowMs = now()
      // What was open when we were last here ended with our absence, which is unobserved by itself.
      void commits
        .write(() => {
          for (const kind of ['offline', 'blind', 'maintenance'] as const)
            for (const { hostId } of store.openSpans(kind)) store.endSpan(hostId, kind, nowMs)
          store.endOutage(nowMs)
        })
        .catch((error: unknown) => log.error({ err: error }, 'Closing what was open failed'))
      loadAll()
      isStarted = true
      monitor.start()
      for (const host of watched.values()) monitor.watch(host, false)
      void loadBeats(db, watched, clock).catch((error: unknown) =>
        log.error({ err: error }, 'Reading the latest measurements failed'),
      )
    },
    stop: () => (stopping ??= stop()),
    find(name) {
      const id = /^\d+$/.test(name) ? Number(name) : null
      const byId = id === null ? undefined : watched.get(id)
      if (byId) return byId
      const wanted = name.toLowerCase()
      const all = [...watched.values()]
      const byDomain = all.find(({ record }) => record.domain.toLowerCase() === wanted)
      if (byDomain) return byDomain
      const named = all.filter(({ record }) => record.name.toLowerCase() === wanted)
      if (named.length > 1)
        throw new HostError(
          'ambiguous',
          `several hosts are called '${printable(name, 80)}': ${named.map(({ record }) => `${record.id} (${record.domain})`).join(', ')}`,
        )
      return named[0] ?? null
    },
    list: (query) => listOf(room, query, now()),
    children: (host) => descendantsOf(watched, host.record.id),
    dayUptimes: (hosts) => dayUptimes(store, hosts, observation.blindSpans(), now()),
    async create(input) {
      const made: { id: number } = { id: 0 }
      await together((all) => {
        made.id = all.create(input)
      })
      const host = load(made.id, true)
      if (!host) throw new HostError('not-found', 'the new host could not be read')
      return host
    },
    change: async (id, change) => {
      const host = await one(id, () => changes.change(id, change))
      if (!host.record.paused) monitor.hurry(host, 0)
      return host
    },
    setPaused: async (id, paused) => {
      const host = await one(id, () => changes.setPaused(id, paused))
      if (!paused) monitor.hurry(host, 0)
      return host
    },
    async remove(id) {
      await together(() => changes.remove(id))
      load(id)
      for (const host of watched.values()) if (host.record.parent === id) load(host.record.id)
    },
    async together(work) {
      const touched = new Set<number>()
      const made = new Set<number>()
      await together((all) => {
        touched.clear()
        made.clear()
        work({
          create: (input) => {
            const id = all.create(input)
            made.add(id)
            return id
          },
          change: (id, change) => {
            touched.add(id)
            all.change(id, change)
          },
          setPaused: (id, paused) => {
            touched.add(id)
            all.setPaused(id, paused)
          },
          remove: (id) => {
            touched.add(id)
            all.remove(id)
          },
        })
      })
      for (const id of [...touched, ...made]) load(id)
      for (const host of [...watched.values()])
        if (host.record.parent !== null && !watched.has(host.record.parent)) load(host.record.id)
    },
    configured: () => configuredOf(store),
    badgeKey() {
      const known = store.setting('host-badge-key')
      if (known !== null) return known
      const made = randomBytes(32).toString('base64url')
      store.saveSetting('host-badge-key', made)
      return made
    },
    sampleNow: (host) => monitor.hurry(host, 0),
    sampleAll() {
      for (const host of watched.values()) if (!host.record.paused) monitor.hurry(host, returnWithinMs)
    },
    tryProbes: (domain, probes) =>
      Promise.all(
        probes.map((probe) => new Promise<Sample>((resolve) => runProbe(domain, probe, tools, resolve))),
      ),
    async probing() {
      const [four, six] = await Promise.all([pinger.way(4), pinger.way(6)])
      const all = [...watched.values()].flatMap(({ probes }) => probes)
      return {
        way4: four.way,
        way6: six.way,
        ...probingWords(four),
        connection: connection.state,
        connectionText: connection.text,
        gateways: [...(await network.gateways())],
        anchors: connection
          .anchors()
          .map(({ address, provenMs }) => ({ address, provenAt: isoTimeOrNull(provenMs) })),
        intervalMs: defaultMs,
        skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
      }
    },
  }
  const stop = async (): Promise<void> => {
    monitor.stop()
    connection.stop()
    void commits
      .write(() => {
        for (const { probes } of watched.values())
          for (const { id, firstMs, lastMs, lastOk } of probes)
            if (lastMs !== null) store.saveLatest(id, firstMs, lastMs, lastOk)
      })
      .catch(() => undefined)
    await pinger.stop()
  }
  return room
}
