import { chmodSync, existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Overview } from '../shared/api/overview.ts'
import type { ServiceEvent, ServiceInfo } from '../shared/api/service.ts'
import type { PowerEvent } from '../shared/shell/service-messages.ts'
import { byteText } from '../shared/health-words.ts'
import { isoTime } from '../shared/time-text.ts'
import type { Alerts } from './alerts/index.ts'
import type { DesktopNotifier } from './alerts/channels/desktop.ts'
import type { Clock } from './clock.ts'
import type { ConnectionView, RoomContext, Silences, Topic, Transitions } from './context.ts'
import type { EventHub } from './http/event-stream.ts'
import { isLoopback, originOf, tryAddress, type ListenAddress } from './http/listen.ts'
import type { HttpServer } from './http/server.ts'
import type { Log } from './log.ts'
import { startThreadReader, type ThreadReader } from './reader/thread.ts'
import { createRecorder, systemEdges, type Recorder, type RecorderEdges } from './recorder/index.ts'
import { createObservation } from './recorder/observation.ts'
import type { Ending } from './recorder/schema.ts'
import { createGroupCommit } from './store/group-commit.ts'
import { createMeasurements } from './store/series/measurements.ts'
import type { Series } from './store/series/series.ts'
import { canonicalPath, sideFiles } from './store/location.ts'
import { takeLock, type ServiceLock } from './store/lock.ts'
import { makeFolder, openStore, type Connection } from './store/open.ts'
import { recordRepair } from './store/repair.ts'
import { version } from './version.ts'
import type { Health, HealthEdges } from './health/index.ts'
import type { HostEdges, Hosts } from './hosts/index.ts'
import type { Telemetry, TelemetryEdges } from './telemetry/index.ts'
import type { RecordPlace } from './telemetry/records/store.ts'
import type { Watchers } from './watchers/index.ts'
import type { SourceEdges } from './watchers/sources/looker.ts'
import { serviceInfo } from './service-info.ts'
import { startBackups } from './backups.ts'

/** How a service is to run. */
export interface ServiceOptions {
  readonly database: string
  readonly intervalMs: number
  readonly listen: ListenAddress
  readonly needsKey: boolean
  /** More names that `Host` may carry, for a reverse proxy. */
  readonly allowedHosts: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly edges?: RecorderEdges
  /** Shows desktop notices; the system's own way unless a shell gives its own. */
  readonly desktop?: DesktopNotifier
  /** How sources of watchers and the schedulers of this machine are read. */
  readonly watchers?: SourceEdges
  /** How hosts are reached, and how often where they do not say. */
  readonly hosts?: HostEdges
  /** Address of a PostgreSQL database for telemetry records; a file beside the database when left out. */
  readonly telemetryDatabase?: string | undefined
  readonly telemetry?: Partial<TelemetryEdges>
  /** How this machine is looked at, and where reports are written as text. */
  readonly health?: HealthEdges | undefined
  /** What the user is to know of this start. */
  readonly events?: readonly StartEvent[]
}

/** Something about a start that its user is shown until it is dismissed. */
export interface StartEvent {
  readonly kind: ServiceEvent['kind']
  readonly text: string
}

/** A service that runs. */
export interface Service {
  readonly database: string
  readonly origin: string
  /** The access key; null with `--no-auth`. */
  readonly key: string | null
  readonly recorder: Recorder
  readonly watchers: Watchers
  readonly hosts: Hosts
  readonly telemetry: Telemetry
  readonly health: Health
  readonly alerts: Alerts
  readonly series: Series
  /** Acts on what the system says of power and of the session, so that nothing is lost when the machine sleeps or ends. */
  notePower(event: PowerEvent): void
  /** Resolves when what is done once after a start (import, evidence, backup) is done. */
  readonly settled: Promise<void>
  /** Writes the last stamp, finishes requests, closes the database and gives the lock back. */
  stop(how: Ending): Promise<void>
}

/** A service that cannot be started as asked, with a sentence for the user. */
export class ServiceError extends Error {
  readonly kind: 'address-taken' | 'cannot-listen' | 'not-allowed'

  constructor(kind: ServiceError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ServiceError'
    this.kind = kind
  }
}

/** Requests that are still open this long after a stop was asked for are cut off. */
const closePatienceMs = 800

/**
 * Starts the service: the lock, the store, the first stamp, and only then the rest.
 *
 * @throws StoreError when the database cannot be used, ServiceError when the address cannot
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { clock, log, listen } = options
  if (!options.needsKey && !isLoopback(listen.host)) {
    throw new ServiceError(
      'not-allowed',
      '--no-auth is only allowed when listening on this machine alone (127.0.0.1, ::1 or localhost)',
    )
  }
  makeFolder(options.database)
  const database = canonicalPath(options.database)
  const lock = takeLock(database)
  const opened: { db?: Connection; reader?: ThreadReader; recorder?: Recorder } = {}
  try {
    await checkAddress(listen)
    for (const file of [database, `${database}-wal`, `${database}-shm`]) keepToOwner(file)
    const nowMs = clock.read().wallMs
    const { db, repair, copyBeforeMigration } = openStore(database, nowMs)
    opened.db = db
    // Another program's write must not hold up the event loop; the recorder tries again by itself.
    db.pragma('busy_timeout = 50')
    if (copyBeforeMigration) log.info(`Kept a copy of the database as it was: ${copyBeforeMigration}`)
    if (repair) log.error(recordRepair(db, repair, nowMs))
    for (const event of options.events ?? []) tellOnce(db, event, nowMs)
    const reader = startThreadReader(database, clock)
    opened.reader = reader
    const published: { hub: EventHub | null } = { hub: null }
    const transitions: { alerts: (Transitions & Silences) | null } = { alerts: null }
    const connected: { own: ConnectionView | null } = { own: null }
    const observation = createObservation(db, clock, () => opened.recorder?.stampNow())
    const commits = createGroupCommit(db, clock)
    const context: RoomContext = {
      version,
      databaseFolder: path.dirname(database),
      db,
      reader,
      clock,
      log,
      commits,
      series: createMeasurements(db, commits, clock, (error) =>
        log.error({ err: error }, 'Keeping measurements failed; it is tried again'),
      ),
      observation,
      connection: {
        scopeOf: (address) => connected.own?.scopeOf(address) ?? 'local',
        heard: (scope) => connected.own?.heard(scope),
        check: (scope, freshMs) => connected.own?.check(scope, freshMs) ?? Promise.resolve('unknown'),
      },
      transitions: {
        record: (transition) => transitions.alerts?.record(transition),
        refresh: (room, item, facts) => transitions.alerts?.refresh(room, item, facts),
      },
      silences: { maintenance: (atMs) => transitions.alerts?.maintenance(atMs) ?? [] },
      changed(topic) {
        if (topic === 'history') observation.renew()
        publish(published.hub, topic, () => opened.recorder ?? null)
      },
    }
    const recorder = createRecorder(
      context,
      options.intervalMs,
      options.edges ?? systemEdges(database, clock),
    )
    recorder.start()
    opened.recorder = recorder
    observation.renew()
    return await completeService(
      options,
      database,
      lock,
      context,
      recorder,
      reader,
      published,
      transitions,
      connected,
    )
  } catch (error) {
    opened.recorder?.stop('quit')
    await opened.reader?.stop()
    opened.db?.close()
    lock.release()
    throw error
  }
}

function publish(hub: EventHub | null, topic: Topic, recorder: () => Recorder | null): void {
  if (!hub) return
  if (topic === 'machine') {
    const machine = recorder()?.running()
    if (machine) hub.publish({ topic, machine })
    return
  }
  hub.publish({ topic })
}

async function completeService(
  options: ServiceOptions,
  database: string,
  lock: ServiceLock,
  context: RoomContext,
  recorder: Recorder,
  reader: ThreadReader,
  published: { hub: EventHub | null },
  transitions: { alerts: (Transitions & Silences) | null },
  connected: { own: ConnectionView | null },
): Promise<Service> {
  const { clock, log } = options
  const { db } = context
  // Loaded only now: the first stamp does not wait for the web server.
  const [
    { createServer },
    { createEventHub },
    { ensureKey, createKeyring },
    { storedKeys, keyRoutes },
    { hostChecker },
    { recorderRoutes },
    { recorderMetrics },
    { createWatchers },
    { watcherRoutes },
    { watcherMetrics },
    { spoolCollector },
    { createHosts },
    { hostRoutes },
    { hostMetrics },
    { createTelemetry },
    { telemetryRoutes },
    { telemetryMetrics },
    { createHealth },
    { healthRoutes },
    { healthMetrics },
    { createAlerts },
    { alertRoutes },
    { systemNotifier },
    { diagnosisRoutes },
    { overviewRoutes },
    { readOverview },
    { configRoutes },
  ] = await Promise.all([
    import('./http/server.ts'),
    import('./http/event-stream.ts'),
    import('./http/access.ts'),
    import('./http/stored-keys.ts'),
    import('./http/listen.ts'),
    import('./recorder/routes.ts'),
    import('./recorder/metrics.ts'),
    import('./watchers/index.ts'),
    import('./watchers/routes.ts'),
    import('./watchers/metrics.ts'),
    import('./watchers/spool.ts'),
    import('./hosts/index.ts'),
    import('./hosts/routes.ts'),
    import('./hosts/metrics.ts'),
    import('./telemetry/index.ts'),
    import('./telemetry/routes.ts'),
    import('./telemetry/metrics.ts'),
    import('./health/index.ts'),
    import('./health/routes.ts'),
    import('./health/metrics.ts'),
    import('./alerts/index.ts'),
    import('./alerts/routes.ts'),
    import('./alerts/channels/desktop.ts'),
    import('./diagnosis/index.ts'),
    import('./overview/routes.ts'),
    import('./overview/read.ts'),
    import('./configuration/routes.ts'),
  ])
  const alerts = createAlerts(context, options.desktop ?? systemNotifier(clock))
  transitions.alerts = alerts
  const watchers = createWatchers(context, options.watchers)
  const hosts = createHosts(context, options.hosts)
  connected.own = {
    scopeOf: (address) => hosts.network.scopeOf(address),
    heard: (scope) => hosts.connection.proof(scope),
    check: (scope, freshMs) => hosts.connection.check(scope, freshMs),
  }
  const telemetry = createTelemetry(context, {
    place: recordPlace(options.telemetryDatabase, database),
    spool: sideFiles(database).telemetrySpool,
    upMs: async (sinceMs) => {
      const untilMs = Math.round(clock.glance().wallMs)
      const { figures } = await reader.ask('machineHistory', {
        now: recorder.present(),
        sinceMs,
        untilMs,
        lastMs: null,
      })
      return figures.ms.up
    },
    ...options.telemetry,
  })
  const health = createHealth(context, options.health)
  const spool = spoolCollector(context, watchers, sideFiles(database).spool)
  const key = options.needsKey ? ensureKey(sideFiles(database).key) : null
  const startedAt = isoTime(clock.read().wallMs)
  const hub = createEventHub(clock, () => ({ version, machine: recorder.running() }))
  published.hub = hub
  const overview = (): Overview => readOverview({ recorder, hosts, watchers, telemetry, health }, context)
  const info = (): ServiceInfo => serviceInfo(db, database, startedAt, clock.read().wallMs)
  const server: HttpServer = await createServer({
    guards: {
      clock,
      log: log.child({ name: 'HTTP' }),
      keyring: key === null ? null : createKeyring(key, storedKeys(db)),
      isOurHost: hostChecker(options.listen, options.allowedHosts),
    },
    hub,
    uiFolder: builtUi(),
    rooms: [
      {
        routes: (app) => recorderRoutes(app, recorder, context),
        metrics: (registry) => recorderMetrics(registry, recorder, context),
      },
      {
        routes: (app) => watcherRoutes(app, watchers, context),
        metrics: (registry) => watcherMetrics(registry, watchers, context),
      },
      {
        routes: (app) => hostRoutes(app, hosts, context),
        metrics: (registry) => hostMetrics(registry, hosts, context),
      },
      {
        routes: (app) => telemetryRoutes(app, telemetry, context),
        metrics: (registry) => telemetryMetrics(registry, telemetry),
      },
      {
        routes: (app) => healthRoutes(app, health, context),
        metrics: (registry) => healthMetrics(registry, health),
      },
      { routes: (app) => alertRoutes(app, alerts, context) },
      { routes: (app) => keyRoutes(app, context) },
      { routes: (app) => overviewRoutes(app, { context, recorder, hosts, watchers, telemetry, overview }) },
      { routes: (app) => configRoutes(app, { context, hosts, watchers, telemetry, health }) },
      {
        routes: (app) =>
          diagnosisRoutes(app, { context, recorder, telemetry, health, overview, service: info }),
      },
    ],
    service: {
      version,
      isHealthy: () => recorder.running()?.stampFailure == null,
      info,
      storage: () => reader.ask('storage', { database, telemetryKept: retentionWords(telemetry.settings) }),
      dismiss: (id) =>
        db.prepare('UPDATE service_event SET dismissed = 1 WHERE id = ?').run(id).changes === 1,
    },
  })
  const port = await server.listen(options.listen).catch((error: unknown) => {
    throw addressError(options.listen, error)
  })
  const origin = originOf({ host: options.listen.host, port })
  lock.announce({ pid: process.pid, origin, needsKey: options.needsKey })
  await watchers.start(spool.collect)
  alerts.start(origin)
  hosts.start()
  context.series.start()
  spool.start()
  await telemetry.start()
  health.start()

  let stopping: Promise<void> | null = null
  const backups = startBackups(database, clock, log, reader)
  const settled = recorder
    .lookBack()
    .catch((error: unknown) => {
      if (stopping === null) log.warn({ err: error }, 'Looking back at older records failed')
    })
    .then(() => backups.first)

  const stop = async (how: Ending): Promise<void> => {
    const hostsStopped = hosts.stop()
    const healthStopped = health.stop()
    watchers.stop()
    spool.stop()
    alerts.stop()
    context.series.stop()
    context.commits.flush()
    const delivered = alerts.outbox.idle()
    recorder.stop(how)
    backups.stop()
    await Promise.race([
      Promise.all([server.close(), delivered, hostsStopped, healthStopped]),
      wait(clock, closePatienceMs),
    ])
    await Promise.race([telemetry.stop(), wait(clock, 2 * closePatienceMs)])
    context.commits.flush()
    await reader.stop()
    db.close()
    lock.release()
  }
  return {
    database,
    origin,
    key,
    recorder,
    watchers,
    hosts,
    telemetry,
    health,
    alerts,
    series: context.series,
    settled,
    notePower(event) {
      if (stopping !== null) return
      log.debug(`The system says: ${event}`)
      // After a sleep the clocks come first: what was asleep must not be called late.
      if (event === 'resume') context.observation.look()
      context.commits.flush()
      recorder.stampNow()
    },
    stop: (how) => (stopping ??= stop(how)),
  }
}

function recordPlace(address: string | undefined, database: string): RecordPlace {
  return address === undefined
    ? { kind: 'sqlite', file: sideFiles(database).records }
    : { kind: 'postgres', address }
}

function retentionWords({ retention }: Telemetry['settings']): string {
  if (!retention.enabled) return 'for ever'
  const size = retention.mostBytes > 0 ? `, ${byteText(retention.mostBytes)} at most` : ''
  return `${retention.maxDays} days${size}, by the rules of telemetry`
}

/** What the user has not yet dismissed is not told again. */
function tellOnce(db: Connection, { kind, text }: StartEvent, nowMs: number): void {
  db.prepare(
    `INSERT INTO service_event (at_ms, kind, text) SELECT ?, ?, ?
     WHERE NOT EXISTS (SELECT 1 FROM service_event WHERE kind = ? AND text = ? AND NOT dismissed)`,
  ).run(Math.round(nowMs), kind, text, kind, text)
}

/** An older file may still be readable by everybody; where its mode cannot be changed it stays as it is. */
function keepToOwner(file: string): void {
  if (!existsSync(file)) return
  try {
    const { mode } = statSync(file)
    if ((mode & 0o077) !== 0) chmodSync(file, mode & 0o700)
  } catch {
    // Another user's file, or a file system without modes.
  }
}

async function checkAddress(listen: ListenAddress): Promise<void> {
  try {
    await tryAddress(listen)
  } catch (error) {
    throw addressError(listen, error)
  }
}

function addressError(listen: ListenAddress, error: unknown): ServiceError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program already listens there; choose another address with --listen',
    EACCES: 'this user may not listen there; choose a port above 1023 with --listen',
    EADDRNOTAVAIL: 'this machine does not have that address',
    ENOTFOUND: 'that name is not known',
  }
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error))
  const kind = code === 'EADDRINUSE' ? 'address-taken' : 'cannot-listen'
  return new ServiceError(kind, `cannot listen on ${listen.host}:${listen.port}: ${reason}`, { cause: error })
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}

/** The built UI lies beside the bundle; the source finds it in the build's output. */
function builtUi(): string {
  const isSource = import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isSource ? '../../dist/ui/' : '../ui/', import.meta.url))
}
