import { throttle } from '../../shared/throttle.ts'
import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Series } from '../store/series/series.ts'
import type { OwnConnection } from './connection.ts'
import type { Desk } from './desk.ts'
import type { Network } from './network.ts'
import { runProbe } from './probes/index.ts'
import type { ProbeTools, Sample } from './probes/probe.ts'
import { addSample, isInDoubt, noStreaks, phaseOf, showsConnection } from './rules.ts'
import { createScheduler } from './scheduler.ts'
import type { HostStore } from './store.ts'
import { asksStub, createVerdicts, farScopeOf } from './verdicts.ts'
import { callWitnesses } from './witnesses.ts'
import {
  addBeat,
  faultOf,
  forgetStreaks,
  pacesOf,
  policyOf,
  worstVerdict,
  type WatchedHost,
  type WatchedProbe,
} from './watched.ts'
import { silenceTags } from './words.ts'

/** Probes hosts at their times and turns samples into streaks, which the verdicts follow. */
export interface Monitor {
  /** Takes a host's probes into its rhythm; `isNew` has it probed at once. */
  watch(host: WatchedHost, isNew: boolean): void
  unwatch(host: WatchedHost): void
  /** Has a host probed within so many ms; many hosts are spread over them. */
  hurry(host: WatchedHost, withinMs: number): void
  /** Probes a few hosts that were well lately; resolves when they have answered or had their time. */
  witnesses(): Promise<void>
  clockMoved(stepMs: number): void
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
/** A certificate that is known is looked at again this often (ms), as its days run out. */
const certificateAgainMs = 3 * 3_600_000

/** Returns the monitor; it does nothing before a host is watched and `start` was called. */
export function createMonitor(parts: MonitorParts): Monitor {
  const { context, store, series, tools, hosts, desk } = parts
  const { clock, commits, observation } = context
  const log = context.log.child({ name: 'HOSTS' })
  const scheduler = createScheduler(clock)
  const announcer = throttle(clock, announceMs, () => context.changed('hosts'))
  const ears = new Set<() => void>()
  let ticker: Timer | null = null
  let lastMark = ''
  let wokeMs = Number.NEGATIVE_INFINITY
  let isRunning = false
  const now = (): number => clock.glance().monotonicMs
  const wall = (): number => Math.round(clock.glance().wallMs)

  const write = (what: string, work: () => void, failed?: () => void): void => {
    announcer.call()
    void commits.write(work).catch((error: unknown) => {
      log.error({ err: error }, `${what} failed; it is tried again with the next sample`)
      failed?.()
    })
  }
  const flush = (probe: WatchedProbe): void => {
    for (const { atMs, value } of probe.waiting) series.add(probe.id, atMs, value)
    probe.waiting = []
  }
  const hasten = (probe: WatchedProbe, withinMs: number): void =>
    scheduler.hasten(probe, phaseOf(probe.id) * withinMs)
  const verdicts = createVerdicts({
    context,
    desk,
    hosts,
    connection: parts.connection,
    flush,
    hasten,
    write,
    isRunning: () => isRunning,
  })

  const take = (probe: WatchedProbe, sample: Sample): void => {
    const { host } = probe
    const connection = parts.connection()
    if (sample.address !== null)
      probe.scope = parts.network.scopeOf(
        sample.address.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1'),
      )
    const isAnswered = sample.outcome === 'ok' || showsConnection(sample.cause)
    if (isAnswered && !asksStub(probe) && probe.scope !== null) connection.proof(probe.scope)
    if (host.isOffline && isAnswered) connection.recheck(host)
    const isOld = probe.begunMs < host.onlineMs
    if (sample.outcome === 'unobserved') {
      if (!isOld) cannotProbe(probe, sample)
      return
    }
    // What failed while the connection did, or began then, says nothing of the host.
    if (host.isOffline || (isOld && sample.outcome !== 'ok')) {
      addBeat(host, { atMs: sample.atMs, kind: 'unobserved', ms: null })
      return
    }
    if (probe.fault !== null) canProbe(probe)
    const scope = farScopeOf(probe)
    if (!isAnswered && scope !== null) connection.doubt(scope, sample.atMs)
    judge(probe, sample)
  }

  const judge = (probe: WatchedProbe, sample: Sample): void => {
    const { host } = probe
    const isOk = sample.outcome === 'ok'
    const policy = policyOf(host.record, probe.settings)
    host.isSeen = true
    if (!isOk && probe.streaks.failures === 0) probe.failingMs = probe.begunMs
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
      flush(probe)
    }
    if (isOk || probe.verdict === 'down')
      for (const { atMs, value } of sample.points) series.add(probe.id, atMs, value)
    else probe.waiting.push(...sample.points)
    const isSlow = policy.degradedMs !== null && sample.ms !== null && sample.ms > policy.degradedMs
    const isDegraded = worstVerdict(host) === 'degraded'
    // The bar follows the first probe, and shows the failures of all.
    if (!isOk || probe === host.probes[0])
      addBeat(host, {
        atMs: sample.atMs,
        kind: isOk ? (isSlow || isDegraded ? 'slow' : 'ok') : 'lost',
        ms: sample.ms,
      })
    if (sample.certificate) noteCertificate(probe, sample.certificate)
    verdicts.consider(probe)
    if (isInDoubt(probe.verdict, probe.streaks))
      scheduler.hasten(probe, pacesOf(host.record, parts.defaultMs).retryMs)
    verdicts.reconsiderChildren(host)
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
    if (host.isOffline || probe.fault !== null || probe.isAsking) return
    const { endedMs } = probe
    const note = (): void => {
      // A later sample knows better.
      const isOver = !isRunning || !probe.isPlanned || probe.endedMs !== endedMs
      if (isOver || host.isOffline || probe.fault !== null) return
      probe.fault = fault
      log.warn(`${host.record.name} cannot be probed: ${fault}`)
      if (faultOf(host) === null) return
      host.unobservedMs = sample.atMs
      write('Noting that a host cannot be probed', () =>
        store.startSpan(host.record.id, 'blind', sample.atMs, observation.flightId),
      )
    }
    const scope = farScopeOf(probe)
    if (scope === null) {
      note()
      return
    }
    parts.connection().doubt(scope, sample.atMs)
    probe.isAsking = true
    parts.connection().ask(host, scope, probe.begunMs, (verdict) => {
      probe.isAsking = false
      if (verdict !== 'offline') note()
    })
  }
  const canProbe = (probe: WatchedProbe): void => {
    const { host } = probe
    const wasBlind = faultOf(host) !== null
    probe.fault = null
    if (!wasBlind) return
    host.unobservedMs = null
    const atMs = wall()
    write('Noting that a host can be probed again', () => store.endSpan(host.record.id, 'blind', atMs))
  }

  const sample = (probe: WatchedProbe): void => {
    const { host } = probe
    probe.isBusy = true
    probe.begun += 1
    probe.begunMs = now()
    const { begun } = probe
    runProbe(host.record.domain, probe.settings, tools, (taken) => {
      if (!isRunning || !probe.isPlanned || probe.begun !== begun) return
      scheduler.ended(probe)
      probe.endedMs = now()
      // What failed while this machine slept or stood still says nothing.
      if (taken.outcome !== 'ok') {
        observation.look()
        woke()
      }
      if (taken.outcome === 'ok' || probe.begunMs >= wokeMs) take(probe, taken)
      for (const heard of [...ears]) heard()
    })
  }

  const blindMark = (): string => {
    const spans = observation.blindSpans()
    return `${spans.length} ${spans[spans.length - 1]?.toMs ?? 0}`
  }
  /** After a sleep or a standstill nothing of before counts, and the network is given time. */
  const woke = (): void => {
    const mark = blindMark()
    if (mark === lastMark) return
    lastMark = mark
    wokeMs = now()
    parts.connection().settle()
    for (const host of hosts.values()) forgetStreaks(host)
  }
  const tick = (): void => {
    ticker = clock.after(tickMs, tick)
    observation.look()
    woke()
    followMaintenance()
    parts.connection().tick()
    if (!parts.connection().isSettling) verdicts.reconsiderWaiting()
  }
  const followMaintenance = (): void => {
    const windows = context.silences.maintenance(wall())
    for (const host of hosts.values()) {
      const before = host.maintenance
      const window =
        windows.find((one) => one.covers('hosts', String(host.record.id), silenceTags(host.record))) ?? null
      if ((window === null) === (before === null)) continue
      host.maintenance = window
      const { id } = host.record
      const how = verdicts.howOf(host, host.behind)
      write(
        'Noting a maintenance window',
        () => {
          if (window) store.startSpan(id, 'maintenance', how.nowMs, observation.flightId)
          else {
            store.endSpan(id, 'maintenance', how.nowMs)
            desk.reassess(id, how.nowMs, how)
          }
        },
        () => {
          host.maintenance = before
        },
      )
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
        scheduler.add(probe, phaseOf(probe.id) * Math.min(intervalMs, longestSpreadMs))
        if (isNew) scheduler.hasten(probe, 0)
      }
    },
    unwatch(host) {
      for (const probe of host.probes) {
        scheduler.remove(probe)
        probe.begun += 1
        probe.isBusy = false
        probe.isAsking = false
      }
      forgetStreaks(host)
      verdicts.forget(host)
    },
    hurry(host, withinMs) {
      for (const probe of host.probes) hasten(probe, withinMs)
    },
    witnesses: () => callWitnesses(hosts.values(), clock, ears, (probe) => scheduler.hasten(probe, 0)),
    clockMoved(stepMs) {
      lastMark = blindMark()
      for (const host of hosts.values()) {
        forgetStreaks(host)
        if (host.unobservedMs !== null) host.unobservedMs += stepMs
        for (const probe of host.probes) {
          if (probe.lastMs !== null) probe.lastMs += stepMs
          if (probe.verdict === 'down' || probe.verdict === 'degraded') probe.verdictMs += stepMs
        }
      }
    },
    start() {
      isRunning = true
      lastMark = blindMark()
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
