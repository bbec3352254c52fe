import type { RoomContext } from '../context.ts'
import type { OwnConnection } from './connection.ts'
import type { Desk, How } from './desk.ts'
import { ancestorsOf, childNames, descendantsOf } from './family.ts'
import type { FarScope } from '../../shared/host-words.ts'
import { noStreaks, showsConnection, wishOf, type Wish } from './rules.ts'
import { faultOf, policyOf, worstVerdict, type WatchedHost, type WatchedProbe } from './watched.ts'

/** From streaks to verdicts that are written down: a fall is believed only when neither we nor a parent are to blame. */
export interface Verdicts {
  /** Acts on what the latest samples of a probe call for. */
  consider(probe: WatchedProbe): void
  /** Looks again at those who waited for word of a host that they are behind. */
  reconsiderChildren(parent: WatchedHost): void
  /** Looks again at those who waited for the network to prove itself. */
  reconsiderWaiting(): void
  forget(host: WatchedHost): void
  /** What around a change decides who is told. */
  howOf(host: WatchedHost, behind: string | null): How
}

export interface VerdictParts {
  readonly context: RoomContext
  readonly desk: Desk
  readonly hosts: ReadonlyMap<number, WatchedHost>
  connection(): OwnConnection
  /** Writes what waited to be judged. */
  flush(probe: WatchedProbe): void
  /** Has a probe taken within so many ms. */
  hasten(probe: WatchedProbe, withinMs: number): void
  /** Writes in a transaction; `failed` undoes in memory what could not be written. */
  write(what: string, work: () => void, failed?: () => void): void
  isRunning(): boolean
}

/** While a host stays down, the connection is asked about anew this often (ms): the fault may have become ours. */
const doubtAgainMs = 30_000
/** More hosts than this are not looked at in one turn of the event loop. */
const mostInTurn = 50
/** Those behind a parent that is back are looked at within this (ms), not all at once. */
const freeWithinMs = 3_000

/** Returns the distance by which a probe's failures are judged; null for this machine itself. */
export function farScopeOf(probe: WatchedProbe): FarScope | null {
  if (asksStub(probe)) return 'beyond'
  return probe.scope === 'local' ? null : (probe.scope ?? 'beyond')
}

/** The system's resolver answers, or refuses to, though nothing beyond it can be reached. */
export function asksStub({ settings, scope }: WatchedProbe): boolean {
  return settings.kind === 'dns' && (settings.server === undefined || scope === 'local')
}

/** Returns the verdicts. */
export function createVerdicts(parts: VerdictParts): Verdicts {
  const { context, desk, hosts, write } = parts
  const { clock } = context
  /** Who waits for word of whom, by the id of the parent. */
  const waitingForParent = new Map<number, Set<WatchedHost>>()
  const waitingForNetwork = new Set<WatchedProbe>()
  const now = (): number => clock.glance().monotonicMs
  const wall = (): number => Math.round(clock.glance().wallMs)

  const howOf = (host: WatchedHost, behind: string | null): How => ({
    nowMs: wall(),
    behind,
    inMaintenance: host.maintenance !== null,
    children: worstVerdict(host) === 'down' ? childNames(hosts, host.record.id) : [],
  })

  /** Writes a verdict down; should that fail, the next sample brings it up again. */
  const settle = (probe: WatchedProbe, wish: Wish, behind: string | null): void => {
    const { host } = probe
    const before = { verdict: probe.verdict, verdictMs: probe.verdictMs, cause: probe.cause }
    const wasDown = worstVerdict(host) === 'down'
    Object.assign(probe, { verdict: wish.verdict, verdictMs: wish.sinceMs, cause: wish.cause })
    probe.firstMs ??= wish.sinceMs
    const isDown = worstVerdict(host) === 'down'
    if (!isDown) host.behind = null
    else if (!wasDown) host.behind = behind
    host.isReleasing = false
    const how = howOf(host, behind)
    parts.flush(probe)
    write(
      `Noting that ${host.record.name} is ${wish.verdict}`,
      () => desk.settle(host.record.id, probe.id, wish, how),
      () => Object.assign(probe, before),
    )
    if (wasDown && !isDown)
      for (const child of descendantsOf(hosts, host.record.id))
        for (const one of child.probes) parts.hasten(one, freeWithinMs)
    verdicts.reconsiderChildren(host)
  }

  /** Ancestors that can be blamed: what is paused or not observed itself cannot. */
  const blameable = (host: WatchedHost): WatchedHost[] =>
    ancestorsOf(hosts, host.record.id).filter(
      (one) => !one.record.paused && !one.isOffline && faultOf(one) === null,
    )

  const blame = (probe: WatchedProbe, wish: Wish): void => {
    const { host } = probe
    const ancestors = blameable(host)
    const down = ancestors.find((one) => worstVerdict(one) === 'down')
    if (down) {
      settle(probe, wish, down.record.name)
      return
    }
    // An ancestor that was not looked at since, or is itself in doubt, may be what failed.
    const unsure = ancestors.filter(({ probes }) =>
      probes.some(
        ({ streaks, endedMs, fault }) =>
          fault === null && (streaks.failures > 0 || endedMs < probe.failingMs),
      ),
    )
    if (unsure.length === 0) {
      settle(probe, wish, null)
      return
    }
    for (const { record, probes } of unsure) {
      const waiting = waitingForParent.get(record.id)
      if (waiting) waiting.add(host)
      else waitingForParent.set(record.id, new Set([host]))
      // One that was looked at since is in doubt, and has its own pace.
      for (const one of probes) if (one.endedMs < probe.failingMs) parts.hasten(one, 0)
    }
  }

  /** A host that stays down may by now be so because of us, or no longer because of its parent. */
  const lasting = (probe: WatchedProbe): void => {
    const { host } = probe
    if (host.behind !== null) release(probe, host.behind)
    const scope = farScopeOf(probe)
    if (scope === null || (showsConnection(probe.streaks.cause) && !asksStub(probe))) return
    if (probe.isAsking || host.isOffline || now() - probe.askedMs < doubtAgainMs) return
    probe.isAsking = true
    probe.askedMs = now()
    parts.connection().ask(host, scope, probe.begunMs, () => {
      probe.isAsking = false
    })
  }
  /** When no parent is down any more, failures count anew, and what still fails then is told. */
  const release = (probe: WatchedProbe, parent: string): void => {
    const { host } = probe
    const ancestors = blameable(host)
    const isHeld = ancestors.some(
      (one) => worstVerdict(one) === 'down' || one.probes.some(({ streaks }) => streaks.failures > 0),
    )
    if (isHeld) {
      host.isReleasing = false
      return
    }
    if (!host.isReleasing) {
      host.isReleasing = true
      for (const one of host.probes) {
        one.streaks = noStreaks
        parts.hasten(one, freeWithinMs)
      }
      return
    }
    if (probe.streaks.failures < host.record.failures) return
    host.behind = null
    host.isReleasing = false
    write(
      'Telling of a host behind its parent',
      () => desk.release(host.record.id, parent, wall()),
      () => {
        host.behind = parent
      },
    )
  }

  /** Looks at many hosts, a few in each turn of the event loop. */
  const considerAll = (waiting: readonly WatchedHost[]): void => {
    for (const { probes } of waiting.slice(0, mostInTurn))
      for (const probe of probes) if (probe.isPlanned) verdicts.consider(probe)
    const rest = waiting.slice(mostInTurn)
    if (rest.length > 0)
      setImmediate(() => {
        if (parts.isRunning()) considerAll(rest)
      })
  }

  const verdicts: Verdicts = {
    howOf,
    consider(probe) {
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
      const scope = farScopeOf(probe)
      if (scope === null || (showsConnection(wish.cause) && !asksStub(probe))) {
        blame(probe, wish)
        return
      }
      probe.isAsking = true
      parts.connection().ask(host, scope, probe.begunMs, (verdict) => {
        probe.isAsking = false
        if (!parts.isRunning() || !probe.isPlanned) return
        if (verdict === 'wait') waitingForNetwork.add(probe)
        if (verdict !== 'judge') return
        const still = wishOf(probe.verdict, probe.streaks, policyOf(host.record, probe.settings))
        if (still?.verdict === 'down' && !host.isOffline) blame(probe, still)
      })
    },
    reconsiderChildren({ record }) {
      const waiting = waitingForParent.get(record.id)
      if (!waiting) return
      waitingForParent.delete(record.id)
      considerAll([...waiting])
    },
    reconsiderWaiting() {
      for (const probe of [...waitingForNetwork]) {
        waitingForNetwork.delete(probe)
        if (probe.isPlanned) verdicts.consider(probe)
      }
    },
    forget(host) {
      for (const waiting of waitingForParent.values()) waiting.delete(host)
      for (const probe of host.probes) waitingForNetwork.delete(probe)
    },
  }
  return verdicts
}
