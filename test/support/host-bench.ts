import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { NewTransition, RoomContext, Silence } from '../../electron/service/context.ts'
import type { Scope } from '../../electron/shared/host-words.ts'
import type { EchoResult } from '../../electron/service/hosts/icmp/echo.ts'
import type { Pinger } from '../../electron/service/hosts/icmp/pinger.ts'
import { createHosts, type Hosts } from '../../electron/service/hosts/index.ts'
import type { Network } from '../../electron/service/hosts/network.ts'
import { stateOf } from '../../electron/service/hosts/view.ts'
import { createLog } from '../../electron/service/log.ts'
import { createRecorder, type Recorder } from '../../electron/service/recorder/index.ts'
import { createObservation } from '../../electron/service/recorder/observation.ts'
import { createGroupCommit } from '../../electron/service/store/group-commit.ts'
import { createMeasurements } from '../../electron/service/store/series/measurements.ts'
import { openStore } from '../../electron/service/store/open.ts'
import type { FakeClock } from './fake-clock.ts'
import { directReader, quietEdges } from './recorder-bench.ts'
import { temporaryFolder } from './temporary.ts'
import { turns } from './watcher-bench.ts'
import { noConnection } from './no-connection.ts'

/** How an address answers: after so many ms, not at all, or not for want of a way. */
export type Answer = number | 'silent' | 'fault'

/** A world that the hosts live in. Whoever is not named answers after a millisecond. */
export interface World {
  readonly answers: Map<string, Answer>
  /** Addresses that were asked, in order. */
  readonly asked: string[]
  /** Cuts or mends everything but this machine's own addresses, or what the predicate names. */
  isCut: (address: string) => boolean
  gateways: string[]
  windows: Silence[]
}

export interface HostBench {
  readonly database: string
  readonly context: RoomContext
  readonly hosts: Hosts
  readonly world: World
  readonly transitions: NewTransition[]
  pass(ms: number, stepMs?: number): Promise<void>
  /** Ends everything without a word, as a power cut does. */
  kill(): void
  stop(): Promise<void>
  add(domain: string, given?: object): Promise<number>
  state(domain: string): string
  told(): string[]
}

export const gateway = '192.0.2.1'
export const anchor = '198.51.100.1'

/** 127.x is this machine, 192.0.2.x its network; all else lies beyond the gateway. */
function scopeOf(address: string): Scope {
  return address.startsWith('127.') ? 'local' : address.startsWith('192.0.2.') ? 'link' : 'beyond'
}

function fakePinger(clock: FakeClock, world: World): Pinger {
  return {
    echo({ address, timeoutMs }, done) {
      world.asked.push(address)
      const answer =
        world.isCut(address) && scopeOf(address) !== 'local' ? 'silent' : (world.answers.get(address) ?? 1)
      const result: EchoResult =
        answer === 'silent'
          ? { kind: 'timeout' }
          : answer === 'fault'
            ? { kind: 'fault', text: 'no way' }
            : { kind: 'answer', ms: answer, from: address }
      clock.after(answer === 'silent' ? timeoutMs : answer === 'fault' ? 0 : answer, () => done(result))
    },
    way: () => Promise.resolve({ way: 'datagram', refusals: [] }),
    stop: () => Promise.resolve(),
  }
}

export async function hostBench(
  clock: FakeClock,
  { database, world: given }: { database?: string; world?: World } = {},
): Promise<HostBench> {
  const file = database ?? path.join(temporaryFolder(), 'watchkeeper.db')
  const { db } = openStore(file, clock.read().wallMs)
  const world: World = given ?? {
    answers: new Map(),
    asked: [],
    isCut: () => false,
    gateways: [gateway],
    windows: [],
  }
  const transitions: NewTransition[] = []
  const shared: { recorder: Recorder | null } = { recorder: null }
  const observation = createObservation(db, clock, () => shared.recorder?.stampNow())
  const commits = createGroupCommit(db, clock)
  const context: RoomContext = {
    version: 'test',
    databaseFolder: path.dirname(file),
    db,
    reader: directReader(db),
    clock,
    log: createLog('fatal', { write: () => undefined, close: () => undefined }, () => clock.read().wallMs),
    commits,
    series: createMeasurements(db, commits, clock, () => undefined),
    observation,
    connection: noConnection,
    silences: { maintenance: (nowMs) => world.windows.filter(({ untilMs }) => untilMs > nowMs) },
    transitions: { record: (transition) => transitions.push(transition), refresh: () => undefined },
    changed(topic) {
      if (topic === 'history') observation.renew()
    },
  }
  const recorder = createRecorder(context, 10_000, quietEdges())
  recorder.start()
  shared.recorder = recorder
  observation.renew()
  const network: Network = {
    scopeOf,
    isLinked: () => true,
    gateways: () => Promise.resolve(world.gateways),
    nameServers: () => [],
    neighbours: () => Promise.resolve([]),
  }
  const hosts = createHosts(context, { pinger: fakePinger(clock, world), network, defaultMs: 10_000 })
  hosts.start()
  context.series.start()
  await hosts.connection.setAnchors([anchor])
  await turns()
  let isOver = false
  const kill = (): void => {
    if (isOver) return
    isOver = true
    shared.recorder = null
    void hosts.stop()
    if (db.open) db.close()
  }
  onTestFinished(kill)
  const pass = async (ms: number, stepMs = 250): Promise<void> => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(Math.min(stepMs, ms - passed))
      await turns()
    }
  }
  return {
    database: file,
    context,
    hosts,
    world,
    transitions,
    pass,
    kill,
    async stop() {
      isOver = true
      const stopped = hosts.stop()
      context.series.stop()
      await turns()
      context.commits.flush()
      await stopped
      recorder.stop('quit')
      shared.recorder = null
      db.close()
    },
    async add(domain, more = {}) {
      const made = hosts.create({ domain, intervalMs: 10_000, ...more })
      await turns()
      return (await made).record.id
    },
    state(domain) {
      const host = hosts.find(domain)
      return host ? stateOf(host) : 'gone'
    },
    told: () =>
      transitions
        .filter(({ facts }) => facts.text !== '')
        .map(
          ({ item, kind, to, facts }) => `${item} ${kind} ${to}${facts.heldBy === undefined ? '' : ' held'}`,
        ),
  }
}
