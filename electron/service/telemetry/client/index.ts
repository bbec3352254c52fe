import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { ClientSource, ClientState, TelemetrySettings } from '../../../shared/api/telemetry.ts'
import { isoTime } from '../../../shared/time-text.ts'
import type { Timer } from '../../clock.ts'
import type { Collector } from '../collector.ts'
import type { TelemetryParts } from '../index.ts'
import type { NewRecord } from '../schema.ts'
import { readSetting, writeSetting } from '../../store/settings.ts'
import { changedSettings, readSettings, writeSettings } from '../settings.ts'
import { send, wireFields, type SendOutcome, type Target } from './forward.ts'
import { machineFields, thisMachine, type MachineFields } from './machine.ts'
import { sendable } from './payloads.ts'
import { machineSources, type Found, type Source } from './sources/index.ts'
import { openSpool, spoolRules, type Waiting } from './spool.ts'

/** This machine as a client of its own collector, and of another one: only after its user has said yes. */
export interface Client {
  state(): ClientState
  /** Says yes or no; a no forgets what waits and the ids under which this machine reported. */
  consent(yes: boolean): Promise<void>
  /** Lets a waiting record be sent; false when there is none. */
  approve(id: string): boolean
  discard(id: string): boolean
  /** Ids under which this machine reported, newest first. */
  machines(): readonly string[]
  /** The ids of {@link machines}, and since when (ms) they tell of this machine. */
  known(): { readonly machines: readonly string[]; readonly sinceMs: number }
  settingsChanged(): void
  /** Looks at once, and resolves when what was found is stored. */
  look(): Promise<void>
  /** Sends at once what may be sent. */
  deliver(): Promise<void>
  start(): void
  stop(): void
}

/** What the client is given of the world. */
export interface ClientEdges {
  readonly spool: string
  readonly sources: readonly Source[]
  readonly fields: MachineFields
  readonly send: (record: NewRecord, target: Target) => Promise<SendOutcome>
}

/** What the client remembers. */
interface Memory {
  readonly machines: readonly { readonly id: string; readonly sinceMs: number }[]
  readonly cursors: Readonly<Partial<Record<ClientSource, string>>>
  /** Since when (ms) sources are looked at that were left out before. */
  readonly enabledMs: Readonly<Partial<Record<ClientSource, number>>>
  readonly sent: number
  readonly dropped: { readonly expired: number; readonly full: number; readonly burst: number }
}

const setting = 'telemetry-client'
/** An id is changed after three days, as telemetrics' client does, so that nobody can follow a machine by it. */
const idMs = 3 * 86_400_000
/** So many ids are known as this machine's own: those of four months. */
const mostIds = 40
const staticIdFile = '/etc/telemetrics/opt-in-static-machine-id'
const tickMs = 3_000
const fresh: Memory = {
  machines: [],
  cursors: {},
  enabledMs: {},
  sent: 0,
  dropped: { expired: 0, full: 0, burst: 0 },
}

export function createClient(
  { context, log, settings, hasStore }: TelemetryParts,
  edges: Partial<ClientEdges> & Pick<ClientEdges, 'spool'>,
  collector: Collector,
): Client {
  const { clock, db, commits } = context
  const spool = openSpool(edges.spool)
  const sources = edges.sources ?? machineSources(db, context.databaseFolder)
  const sendRecord = edges.send ?? send
  const lastLooks = new Map<ClientSource, number>()
  const recent: number[] = []
  const offSources = new Set<ClientSource>()
  let timer: Timer | null = null
  let isStopped = false
  let pausedUntilMs = 0
  let nextScanMs = 0
  let failure: string | null = null
  let isTried = false
  let lastTarget: string | null = settings().client.forward?.url ?? null
  /** Counts answers to whether this machine may report: what was begun under an earlier one is not finished. */
  let answers = 0
  /** A no counts from the moment it is said, not from when it is written. */
  let isDenied = false
  let busy: Promise<void> = Promise.resolve()
  let fields: MachineFields | null = edges.fields ?? null
  const now = (): number => Math.round(clock.glance().wallMs)
  const monotonic = (): number => clock.glance().monotonicMs

  const memory = (): Memory => {
    const text = readSetting(db, setting)
    return text === null ? fresh : { ...fresh, ...(JSON.parse(text) as Partial<Memory>) }
  }
  const remember = (change: (known: Memory) => Memory): Promise<Memory> =>
    commits.write(() => {
      const next = change(memory())
      writeSetting(db, setting, JSON.stringify(next))
      return next
    })
  const mine = (): TelemetrySettings['client'] => settings().client
  const consentMs = (): number | null => {
    const { consent } = mine()
    return isDenied || consent === null ? null : Date.parse(consent)
  }

  const machineId = async (): Promise<string> => {
    const fixed = staticId()
    const known = memory().machines[0]
    const isDue = known === undefined || Math.abs(now() - known.sinceMs) >= idMs
    if (known && (fixed === null ? !isDue : known.id === fixed)) return known.id
    const id = fixed ?? randomBytes(16).toString('hex')
    const next = await remember((all) => ({
      ...all,
      machines: [{ id, sinceMs: now() }, ...all.machines].slice(0, mostIds),
    }))
    return next.machines[0]?.id ?? id
  }

  const recordOf = async ({ classification, severity, payload, atMs }: Found): Promise<NewRecord> => ({
    ...(fields ??= machineFields(thisMachine)),
    recordVersion: 4,
    severity,
    classification,
    machine: await machineId(),
    clientS: Math.floor((atMs > 0 ? atMs : now()) / 1_000),
    event: randomBytes(16).toString('hex'),
    payloadVersion: 1,
    external: false,
    payload: sendable(payload, os.homedir()),
  })

  const drop = (why: keyof Memory['dropped']): Promise<Memory> =>
    remember((known) => ({ ...known, dropped: { ...known.dropped, [why]: known.dropped[why] + 1 } }))

  const take = async (source: ClientSource, found: Found): Promise<void> => {
    const answer = answers
    const atMs = monotonic()
    while ((recent[0] ?? atMs) < atMs - spoolRules.burstWindowMs) recent.shift()
    if (recent.length >= spoolRules.burst) {
      await drop('burst')
      return
    }
    recent.push(atMs)
    const record = await recordOf(found)
    if (answer !== answers) return
    await collector.takeOwn(record)
    const { forward, review } = mine()
    if (forward === null || answer !== answers) return
    const waiting: Waiting = {
      id: `${now()}-${record.event.slice(0, 8)}`,
      atMs: now(),
      source,
      approved: !review,
      refused: null,
      record,
    }
    if (spool.add(waiting)) context.changed('telemetry')
    else await drop('full')
  }

  const lookAt = async (source: Source, sinceMs: number): Promise<void> => {
    const answer = answers
    const { found, cursor } = await source.look(memory().cursors[source.source] ?? null, sinceMs)
    for (const one of found) if (answer === answers) await take(source.source, one)
    if (answer === answers && memory().cursors[source.source] !== cursor)
      await remember((known) => ({ ...known, cursors: { ...known.cursors, [source.source]: cursor } }))
  }

  const look = async (isAll: boolean): Promise<void> => {
    const sinceMs = consentMs()
    if (sinceMs === null || !hasStore()) return
    for (const source of sources) {
      const due = (lastLooks.get(source.source) ?? Number.NEGATIVE_INFINITY) + source.everyMs
      if (isStopped || !source.offered()) continue
      if (!mine().sources.includes(source.source)) {
        // What happens while nobody looks is not read afterwards.
        if (memory().cursors[source.source] !== undefined)
          await remember((known) => ({ ...known, cursors: without(known.cursors, source.source) }))
        offSources.add(source.source)
        continue
      }
      if (offSources.delete(source.source))
        await remember((known) => ({ ...known, enabledMs: { ...known.enabledMs, [source.source]: now() } }))
      if (!isAll && monotonic() < due) continue
      lastLooks.set(source.source, monotonic())
      try {
        await lookAt(source, Math.max(sinceMs, memory().enabledMs[source.source] ?? 0))
      } catch (error) {
        if (!isStopped) log.warn({ err: error }, `Looking for crashes (${source.source}) failed`)
      }
    }
  }

  const scan = async (): Promise<void> => {
    const target = mine().forward
    if (consentMs() === null || target === null) return
    const answer = answers
    let sent = 0
    for (const id of spool.ids()) {
      if (
        isStopped ||
        sent >= spoolRules.mostSent ||
        answer !== answers ||
        mine().forward?.url !== target.url
      )
        break
      const waiting = spool.read(id)
      if (waiting === null || waiting.refused !== null) continue
      if (Math.abs(now() - waiting.atMs) > spoolRules.expiryMs) {
        spool.remove(id)
        await drop('expired')
        continue
      }
      if (mine().review && !waiting.approved) continue
      isTried = true
      const outcome = await sendRecord(waiting.record, target)
      if (answer !== answers) return
      if (outcome.kind === 'refused') {
        // What is refused today is refused tomorrow, and must not block the others; it stays to be read.
        spool.write({ ...waiting, refused: outcome.reason })
        log.warn(`${target.url} refused a record: ${outcome.reason}`)
        continue
      }
      failure = outcome.kind === 'failed' ? outcome.reason : null
      if (failure !== null) {
        // The first failure ends the scan, as for the original: what a collector does not take now, it takes later.
        pausedUntilMs = monotonic() + spoolRules.pauseMs
        log.warn(`A record could not be forwarded to ${target.url}: ${failure}`)
        break
      }
      sent += 1
      spool.remove(id)
    }
    if (sent > 0) await remember((known) => ({ ...known, sent: known.sent + sent }))
    if (sent > 0 || failure !== null) context.changed('telemetry')
  }

  /** One thing at a time: what is being sent is not sent twice. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    busy = busy.then(work).catch((error: unknown) => {
      if (!isStopped) log.warn({ err: error }, 'Reporting of this machine failed')
    })
    return busy
  }

  const tick = (): void => {
    timer = null
    if (isStopped || consentMs() === null) return
    void inTurn(async () => {
      await look(false)
      if (monotonic() < Math.max(nextScanMs, pausedUntilMs)) return
      nextScanMs = monotonic() + spoolRules.scanMs
      await scan()
    }).then(plan)
  }
  const plan = (): void => {
    timer?.cancel()
    timer = isStopped || consentMs() === null ? null : clock.after(tickMs, tick)
  }

  return {
    machines: () => memory().machines.map(({ id }) => id),
    known() {
      const { machines } = memory()
      return {
        machines: machines.map(({ id }) => id),
        sinceMs: Math.max(consentMs() ?? 0, machines.at(-1)?.sinceMs ?? 0),
      }
    },
    state() {
      const { consent, sources: enabled, forward } = mine()
      const known = memory()
      return {
        consent: consent,
        machine: known.machines[0]?.id ?? null,
        sources: sources.map((source) => ({
          source: source.source,
          offered: source.offered(),
          enabled: enabled.includes(source.source),
          text: source.text,
        })),
        forward: forward && {
          url: forward.url,
          state: isTried ? forwardWords(failure, monotonic() < pausedUntilMs) : 'nothing was sent yet',
        },
        sent: known.sent,
        dropped: known.dropped,
        spooled: spool.list().map(({ id, atMs, source, approved, refused, record }) => ({
          id,
          at: isoTime(atMs),
          source,
          classification: record.classification,
          severity: record.severity,
          approved,
          refused,
          fields: wireFields(record),
          payload: record.payload,
        })),
      }
    },
    async consent(yes) {
      answers += 1
      isDenied = !yes
      await commits.write(() => {
        const known = readSettings(db)
        const consent = yes ? (known.client.consent ?? isoTime(now())) : null
        writeSettings(db, { ...changedSettings(known, {}), client: { ...known.client, consent } })
        if (!yes) writeSetting(db, setting, JSON.stringify(fresh))
      })
      if (!yes) spool.clear()
    },
    approve(id) {
      nextScanMs = 0
      return spool.approve(id)
    },
    discard: (id) => spool.remove(id),
    settingsChanged() {
      nextScanMs = 0
      pausedUntilMs = 0
      failure = null
      const { forward } = mine()
      if (forward === null) spool.clear()
      // What was let go for one collector was not let go for another.
      else if (forward.url !== lastTarget)
        for (const waiting of spool.list()) spool.write({ ...waiting, approved: false, refused: null })
      if (forward?.url !== lastTarget) isTried = false
      lastTarget = forward?.url ?? null
      plan()
    },
    look: () => inTurn(() => look(true)),
    deliver: () => inTurn(scan),
    start: plan,
    stop() {
      isStopped = true
      timer?.cancel()
    },
  }
}

function forwardWords(failure: string | null, isPaused: boolean): string {
  if (failure === null) return 'as it should be'
  return isPaused ? `failed: ${failure}; tried again within five minutes` : `failed: ${failure}`
}

function without<Key extends string, Value>(
  values: Readonly<Partial<Record<Key, Value>>>,
  key: Key,
): Readonly<Partial<Record<Key, Value>>> {
  const { [key]: _gone, ...rest } = values
  return rest as Readonly<Partial<Record<Key, Value>>>
}

/** An administrator may fix the id, as for telemetrics' client. */
function staticId(): string | null {
  try {
    const line = readFileSync(staticIdFile, 'utf8').split('\n')[0] ?? ''
    const text = line.replace(/[^\x21-\x7e]/g, '').slice(0, 32)
    return text === '' ? null : text
  } catch {
    return null
  }
}
