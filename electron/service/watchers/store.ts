import type { WatcherEventKind } from '../../shared/watcher-words.ts'
import type { GroupCommit } from '../store/group-commit.ts'
import type { Connection } from '../store/open.ts'
import { countEvents, createSweeper, readEvents } from './history.ts'
import type { OpenRunRow, WatcherEntry, WatcherEventRow, WatcherFacts, WatcherRecord } from './schema.ts'
import { changeable, type ConfigRow, entryOf, recordOfRow, type StateRow } from './rows.ts'

/** How a watcher can be named by a client. */
export type WatcherKey = 'code' | 'uuid' | 'token' | 'slug' | 'badge_key'

/** A new entry of a watcher's history. */
export interface NewEvent {
  readonly atMs: number
  readonly kind: WatcherEventKind
  readonly ignored?: boolean
  readonly exitStatus?: number | null
  readonly run?: string
  readonly durationMs?: number | null
  readonly comment?: string
  readonly origin?: string
  readonly agent?: string
  readonly body?: Buffer | null
}

/** What watchers, their state and their history are read from and written to. */
export interface WatcherStore {
  find(key: WatcherKey, value: string): WatcherRecord | null
  load(id: number): WatcherEntry | null
  /** Keeps an entry's facts and verdict; several changes in one transaction are one write. */
  save(entry: WatcherEntry): void
  insert(watcher: Omit<WatcherRecord, 'id'>): number
  change(watcher: WatcherRecord): void
  remove(id: number): boolean
  /** Appends to a watcher's history and returns what its facts then say of it. */
  addEvent(entry: WatcherEntry, event: NewEvent, nowMs: number): Pick<WatcherFacts, 'events' | 'lastEventId'>
  /** Returns ids of watchers to judge by now, earliest first. */
  dueIds(nowMs: number, most: number): number[]
  /** Looks at a watcher again at a later time. */
  postpone(id: number, untilMs: number): void
  nearestWake(): number | null
  /** Returns the earliest time to judge that was written since the last call; null for none. */
  takeLowestWake(): number | null
  events(
    lastEventId: number | null,
    nowMs: number,
    page: { limit: number; offset: number },
  ): WatcherEventRow[]
  countEvents(lastEventId: number | null, nowMs: number): number
  body(watcherId: number, n: number): Buffer | null
  ids(): number[]
  /** Ids of watchers that are not paused and have a source. */
  sourced(): number[]
  /** Whether any watcher was last triggered from afar. */
  hasFar(): boolean
  /** Moves the due times that were taken in a flight whose clock was set. */
  shift(flightId: number, byMs: number): void
  /** Returns false when a spooled signal was taken before. */
  takeSpooled(id: string, nowMs: number): boolean
}

const bodiesKept = 100
const mostCached = 20_000
const spoolMemoryMs = 40 * 86_400_000

/** Returns the store of a connection; what several works of one transaction change is written once, before its commit. */
export function createWatcherStore(db: Connection, commits: GroupCommit): WatcherStore {
  const keys: readonly WatcherKey[] = ['code', 'uuid', 'token', 'slug', 'badge_key']
  const selectBy = Object.fromEntries(
    keys.map((key) => [key, db.prepare(`SELECT * FROM watcher WHERE ${key} = ?`)]),
  ) as Record<WatcherKey, ReturnType<Connection['prepare']>>
  const selectConfig = db.prepare('SELECT * FROM watcher WHERE id = ?')
  const selectState = db.prepare('SELECT * FROM watcher_state WHERE watcher_id = ?')
  const updateFacts = db.prepare(
    `UPDATE watcher_state SET due_from_ms = ?, flight_id = ?, failures = ?, runs = ?, last_trigger_ms = ?,
       last_success_ms = ?, last_fail_ms = ?, last_exit_status = ?, last_duration_ms = ?, triggers = ?, events = ?,
       last_event_id = ?, reach = ?
     WHERE watcher_id = ?`,
  )
  const updateVerdict = db.prepare(
    'UPDATE watcher_state SET verdict = ?, verdict_ms = ?, cause = ?, wake_ms = ? WHERE watcher_id = ?',
  )
  const insertEvent = db.prepare(
    `INSERT INTO watcher_event (watcher_id, before_id, n, at_ms, kind, ignored, exit_status, run, duration_ms, comment, origin, agent,
       body_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertBody = db.prepare('INSERT INTO watcher_body (watcher_id, n, body) VALUES (?, ?, ?)')
  const pruneBodies = db.prepare('DELETE FROM watcher_body WHERE watcher_id = ? AND n <= ?')
  const selectDue = db
    .prepare('SELECT watcher_id FROM watcher_state WHERE wake_ms <= ? ORDER BY wake_ms LIMIT ?')
    .pluck()
  const selectNearest = db
    .prepare('SELECT wake_ms FROM watcher_state WHERE wake_ms IS NOT NULL ORDER BY wake_ms LIMIT 1')
    .pluck()

  const selectFar = db.prepare('SELECT 1 FROM watcher_state WHERE reach IS NOT NULL LIMIT 1')

  const sweeper = createSweeper(db)
  let lowestWake: number | null = null
  let spooledTaken = 0
  const records = new Map<string, WatcherRecord>()
  let gathered = { batch: -1, entries: new Map<number, { before: WatcherEntry; now: WatcherEntry }>() }
  const entries = (): typeof gathered.entries => {
    if (gathered.batch !== commits.batch || !db.inTransaction)
      gathered = { batch: db.inTransaction ? commits.batch : -1, entries: new Map() }
    return gathered.entries
  }
  const remember = (watcher: WatcherRecord): WatcherRecord => {
    if (records.size >= mostCached * keys.length) records.clear()
    for (const key of keys) records.set(`${key}:${valueOf(watcher, key)}`, watcher)
    records.set(`id:${watcher.id}`, watcher)
    return watcher
  }
  const recordOf = (id: number): WatcherRecord | null => {
    const known = records.get(`id:${id}`)
    if (known) return known
    const row = selectConfig.get(id) as ConfigRow | undefined
    return row ? remember(recordOfRow(row)) : null
  }
  const write = ({ before, now }: { before: WatcherEntry; now: WatcherEntry }): void => {
    const { facts, watcher } = now
    if (facts !== before.facts)
      updateFacts.run(
        facts.dueFromMs,
        facts.flightId,
        facts.failures,
        facts.runs.length === 0 ? '[]' : JSON.stringify(facts.runs),
        facts.lastTriggerMs,
        facts.lastSuccessMs,
        facts.lastFailMs,
        facts.lastExitStatus,
        facts.lastDurationMs,
        facts.triggers,
        facts.events,
        facts.lastEventId,
        facts.reach,
        watcher.id,
      )
    const isSame =
      now.verdict === before.verdict &&
      now.verdictMs === before.verdictMs &&
      now.wakeMs === before.wakeMs &&
      now.cause === before.cause
    if (isSame) return
    const wakeMs = now.wakeMs === null ? null : Math.ceil(now.wakeMs)
    updateVerdict.run(
      now.verdict,
      now.verdictMs,
      now.cause === null ? null : JSON.stringify(now.cause),
      wakeMs,
      watcher.id,
    )
    if (wakeMs !== null) lowestWake = Math.min(lowestWake ?? wakeMs, wakeMs)
  }
  const writeGathered = (): void => {
    if (gathered.batch !== commits.batch) return
    for (const change of gathered.entries.values()) if (change.now !== change.before) write(change)
    gathered = { batch: -1, entries: new Map() }
  }
  const forget = (): void => {
    gathered = { batch: -1, entries: new Map() }
    records.clear()
  }
  commits.beforeCommit(writeGathered)
  commits.afterRollback(forget)

  return {
    find(key, value) {
      const known = records.get(`${key}:${value}`)
      if (known) return known
      const row = selectBy[key].get(value) as ConfigRow | undefined
      return row ? remember(recordOfRow(row)) : null
    },
    load(id) {
      const waiting = entries().get(id)
      if (waiting) return waiting.now
      const watcher = recordOf(id)
      const state = watcher && (selectState.get(id) as StateRow | undefined)
      if (!watcher || !state) return null
      const entry = entryOf(watcher, state)
      if (db.inTransaction) entries().set(id, { before: entry, now: entry })
      return entry
    },
    save(entry) {
      const { id } = entry.watcher
      const waiting = entries().get(id)
      if (!waiting) throw new Error('an entry is saved in the transaction that loaded it')
      entries().set(id, { before: waiting.before, now: entry })
    },
    insert(watcher) {
      const { lastInsertRowid } = db
        .prepare(
          `INSERT INTO watcher (code, uuid, token, badge_key, name, slug, description, tags, schedule, grace_ms, run_limit_ms,
             tolerance, paused_policy, emails, channels, remind_ms, filters, source, paused, created_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          watcher.code,
          watcher.uuid,
          watcher.token,
          watcher.badgeKey,
          ...changeable(watcher),
          watcher.createdMs,
        )
      const id = Number(lastInsertRowid)
      db.prepare('INSERT INTO watcher_state (watcher_id, verdict, verdict_ms) VALUES (?, ?, ?)').run(
        id,
        watcher.paused ? 'paused' : 'ok',
        watcher.createdMs,
      )
      return id
    },
    change(watcher) {
      db.prepare(
        `UPDATE watcher SET name = ?, slug = ?, description = ?, tags = ?, schedule = ?, grace_ms = ?, run_limit_ms = ?,
           tolerance = ?, paused_policy = ?, emails = ?, channels = ?, remind_ms = ?, filters = ?, source = ?, paused = ?
         WHERE id = ?`,
      ).run(...changeable(watcher), watcher.id)
      records.clear()
      const waiting = entries().get(watcher.id)
      if (waiting) entries().set(watcher.id, { before: waiting.before, now: { ...waiting.now, watcher } })
    },
    remove(id) {
      records.clear()
      entries().delete(id)
      return db.prepare('DELETE FROM watcher WHERE id = ?').run(id).changes === 1
    },
    addEvent(entry, event, nowMs) {
      const { body = null } = event
      const { watcher, facts } = entry
      const n = facts.events + 1
      const { lastInsertRowid } = insertEvent.run(
        watcher.id,
        facts.lastEventId,
        n,
        Math.round(event.atMs),
        event.kind,
        event.ignored ? 1 : 0,
        event.exitStatus ?? null,
        event.run || null,
        event.durationMs ?? null,
        event.comment || null,
        event.origin || null,
        event.agent || null,
        body?.length ?? 0,
      )
      if (body !== null && body.length > 0) {
        insertBody.run(watcher.id, n, body)
        pruneBodies.run(watcher.id, n - bodiesKept)
      }
      sweeper.added(nowMs)
      return { events: n, lastEventId: Number(lastInsertRowid) }
    },
    dueIds: (nowMs, most) => selectDue.all(nowMs, most) as number[],
    postpone: (id, untilMs) => {
      db.prepare('UPDATE watcher_state SET wake_ms = ? WHERE watcher_id = ?').run(untilMs, id)
    },
    nearestWake: () => (selectNearest.get() as number | undefined) ?? null,
    takeLowestWake() {
      const lowest = lowestWake
      lowestWake = null
      return lowest
    },
    events: (lastEventId, nowMs, page) => readEvents(db, lastEventId, nowMs, page),
    countEvents: (lastEventId, nowMs) => countEvents(db, lastEventId, nowMs),
    body: (watcherId, n) =>
      (db
        .prepare('SELECT body FROM watcher_body WHERE watcher_id = ? AND n = ?')
        .pluck()
        .get(watcherId, n) as Buffer | undefined) ?? null,
    sourced: () =>
      db.prepare('SELECT id FROM watcher WHERE source IS NOT NULL AND NOT paused').pluck().all() as number[],
    hasFar: () => selectFar.get() !== undefined,
    ids: () => db.prepare('SELECT id FROM watcher ORDER BY id').pluck().all() as number[],
    shift(flightId, byMs) {
      // Triggers of this very transaction are moved as well.
      writeGathered()
      lowestWake = 0
      db.prepare(
        `UPDATE watcher_state SET due_from_ms = due_from_ms + @by, last_trigger_ms = last_trigger_ms + @by,
           last_success_ms = last_success_ms + @by, last_fail_ms = last_fail_ms + @by, wake_ms = 0
         WHERE flight_id = @flight`,
      ).run({ by: byMs, flight: flightId })
      const running = db.prepare("SELECT watcher_id, runs FROM watcher_state WHERE runs <> '[]'").all() as {
        watcher_id: number
        runs: string
      }[]
      const update = db.prepare('UPDATE watcher_state SET runs = ?, wake_ms = 0 WHERE watcher_id = ?')
      for (const { watcher_id, runs } of running) {
        const known = JSON.parse(runs) as OpenRunRow[]
        if (!known.some((run) => run.flightId === flightId)) continue
        const moved = known.map((run) =>
          run.flightId === flightId ? { ...run, startedMs: run.startedMs + byMs } : run,
        )
        update.run(JSON.stringify(moved), watcher_id)
      }
    },
    takeSpooled(id, nowMs) {
      spooledTaken += 1
      if (spooledTaken % 100 === 0)
        db.prepare('DELETE FROM spooled_signal WHERE taken_ms < ?').run(nowMs - spoolMemoryMs)
      return (
        db.prepare('INSERT OR IGNORE INTO spooled_signal (id, taken_ms) VALUES (?, ?)').run(id, nowMs)
          .changes === 1
      )
    },
  }
}

function valueOf(watcher: WatcherRecord, key: WatcherKey): string {
  return key === 'badge_key' ? watcher.badgeKey : watcher[key]
}
