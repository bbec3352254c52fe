import { setImmediate as nextTurn } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import type { Watchers } from '../index.ts'
import { microIso } from '../nights-watch-text.ts'
import { parseCoalMine } from '../../schedules/coal-mine.ts'
import type { WatcherEntry, WatcherRecord } from '../schema.ts'
import { eventWords } from '../words.ts'
import { allow, type Call, flag, python, Refusal } from './nights-watch-call.ts'

/** What Night’s Watch and Coal Mine show of watchers. */

/** Answers `list`; other requests have their turn in between. @throws Refusal */
export async function list(call: Call): Promise<Record<string, unknown>> {
  const { query, watchers, dialect } = call
  allow(query, ['verbose', 'paused', 'late', ...(dialect.isCoalMine ? ['search'] : [])])
  const verbose = flag(query, 'verbose') ?? false
  const paused = flag(query, 'paused')
  const late = flag(query, 'late')
  const pattern = query.last('search')
  const entries: WatcherEntry[] = []
  for (const [index, id] of watchers.ids().entries()) {
    if (index % listedAtOnce === listedAtOnce - 1) await nextTurn()
    const entry = watchers.get(id)
    if (!entry) continue
    if (paused !== null && entry.watcher.paused !== paused) continue
    if (late !== null && isLate(watchers, entry) !== late) continue
    entries.push(entry)
  }
  const texts = entries.map(({ watcher }) => [watcher.name, watcher.slug, watcher.code, ...watcher.emails])
  const found = pattern === null ? null : search(pattern, texts)
  const shown: unknown[] = []
  for (const [index, { watcher }] of entries.entries()) {
    if (found && found[index] !== true) continue
    if (verbose && index % describedAtOnce === describedAtOnce - 1) await nextTurn()
    shown.push(verbose ? describe(watcher, call) : { name: watcher.name, id: watcher.code })
  }
  return { [dialect.many]: shown }
}

/** Other requests have their turn after so many. */
const listedAtOnce = 500
const describedAtOnce = 20

/** A pattern may be built to take for ever; this long (ms) it may take over all watchers together. */
const searchPatienceMs = 100

/** Returns which texts a user's pattern is found in. The script's time limit ends a pattern that takes too long. */
function search(pattern: string, texts: readonly string[][]): boolean[] {
  try {
    return runInNewContext(
      'const expression = new RegExp(pattern, "u"); texts.map((list) => list.some((text) => expression.test(text)))',
      { pattern, texts },
      { timeout: searchPatienceMs },
    ) as boolean[]
  } catch (error) {
    // Errors of the script's own realm are no instances of ours.
    const isSlow = (error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    throw python('error', isSlow ? 'the pattern takes too long' : `bad pattern ${pattern.slice(0, 100)}`)
  }
}

function isLate(watchers: Watchers, entry: WatcherEntry): boolean {
  const { state } = watchers.judged(entry)
  return state === 'late' || state === 'failing'
}

/** Returns a watcher as Night's Watch and Coal Mine show it. */
export function describe(
  { id }: WatcherRecord,
  { dialect, watchers, context }: Call,
): Record<string, unknown> {
  const entry = watchers.get(id)
  if (!entry) throw new Refusal(404, `${dialect.title} Not Found`)
  const { watcher } = entry
  const judged = watchers.judged(entry)
  const time = (ms: number): string => (dialect.isCoalMine ? `${microIso(ms)}+00:00` : microIso(ms))
  const { schedule } = watcher
  const events = watchers.events(id, { limit: 1_000, offset: 0 })
  const history = events.map((event) => {
    const words = eventWords(event)
    return [time(event.atMs), dialect.isCoalMine ? words.replace('Snitch created', 'Canary created') : words]
  })
  return {
    id: watcher.code,
    name: watcher.name,
    slug: watcher.slug,
    periodicity: schedule.kind === 'period' ? schedule.periodMs / 1_000 : schedule.expression,
    ...(schedule.kind === 'coal-mine' && {
      periodicity_schedule: parseCoalMine(schedule.expression)
        .stretches(context.clock.glance().wallMs)
        .map(([begin, end, seconds]) => [time(begin), time(end), seconds]),
    }),
    description: watcher.description,
    emails: watcher.emails,
    paused: watcher.paused,
    history,
    late: isLate(watchers, entry),
    ...(judged.lateMs !== null && { deadline: time(judged.lateMs) }),
  }
}
