import path from 'node:path'
import type { ChangeTelemetrySettings, TelemetrySettings } from '../../shared/api/telemetry.ts'
import { throttle } from '../../shared/throttle.ts'
import type { Timer } from '../clock.ts'
import type { RoomContext } from '../context.ts'
import { HttpProblem } from '../problem.ts'
import { withoutPassword } from '../store/records/postgres-address.ts'
import { createClient, type Client, type ClientEdges } from './client/index.ts'
import { createCollector, type Collector } from './collector.ts'
import { keepDecisions, restoreDecisions } from './decisions.ts'
import { joinPolicy, policyOf, writePolicy } from './policy.ts'
import { createPlugins, type Plugins } from './plugins/index.ts'
import { createPurger, type Purger } from './purger.ts'
import { IntakeRefusal } from './records/intake.ts'
import { openRecordStore } from './records/open-store.ts'
import type { RecordPlace, RecordStore } from './records/store.ts'
import { createRegrouper, type Regrouper } from './regrouper.ts'
import { changedSettings, readSettings, writeSettings } from './settings.ts'
import { createTeller, type Teller } from './teller.ts'
import { createViews, type Views } from './views/index.ts'

/** What telemetry is given of the world beside its context. */
export interface TelemetryEdges {
  readonly place: RecordPlace
  /** Folder in which this machine's own records wait to be sent. */
  readonly spool: string
  /** Returns for how long (ms) this machine was up since a time (ms UTC); null where that is not known. */
  upMs(sinceMs: number): Promise<number | null>
  readonly client?: Partial<ClientEdges>
}

/** The room of telemetry: a collector, what it has collected, and the views that make sense of it. */
export interface Telemetry {
  readonly place: RecordPlace
  /** Where records are, for people to read. */
  readonly placeText: string
  /** Why there is no store; null when there is one. */
  readonly trouble: string | null
  /** @throws HttpProblem 503 while the store cannot be used */
  store(): RecordStore
  readonly settings: TelemetrySettings
  /** @throws HttpProblem 400 when a change cannot be made */
  check(change: ChangeTelemetrySettings): void
  change(change: ChangeTelemetrySettings): Promise<TelemetrySettings>
  /** Says yes or no to reporting what goes wrong on this machine. */
  consent(yes: boolean): Promise<void>
  readonly log: RoomContext['log']
  readonly collector: Collector
  readonly views: Views
  readonly regrouper: Regrouper
  readonly purger: Purger
  readonly client: Client
  readonly plugins: Plugins
  /** Keeps what people decided where a damaged file of records does not reach. */
  keepDecisions(): Promise<void>
  /** Opens the store and begins; a store that cannot be opened is tried again and again. */
  start(): Promise<void> | void
  stop(): Promise<void>
}

/** Less room (bytes) than this holds no records worth the name. */
const leastBytes = 10_000_000
/** A store that could not be opened is tried again after this long (ms). */
const retryMs = 10_000
/** What was decided is kept this often (ms), and at once after each decision. */
const keepMs = 10 * 60_000
/** What collectors of one database share is looked at this often (ms). */
const shareMs = 60_000
/** Followers of the event stream are told of new records at most this often (ms). */
const tellMs = 1_000

export function createTelemetry(context: RoomContext, edges: TelemetryEdges): Telemetry {
  const { clock, db, commits } = context
  const log = context.log.child({ name: 'TELEMETRY' })
  let store: RecordStore | null = null
  let trouble: string | null = 'the store of records is not open yet'
  let settings = readSettings(db)
  let retry: Timer | null = null
  let keeping: Timer | null = null
  let sharing: Timer | null = null
  let isStopped = false
  let hasBegun = false
  let hasFailed = false

  const opened = (): RecordStore => {
    if (store) return store
    throw new HttpProblem(503, `telemetry records are not available: ${trouble ?? 'the service is stopping'}`)
  }
  const parts: TelemetryParts = {
    context,
    log,
    store: opened,
    hasStore: () => store !== null,
    settings: () => settings,
  }
  const changes = throttle(clock, tellMs, () => context.changed('telemetry'))
  const teller: Teller = createTeller(parts)
  const views = createViews(parts, edges, () => client.known())
  const collector = createCollector(parts, {
    stored: (isCrash) => {
      changes.call()
      if (isCrash) teller.look()
    },
  })
  const regrouper = createRegrouper(parts, () => {
    views.forget()
    changes.call()
  })
  const purger = createPurger(parts, () => {
    views.forget()
    changes.call()
  })
  const client = createClient(parts, { spool: edges.spool, ...edges.client }, collector)
  const reload = (next: TelemetrySettings): TelemetrySettings => {
    settings = next
    views.forget()
    client.settingsChanged()
    context.changed('telemetry')
    return settings
  }
  const plugins = createPlugins(parts, path.join(context.databaseFolder, 'plugins'))

  /** A file of records can be damaged; what people decided is kept beside it. */
  const keep = async (): Promise<void> => {
    keeping?.cancel()
    try {
      if (store?.place.kind === 'sqlite') keepDecisions(db, await store.ask('decisions', null))
    } catch (error) {
      if (!isStopped) log.warn({ err: error }, 'What was decided of crashes could not be kept')
    }
    if (!isStopped) keeping = clock.after(keepMs, () => void keep())
  }

  /** Takes over what the collectors of one database share, and looks again from time to time. */
  const share = async (from: RecordStore): Promise<void> => {
    if (from.place.kind !== 'postgres') return
    try {
      const policy = await from.write(() => joinPolicy(policyOf(settings)))
      if (!isStopped && JSON.stringify(policy) !== JSON.stringify(policyOf(settings)))
        reload(
          await commits.write(() => {
            const next = { ...readSettings(db), ...policy }
            writeSettings(db, next)
            return next
          }),
        )
    } catch (error) {
      if (!isStopped) log.warn({ err: error }, 'What collectors share could not be read')
    }
    if (!isStopped) sharing = clock.after(shareMs, () => void share(from))
  }

  /** A file that is new though there was one before gets what people decided, before anything is read from it. */
  const restore = async (from: RecordStore): Promise<void> => {
    const isRestored = await from.write((writer) =>
      restoreDecisions(db, Math.round(clock.glance().wallMs), writer),
    )
    if (isRestored || from.movedTo !== null) tellReplaced(context, from.movedTo)
  }

  const begin = (): void => {
    keeping = clock.after(keepMs, () => void keep())
    teller.start()
    regrouper.start()
    purger.start()
    client.start()
  }

  const open = async (): Promise<void> => {
    try {
      const found = await openRecordStore(edges.place, clock)
      if (isStopped) {
        await found.close()
        return
      }
      try {
        if (found.place.kind === 'sqlite') await restore(found)
      } catch (error) {
        await found.close()
        throw error
      }
      store = watched(found, (reason) => {
        if (reason !== null && trouble === null) log.error(`Telemetry records are not available: ${reason}`)
        if (reason === null && trouble !== null) log.info('Telemetry records are available again.')
        if (reason !== trouble) context.changed('telemetry')
        trouble = reason
      })
      if (trouble !== null && hasFailed) log.info('Telemetry records are available again.')
      trouble = null
      await share(found)
      if (!hasBegun) begin()
      hasBegun = true
      context.changed('telemetry')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (trouble !== reason) log.error(`Telemetry records are not available: ${reason}`)
      trouble = reason
      hasFailed = true
      if (!isStopped) retry = clock.after(retryMs, () => void open())
    }
  }

  return {
    place: edges.place,
    placeText: edges.place.kind === 'sqlite' ? edges.place.file : withoutPassword(edges.place.address),
    get trouble() {
      return trouble
    },
    store: opened,
    get settings() {
      return settings
    },
    check: checkChange,
    async change(change) {
      checkChange(change)
      // First where the others see it: while that is away nothing is changed here either.
      if (edges.place.kind === 'postgres' && (change.retention || change.stormLimit !== undefined))
        await opened().write(() => writePolicy(policyOf(changedSettings(settings, change))))
      return reload(
        await commits.write(() => {
          const next = changedSettings(readSettings(db), change)
          writeSettings(db, next)
          return next
        }),
      )
    },
    async consent(yes) {
      await client.consent(yes)
      reload(readSettings(db))
    },
    log,
    keepDecisions: keep,
    collector,
    views,
    regrouper,
    purger,
    client,
    plugins,
    // A server that is away must not hold up the rest.
    start: () => (edges.place.kind === 'sqlite' ? open() : void open()),
    async stop() {
      isStopped = true
      retry?.cancel()
      keeping?.cancel()
      sharing?.cancel()
      changes.stop()
      teller.stop()
      client.stop()
      plugins.stop()
      await Promise.all([regrouper.stop(), purger.stop()])
      const closing = store
      store = null
      trouble = null
      await closing?.close()
    },
  }
}

/** What the parts of the room share. */
export interface TelemetryParts {
  readonly context: RoomContext
  readonly log: RoomContext['log']
  /** @throws HttpProblem 503 */
  store(): RecordStore
  hasStore(): boolean
  settings(): TelemetrySettings
}

/** Returns a store that tells whether it can be used, each time it was. */
function watched(store: RecordStore, tell: (trouble: string | null) => void): RecordStore {
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work
      tell(null)
      return result
    } catch (error) {
      if (error instanceof HttpProblem && error.statusCode === 503 && !(error instanceof IntakeRefusal))
        tell(error.message.replace(/^telemetry records are not available: /, ''))
      throw error
    }
  }
  return {
    ...store,
    insert: (arrival, stormLimit) => watch(store.insert(arrival, stormLimit)),
    ask: (name, args) => watch(store.ask(name, args)),
    timed: (name, args) => watch(store.timed(name, args)),
    bytes: () => watch(store.bytes()),
  }
}

/** @throws HttpProblem 400 for settings that could only be a mistake */
function checkChange({ retention }: ChangeTelemetrySettings): void {
  if (!retention) return
  if (retention.mostBytes > 0 && retention.mostBytes < leastBytes)
    throw new HttpProblem(400, 'the room for records is 10 MB at least, or 0 for no limit')
  const odd = retention.rules.find(({ field, value }) => field === 'severity' && !/^[1-4]$/.test(value))
  if (odd) throw new HttpProblem(400, `a rule names the severity '${odd.value}', and severities are 1 to 4`)
}

function tellReplaced({ db, clock, changed, log }: RoomContext, movedTo: string | null): void {
  const why = movedTo === null ? 'was not there any more' : `was damaged. It was moved to ${movedTo}`
  const text = `The file of telemetry records ${why}, and a new one was begun. The skip list, comments and what was hidden or fixed were kept.`
  log.error(text)
  db.prepare("INSERT INTO service_event (at_ms, kind, text) VALUES (?, 'records-replaced', ?)").run(
    Math.round(clock.glance().wallMs),
    text,
  )
  changed('service')
}
