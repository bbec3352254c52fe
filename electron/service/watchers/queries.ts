import type { Watcher, WatcherList } from '../../shared/api/watchers.ts'
import { watcherStates, type WatcherState } from '../../shared/watcher-words.ts'
import type { Blindness } from '../context.ts'
import type { Connection } from '../store/open.ts'
import type { Judgement } from './rules.ts'
import type { WatcherEntry } from './schema.ts'
import { entryOfJoined, type JoinedRow } from './rows.ts'
import { judgeEntry, viewOf } from './view.ts'

/** What a list of watchers is asked with; `blind` comes from the observation of whoever asks. */
export interface ListArgs {
  readonly nowMs: number
  readonly blind: Blindness
  readonly q?: string
  readonly states?: readonly string[]
  readonly tag?: string
  /** Only the watchers with this tag are looked at, in the figures too. */
  readonly onlyTag?: string
  readonly sort?: 'problems' | 'name' | 'due' | 'created'
  readonly limit: number
  readonly offset: number
}

interface Judged {
  readonly entry: WatcherEntry
  readonly judged: Judgement
}

const cache = new WeakMap<Connection, { readonly version: string; readonly entries: WatcherEntry[] }>()

function readEntries(db: Connection): WatcherEntry[] {
  const version = `${String(db.pragma('data_version', { simple: true }))}.${String(db.prepare('SELECT total_changes()').pluck().get())}`
  const cached = cache.get(db)
  if (cached?.version === version) return cached.entries
  const rows = db
    .prepare('SELECT * FROM watcher JOIN watcher_state ON watcher_id = watcher.id ORDER BY watcher.id')
    .all() as JoinedRow[]
  const entries = rows.map(entryOfJoined)
  cache.set(db, { version, entries })
  return entries
}

/** Returns a page of watchers with the figures of all of them. Work grows with their number. */
export function watcherList(db: Connection, args: ListArgs): WatcherList {
  const { nowMs, blind } = args
  const { onlyTag } = args
  const read = readEntries(db)
  const looked = onlyTag === undefined ? read : read.filter(({ watcher }) => watcher.tags.includes(onlyTag))
  const all = looked.map((entry): Judged => ({ entry, judged: judgeEntry(entry, blind, nowMs) }))
  const counts = Object.fromEntries(watcherStates.map((state) => [state, 0])) as Record<WatcherState, number>
  const tags = new Set<string>()
  for (const { entry, judged } of all) {
    counts[judged.state] += 1
    for (const tag of entry.watcher.tags) tags.add(tag)
  }
  const shown = all.filter((item) => passes(item, args)).sort(order(args.sort ?? 'problems'))
  return {
    total: shown.length,
    all: all.length,
    counts,
    tags: [...tags].sort((a, b) => a.localeCompare(b)),
    watchers: shown
      .slice(args.offset, args.offset + args.limit)
      .map(({ entry, judged }): Watcher => viewOf(entry, judged, blind, nowMs)),
  }
}

function passes({ entry: { watcher }, judged }: Judged, { q, states, tag }: ListArgs): boolean {
  if (states && states.length > 0 && !states.includes(judged.state)) return false
  if (tag !== undefined && !watcher.tags.includes(tag)) return false
  if (!q) return true
  const text = [watcher.name, watcher.slug, watcher.code, watcher.description, ...watcher.tags].join('\n')
  return text.toLowerCase().includes(q.toLowerCase())
}

function order(sort: NonNullable<ListArgs['sort']>): (a: Judged, b: Judged) => number {
  const byName = (a: Judged, b: Judged): number => a.entry.watcher.name.localeCompare(b.entry.watcher.name)
  switch (sort) {
    case 'name':
      return byName
    case 'created':
      return (a, b) => a.entry.watcher.id - b.entry.watcher.id
    case 'due':
      return (a, b) => (a.judged.dueMs ?? Infinity) - (b.judged.dueMs ?? Infinity) || byName(a, b)
    case 'problems':
      return (a, b) =>
        watcherStates.indexOf(a.judged.state) - watcherStates.indexOf(b.judged.state) || byName(a, b)
    default:
      return sort satisfies never
  }
}
