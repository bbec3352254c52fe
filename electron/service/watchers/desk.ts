import { isIP } from 'node:net'
import type { FarScope } from '../../shared/host-words.ts'
import { throttle } from '../../shared/throttle.ts'
import { blindnessOf, type RoomContext } from '../context.ts'
import { WatcherError } from './errors.ts'
import { slugOf } from './names.ts'
import { oneLine } from '../../shared/text.ts'
import { applySignal, isProblem, verdictOf, type Judgement } from './rules.ts'
import type { SignalOutcome } from './index.ts'
import type { Signal, WatcherEntry, WatcherEventRow, WatcherFacts, WatcherRecord } from './schema.ts'
import { changedRecord, newRecord, type NewWatcher, type WatcherChange } from './settings.ts'
import type { NewEvent, WatcherStore } from './store.ts'
import { judgeEntry } from './view.ts'
import { eventWords, problemWords, recoveryWords, transitionFacts, type Told } from './words.ts'
import { isoTime } from '../../shared/time-text.ts'

/** Changes of watchers inside a transaction: facts in, verdict and transition out. */
export interface Desk {
  resolve(name: string): WatcherRecord | null
  create(input: NewWatcher, nowMs: number): WatcherEntry
  change(entry: WatcherEntry, change: WatcherChange, nowMs: number): WatcherEntry
  setPaused(entry: WatcherEntry, paused: boolean, comment: string, nowMs: number): WatcherEntry
  signal(entry: WatcherEntry, signal: Signal, nowMs: number): SignalOutcome
  /** Has a watcher count from now on, though it was never triggered. */
  arm(entry: WatcherEntry, nowMs: number): void
  /** Judges a watcher whose time has come and writes down what changed. */
  review(id: number, nowMs: number): void
  /** Ends an open problem silently, since its watcher goes away. */
  closeIncident(watcher: WatcherRecord, nowMs: number): void
  /** Tells the followers of the event stream, at most twice a second. */
  announce(): void
  stop(): void
}

const announceMs = 500
/** A signal told to be this new counts as of now. */
const freshMs = 2_000
const eventsInNotice = 15
/** So far back the end of a run is looked for whose start comes after it. */
const lateStartWindow = 200

/** Returns the desk; each of its changes runs in a transaction of the caller's. */
export function createDesk(context: RoomContext, store: WatcherStore): Desk {
  const { observation, transitions, changed } = context
  const announcer = throttle(context.clock, announceMs, () => changed('watchers'))

  const judged = (entry: WatcherEntry, nowMs: number): Judgement =>
    judgeEntry(entry, blindnessOf(observation), nowMs)

  const tell = (
    before: WatcherEntry,
    after: WatcherEntry,
    view: Judgement,
    nowMs: number,
    body: string,
  ): void => {
    const was = isProblem(before.verdict)
    const is = isProblem(after.verdict)
    const isInfo = after.verdict === 'unobserved'
    if (!was && !is && !isInfo) {
      if (before.verdict !== after.verdict) record(before, after, 'info', null, [], body, nowMs)
      return
    }
    const events = store.events(after.facts.lastEventId, nowMs, { limit: eventsInNotice, offset: 0 })
    if (is || (isInfo && !was)) {
      if (after.cause === null) return
      const words = problemWords(after, after.cause, view.lateMs, events, nowMs)
      record(before, after, is ? (was ? 'update' : 'problem') : 'info', words, events, body, nowMs)
    } else {
      // Pausing is a person's own doing, and tells nobody.
      const words =
        after.verdict === 'paused' || isInfo
          ? null
          : recoveryWords(after, before.verdictMs, view.lateMs, events, after.facts.lastSuccessMs ?? nowMs)
      // Without a trigger nothing reports again; its settings were changed.
      const isChange = after.facts.triggers === before.facts.triggers
      const told =
        words === null || !isChange
          ? words
          : { ...words, text: `${oneLine(after.watcher.name)} is no longer late: its settings were changed.` }
      record(before, after, 'recovery', told, events, body, nowMs)
    }
  }

  const record = (
    before: WatcherEntry,
    after: WatcherEntry,
    kind: 'problem' | 'recovery' | 'info' | 'update',
    words: Told | null,
    events: readonly WatcherEventRow[],
    body: string,
    nowMs: number,
  ): void => {
    const shownEvents = words === null ? [] : events.slice(0, 5)
    transitions.record({
      atMs: nowMs,
      room: 'watchers',
      item: after.watcher.code,
      kind,
      from: before.verdict,
      to: after.verdict,
      facts: transitionFacts(after, words ?? silence, shownEvents.map(eventLine), body),
    })
  }

  /** Writes down the verdict of an entry that changed, and its transition when there is one. */
  const settle = (before: WatcherEntry, next: WatcherEntry, nowMs: number, body = ''): WatcherEntry => {
    const view = judged(next, nowMs)
    const verdict = verdictOf(view)
    const hasMoved = verdict !== before.verdict || tells(view.cause, before)
    const after: WatcherEntry = {
      ...next,
      verdict,
      verdictMs: verdict === before.verdict ? before.verdictMs : nowMs,
      cause: hasMoved ? view.cause : before.cause,
      wakeMs: view.wakeMs,
    }
    store.save(after)
    if (hasMoved) tell(before, after, view, nowMs, body)
    return after
  }

  const addEvent = (entry: WatcherEntry, event: NewEvent, nowMs: number): WatcherEntry => ({
    ...entry,
    facts: { ...entry.facts, ...store.addEvent(entry, event, nowMs) },
  })

  const reachOf = (origin: string): FarScope | null => {
    // What was kept for us on this machine, or found by us, comes from no address.
    if (isIP(origin) === 0) return null
    const scope = context.connection.scopeOf(origin)
    return scope === 'local' ? null : scope
  }

  const checkChannels = (channels: readonly number[] | null): void => {
    if (channels === null || channels.length === 0) return
    const known = new Set(context.db.prepare('SELECT id FROM channel').pluck().all() as number[])
    const missing = channels.find((id) => !known.has(id))
    if (missing !== undefined) throw new WatcherError('bad-setting', `there is no channel ${missing}`)
  }

  /** A start that arrives after the end of its run, as from a spool, opens nothing. */
  const hasEnded = ({ facts }: WatcherEntry, { kind, run, atMs }: Signal, nowMs: number): boolean =>
    kind === 'start' &&
    atMs < Math.max(facts.lastSuccessMs ?? 0, facts.lastFailMs ?? 0) &&
    (run === '' ||
      store
        .events(facts.lastEventId, nowMs, { limit: lateStartWindow, offset: 0 })
        .some((event) => event.run === run && (event.kind === 'success' || event.kind === 'fail')))

  const checkSlug = (slug: string, own: number | null): void => {
    const holder = store.find('slug', slug)
    if (holder && holder.id !== own)
      throw new WatcherError(
        'slug-taken',
        `the slug '${slug}' belongs to the watcher ${holder.code}`,
        holder.code,
      )
  }

  return {
    announce: announcer.call,
    stop: announcer.stop,
    resolve(name) {
      return (
        store.find('code', name) ??
        store.find('uuid', name) ??
        store.find('slug', name) ??
        store.find('slug', slugOf(name))
      )
    },
    create(input, nowMs) {
      const record = newRecord(input, nowMs)
      checkSlug(record.slug, null)
      checkChannels(record.channels)
      const entry = store.load(store.insert(record))
      if (!entry) throw new WatcherError('not-found', 'the new watcher could not be read')
      const created = addEvent(entry, { atMs: nowMs, kind: 'created' }, nowMs)
      const isArmed = input.armed === true && !record.paused
      const facts: WatcherFacts = isArmed
        ? { ...created.facts, dueFromMs: nowMs, flightId: observation.flightId }
        : created.facts
      return settle(entry, { ...created, facts }, nowMs)
    },
    change(entry, change, nowMs) {
      const watcher = changedRecord(entry.watcher, change)
      const isSame = JSON.stringify(watcher) === JSON.stringify(entry.watcher)
      if (isSame) throw new WatcherError('no-change', 'nothing would change')
      if (watcher.slug !== entry.watcher.slug) checkSlug(watcher.slug, watcher.id)
      const kept = entry.watcher.channels ?? []
      checkChannels(change.channels?.filter((id) => !kept.includes(id)) ?? null)
      store.change(watcher)
      const hasNewSchedule = JSON.stringify(watcher.schedule) !== JSON.stringify(entry.watcher.schedule)
      const newest = hasNewSchedule
        ? store.events(entry.facts.lastEventId, nowMs, { limit: 1, offset: 0 })[0]
        : undefined
      const facts =
        newest && entry.facts.dueFromMs !== null
          ? {
              ...entry.facts,
              dueFromMs: Math.max(entry.facts.dueFromMs, newest.atMs),
              flightId: observation.flightId,
            }
          : entry.facts
      const after = settle(entry, { ...entry, watcher, facts }, nowMs)
      if (isProblem(after.verdict)) {
        const { name, channels, emails, tags, remindMs } = watcher
        transitions.refresh('watchers', watcher.code, {
          name: oneLine(name),
          channels,
          emails,
          tags,
          remindMs,
        })
      }
      return after
    },
    setPaused(entry, paused, comment, nowMs) {
      if (entry.watcher.paused === paused)
        throw new WatcherError(
          paused ? 'already-paused' : 'already-unpaused',
          `it is ${paused ? 'already' : 'not'} paused`,
        )
      const watcher = { ...entry.watcher, paused }
      store.change(watcher)
      const next = addEvent(
        { ...entry, watcher },
        { atMs: nowMs, kind: paused ? 'paused' : 'unpaused', comment },
        nowMs,
      )
      // A pause forgets what was going on; an unpaused watcher counts from now on.
      const facts: WatcherFacts = {
        ...next.facts,
        failures: 0,
        runs: [],
        ...(!paused && { dueFromMs: nowMs, flightId: observation.flightId }),
      }
      return settle(entry, { ...next, facts }, nowMs)
    },
    signal(entry, signal, nowMs) {
      const { watcher } = entry
      const effect = applySignal(
        entry.facts,
        hasEnded(entry, signal, nowMs) ? { ...signal, ignored: true } : signal,
        {
          paused: watcher.paused,
          ignoresWhilePaused: watcher.pausedPolicy === 'ignore',
          flightId: observation.flightId,
          nowMs,
          pausedMs: entry.verdict === 'paused' ? entry.verdictMs : Number.NEGATIVE_INFINITY,
        },
      )
      const history = store.addEvent(
        entry,
        {
          atMs: signal.atMs,
          kind: signal.kind,
          ignored: effect.ignored,
          exitStatus: signal.exitStatus,
          run: signal.run,
          durationMs: effect.durationMs,
          comment: signal.comment,
          origin: signal.origin,
          agent: signal.agent,
          body: signal.body,
        },
        nowMs,
      )
      const unpaused = effect.unpaused ? { ...watcher, paused: false } : watcher
      const reach = effect.ignored ? entry.facts.reach : reachOf(signal.origin)
      if (effect.unpaused) store.change(unpaused)
      const next = { ...entry, watcher: unpaused, facts: { ...effect.facts, ...history, reach } }
      const outcome = { unpaused: effect.unpaused, ignored: effect.ignored, event: history.events }
      if (isPlainSuccess(entry, signal, next.facts, nowMs)) {
        store.save(next)
        return { ...outcome, recovered: false }
      }
      const body = signal.body?.toString('utf8').slice(-4_000) ?? ''
      const after = settle(entry, next, nowMs, body)
      return { ...outcome, recovered: isProblem(entry.verdict) && !isProblem(after.verdict) }
    },
    arm(entry, nowMs) {
      if (entry.facts.dueFromMs !== null || entry.watcher.paused) return
      settle(
        entry,
        { ...entry, facts: { ...entry.facts, dueFromMs: nowMs, flightId: observation.flightId } },
        nowMs,
      )
    },
    review(id, nowMs) {
      const entry = store.load(id)
      if (entry) settle(entry, entry, nowMs)
    },
    closeIncident(watcher, nowMs) {
      const entry = store.load(watcher.id)
      if (entry && isProblem(entry.verdict))
        record(entry, { ...entry, verdict: 'paused' }, 'recovery', null, [], '', nowMs)
    },
  }
}

const silence: Told = { text: '', subject: '', mailText: '' }

/**
 * A success that comes in time to a watcher that was well leaves it well, and its next look may stay where it is, since
 * that is too early at worst.
 */
function isPlainSuccess(entry: WatcherEntry, signal: Signal, facts: WatcherFacts, nowMs: number): boolean {
  return (
    signal.kind === 'success' &&
    entry.verdict === 'ok' &&
    entry.wakeMs !== null &&
    !entry.watcher.paused &&
    // The end of a run, or of a clock that was ahead, may bring the next look nearer.
    entry.facts.runs.length === 0 &&
    (entry.facts.dueFromMs ?? Number.POSITIVE_INFINITY) <= signal.atMs &&
    facts.runs.length === 0 &&
    facts.failures === 0 &&
    facts.dueFromMs === signal.atMs &&
    nowMs - signal.atMs < freshMs &&
    nowMs < entry.wakeMs
  )
}

/** A problem that stays one is told again only when it names a run that was not named before. */
function tells(cause: Judgement['cause'], before: WatcherEntry): boolean {
  if (cause === null || before.cause === null || cause.kind !== before.cause.kind)
    return cause?.kind !== before.cause?.kind
  if (cause.kind !== 'run-too-long' || before.cause.kind !== 'run-too-long') return false
  const named = new Set(before.cause.runs.map(({ run, startedMs }) => `${run}@${startedMs}`))
  return cause.runs.some(({ run, startedMs }) => !named.has(`${run}@${startedMs}`))
}

function eventLine(event: WatcherEventRow): string {
  return `${isoTime(event.atMs)} ${eventWords(event)}`
}
