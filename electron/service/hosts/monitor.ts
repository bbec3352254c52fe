import { throttle, type Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Series } from '../store/series/series.ts'
import type { OwnConnection } from './connection.ts'
import type { Desk, How } from './desk.ts'
import type { FarScope } from './gate.ts'
import { ancestorsOf, childNames, descendantsOf } from './family.ts'
import type { Network, Scope } from './network.ts'
import { runProbe } from './probes/index.ts'
import type { ProbeTools, Sample } from './probes/probe.ts'
import { addSample, isInDoubt, noStreaks, phaseOf, showsConnection, wishOf, type Wish } from './rules.ts'
import { createScheduler } from './scheduler.ts'
import type { HostStore } from './store.ts'
import { silenceTags } from './words.ts'
import { addBeat, pacesOf, policyOf, worstVerdict, type WatchedHost, type WatchedProbe } from './watched.ts'

/** Probes hosts at their times and turns samples into verdicts. */
export interface Monitor {
  /** Takes a host's probes into its rhythm; `isNew` has it probed at once. */
  watch(host: WatchedHost, isNew: boolean): void
  unwatch(host: WatchedHost): void
  /** Has a host probed at once. */
  hurry(host: WatchedHost): void
  start(): void
  stop(): void
  sample(probe: WatchedProbe): void
}

export interface MonitorParts {
  readonly context: RoomContext
  readonly store: HostStore
  readonly desk: Desk
  readonly series: Series
  readonly network: Network
  readonly tools: ProbeTools
  readonly defaultMs: number
  readonly hosts: ReadonlyMap<number, WatchedHost>
  /** Known once the connection is made, which in turn knows the hosts. */
  connection(): OwnConnection
}

/** The first samples after a start are spread over no more than this (ms). */
const longestSpreadMs = 60_000
const tickMs = 1_000
const announceMs = 2_000
/** While a host stays down, the connection is asked about anew this often (ms): the fault may have become ours. */
const doubtAgainMs = 30_000
/** A certificate that is known is looked at again this often (ms), as its days run out. */
const certificateAgainMs = 3 * 3_600_000

/** Returns the monitor; it does nothing before a host is watched and `start` was called. */
export function createMonitor(parts: MonitorParts): Monitor {
  const { context, store, desk, series, tools, hosts } = parts
  const { clock, commits, observation } = context
  const log = context.log.child({ name: 'HOSTS' })
  const scheduler = createScheduler(clock)
  const announcer = throttle(clock, announceMs, () => context.changed('hosts'))
  const waitingForParent = new Set<WatchedHost>()
  const waitingForNetwork = new Set<WatchedProbe>()
  let ticker: Timer | null = null
  let lastBlindMs = 0
  let isRunning = false
  const now = (): number => clock.glance().monotonicMs
  const wall = (): number => Math.round(clock.glance().wallMs)

  const scopeOf = ({ scope }: WatchedHost): Scope => scope ?? 'beyond'
  const farScope = (host: WatchedHost): FarScope => (scopeOf(host) === 'link' ? 'link' : 'beyond')
  const howOf = (host: WatchedHost, behind: string | null): How => ({
    nowMs: wall(),
    behind,
    inMaintenance: host.maintenance !== null,
    children: worstVerdict(host) === 'down' ? childNames(hosts, host.record.id) : [],
  })
  const write = (what: string, work: () => void, failed?: () => void): void => {
    announcer.call()
    void commits.write(work).catch((error: unknown) => {
      log.error({ err: error }, `${what} failed; it is tried again with the next sample`)
      failed?.()
    })
  }

  /** Writes a verdict down; should that fail, the next sample brings it up again. */
  const settle = (probe: WatchedProbe, wish: Wish, behind: string | null): void => {
    const { host } = probe
    const before = { verdict: probe.verdict, verdictMs: probe.verdictMs, cause: probe.cause }
    const wasDown = worstVerdict(host) === 'down'
    Object.assign(probe, { verdict: wish.verdict, verdictMs: wish.sinceMs, cause: wish.cause })
    probe.firstMs ??= wish.sinceMs
    const isDown = worstVerdict(host) === 'down'
    if (!isDown) {
      host.behind = null
      host.released = null
    } else if (!wasDown) host.behind = behind
    const how = howOf(host, behind)
    flushWaiting(probe)
    write(
      `Noting that ${host.record.name} is ${wish.verdict}`,
      () => desk.settle(host.record.id, probe.id, wish, how),
      () => Object.assign(probe, before),
    )
    if (wasDown && !isDown) freeChildren(host)
    reconsiderChildren(host)
  }
  /** Who was down behind a parent that is up again is looked at anew. */
  const freeChildren = (parent: WatchedHost): void => {
    for (const child of descendantsOf(hosts, parent.record.id)) {
      if (child.behind !== null) child.released = parent.record.name
      for (const probe of child.probes) {
        if (probe.verdict === 'down') probe.streaks = noStreaks
        scheduler.hasten(probe, 0)
      }
    }
  }
  const reconsiderChildren = (parent: WatchedHost): void => {
    for (const child of [...waitingForParent]) {
      if (!ancestorsOf(hosts, child.record.id).includes(parent)) continue
      waitingForParent.delete(child)
      for (const probe of child.probes) consider(probe)
    }
  }
  const flushWaiting = (probe: WatchedProbe): void => {
    for (const { atMs, value } of probe.waiting) series.add(probe.id, atMs, value)
    probe.waiting = []
  }

  /** Acts on what the samples call for: a fall is believed only when neither we nor a parent are to blame. */
  const consider = (probe: WatchedProbe): void => {
    const { host } = probe
    const policy = policyOf(host.record, probe.settings)
    const wish = wishOf(probe.verdict, probe.streaks, policy)
    if (wish === null) {
      if (probe.verdict === 'down' && probe.streaks.failures > 0) lasting(probe)
      return
    }
    if (wish.verdict !== 'down') {
      settle(probe, wish, host.behind)
      return
    }
    if (probe.isAsking || host.isOffline) return
    if (scopeOf(host) === 'local' || showsConnection(wish.cause)) {
      blame(probe, wish)
      return
    }
    probe.isAsking = true
    parts.connection().ask(farScope(host), probe.endedMs, (verdict) => {
      probe.isAsking = false
      if (!isRunning || !probe.isPlanned) return
      if (verdict === 'wait') waitingForNetwork.add(probe)
      if (verdict !== 'judge') return
      const still = wishOf(probe.verdict, probe.streaks, policy)
      if (still?.verdict === 'down' && !host.isOffline) blame(probe, still)
    })
  }
  const blame = (probe: WatchedProbe, wish: Wish): void => {
    const { host } = probe
    const ancestors = ancestorsOf(hosts, host.record.id).filter(
      ({ record, isOffline, fault }) => !record.paused && !isOffline && fault === null,
    )
    const down = ancestors.find((one) => worstVerdict(one) === 'down')
    if (down) {
      settle(probe, wish, down.record.name)
      return
    }
    // An ancestor that was not looked at since, or is itself in doubt, may be what failed.
    const unsure = ancestors.filter(({ probes }) =>
      probes.some(({ streaks, lastMs }) => streaks.failures > 0 || (lastMs ?? 0) < wish.sinceMs),
    )
    if (unsure.length === 0) {
      settle(probe, wish, null)
      return
    }
    waitingForParent.add(host)
    for (const { probes } of unsure) for (const one of probes) scheduler.hasten(one, 0)
  }
  /** A host that stays down may by now be so because of us, or no longer because of its parent. */
  const lasting = (probe: WatchedProbe): void => {
    const { host } = probe
    if (host.released !== null && host.behind !== null && probe.streaks.failures >= host.record.failures) {
      const parent = host.released
      const isHeld = ancestorsOf(hosts, host.record.id).some((one) => worstVerdict(one) === 'down')
      host.released = null
      if (!isHeld) {
        host.behind = null
        write('Telling of a host behind its parent', () => desk.release(host.record.id, parent, wall()))
      }
    }
    if (scopeOf(host) === 'local' || showsConnection(probe.streaks.cause)) return
    if (probe.isAsking || now() - probe.askedMs < doubtAgainMs) return
    probe.isAsking = true
    probe.askedMs = now()
    parts.connection().ask(farScope(host), probe.endedMs, () => {
      probe.isAsking = false
    })
  }

  const take = (probe: WatchedProbe, sample: Sample): void => {
    const { host } = probe
    const connection = parts.connection()
    if (sample.address !== null)
      host.scope = parts.network.scopeOf(sample.address.replace(/^\[|\](?::\d+)?$/g, ''))
    const isAnswered = sample.outcome === 'ok' || showsConnection(sample.cause)
    if (isAnswered) connection.proof(scopeOf(host))
    if (sample.outcome === 'unobserved') {
      cannotProbe(probe, sample)
      return
    }
    if (host.isOffline) {
      addBeat(host, { atMs: sample.atMs, kind: 'unobserved', ms: null })
      return
    }
    if (host.fault !== null) canProbe(host)
    if (!isAnswered && scopeOf(host) !== 'local') connection.doubt(farScope(host), sample.atMs)
    judge(probe, sample)
  }
  const judge = (probe: WatchedProbe, sample: Sample): void => {
    const { host } = probe
    const isOk = sample.outcome === 'ok'
    const policy = policyOf(host.record, probe.settings)
    host.isSeen = true
    probe.streaks = addSample(
      probe.streaks,
      {
        atMs: sample.atMs,
        isOk,
        ms: sample.ms,
        cause: sample.cause,
        lost: sample.points.map(({ value }) => Number.isNaN(value)),
      },
      policy,
    )
    probe.lastMs = sample.atMs
    probe.lastOk = isOk
    probe.answeredFrom = sample.answeredFrom
    if (isOk) {
      probe.latencyMs = sample.ms
      flushWaiting(probe)
    }
    if (isOk || probe.verdict === 'down')
      for (const { atMs, value } of sample.points) series.add(probe.id, atMs, value)
    else probe.waiting.push(...sample.points)
    const isSlow = policy.degradedMs !== null && sample.ms !== null && sample.ms > policy.degradedMs
    // The bar follows the first probe, and shows the failures of all.
    if (!isOk || probe === host.probes[0])
      addBeat(host, { atMs: sample.atMs, kind: isOk ? (isSlow ? 'slow' : 'ok') : 'lost', ms: sample.ms })
    if (sample.certificate && sample.certificate.expiresMs !== 0) noteCertificate(probe, sample.certificate)
    consider(probe)
    if (isInDoubt(probe.verdict, probe.streaks))
      scheduler.hasten(probe, pacesOf(host.record, parts.defaultMs).retryMs)
    reconsiderChildren(host)
    announcer.call()
  }
  const noteCertificate = (probe: WatchedProbe, shown: NonNullable<Sample['certificate']>): void => {
    const known = probe.certificate
    const isLooked = known?.expiresMs === shown.expiresMs && now() - probe.certificateMs < certificateAgainMs
    if (isLooked) return
    probe.certificateMs = now()
    probe.certificate = { ...shown, toldDays: null }
    write('Noting a certificate', () => desk.certificate(probe.host.record.id, probe.id, shown, wall()))
  }

  /** Our own fault: nothing is known of the host. When the network is to blame, that is told once for all hosts. */
  const cannotProbe = (probe: WatchedProbe, sample: Sample): void => {
    const { host } = probe
    const fault = sample.cause?.text ?? 'this machine cannot probe it'
    addBeat(host, { atMs: sample.atMs, kind: 'unobserved', ms: null })
    probe.streaks = noStreaks
    probe.waiting = []
    announcer.call()
    if (host.isOffline || host.fault !== null) return
    const note = (): void => {
      if (host.isOffline || host.fault !== null || !probe.isPlanned) return
      host.fault = fault
      host.unobservedMs = sample.atMs
      log.warn(`${host.record.name} cannot be probed: ${fault}`)
      write('Noting that a host cannot be probed', () =>
        store.startSpan(host.record.id, 'blind', sample.atMs, observation.flightId),
      )
    }
    if (scopeOf(host) === 'local') {
      note()
      return
    }
    parts.connection().doubt(farScope(host), sample.atMs)
    parts.connection().ask(farScope(host), probe.endedMs, (verdict) => {
      if (verdict !== 'offline') note()
    })
  }
  const canProbe = (host: WatchedHost): void => {
    host.fault = null
    host.unobservedMs = null
    const atMs = wall()
    write('Noting that a host can be probed again', () => store.endSpan(host.record.id, 'blind', atMs))
  }

  const sample = (probe: WatchedProbe): void => {
    const { host } = probe
    probe.isBusy = true
    probe.begun += 1
    const { begun } = probe
    const begunMs = wall()
    runProbe(host.record.domain, probe.settings, tools, (taken) => {
      probe.isBusy = false
      if (!isRunning || !probe.isPlanned || probe.begun !== begun) return
      probe.endedMs = now()
      // What failed while this machine slept or stood still says nothing.
      if (taken.outcome !== 'ok') {
        observation.look()
        if (lastBlind() > begunMs) {
          woke()
          return
        }
      }
      take(probe, taken)
    })
  }

  const lastBlind = (): number => {
    const spans = observation.blindSpans()
    return spans[spans.length - 1]?.toMs ?? 0
  }
  /** After a sleep or a standstill nothing of before counts, and the network is given time. */
  const woke = (): void => {
    const atMs = lastBlind()
    if (atMs <= lastBlindMs) return
    lastBlindMs = atMs
    parts.connection().settle()
    for (const host of hosts.values()) {
      for (const probe of host.probes) {
        probe.streaks = noStreaks
        probe.waiting = []
      }
    }
  }
  const tick = (): void => {
    ticker = clock.after(tickMs, tick)
    observation.look()
    woke()
    followMaintenance()
    parts.connection().tick()
    if (parts.connection().isSettling) return
    for (const probe of [...waitingForNetwork]) {
      waitingForNetwork.delete(probe)
      if (probe.isPlanned) consider(probe)
    }
  }
  const followMaintenance = (): void => {
    const windows = context.silences.maintenance(wall())
    for (const host of hosts.values()) {
      const window =
        windows.length === 0
          ? null
          : (windows.find((one) => one.covers('hosts', String(host.record.id), silenceTags(host.record))) ??
            null)
      if ((window === null) === (host.maintenance === null)) continue
      host.maintenance = window
      const { id } = host.record
      const how = howOf(host, host.behind)
      write('Noting a maintenance window', () => {
        if (window) store.startSpan(id, 'maintenance', how.nowMs, observation.flightId)
        else {
          store.endSpan(id, 'maintenance', how.nowMs)
          desk.reassess(id, how.nowMs, how)
        }
      })
    }
  }

  return {
    watch(host, isNew) {
      if (host.record.paused) return
      const { intervalMs } = pacesOf(host.record, parts.defaultMs)
      for (const probe of host.probes) {
        if (probe.isPlanned && probe.intervalMs === intervalMs) continue
        if (probe.isPlanned) scheduler.remove(probe)
        probe.intervalMs = intervalMs
        const spreadMs = Math.min(intervalMs, longestSpreadMs)
        scheduler.add(probe, phaseOf(probe.id) * spreadMs)
        if (isNew) scheduler.hasten(probe, 0)
      }
    },
    unwatch(host) {
      for (const probe of host.probes) {
        scheduler.remove(probe)
        probe.streaks = noStreaks
        probe.waiting = []
        probe.begun += 1
        probe.isBusy = false
        waitingForNetwork.delete(probe)
      }
      waitingForParent.delete(host)
    },
    hurry(host) {
      for (const probe of host.probes) scheduler.hasten(probe, 0)
    },
    start() {
      isRunning = true
      lastBlindMs = lastBlind()
      parts.connection().settle()
      tick()
    },
    stop() {
      isRunning = false
      ticker?.cancel()
      announcer.stop()
      scheduler.stop()
    },
    sample,
  }
}
