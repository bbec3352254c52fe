import { Compile } from 'typebox/compile'
import {
  channelSettings,
  type Channel,
  type ChannelSettings,
  type QuietHours,
} from '../../shared/api/alerts.ts'
import type { ChannelKind } from '../../shared/alert-words.ts'
import { HttpProblem } from '../problem.ts'
import type { Connection } from '../store/open.ts'
import type { DesktopNotifier } from './channels/desktop.ts'
import { quietUntil } from './rules.ts'
import type { ChannelRow, Message } from './schema.ts'
import { plainFacts } from '../context.ts'

/** Settings that are never shown again once they are set. */
export const secretNames = ['password', 'token'] as const

const checks = Object.fromEntries(
  Object.entries(channelSettings).map(([kind, schema]) => [kind, Compile(schema)]),
) as unknown as Record<
  ChannelKind,
  {
    Check(value: unknown): boolean
    Errors(value: unknown): Iterable<{ instancePath: string; message: string }>
  }
>

/** @throws HttpProblem 400 when settings do not fit their kind */
function checkSettings(kind: ChannelKind, settings: Record<string, unknown>): ChannelSettings[ChannelKind] {
  const check = checks[kind]
  if (!check.Check(settings)) {
    const [first] = check.Errors(settings)
    const place = `settings${first?.instancePath.replaceAll('/', '.') ?? ''}`
    throw new HttpProblem(400, `${place}: ${first?.message ?? 'does not fit this kind of channel'}`)
  }
  if (kind === 'webhook') checkWebhook(settings as ChannelSettings['webhook'])
  if (kind === 'email') checkMail(settings as ChannelSettings['email'])
  return settings
}

function checkWebhook({ url, headers }: ChannelSettings['webhook']): void {
  if (!/^https?:\/\/[^\s]+$/.test(url))
    throw new HttpProblem(400, 'settings.url: must begin with http:// or https://')
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name) || /[\r\n\0]/.test(value))
      throw new HttpProblem(400, `settings.headers: '${name.slice(0, 40)}' is not a header`)
    if (/^(?:host|content-length|connection|transfer-encoding)$/i.test(name))
      throw new HttpProblem(400, `settings.headers: ${name} is set by Watchkeeper itself`)
  }
}

function checkMail({ from, to }: ChannelSettings['email']): void {
  const isAddress = (text: string): boolean =>
    /^[^\s\p{Cc}<>(),;:"[\]\\]+@[^\s\p{Cc}<>(),;:"[\]\\]+$/u.test(text)
  const bare = /^[^<>\p{Cc}]*<([^<>]+)>$/u.exec(from)?.[1] ?? from
  if (!isAddress(bare))
    throw new HttpProblem(400, `settings.from: '${from.slice(0, 80)}' is not an e-mail address`)
  const bad = to.find((address) => !isAddress(address))
  if (bad !== undefined)
    throw new HttpProblem(400, `settings.to: '${bad.slice(0, 80)}' is not an e-mail address`)
}

function checkQuiet(quiet: QuietHours | null): void {
  if (quiet === null) return
  try {
    new Intl.DateTimeFormat('en', { timeZone: quiet.zone })
  } catch {
    throw new HttpProblem(400, `quiet.zone: '${quiet.zone}' is not a time zone`)
  }
}

/** Adds a channel and returns its id. @throws HttpProblem 400 */
export function createChannel(
  db: Connection,
  given: {
    kind: ChannelKind
    name: string
    settings: Record<string, unknown>
    enabled?: boolean
    quiet?: QuietHours | null
  },
  nowMs: number,
): number {
  const settings = checkSettings(given.kind, given.settings)
  checkQuiet(given.quiet ?? null)
  const { lastInsertRowid } = db
    .prepare(
      'INSERT INTO channel (kind, name, enabled, settings, quiet, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .run(
      given.kind,
      given.name,
      given.enabled === false ? 0 : 1,
      JSON.stringify(settings),
      given.quiet ? JSON.stringify(given.quiet) : null,
      Math.round(nowMs),
    )
  return Number(lastInsertRowid)
}

/** Returns what of a channel is never shown again. */
export function secretsOf({ settings }: ChannelRow): Record<string, unknown> {
  const known = settings as Record<string, unknown>
  return Object.fromEntries(secretNames.flatMap((name) => (name in known ? [[name, known[name]]] : [])))
}

/** Changes a channel; a secret that is left out stays. @throws HttpProblem 400 */
export function changeChannel(
  db: Connection,
  channel: ChannelRow,
  change: { name?: string; enabled?: boolean; quiet?: QuietHours | null; settings?: Record<string, unknown> },
  nowMs: number,
): void {
  const settings =
    change.settings === undefined
      ? channel.settings
      : checkSettings(channel.kind, { ...secretsOf(channel), ...change.settings })
  const quiet = change.quiet === undefined ? channel.quiet : change.quiet
  checkQuiet(quiet)
  db.prepare('UPDATE channel SET name = ?, enabled = ?, settings = ?, quiet = ? WHERE id = ?').run(
    change.name ?? channel.name,
    (change.enabled ?? channel.enabled) ? 1 : 0,
    JSON.stringify(settings),
    quiet === null ? null : JSON.stringify(quiet),
    channel.id,
  )
  // What waits for the end of quiet hours is looked at anew: they may have been moved or ended.
  if (change.quiet !== undefined)
    db.prepare("UPDATE delivery SET next_ms = ? WHERE channel_id = ? AND state = 'quiet'").run(
      quietUntil(quiet, nowMs) ?? Math.round(nowMs),
      channel.id,
    )
}

/** Removes a channel; what waited for it has failed, with the reason. */
export function removeChannel(db: Connection, id: number, nowMs: number): void {
  db.prepare('DELETE FROM channel WHERE id = ?').run(id)
  db.prepare(
    `UPDATE delivery SET state = 'failed', reason = 'the channel was removed', next_ms = NULL, done_ms = ?
     WHERE channel_id = ? AND state IN ('waiting', 'quiet')`,
  ).run(Math.round(nowMs), id)
}

/** Returns a channel as the API shows it: without its secrets. */
export function channelView(channel: ChannelRow, desktop: DesktopNotifier): Channel {
  const entries = Object.entries(channel.settings as Record<string, unknown>)
  const isSecret = (name: string): boolean => (secretNames as readonly string[]).includes(name)
  return {
    id: channel.id,
    kind: channel.kind,
    name: channel.name,
    enabled: channel.enabled,
    quiet: channel.quiet,
    settings: Object.fromEntries(entries.filter(([name]) => !isSecret(name))),
    hasSecret: entries.some(([name, value]) => isSecret(name) && typeof value === 'string' && value !== ''),
    usable: channel.kind === 'desktop' ? desktop.problem() : null,
  }
}

/** Returns what the test button sends. */
export function testMessage(nowMs: number): Message {
  const text = 'This is a test. If you can read it, notices arrive here.'
  return {
    noticeId: 0,
    incidentId: null,
    atMs: nowMs,
    kind: 'test',
    severity: 'info',
    title: 'Test notice of Watchkeeper',
    text,
    facts: plainFacts('Watchkeeper', text),
    link: null,
  }
}
