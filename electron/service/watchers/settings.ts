import type { ChangeWatcher, CreateWatcher } from '../../shared/api/watchers.ts'
import { WatcherError } from './errors.ts'
import { isMailAddress, isSlug, newSecretNames, slugOf, type SecretNames } from './names.ts'
import { ScheduleError } from '../schedules/schedule-error.ts'
import { compileSchedule } from '../schedules/schedule.ts'
import type { BodyFilters, WatcherRecord } from './schema.ts'
import { tidySource } from './sources/rules.ts'
import { oneLine, severalLines } from '../../shared/text.ts'

/** What a watcher can be made with, by every API. */
export type NewWatcher = CreateWatcher & {
  readonly filters?: BodyFilters | null
  /** Its secret names, when it had some elsewhere. */
  readonly names?: Partial<SecretNames>
}
export type WatcherChange = ChangeWatcher & { readonly filters?: BodyFilters | null }

/** What a watcher is like when nothing else is said. */
export const watcherDefaults = {
  description: '',
  tags: [],
  graceMs: 0,
  runLimitMs: null,
  tolerance: 0,
  pausedPolicy: 'unpause',
  emails: [],
  remindMs: null,
  source: null,
} as const

/** @throws WatcherError when a setting cannot be used */
export function checkSettings(settings: WatcherChange): void {
  if (settings.schedule) {
    try {
      compileSchedule(settings.schedule)
    } catch (error) {
      if (error instanceof ScheduleError) throw new WatcherError('bad-schedule', error.message)
      throw error
    }
  }
  if (settings.name !== undefined && oneLine(settings.name) === '')
    throw new WatcherError('bad-setting', 'a watcher needs a name')
  const bad = settings.emails?.find((address) => !isMailAddress(address))
  if (bad !== undefined)
    throw new WatcherError('bad-setting', `'${bad.slice(0, 80)}' is not an e-mail address`)
}

/** Returns the slug that is meant. @throws WatcherError when none can be made */
export function chosenSlug(slug: string | undefined, name: string): string {
  if (slug === undefined || slug === '') {
    const made = slugOf(name)
    if (/^-*$/.test(made))
      throw new WatcherError(
        'bad-slug',
        `the name '${name.slice(0, 80)}' has no letter or digit to make a slug of`,
      )
    return made
  }
  if (!isSlug(slug))
    throw new WatcherError(
      'bad-slug',
      `'${slug.slice(0, 80)}' is not a slug: lower-case letters, digits, - and _`,
    )
  return slug
}

/** Whole milliseconds, and texts without control characters, which would rule terminals and headers. */
function whole<T extends WatcherChange>(settings: T): T {
  const { schedule, graceMs, runLimitMs, remindMs, name, description } = settings
  return {
    ...settings,
    ...(name !== undefined && { name: name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ') }),
    ...(description !== undefined && { description: severalLines(description) }),
    ...(schedule?.kind === 'period' && {
      schedule: { ...schedule, periodMs: Math.round(schedule.periodMs) },
    }),
    ...(graceMs !== undefined && { graceMs: Math.round(graceMs) }),
    ...(typeof runLimitMs === 'number' && { runLimitMs: Math.max(1, Math.round(runLimitMs)) }),
    ...(typeof remindMs === 'number' && { remindMs: Math.round(remindMs) }),
  }
}

/** Returns the record of a new watcher. @throws WatcherError */
export function newRecord(given: NewWatcher, nowMs: number): Omit<WatcherRecord, 'id'> {
  checkSettings(given)
  const input = whole(given)
  return {
    ...newSecretNames(),
    ...input.names,
    name: input.name,
    slug: chosenSlug(input.slug, input.name),
    description: input.description ?? watcherDefaults.description,
    tags: tidyTags(input.tags ?? watcherDefaults.tags),
    schedule: input.schedule,
    graceMs: input.graceMs ?? watcherDefaults.graceMs,
    runLimitMs: input.runLimitMs ?? watcherDefaults.runLimitMs,
    tolerance: input.tolerance ?? watcherDefaults.tolerance,
    pausedPolicy: input.pausedPolicy ?? watcherDefaults.pausedPolicy,
    emails: input.emails ?? [],
    channels: input.channels ?? null,
    remindMs: input.remindMs ?? watcherDefaults.remindMs,
    filters: input.filters ?? null,
    source: tidySource(input.source ?? null),
    paused: input.paused ?? false,
    createdMs: Math.round(nowMs),
  }
}

/** Returns a watcher with a change applied. @throws WatcherError */
export function changedRecord(watcher: WatcherRecord, change: WatcherChange): WatcherRecord {
  checkSettings(change)
  const { slug, tags, source, ...rest } = whole(change)
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...watcher,
    ...given,
    ...(tags !== undefined && { tags: tidyTags(tags) }),
    ...(source !== undefined && { source: tidySource(source) }),
    ...(slug !== undefined && { slug: chosenSlug(slug, change.name ?? watcher.name) }),
  }
}

function tidyTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map(oneLine).filter((tag) => tag !== ''))]
}
