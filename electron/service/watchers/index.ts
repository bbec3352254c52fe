import { blindnessOf, type Blindness, type RoomContext } from '../context.ts'
import { isIP } from 'node:net'
import os from 'node:os'
import { mostBodyBytes } from '../../shared/watcher-words.ts'
import { WatcherError } from './errors.ts'
import { createDesk, type Desk } from './desk.ts'
import type { JobProposal, WatcherSource } from '../../shared/api/watchers.ts'
import { proposeJobs } from './jobs/index.ts'
import { readSetting, writeSetting } from '../store/settings.ts'
import { runProgram } from '../system/programs.ts'
import { systemBus, userBus } from '../system/systemd.ts'
import { createLooker, type SourceEdges } from './sources/looker.ts'
import { tidySource, type Look } from './sources/rules.ts'
import { createWatchman } from './watchman.ts'
import { randomToken } from './names.ts'
import type { Judgement } from './rules.ts'
import type { Signal, WatcherEntry, WatcherEventRow, WatcherRecord } from './schema.ts'
import type { NewWatcher, WatcherChange } from './settings.ts'
import { watcherStanding, type WatcherStanding } from './standing.ts'
import { revisionOf } from './rows.ts'
import { createWatcherStore, type WatcherKey } from './store.ts'
import { judgeEntry } from './view.ts'

/** What came of a signal. */
export interface SignalOutcome {
  readonly recovered: boolean
  readonly unpaused: boolean
  readonly ignored: boolean
  /** Number of its entry in the watcher's history. */
  readonly event: number
}

/** The room of the dead-man's switches. Everything that writes resolves after the commit. */
export interface Watchers {
  /** Begins to judge; `lateTriggers` brings what waited while nobody was here, and is awaited first. */
  start(lateTriggers: () => Promise<void>): Promise<void>
  stop(): void
  find(key: WatcherKey, value: string): WatcherRecord | null
  /** Finds by id, uuid, slug, or a name with that slug. */
  resolve(name: string): WatcherRecord | null
  get(id: number): WatcherEntry | null
  /** Returns the ids of all watchers, oldest first. */
  ids(): number[]
  judged(entry: WatcherEntry): Judgement
  /** How all of them stand, with the ids of at most `most` problems. */
  standing(most: number): WatcherStanding
  blind(): Blindness
  create(input: NewWatcher): Promise<WatcherEntry>
  /** @throws WatcherError `changed-meanwhile` when its settings are no longer those of `revision` */
  change(id: number, change: WatcherChange, revision?: string): Promise<WatcherEntry>
  /** @throws WatcherError `already-paused`, `already-unpaused` */
  setPaused(id: number, paused: boolean, comment?: string): Promise<WatcherEntry>
  remove(id: number): Promise<void>
  /** Returns null for a spooled signal that had been taken before. */
  signal(id: number, signal: Signal, spoolId?: string): Promise<SignalOutcome | null>
  /** Looks at a source now and keeps nothing. @throws WatcherError when it names no place that can be looked at */
  look(source: WatcherSource): Promise<Look>
  /** Jobs of this machine's schedulers that could be watched. */
  proposals(): Promise<JobProposal[]>
  events(id: number, page: { limit: number; offset: number }): WatcherEventRow[]
  countEvents(id: number): number
  body(id: number, n: number): Buffer | null
  /** The key of the slug addresses; made once. */
  pingKey(): string
  /** The key of the badge of all watchers; made once. */
  badgeKey(): string
}

/** Returns the room; nobody is judged before `start`. */
export function createWatchers(context: RoomContext, edges: SourceEdges = {}): Watchers {
  const { db, clock, commits, observation } = context
  const store = createWatcherStore(db, commits)
  const desk: Desk = createDesk(context, store)
  const watchman = createWatchman(context, store, desk)
  const now = (): number => Math.round(clock.glance().wallMs)

  const write = async <T>(work: () => T): Promise<T> => {
    watchman.noticeStep()
    const result = await commits.write(work)
    watchman.replan()
    desk.announce()
    return result
  }
  const loaded = (id: number): WatcherEntry => {
    const entry = store.load(id)
    if (!entry) throw new WatcherError('not-found', 'there is no such watcher')
    return entry
  }
  const settings = new Map<string, string>()
  let heardMs = Number.NEGATIVE_INFINITY
  /** Whoever calls us from afar proves the connection; once a second is enough. */
  const hear = (origin: string): void => {
    const nowMs = clock.glance().monotonicMs
    if (nowMs - heardMs < heardEveryMs || isIP(origin) === 0) return
    const scope = context.connection.scopeOf(origin)
    if (scope === 'local') return
    heardMs = nowMs
    context.connection.heard(scope)
  }
  const setting = (name: string): string => {
    const known = settings.get(name) ?? readSetting(db, name)
    const value = known ?? randomToken()
    if (known === null) writeSetting(db, name, value)
    settings.set(name, value)
    return value
  }

  const signal = async (id: number, given: Signal, spoolId?: string): Promise<SignalOutcome | null> => {
    const outcome = await write(() => {
      if (spoolId !== undefined && !store.takeSpooled(spoolId, now())) return null
      const entry = loaded(id)
      // Times are whole, and none lies long before the watcher was made.
      const leastMs = entry.watcher.createdMs - longestBackdatingMs
      const atMs = Math.round(Math.max(leastMs, Math.min(given.atMs, now())))
      return desk.signal(entry, { ...trimBody(given), atMs }, now())
    })
    hear(given.origin)
    return outcome
  }
  const looker = createLooker(
    context,
    {
      sourced: () => store.sourced(),
      load: (id) => store.load(id),
      signal,
      arm: (id) => write(() => desk.arm(loaded(id), now())),
    },
    edges,
  )
  /** What a new source shows is known before anybody asks how its watcher stands. */
  const looked = async (entry: WatcherEntry): Promise<WatcherEntry> => {
    if (entry.watcher.source === null) return entry
    await looker.lookFor(entry.watcher.id)
    return loaded(entry.watcher.id)
  }

  return {
    async start(lateTriggers) {
      await lateTriggers()
      watchman.start()
      looker.start()
    },
    stop: () => {
      looker.stop()
      watchman.stop()
      desk.stop()
    },
    find: (key, value) => store.find(key, value),
    resolve: (name) => desk.resolve(name),
    get: (id) => store.load(id),
    ids: () => store.ids(),
    judged: (entry) => judgeEntry(entry, blindnessOf(observation), now()),
    standing: (most) => watcherStanding(db, most),
    blind: () => blindnessOf(observation),
    create: async (input) => looked(await write(() => desk.create(input, now()))),
    async change(id, change, revision) {
      const entry = await write(() => {
        const before = loaded(id)
        if (revision !== undefined && revision !== revisionOf(before.watcher))
          throw new WatcherError(
            'changed-meanwhile',
            'its settings were changed meanwhile; look at them again before you change them',
          )
        return desk.change(before, change, now())
      })
      return change.source === undefined ? entry : looked(entry)
    },
    setPaused: (id, paused, comment = '') => write(() => desk.setPaused(loaded(id), paused, comment, now())),
    remove: (id) =>
      write(() => {
        const { watcher } = loaded(id)
        desk.closeIncident(watcher, now())
        store.remove(id)
      }),
    signal,
    proposals: () =>
      proposeJobs(
        {
          clock,
          platform: edges.platform ?? process.platform,
          run: edges.run ?? runProgram,
          root: edges.root ?? '/',
          home: os.homedir(),
          systemBus: edges.systemBus === undefined ? systemBus : edges.systemBus,
          userBus: edges.userBus === undefined ? userBus(process.env) : edges.userBus,
          zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        },
        store.ids().flatMap((id) => store.load(id)?.watcher ?? []),
      ),
    look: async (source) => looker.look(tidySource(source) ?? source),
    events: (id, page) => store.events(store.load(id)?.facts.lastEventId ?? null, now(), page),
    countEvents: (id) => store.countEvents(store.load(id)?.facts.lastEventId ?? null, now()),
    body: (id, n) => store.body(id, n),
    pingKey: () => setting('ping-key'),
    badgeKey: () => setting('badge-key'),
  }
}

/** How often (ms) a caller from afar counts as a proof of the connection. */
const heardEveryMs = 1_000
/** A signal is dated back to a year before its watcher at most. */
const longestBackdatingMs = 366 * 86_400_000

/** Of a body that is too long the end is kept: that is where an error says what it is. */
function trimBody(signal: Signal): Signal {
  const { body } = signal
  return body !== null && body.length > mostBodyBytes
    ? { ...signal, body: body.subarray(body.length - mostBodyBytes) }
    : signal
}
