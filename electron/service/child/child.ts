import type { FromService, ServicePlace, ToService } from '../../shared/shell/service-messages.ts'
import { systemNotifier, type DesktopNotifier } from '../alerts/channels/desktop.ts'
import type { Clock } from '../clock.ts'
import { readKey } from '../http/access.ts'
import { defaultHost, defaultPort, type ListenAddress } from '../http/listen.ts'
import type { Log } from '../log.ts'
import type { Ending } from '../recorder/schema.ts'
import { ServiceError, startService, type Service, type ServiceOptions, type StartEvent } from '../service.ts'
import { asStoreError, StoreError } from '../store/errors.ts'
import { canonicalPath, shellDatabase, sideFiles, type Surroundings } from '../store/location.ts'
import { readServiceAddress } from '../store/lock.ts'
import { shellNotifier, type ShellNotifier } from './notifier.ts'
import type { ShellPort } from './port.ts'

/** What the shell's service is given of the world. */
export interface ChildParts {
  readonly port: ShellPort
  readonly clock: Clock
  readonly log: Log
  readonly surroundings: Surroundings
  /** Where to listen; the usual port of this machine alone unless said otherwise. */
  readonly listen?: ListenAddress
  readonly desktop?: DesktopNotifier
  /** Parts of a service that tests replace. */
  readonly options?: Partial<ServiceOptions>
  /** Ends the process when everything is written. */
  readonly leave: (code: number) => void
}

/** Seconds between stamps, as `watchkeeper serve` has it. */
const intervalMs = 10_000

/** The service as the shell's child: it does what it is told by messages, and says how it goes. */
export interface Child {
  /** Ends in order, as when the shell asks for it. */
  stop(how: Ending): Promise<void>
}

/** Waits for the shell's `start` and serves until it is told to stop. */
export function runChild(parts: ChildParts): Child {
  const { port, clock, log } = parts
  let starting: Promise<Service | null> | null = null
  let notifier: ShellNotifier | null = null
  let isStopping = false

  const begin = async (message: Extract<ToService, { kind: 'start' }>): Promise<Service | null> => {
    const database = shellDatabase(parts.surroundings, message.userData)
    notifier = shellNotifier(
      clock,
      (notice) => port.post(notice),
      message.canNotify,
      parts.desktop ?? systemNotifier(clock),
    )
    const events: StartEvent[] =
      message.lastEnd === null ? [] : [{ kind: 'service-restarted', text: message.lastEnd }]
    try {
      const service = await startSomewhere(parts, database, notifier, events)
      port.post({
        kind: 'ready',
        place: { origin: service.origin, key: service.key },
        database: service.database,
      })
      return service
    } catch (error) {
      port.post(refusalOf(error, canonicalPath(database)))
      return null
    }
  }

  const stop = async (how: Ending): Promise<void> => {
    if (isStopping) return
    isStopping = true
    try {
      const service = await starting
      await service?.stop(how)
      port.post({ kind: 'stopped' })
      parts.leave(0)
    } catch (error) {
      log.error({ err: error }, 'The service could not stop in order')
      parts.leave(1)
    }
  }

  port.onMessage((message) => {
    switch (message.kind) {
      case 'start':
        starting ??= begin(message)
        return
      case 'ping':
        port.post({ kind: 'pong', id: message.id })
        return
      case 'power':
        void starting?.then((service) => {
          service?.notePower(message.event)
          port.post({ kind: 'power-noted', event: message.event })
        })
        return
      case 'stop':
        void stop(message.how)
        return
      case 'notice-result':
        notifier?.take(message)
        return
      default:
        message satisfies never
    }
  })
  return { stop }
}

/** The usual port may belong to another program; the app finds its service on any. */
async function startSomewhere(
  parts: ChildParts,
  database: string,
  desktop: DesktopNotifier,
  events: readonly StartEvent[],
): Promise<Service> {
  const listen = parts.listen ?? { host: defaultHost, port: defaultPort }
  const options: ServiceOptions = {
    database,
    intervalMs,
    listen,
    needsKey: true,
    allowedHosts: [],
    clock: parts.clock,
    log: parts.log,
    desktop,
    events,
    ...parts.options,
  }
  try {
    return await startService(options)
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== 'address-taken') throw error
    const text = `Another program uses port ${listen.port}, so Watchkeeper has taken another one (\`watchkeeper open --print\` says which). Scripts that trigger watchers at port ${listen.port} do not reach it: end that program, then quit Watchkeeper and start it again.`
    parts.log.warn(text)
    return startService({
      ...options,
      listen: { host: listen.host, port: 0 },
      events: [...events, { kind: 'port-taken', text }],
    })
  }
}

function refusalOf(error: unknown, database: string): Extract<FromService, { kind: 'refused' }> {
  const known =
    error instanceof Error && error.constructor.name === 'SqliteError' ? asStoreError(error, database) : error
  const reason = known instanceof Error ? known.message : String(known)
  if (!(known instanceof StoreError) || known.kind !== 'in-use')
    return { kind: 'refused', why: 'cannot-start', reason: shellWords(reason), database, other: null }
  return { kind: 'refused', why: 'in-use', reason, database, other: placeOfOther(database) }
}

/** The app has no options: what the command line calls so is in its environment. */
function shellWords(reason: string): string {
  const words = reason
    .replace(/ with -d\b/, ' with WATCHKEEPER_DATABASE')
    .replace(/ with --listen\b/, ' with WATCHKEEPER_LISTEN')
  return /^cannot listen/.test(words) && !words.includes('WATCHKEEPER_LISTEN')
    ? `${words} (WATCHKEEPER_LISTEN names that address)`
    : words
}

/** Returns where the other service is, if this user can ask it. */
function placeOfOther(database: string): ServicePlace | null {
  const address = readServiceAddress(database)
  if (address === null) return null
  if (!address.needsKey) return { origin: address.origin, key: null }
  const key = readKey(sideFiles(database).key)
  return key === null ? null : { origin: address.origin, key }
}
