import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import type { Desk } from './desk.ts'
import { createGate, type Connection, type Gate } from './gate.ts'
import type { EchoRequest, EchoResult } from './icmp/echo.ts'
import type { FarScope, Scope } from '../../shared/host-words.ts'
import type { Network } from './network.ts'
import type { HostStore } from './store.ts'
import { scopeOfHost, type WatchedHost } from './watched.ts'

/** This machine's own connection: whether it works, since when it does not, and what that means for the hosts. */
export interface OwnConnection {
  readonly state: Connection
  readonly text: string
  anchors(): readonly { readonly address: string; readonly provenMs: number | null }[]
  setAnchors(anchors: readonly string[]): Promise<void>
  /** A sample failed without anything having answered. */
  doubt(scope: FarScope, atMs: number): void
  /** Something of that distance answered. */
  proof(scope: Scope): void
  /** Tells whether a failure that began at a moment (monotonic ms) may be laid on a host. */
  ask(
    host: WatchedHost,
    scope: FarScope,
    sinceMs: number,
    done: (verdict: 'judge' | 'offline' | 'wait') => void,
  ): void
  /** Tells how the connection is now, or was within `freshMs`, when no host asks. */
  check(scope: FarScope, freshMs: number): Promise<Connection>
  /** Brings a host back that an outage no longer concerns, since it moved. */
  recheck(host: WatchedHost): void
  /** Begins the minute in which nothing is told before the connection has proved itself. */
  settle(): void
  readonly isSettling: boolean
  /** Moves what is remembered with the wall clock. */
  clockMoved(stepMs: number): void
  tick(): void
  stop(): void
}

/** What a change of the connection brings about. */
export interface ConnectionParts {
  readonly network: Network
  echo(request: EchoRequest, done: (result: EchoResult) => void): void
  hosts(): Iterable<WatchedHost>
  /** The host is not observed from now on. */
  wentOffline(host: WatchedHost, fromMs: number): void
  cameOnline(host: WatchedHost): void
  /** Probes a few hosts that were well; resolves when they have had their time. */
  witnesses(): Promise<void>
}

/** Name of the setting that holds the anchors. */
export const anchorsSetting = 'host-anchors'
const provenSetting = 'host-proven'
/** Answer to anybody, from anywhere, and are run so as not to fail; their silence counts only once they have answered. */
export const defaultAnchors: readonly string[] = ['1.1.1.1', '8.8.8.8', '9.9.9.9']
/** After a start or a resume, a network takes this long at most (desktop.md 1.8). */
const settleMs = 60_000
const lookAgainMs = 5_000
/** An outage that a host's answer ended is looked into after this (ms), when the network has come up. */
const distrustMs = 10_000
/** Anchors that were proven this long ago are asked again whether they still are (ms). */
const proofAgainMs = 24 * 3_600_000
/** An outage that nobody noticed is not dated back further than this (ms) before the first doubt. */
const mostDoubtMs = 5 * 60_000
/** More rows than this in one transaction would hold up the event loop. */
const rowsAtOnce = 200

/** Returns the connection; nothing is asked before something fails. */
export function createConnection(
  context: RoomContext,
  store: HostStore,
  desk: Desk,
  parts: ConnectionParts,
): OwnConnection {
  const { clock, commits } = context
  const log = context.log.child({ name: 'HOSTS' })
  const proven = new Map(
    Object.entries(JSON.parse(store.setting(provenSetting) ?? '{}') as Record<string, number>),
  )
  let anchors = JSON.parse(store.setting(anchorsSetting) ?? JSON.stringify(defaultAnchors)) as string[]
  const doubts: Record<FarScope, number | null> = { link: null, beyond: null }
  let offline: { scope: FarScope; sinceMs: number; text: string } | null = null
  let isTold = false
  let settleUntilMs = Number.NEGATIVE_INFINITY
  let lookTimer: Timer | null = null
  let distrustTimer: Timer | null = null
  let learnedMs = Number.NEGATIVE_INFINITY
  let isStopped = false
  // An outage that was told of before a restart is over when something answers.
  let isTellingEnd = true
  const now = (): number => clock.glance().monotonicMs
  const wall = (): number => Math.round(clock.glance().wallMs)
  const write = (what: string, work: () => void): void => {
    void commits.write(work).catch((error: unknown) => log.error({ err: error }, `${what} failed`))
  }

  const remember = (name: string): void => {
    const isNew = !proven.has(name) || wall() - (proven.get(name) ?? 0) > proofAgainMs
    proven.set(name, wall())
    if (isNew) saveProven()
  }
  const saveProven = (): void => {
    const text = JSON.stringify(Object.fromEntries(proven))
    write('Remembering who answers', () => store.saveSetting(provenSetting, text))
  }
  const gate: Gate = createGate({
    clock,
    echo: parts.echo,
    gateways: () => parts.network.gateways(),
    anchors: () => anchors,
    isProven: (address) => proven.has(address),
    answered: remember,
    hadGateway: () => proven.has('gateway'),
    gatewayAnswered: () => remember('gateway'),
    isLinked: () => parts.network.isLinked(),
    witnesses: parts.witnesses,
  })

  const covers = (host: WatchedHost, scope: FarScope): boolean => {
    const own = scopeOfHost(host)
    return own !== 'local' && (scope === 'link' || own === 'beyond')
  }
  const isCovered = (scope: FarScope): boolean =>
    offline !== null && (offline.scope === 'link' || scope === 'beyond')
  /** Writes of many rows, a part in each transaction and one after the other. */
  let writing: Promise<void> = Promise.resolve()
  const writeMany = <T>(what: string, items: readonly T[], work: (part: readonly T[]) => void): void => {
    for (let begin = 0; begin < items.length; begin += rowsAtOnce) {
      const part = items.slice(begin, begin + rowsAtOnce)
      writing = writing
        .then(() => commits.write(() => work(part)))
        .catch((error: unknown) => log.error({ err: error }, `${what} failed`))
    }
  }
  const takeOffline = (hosts: Iterable<WatchedHost>, sinceMs: number): number => {
    const gone: { id: number; fromMs: number }[] = []
    for (const host of hosts) {
      if (host.record.paused || host.isOffline) continue
      const okMs = Math.max(0, ...host.probes.map(({ lastMs, lastOk }) => (lastOk ? (lastMs ?? 0) : 0)))
      const fromMs = Math.max(sinceMs, okMs)
      parts.wentOffline(host, fromMs)
      gone.push({ id: host.record.id, fromMs })
    }
    writeMany('Noting that we are offline', gone, (part) => desk.offline(part))
    return gone.length
  }
  const bringBack = (hosts: readonly WatchedHost[]): void => {
    const atMs = wall()
    for (const host of hosts) {
      host.onlineMs = now()
      parts.cameOnline(host)
    }
    writeMany(
      'Noting that we are online',
      hosts.map(({ record }) => record.id),
      (part) => desk.online(part, atMs),
    )
  }

  /** Resolves when what is known of the outage is written, and so known to whoever asks the observation. */
  let outageWritten: Promise<void> = Promise.resolve()
  const writeOutage = (work: () => void): void => {
    outageWritten = commits
      .write(work)
      .then(() => context.changed('history'))
      .catch((error: unknown) => log.error({ err: error }, 'Noting an outage failed'))
  }

  const goOffline = (scope: FarScope): void => {
    if (offline && (offline.scope === 'link' || scope === 'beyond')) return
    const sinceMs = offline?.sinceMs ?? Math.min(doubts.link ?? wall(), doubts.beyond ?? wall())
    offline = { scope, sinceMs, text: gate.last?.text ?? 'nothing answers' }
    // Who waits to be called from afar was cut off at some moment since the last proof.
    const provenMs = wall() - (now() - gate.provenMs(scope))
    const fromMs = Math.max(sinceMs - mostDoubtMs, Math.min(sinceMs, provenMs))
    writeOutage(() => desk.beginOutage(scope, fromMs))
    const count = takeOffline(
      [...parts.hosts()].filter((host) => covers(host, scope)),
      sinceMs,
    )
    log.warn(
      `This machine is offline: ${offline.text}. ${count} host${count === 1 ? ' is' : 's are'} not observed.`,
    )
    tell()
    lookLater()
  }
  const tell = (): void => {
    if (!offline || isTold || now() < settleUntilMs) return
    isTold = true
    const { sinceMs, text } = offline
    const names = [...parts.hosts()].filter(({ isOffline }) => isOffline).map(({ record }) => record.name)
    write('Telling that we are offline', () => desk.tellOffline(sinceMs, text, names))
  }
  const comeOnline = (): void => {
    if (!offline) return
    const { sinceMs } = offline
    offline = null
    isTold = false
    writeOutage(() => desk.endOutage(wall()))
    lookTimer?.cancel()
    lookTimer = null
    log.info('This machine is online again.')
    bringBack([...parts.hosts()].filter(({ isOffline }) => isOffline))
    const atMs = wall()
    write('Telling that we are online', () => desk.tellOnline(sinceMs, atMs))
  }
  /** A neighbour's answer tells nothing of the world beyond, which stays unobserved without another word. */
  const narrow = (): void => {
    if (offline?.scope !== 'link') return
    offline.scope = 'beyond'
    writeOutage(() => desk.beginOutage('beyond', wall()))
    bringBack([...parts.hosts()].filter((host) => host.isOffline && !covers(host, 'beyond')))
  }
  /** Who keeps silent though the connection works, as where echoes are filtered, tells nothing by that from now on. */
  const distrustLater = (): void => {
    distrustTimer ??= clock.after(distrustMs, () => {
      distrustTimer = null
      if (offline || isStopped) return
      void gate.look().then((view) => {
        if (offline || isStopped || view.beyond !== 'online') return
        const before = proven.size
        for (const address of view.silent) proven.delete(address)
        if (proven.size < before) saveProven()
      })
    })
  }
  const passed = (scope: FarScope): void => {
    doubts.link = null
    if (scope === 'beyond') doubts.beyond = null
    if (scope === 'beyond') comeOnline()
    else narrow()
  }
  const lookLater = (): void => {
    if (isStopped || lookTimer !== null) return
    lookTimer = clock.after(lookAgainMs, () => {
      lookTimer = null
      if (!offline || isStopped) return
      void gate.look().then((view) => {
        if (!offline || isStopped) return
        if (view.beyond === 'online') {
          passed('beyond')
          return
        }
        if (view.link === 'online') passed('link')
        offline.text = view.text
        lookLater()
      })
    })
  }
  /** Once something answers from beyond, it is time to learn which of gateway and anchors do. */
  const learn = (): void => {
    if (now() - learnedMs < proofAgainMs || isStopped) return
    learnedMs = now()
    void gate.look()
  }

  return {
    get state() {
      if (offline) return 'offline'
      return gate.last?.beyond ?? 'unknown'
    },
    get text() {
      return offline?.text ?? gate.last?.text ?? 'nothing has failed yet, so the connection was not looked at'
    },
    anchors: () => anchors.map((address) => ({ address, provenMs: proven.get(address) ?? null })),
    async setAnchors(next) {
      await commits.write(() => store.saveSetting(anchorsSetting, JSON.stringify(next)))
      anchors = [...next]
      void gate.look()
    },
    doubt(scope, atMs) {
      doubts[scope] ??= atMs
    },
    proof(scope) {
      gate.proof(scope)
      if (scope === 'local') return
      if (offline && scope === 'beyond') distrustLater()
      passed(scope)
      if (scope !== 'beyond') return
      learn()
      if (!isTellingEnd) return
      isTellingEnd = false
      if ((store.setting('host-offline-told') ?? '') !== '')
        write('Telling that we are online', () => desk.tellOnline(wall(), wall()))
    },
    ask(host, scope, sinceMs, done) {
      const join = (): void => {
        if (offline && !host.isOffline) takeOffline([host], Math.max(offline.sinceMs, host.record.createdMs))
        done('offline')
      }
      if (isCovered(scope)) {
        join()
        return
      }
      gate.ask(scope, sinceMs, (connection) => {
        if (isStopped) return
        switch (connection) {
          case 'online':
            doubts[scope] = null
            done('judge')
            return
          case 'unknown':
            done(now() < settleUntilMs ? 'wait' : 'judge')
            return
          case 'offline':
            goOffline(gate.last?.link === 'offline' ? 'link' : scope)
            join()
            return
          default:
            connection satisfies never
        }
      })
    },
    check(scope, freshMs) {
      if (isCovered(scope)) return outageWritten.then(() => 'offline')
      return new Promise((resolve) => {
        gate.ask(scope, now() - freshMs, (connection) => {
          if (connection === 'offline' && !isStopped)
            goOffline(gate.last?.link === 'offline' ? 'link' : scope)
          void outageWritten.then(() => resolve(connection))
        })
      })
    },
    recheck(host) {
      if (offline && host.isOffline && !covers(host, offline.scope)) bringBack([host])
    },
    settle() {
      settleUntilMs = now() + settleMs
    },
    get isSettling() {
      return now() < settleUntilMs
    },
    clockMoved(stepMs) {
      for (const scope of ['link', 'beyond'] as const) {
        const atMs = doubts[scope]
        if (atMs !== null) doubts[scope] = atMs + stepMs
      }
      if (offline) offline.sinceMs += stepMs
      write('Following the clock', () => desk.shiftOffline(stepMs))
    },
    tick: tell,
    stop() {
      isStopped = true
      lookTimer?.cancel()
      distrustTimer?.cancel()
    },
  }
}
