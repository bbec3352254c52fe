import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { ConnectionView, NewTransition, RoomContext } from '../../electron/service/context.ts'
import { createLog } from '../../electron/service/log.ts'
import { createObservation } from '../../electron/service/recorder/observation.ts'
import { createRecorder, type Recorder } from '../../electron/service/recorder/index.ts'
import { createGroupCommit } from '../../electron/service/store/group-commit.ts'
import { createMeasurements } from '../../electron/service/store/series/measurements.ts'
import { openStore } from '../../electron/service/store/open.ts'
import { createWatchers, type Watchers } from '../../electron/service/watchers/index.ts'
import type { Signal } from '../../electron/service/watchers/schema.ts'
import type { SourceEdges } from '../../electron/service/watchers/sources/looker.ts'
import type { FakeClock } from './fake-clock.ts'
import { directReader, quietEdges } from './recorder-bench.ts'
import { temporaryFolder } from './temporary.ts'
import { noConnection } from './no-connection.ts'

/** Watchers with a recorder on a real database file, and a clock that moves when it is told to. */
export interface WatcherBench {
  readonly database: string
  readonly context: RoomContext
  readonly recorder: Recorder
  readonly watchers: Watchers
  readonly transitions: NewTransition[]
  /** Lets time pass in small steps, with the event loop in between, as a real service does. */
  pass(ms: number, stepMs?: number): Promise<void>
  /** Ends as `kill -9` does: nothing more is written. */
  kill(): void
}

/** Lets everything that waits for the event loop have its turn. */
export async function turns(count = 6): Promise<void> {
  for (let index = 0; index < count; index += 1) await new Promise((resolve) => setImmediate(resolve))
}

export async function watcherBench(
  clock: FakeClock,
  {
    database,
    connection = noConnection,
    sources,
  }: {
    readonly database?: string
    readonly connection?: ConnectionView
    readonly sources?: SourceEdges
  } = {},
): Promise<WatcherBench> {
  const file = database ?? path.join(temporaryFolder(), 'watchkeeper.db')
  const { db } = openStore(file, clock.read().wallMs)
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
    connection,
    silences: { maintenance: () => [] },
    transitions: { record: (transition) => transitions.push(transition), refresh: () => undefined },
    changed(topic) {
      if (topic === 'history') observation.renew()
    },
  }
  const recorder = createRecorder(context, 10_000, quietEdges())
  recorder.start()
  shared.recorder = recorder
  observation.renew()
  const watchers = createWatchers(context, sources)
  await watchers.start(() => Promise.resolve())
  const kill = (): void => {
    watchers.stop()
    shared.recorder = null
    if (db.open) db.close()
  }
  onTestFinished(kill)
  return {
    database: file,
    context,
    recorder,
    watchers,
    transitions,
    kill,
    async pass(ms, stepMs = 1_000) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(Math.min(stepMs, ms - passed))
        await turns()
      }
    },
  }
}

/** A signal as of now. */
export function signalAt(clock: FakeClock, given: Partial<Signal> = {}): Signal {
  return {
    kind: 'success',
    atMs: clock.read().wallMs,
    exitStatus: null,
    run: '',
    comment: '',
    origin: 'test',
    agent: '',
    body: null,
    ...given,
  }
}
