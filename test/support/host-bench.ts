import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { NewTransition, RoomContext } from '../../electron/service/context.ts'
import { createHosts, type Hosts } from '../../electron/service/hosts/index.ts'
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
import { anchor, calmWorld, fakeNetwork, fakePinger, type World } from './fake-world.ts'

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

export async function hostBench(
  clock: FakeClock,
  { database, world: given }: { database?: string; world?: World } = {},
): Promise<HostBench> {
  const file = database ?? path.join(temporaryFolder(), 'watchkeeper.db')
  const { db } = openStore(file, clock.read().wallMs)
  const world: World = given ?? calmWorld()
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
  const hosts = createHosts(context, {
    pinger: fakePinger(clock, world),
    network: fakeNetwork(world),
    defaultMs: 10_000,
  })
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
