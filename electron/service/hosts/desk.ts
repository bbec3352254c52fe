import type { FarScope } from '../../shared/host-words.ts'
import type { RoomContext, TransitionFacts } from '../context.ts'
import { plainFacts } from '../context.ts'
import { wordDuration } from '../../shared/time-text.ts'
import { daysLeft, defaultCertificateDays, thresholdOf } from './probes/http-rules.ts'
import type { ShownCertificate } from './probes/probe.ts'
import { worstOf, type Wish } from './rules.ts'
import type { HostRecord, IncidentKind, IncidentRecord, ProbeRecord } from './schema.ts'
import type { HostStore } from './store.ts'
import { segmentsOf } from './timeline.ts'
import {
  causeOf,
  certificateWords,
  changeWords,
  hostFacts,
  nameList,
  problemWords,
  recoveryWords,
  stillWords,
  type Told,
} from './words.ts'

/** Changes of hosts inside a transaction: verdicts in, incidents and transitions out. They depend on the database alone. */
export interface Desk {
  /** Writes a probe's verdict, and what follows for its host. */
  settle(hostId: number, probeId: number, wish: Wish, how: How): void
  /** Brings the incident of a host in line with the verdicts of its probes, as after a change of its settings. */
  reassess(hostId: number, sinceMs: number, how: How): void
  /** Tells of a host that is still down though the parent is back for which nobody was told. */
  release(hostId: number, parent: string, nowMs: number): void
  pause(host: HostRecord, nowMs: number): void
  unpause(host: HostRecord, nowMs: number): void
  /** Ends what is open of a host that goes away, without a word. */
  close(host: HostRecord, nowMs: number): void
  certificate(hostId: number, probeId: number, shown: ShownCertificate, nowMs: number): void
  offline(hosts: readonly { readonly id: number; readonly fromMs: number }[]): void
  online(hostIds: readonly number[], atMs: number): void
  /** Notes since when nothing of that distance reaches us; an outage that is open ends there. */
  beginOutage(scope: FarScope, fromMs: number): void
  endOutage(atMs: number): void
  tellOffline(sinceMs: number, text: string, names: readonly string[]): void
  tellOnline(sinceMs: number, atMs: number): void
  /** Moves the begin of an outage that was told of with the clock. */
  shiftOffline(stepMs: number): void
}

/** What around a change decides who is told. */
export interface How {
  readonly nowMs: number
  /** Name of the parent that is down; null for none. */
  readonly behind: string | null
  readonly inMaintenance: boolean
  /** Names of the hosts behind this one. */
  readonly children: readonly string[]
}

/** What is told of this machine's own connection. */
export const connectionItem = 'connection'
const offlineSetting = 'host-offline-told'

/** Returns the desk; each of its changes runs in a transaction of the caller's. */
export function createDesk(context: RoomContext, store: HostStore): Desk {
  const { observation, transitions } = context

  const record = (
    host: HostRecord,
    kind: 'problem' | 'recovery' | 'info' | 'update',
    from: string,
    to: string,
    atMs: number,
    told: Told | null,
    more: Partial<TransitionFacts> = {},
  ): void =>
    transitions.record({
      atMs,
      room: 'hosts',
      item: String(host.id),
      kind,
      from,
      to,
      facts: { ...hostFacts(host, told ?? { text: '', details: [] }), ...more },
    })

  const endIncident = (
    host: HostRecord,
    open: IncidentRecord,
    atMs: number,
  ): { lastedMs: number; blindMs: number } => {
    const endMs = Math.max(atMs, open.openedMs)
    store.endIncident(open.id, endMs)
    const segments = segmentsOf(
      {
        firstMs: open.openedMs,
        incidents: [{ kind: open.kind, openedMs: open.openedMs, closedMs: endMs }],
        spans: store.spans(host.id),
        blind: observation.blindSpans(),
        nowMs: endMs,
      },
      open.openedMs,
      endMs,
    )
    const seenMs = segments.reduce(
      (sum, { kind, fromMs, toMs }) => sum + (kind === open.kind ? toMs - fromMs : 0),
      0,
    )
    return { lastedMs: endMs - open.openedMs, blindMs: endMs - open.openedMs - seenMs }
  }

  /** Opens, changes or ends the incident of a host as its probes have it. */
  const follow = (host: HostRecord, probes: readonly ProbeRecord[], sinceMs: number, how: How): void => {
    const worst = worstOf(probes.map(({ verdict }) => verdict))
    const kind: IncidentKind | null = worst === 'down' || worst === 'degraded' ? worst : null
    const open = store.openIncident(host.id)
    const heldBy = how.behind === null ? {} : { heldBy: `its parent ${how.behind} is down` }
    if (kind === null) {
      if (!open) return
      const { lastedMs, blindMs } = endIncident(host, open, sinceMs)
      record(host, 'recovery', open.kind, 'up', sinceMs, recoveryWords(host, open.kind, lastedMs, blindMs))
      return
    }
    const cause = causeOf(host, probes, kind)
    if (open?.kind === kind) {
      if (open.cause !== cause) store.changeIncident(open.id, cause, open.behind)
      return
    }
    if (how.inMaintenance) return
    const openedMs = Math.max(sinceMs, open?.openedMs ?? sinceMs)
    const lasted = open ? endIncident(host, open, openedMs).lastedMs : 0
    store.startIncident(host.id, {
      kind,
      cause,
      behind: how.behind,
      openedMs,
      flightId: observation.flightId,
    })
    const told = open
      ? changeWords(host, kind, cause, lasted)
      : problemWords(host, kind, cause, how.children, how.behind)
    record(host, open ? 'update' : 'problem', open?.kind ?? 'up', kind, openedMs, told, {
      ...heldBy,
      affected: kind === 'down' ? how.children : [],
    })
  }

  return {
    settle(hostId, probeId, wish, how) {
      const host = store.host(hostId)
      const probes = store.probes(hostId)
      const probe = probes.find(({ id }) => id === probeId)
      if (!host || !probe || host.paused) return
      store.saveVerdict(probeId, wish.verdict, wish.sinceMs, wish.cause)
      if (probe.firstMs === null) store.saveLatest(probeId, wish.sinceMs, how.nowMs, wish.verdict !== 'down')
      const after = probes.map((one) =>
        one.id === probeId
          ? { ...one, verdict: wish.verdict, verdictMs: wish.sinceMs, cause: wish.cause }
          : one,
      )
      follow(host, after, wish.sinceMs, how)
    },
    reassess(hostId, sinceMs, how) {
      const host = store.host(hostId)
      if (host && !host.paused) follow(host, store.probes(hostId), sinceMs, how)
    },
    release(hostId, parent, nowMs) {
      const host = store.host(hostId)
      const open = store.openIncident(hostId)
      if (!host || !open || open.behind === null) return
      store.changeIncident(open.id, open.cause, null)
      record(host, 'update', open.kind, open.kind, nowMs, stillWords(host, parent, open.cause))
    },
    pause(host, nowMs) {
      this.close(host, nowMs)
      store.startSpan(host.id, 'paused', nowMs, observation.flightId)
    },
    unpause(host, nowMs) {
      store.endSpan(host.id, 'paused', nowMs)
      for (const { id } of store.probes(host.id)) store.saveVerdict(id, 'new', nowMs, null)
    },
    close(host, nowMs) {
      const open = store.openIncident(host.id)
      if (!open) return
      endIncident(host, open, nowMs)
      record(host, 'recovery', open.kind, 'paused', nowMs, null)
    },
    certificate(hostId, probeId, shown, nowMs) {
      const host = store.host(hostId)
      const probe = store.probes(hostId).find(({ id }) => id === probeId)
      if (!host || probe?.settings.kind !== 'http') return
      const before = probe.certificate
      const days = daysLeft(shown, nowMs)
      const threshold = thresholdOf(days, probe.settings.certificateDays ?? defaultCertificateDays)
      // Several servers behind one name may show several certificates in turn.
      const toldDays = threshold === null ? null : (before?.toldDays ?? null)
      const isNews = threshold !== null && (toldDays === null || threshold < toldDays)
      store.saveCertificate(probeId, { ...shown, toldDays: isNews ? threshold : toldDays })
      if (isNews)
        record(host, 'info', 'certificate', 'certificate', nowMs, certificateWords(host, days, shown.issuer))
    },
    offline(hosts) {
      for (const { id, fromMs } of hosts) store.startSpan(id, 'offline', fromMs, observation.flightId)
    },
    online(hostIds, atMs) {
      for (const id of hostIds) store.endSpan(id, 'offline', atMs)
    },
    beginOutage(scope, fromMs) {
      store.endOutage(fromMs)
      store.beginOutage(scope, fromMs, observation.flightId)
    },
    endOutage: (atMs) => store.endOutage(atMs),
    tellOffline(sinceMs, text, names) {
      // An outage that lasts over a restart was told of already.
      if ((store.setting(offlineSetting) ?? '') !== '') return
      store.saveSetting(offlineSetting, String(Math.round(sinceMs)))
      const count =
        names.length === 0
          ? 'Nobody beyond it is blamed meanwhile.'
          : `${names.length} host${names.length === 1 ? ' is' : 's are'} not observed meanwhile: ${nameList(names)}.`
      transitions.record({
        atMs: sinceMs,
        room: 'hosts',
        item: connectionItem,
        kind: 'problem',
        from: 'online',
        to: 'offline',
        facts: {
          ...plainFacts('Connection of this machine', `This machine is offline: ${text}. ${count}`),
          details: names.slice(0, 100),
          affected: names,
          path: '/hosts',
        },
      })
    },
    shiftOffline(stepMs) {
      const told = store.setting(offlineSetting) ?? ''
      if (told !== '') store.saveSetting(offlineSetting, String(Number(told) + stepMs))
    },
    tellOnline(sinceMs, atMs) {
      const told = store.setting(offlineSetting) ?? ''
      if (told === '') return
      store.saveSetting(offlineSetting, '')
      const lasted = wordDuration(
        Math.max(1_000, Math.round((atMs - Math.min(Number(told), sinceMs)) / 1_000) * 1_000),
      )
      transitions.record({
        atMs,
        room: 'hosts',
        item: connectionItem,
        kind: 'recovery',
        from: 'offline',
        to: 'online',
        facts: {
          ...plainFacts('Connection of this machine', `This machine is online again after ${lasted}.`),
          path: '/hosts',
        },
      })
    },
  }
}
