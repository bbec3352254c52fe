import { wordDuration } from '../../shared/time-text.ts'
import { blindReasonWords, watcherEventWords } from '../../shared/watcher-words.ts'
import type { TransitionFacts } from '../context.ts'
import { oneLine } from '../../shared/text.ts'
import type { Judgement } from './rules.ts'
import { microTime } from './nights-watch-text.ts'
import type { Cause, WatcherEntry, WatcherEventRow, WatcherRecord } from './schema.ts'

/** The sentences that are said of watchers. Pure. */

/** Returns how a watcher stands, in a sentence. */
export function sentenceOf({ facts, watcher }: WatcherEntry, judged: Judgement, nowMs: number): string {
  const ago = (ms: number): string => `${wordDuration(Math.max(0, nowMs - ms))} ago`
  const { dueMs } = judged
  switch (judged.state) {
    case 'late':
    case 'failing':
      return judged.cause === null ? 'Late.' : causeSentence(judged.cause, nowMs)
    case 'unobserved':
      return judged.missed === null
        ? 'Unobserved.'
        : `Missed ${ago(judged.missed.dueMs)} while ${blindReasonWords[judged.missed.why]}; nobody is blamed for it.`
    case 'grace':
      return `Due ${dueMs === null ? '' : ago(dueMs)}, within its grace of ${wordDuration(watcher.graceMs)}.`
    case 'running':
      return facts.runs.length === 1
        ? `Running for ${wordDuration(Math.max(0, nowMs - (facts.runs[0]?.startedMs ?? nowMs)))}.`
        : `${facts.runs.length} runs in progress.`
    case 'paused':
      return 'Paused: nothing is expected.'
    case 'new':
      return dueMs === null
        ? 'Waiting for its first trigger.'
        : `Waiting for its first trigger, due within ${wordDuration(Math.max(0, dueMs - nowMs))}.`
    case 'up': {
      const last = facts.lastTriggerMs === null ? '' : ` Last trigger ${ago(facts.lastTriggerMs)}.`
      const failed =
        facts.failures > 0 ? ` ${facts.failures} tolerated failure${facts.failures > 1 ? 's' : ''}.` : ''
      return `On time.${last}${failed}`
    }
    default:
      return judged.state satisfies never
  }
}

/** Returns why a watcher is a problem, in a sentence. */
export function causeSentence(cause: Cause, nowMs: number): string {
  switch (cause.kind) {
    case 'overdue':
      return nowMs - cause.dueMs < 1_000
        ? 'No trigger came by its due time.'
        : `No trigger came by its due time, ${wordDuration(nowMs - cause.dueMs)} ago.`
    case 'run-too-long': {
      const runs = cause.runs
        .slice(0, 5)
        .map(({ run, startedMs }) => {
          const name = run === '' ? 'A run' : `Run ${run}`
          return `${name} has been going for ${wordDuration(Math.max(0, nowMs - startedMs))}`
        })
        .join('; ')
      return `${runs}; that is longer than allowed.`
    }
    case 'failed': {
      const status = cause.exitStatus === null ? '' : ` with exit status ${cause.exitStatus}`
      return cause.failures > 1
        ? `Failed ${cause.failures} times in a row, the last time${status === '' ? '' : status}.`
        : `The last run failed${status}.`
    }
    case 'missed':
      return `Missed ${wordDuration(Math.max(0, nowMs - cause.dueMs))} ago.`
    default:
      return cause satisfies never
  }
}

/** What is told of a change. */
export interface Told {
  readonly text: string
  readonly subject: string
  readonly mailText: string
}

/** Returns the words of a watcher that has become a problem. Subjects of missed deadlines are Night's Watch's. */
export function problemWords(
  { watcher }: WatcherEntry,
  cause: Cause,
  lateMs: number | null,
  events: readonly WatcherEventRow[],
  nowMs: number,
): Told {
  const { name, code } = watcher
  const tail = `\n\n${eventLines(events)}`
  const title = oneLine(name)
  switch (cause.kind) {
    case 'overdue':
      return {
        text: `${title} has not reported. ${causeSentence(cause, nowMs)}`,
        subject: `[LATE] ${title} has not reported`,
        mailText: `The watcher ${title} (${code}) was expected to report before ${microTime(lateMs ?? cause.dueMs)}.${tail}`,
      }
    case 'run-too-long':
      return {
        text: `${title} has not finished. ${causeSentence(cause, nowMs)}`,
        subject: `[LATE] ${title} has not finished`,
        mailText: `The watcher ${title} (${code}) has not finished: ${causeSentence(cause, nowMs)}${tail}`,
      }
    case 'failed':
      return {
        text: `${title} failed. ${causeSentence(cause, nowMs)}`,
        subject: `[FAILED] ${title} has failed`,
        mailText: `The watcher ${title} (${code}) has failed: ${causeSentence(cause, nowMs)}${tail}`,
      }
    case 'missed': {
      return missedWords(watcher, cause, nowMs, tail)
    }
    default:
      return cause satisfies never
  }
}

function missedWords(
  { name, code }: WatcherRecord,
  cause: Cause & { kind: 'missed' },
  nowMs: number,
  tail: string,
): Told {
  const why = blindReasonWords[cause.why as keyof typeof blindReasonWords]
  const title = oneLine(name)
  return {
    text: `${title} was missed while ${why}. It was due ${wordDuration(Math.max(0, nowMs - cause.dueMs))} ago; this is not counted as a failure.`,
    subject: `[MISSED] ${title} was due while ${why}`,
    mailText: `The watcher ${title} (${code}) was due at ${microTime(cause.dueMs)}, while ${why}. This is not counted as a failure.${tail}`,
  }
}

/** Returns the words of a watcher that is well again. `problemMs` is when it ceased to be. */
export function recoveryWords(
  { watcher }: WatcherEntry,
  problemMs: number,
  lateMs: number | null,
  events: readonly WatcherEventRow[],
  nowMs: number,
): Told {
  const { name, code } = watcher
  const title = oneLine(name)
  const newest = events[0]?.atMs ?? nowMs
  const due =
    lateMs === null ? '' : `\n\nThe next trigger for this watcher is due before ${microTime(lateMs)}.`
  return {
    text: `${title} is reporting again after ${wordDuration(Math.max(0, nowMs - problemMs))}.`,
    subject: `[RESUMED] ${title} is reporting again`,
    mailText: `The watcher ${title} (${code}) is reporting again as of ${microTime(newest)}.${due}\n\n${eventLines(events)}`,
  }
}

const eventsInMail = 15

function eventLines(events: readonly WatcherEventRow[]): string {
  const lines = events
    .slice(0, eventsInMail)
    .map((event) => `${microTime(event.atMs).padEnd(30)} ${eventWords(event)}`)
  return ['Recent events for this watcher:', '', ...lines].join('\n') + '\n'
}

/** Returns a history entry as Night's Watch writes it: `Triggered (comment)`. */
export function eventWords({ kind, comment, exitStatus, ignored }: WatcherEventRow): string {
  const word = kind === 'created' ? 'Snitch created' : watcherEventWords[kind]
  const status = exitStatus === null || exitStatus === 0 ? '' : `exit status ${exitStatus}`
  const said = [status, oneLine(comment), ignored ? 'ignored' : ''].filter((part) => part !== '').join(', ')
  return said === '' ? word : `${word} (${said})`
}

/** Returns what a transition of a watcher says, with where it is told. */
export function transitionFacts(
  { watcher, facts, cause }: WatcherEntry,
  told: Told,
  details: readonly string[],
  body: string,
): TransitionFacts {
  return {
    name: oneLine(watcher.name),
    text: told.text,
    details,
    tags: watcher.tags,
    slug: watcher.slug,
    code: watcher.uuid,
    path: `/watchers/${watcher.code}`,
    channels: watcher.channels,
    emails: watcher.emails,
    mail: { subject: told.subject, text: told.mailText },
    remindMs: watcher.remindMs,
    exitStatus: facts.lastExitStatus,
    body,
    // The outage itself was told of, and a list of all it kept from us would say it again.
    ...(cause?.kind === 'missed' && cause.why === 'offline' && { heldBy: blindReasonWords.offline }),
  }
}
