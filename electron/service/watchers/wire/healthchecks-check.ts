import type { BodyFilters } from '../schema.ts'

/** A check as a client of healthchecks writes it, read and checked; lengths in seconds. */
export interface CheckInput {
  readonly name?: string
  readonly slug?: string
  readonly tags?: readonly string[]
  readonly desc?: string
  readonly timeout?: number
  readonly grace?: number
  readonly schedule?: string
  readonly tz?: string
  readonly manualResume?: boolean
  readonly channels?: readonly number[] | null
  readonly methods?: string
  readonly filterBody?: boolean
  readonly defaultFail?: boolean
  readonly startKeywords?: string
  readonly successKeywords?: string
  readonly failureKeywords?: string
  readonly unique: readonly UniqueField[]
}

export const uniqueFields = ['name', 'slug', 'tags', 'timeout', 'grace'] as const
export type UniqueField = (typeof uniqueFields)[number]

/** A body that cannot be used, with healthchecks' words (hc/lib/jsonschema.py). */
export class CheckError extends Error {
  constructor(message: string) {
    super(`json validation error: ${message}`)
    this.name = 'CheckError'
  }
}

/** A year; healthchecks takes 60 s and more, we take 1 s. */
const longestSeconds = 31_536_000

/** @throws CheckError */
export function readCheck(body: Record<string, unknown> | null): CheckInput {
  if (body === null) throw new CheckError('could not parse request body')
  const text = (field: string, most: number): string | undefined => {
    const value = body[field]
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw new CheckError(`${field} is not a string`)
    if (value.length > most) throw new CheckError(`${field} is too long`)
    return value
  }
  const seconds = (field: string, least: number): number | undefined => {
    const value = body[field]
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw new CheckError(`${field} is not a number`)
    if (value < least) throw new CheckError(`${field} is too small`)
    if (value > longestSeconds) throw new CheckError(`${field} is too large`)
    return value
  }
  const flag = (field: string): boolean | undefined => {
    const value = body[field]
    if (value !== undefined && typeof value !== 'boolean') throw new CheckError(`${field} is not a boolean`)
    return value
  }
  // Mails are not received here, so that settings about them would do nothing.
  for (const field of ['filter_subject', 'filter_body'])
    if (flag(field) === true) throw new CheckError(`${field} is not supported here`)
  const slug = text('slug', 100)
  if (slug !== undefined && !/^[a-z0-9_-]*$/.test(slug)) throw new CheckError('slug does not match pattern')
  const input: Record<keyof CheckInput, unknown> = {
    name: text('name', 100),
    slug,
    tags: text('tags', 500)
      ?.split(/\s+/)
      .filter((tag) => tag !== ''),
    desc: text('desc', 10_000),
    timeout: seconds('timeout', 1),
    grace: seconds('grace', 0),
    schedule: text('schedule', 100),
    tz: text('tz', 36),
    manualResume: flag('manual_resume'),
    channels: channelsOf(text('channels', 500)),
    methods: methodsOf(text('methods', 10)),
    filterBody: flag('filter_http_body'),
    defaultFail: flag('filter_default_fail'),
    startKeywords: text('start_kw', 200),
    successKeywords: text('success_kw', 200),
    failureKeywords: text('failure_kw', 200),
    unique: uniqueOf(body['unique']),
  }
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as unknown as CheckInput
}

function methodsOf(text: string | undefined): string | undefined {
  if (text !== undefined && text !== '' && text !== 'POST')
    throw new CheckError('methods has unexpected value')
  return text
}

function channelsOf(text: string | undefined): number[] | null | undefined {
  if (text === undefined) return undefined
  if (text === '*') return null
  const parts = text.split(',').map((part) => part.trim())
  if (text === '') return []
  if (!parts.every((part) => /^\d{1,9}$/.test(part))) throw new CheckError('invalid channel identifier')
  return parts.map(Number)
}

function uniqueOf(value: unknown): UniqueField[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new CheckError('unique is not an array')
  return value.map((field: unknown) => {
    const known = uniqueFields.find((name) => name === field)
    if (!known) throw new CheckError('an item in unique has unexpected value')
    return known
  })
}

/** Returns the filters of a watcher after a change; null while there are none. */
export function filterFields(input: CheckInput, before: BodyFilters | null): BodyFilters | null {
  const words = (text: string | undefined, known: readonly string[] | undefined): readonly string[] =>
    text === undefined
      ? (known ?? [])
      : text
          .split(',')
          .map((word) => word.trim())
          .filter((word) => word !== '')
  const after: BodyFilters = {
    enabled: input.filterBody ?? before?.enabled ?? false,
    subject: [],
    start: words(input.startKeywords, before?.start),
    success: words(input.successKeywords, before?.success),
    failure: words(input.failureKeywords, before?.failure),
    defaultFail: input.defaultFail ?? before?.defaultFail ?? false,
    postOnly: input.methods === undefined ? (before?.postOnly ?? false) : input.methods === 'POST',
  }
  const isEmpty =
    !after.enabled &&
    !after.postOnly &&
    !after.defaultFail &&
    after.start.length + after.success.length + after.failure.length === 0
  return isEmpty ? null : after
}
