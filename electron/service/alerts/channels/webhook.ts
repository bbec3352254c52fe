import type { ChannelSettings } from '../../../shared/api/alerts.ts'
import { isoTime } from '../../../shared/time-text.ts'
import type { Message } from '../schema.ts'
import { looks, sendHttp, type Send } from './channel.ts'

/** What templates can name: healthchecks' placeholders (`$NAME`) and Uptime Kuma's (`{{ monitor.name }}`, `{{ msg }}`). */

const statusWord = (message: Message): 'up' | 'down' => (message.severity === 'problem' ? 'down' : 'up')

/** Returns Uptime Kuma's own document of a notice: `{heartbeat, monitor, msg}`. */
export function kumaDocument(message: Message): Record<string, unknown> {
  const isDown = message.severity === 'problem'
  const { facts } = message
  return {
    heartbeat: {
      monitorID: facts.code,
      status: isDown ? 0 : 1,
      time: isoTime(message.atMs).replace('T', ' ').replace('Z', ''),
      msg: message.text,
      ping: null,
      important: true,
      duration: 0,
      retries: 0,
    },
    monitor: {
      id: facts.code,
      name: facts.name,
      type: 'push',
      url: message.link,
      tags: facts.tags.map((name) => ({ name })),
    },
    msg: `[${facts.name}] [${looks[message.severity].symbol} ${isDown ? 'Down' : message.severity === 'info' ? 'Info' : 'Up'}] ${message.text}`,
  }
}

/** Returns healthchecks' placeholders with their values (hc/integrations/webhook). */
export function placeholders(message: Message): Readonly<Record<string, string>> {
  const { facts } = message
  const check = {
    name: facts.name,
    slug: facts.slug,
    tags: facts.tags.join(' '),
    status: statusWord(message),
    uuid: facts.code,
  }
  return {
    NAME: facts.name,
    STATUS: statusWord(message),
    CODE: facts.code,
    NOW: `${isoTime(message.atMs).slice(0, 19)}+00:00`,
    TAGS: facts.tags.join(' '),
    SLUG: facts.slug,
    JSON: JSON.stringify(check),
    NAME_JSON: JSON.stringify(facts.name),
    BODY: facts.body,
    BODY_JSON: JSON.stringify(facts.body),
    EXITSTATUS: String(facts.exitStatus ?? -1),
    ...Object.fromEntries(facts.tags.map((tag, index) => [`TAG${index + 1}`, tag])),
  }
}

/**
 * Fills a template in one pass, so that a value that looks like a placeholder stays as it is. `escape` makes a value fit its
 * place.
 */
export function fillTemplate(
  template: string,
  message: Message,
  escape: (value: string) => string = (v) => v,
): string {
  const values = placeholders(message)
  const names = Object.keys(values).sort((a, b) => b.length - a.length)
  const pattern = new RegExp(`\\$(${names.join('|')}|TAG\\d+)|\\{\\{\\s*([A-Za-z.]+)\\s*\\}\\}`, 'g')
  const document = kumaDocument(message)
  return template.replace(pattern, (whole, dollar: string | undefined, path: string | undefined) => {
    if (dollar !== undefined) return escape(values[dollar] ?? '')
    const value = (path ?? '')
      .split('.')
      .reduce<unknown>(
        (node, key) =>
          typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[key] : undefined,
        document,
      )
    if (value === undefined) return whole
    return escape(typeof value === 'string' ? value : JSON.stringify(value))
  })
}

/** Sends a request of the user's own making; without a template, Uptime Kuma's document. */
export const sendWebhook: Send<ChannelSettings['webhook']> = async (message, settings, world) => {
  const url = fillTemplate(settings.url, message, encodeURIComponent)
  const method = settings.method ?? 'POST'
  const template = settings.body ?? null
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(settings.headers ?? {}))
    // Values of clients must not begin a header of their own, and headers are Latin-1.
    headers[name.toLowerCase()] = fillTemplate(value, message, (text) => text.replace(/[^\x20-\x7e]+/g, ' '))
  if (method === 'GET') return sendHttp(url, { method, headers }, world)
  const isJson = template === null
  const body = isJson ? JSON.stringify(kumaDocument(message)) : fillTemplate(template, message)
  headers['content-type'] ??=
    isJson || /^\s*[[{]/.test(body) ? 'application/json' : 'text/plain; charset=utf-8'
  return sendHttp(url, { method, headers, body }, world)
}
