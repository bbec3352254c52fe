import type { Lane, OverviewHistory } from '../../shared/api/overview.ts'
import { isoTime, wordDuration } from '../../shared/time-text.ts'
import { gapKindWords, presenceWords } from '../../shared/vocabulary.ts'
import { blindReasonWords } from '../../shared/watcher-words.ts'
import type { BlindSpan } from '../context.ts'
import { machineHistory, type WindowArgs } from '../recorder/queries.ts'
import type { Connection } from '../store/open.ts'
import { drawLane, type PastSpan } from './lanes.ts'

/** What is read of the past of all rooms but telemetry, whose records lie elsewhere. It runs in the reader's thread. */
export interface PastArgs extends WindowArgs {
  /** When nothing of this machine's networks, or of beyond them, was seen. */
  readonly blind: readonly BlindSpan[]
}

export interface Past {
  readonly sinceMs: number
  readonly untilMs: number
  readonly firstRecord: string | null
  readonly lanes: readonly Lane[]
}

/** More incidents than this in a window are counted, and the oldest not drawn. */
const mostIncidents = 20_000

/** Returns the past of the machine, hosts, watchers and health in a window. */
export function overviewPast(db: Connection, args: PastArgs): Past {
  const machine = machineHistory(db, args)
  const sinceMs = Date.parse(machine.since)
  const untilMs = Date.parse(machine.until)
  const beganMs = machine.firstRecord === null ? untilMs : Date.parse(machine.firstRecord)
  const blind = args.blind.flatMap(({ fromMs, toMs, why }): PastSpan[] => {
    // Before the first record there was nothing to be blind to.
    const fromSeenMs = Math.max(fromMs, beganMs)
    if (toMs <= fromSeenMs || toMs < sinceMs || fromMs > untilMs) return []
    const text = `not observed for ${wordDuration(toMs - fromSeenMs)}: ${blindReasonWords[why]}`
    return [{ fromMs: fromSeenMs, toMs, state: 'unobserved', name: text, text, path: '/machine' }]
  })
  const { crashes, gaps } = machine.figures
  const lanes: Lane[] = [
    {
      room: 'recorder',
      text:
        gaps === 0
          ? 'up all the time'
          : `${counted(gaps, 'gap')}${crashes > 0 ? `, ${counted(crashes, 'crash', 'crashes')}` : ''}`,
      spans: drawn(machineSpans(machine), sinceMs, untilMs),
    },
  ]
  for (const room of ['hosts', 'watchers', 'health'] as const) {
    const incidents = incidentSpans(db, room, sinceMs, untilMs)
    const missed = room === 'watchers' ? missedSpans(db, sinceMs, untilMs) : []
    lanes.push({
      room,
      text: [
        incidents.length === 0 ? 'no incidents' : counted(incidents.length, 'incident'),
        ...(missed.length > 0 ? [`${missed.length} missed`] : []),
      ].join(', '),
      spans: drawn([...blind, ...incidents, ...missed], sinceMs, untilMs),
    })
  }
  return { sinceMs, untilMs, firstRecord: machine.firstRecord, lanes }
}

/** A lane of crashes, from how many there were in each stretch of a window. */
export function crashLane(
  slots: readonly {
    readonly fromMs: number
    readonly toMs: number
    readonly crashes: number
    readonly frame: string
    readonly guilty: number
  }[],
  sinceMs: number,
  untilMs: number,
): Lane {
  const total = slots.reduce((sum, { crashes }) => sum + crashes, 0)
  return {
    room: 'telemetry',
    text: total === 0 ? 'no crashes' : counted(total, 'crash', 'crashes'),
    spans: drawn(
      slots.map(({ fromMs, toMs, crashes, frame, guilty }) => ({
        fromMs,
        toMs,
        state: 'problem',
        name: frame,
        text: `${counted(crashes, 'crash', 'crashes')} in ${frame}`,
        path: `/telemetry/crashes/${guilty}`,
        count: crashes,
      })),
      sinceMs,
      untilMs,
    ),
  }
}

/** Returns the whole answer. `crashes` is null while records are away. */
export function historyOf(past: Past, crashes: Lane | null): OverviewHistory {
  const [recorder, hosts, watchers, health] = past.lanes
  return {
    since: isoTime(past.sinceMs),
    until: isoTime(past.untilMs),
    firstRecord: past.firstRecord,
    lanes: [recorder, hosts, watchers, health, crashes].flatMap((lane) => lane ?? []),
    crashesKnown: crashes !== null,
  }
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function drawn(spans: readonly PastSpan[], sinceMs: number, untilMs: number): Lane['spans'] {
  return drawLane(spans, sinceMs, untilMs).map(({ fromMs, toMs, ...rest }) => ({
    from: isoTime(fromMs),
    to: isoTime(toMs),
    ...rest,
  }))
}

const presenceStates = {
  down: 'off',
  asleep: 'asleep',
  'recorder-off': 'unobserved',
  unknown: 'unobserved',
} as const

function machineSpans({ segments }: ReturnType<typeof machineHistory>): PastSpan[] {
  return segments.flatMap(({ from, to, presence, kind }): PastSpan[] => {
    if (presence === 'up') return []
    const isCrash = kind === 'crashed'
    const word = isCrash ? gapKindWords.crashed : presenceWords[presence]
    const fromMs = Date.parse(from)
    const toMs = Date.parse(to)
    return [
      {
        fromMs,
        toMs,
        state: isCrash ? 'problem' : presenceStates[presence],
        name: word,
        text: `${word} for ${wordDuration(toMs - fromMs)}`,
        path: '/machine',
      },
    ]
  })
}

interface IncidentRow {
  readonly opened_ms: number
  readonly closed_ms: number | null
  readonly item: string
  readonly name: string
  readonly text: string
  readonly path: string
}

function incidentSpans(
  db: Connection,
  room: 'hosts' | 'watchers' | 'health',
  sinceMs: number,
  untilMs: number,
): PastSpan[] {
  const rows = db
    .prepare(
      `SELECT opened_ms, closed_ms, item, name, text, path FROM incident
       WHERE room = ? AND opened_ms < ? AND (closed_ms IS NULL OR closed_ms > ?) ORDER BY opened_ms DESC LIMIT ?`,
    )
    .all(room, untilMs, sinceMs, mostIncidents) as IncidentRow[]
  return rows.flatMap(({ opened_ms, closed_ms, item, name, text, path }): PastSpan[] =>
    // This machine's own connection is no host; the time without it is drawn as unobserved.
    room === 'hosts' && item === 'connection'
      ? []
      : [
          {
            fromMs: opened_ms,
            toMs: closed_ms ?? untilMs,
            state: room === 'health' ? 'degraded' : 'problem',
            name,
            text: text === '' ? name : text,
            path: path === '' ? `/${room}` : path,
          },
        ],
  )
}

/** What was due while nobody looked, for which nobody is blamed. */
function missedSpans(db: Connection, sinceMs: number, untilMs: number): PastSpan[] {
  const rows = db
    .prepare(
      `SELECT at_ms, facts ->> '$.name' AS name, facts ->> '$.text' AS text, facts ->> '$.path' AS path FROM transition
       WHERE room = 'watchers' AND kind = 'info' AND to_state = 'unobserved' AND at_ms BETWEEN ? AND ?
       ORDER BY id DESC LIMIT ?`,
    )
    .all(sinceMs, untilMs, mostIncidents) as {
    at_ms: number
    name: string
    text: string
    path: string
  }[]
  return rows.map(({ at_ms, name, text, path }) => ({
    fromMs: at_ms,
    toMs: at_ms,
    state: 'information',
    name,
    text,
    path,
  }))
}
