import type { ChannelSettings } from '../../../shared/api/alerts.ts'
import type { Message } from '../schema.ts'
import { looks, sendHttp, type Send } from './channel.ts'

/** Services that take a small JSON document: ntfy, Slack, Discord and Gotify. Limits are those of spec/wire and their documents. */

const json = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

/** Cuts a text to a number of bytes without breaking a character. */
export function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= most) return text
  return `${new TextDecoder().decode(bytes.subarray(0, most - 4)).replace(/\uFFFD+$/, '')}…`
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

function longText({ text, facts }: Message): string {
  return [text, ...facts.details.slice(0, 20)].join('\n')
}

/** https://docs.ntfy.sh/publish/#publish-as-json: posted to the server's root; a message has up to 4096 bytes. */
export const sendNtfy: Send<ChannelSettings['ntfy']> = (message, settings, world) => {
  const look = looks[message.severity]
  const base = settings.priority ?? 3
  const priority = Math.max(
    1,
    Math.min(5, message.severity === 'problem' ? base + 1 : message.severity === 'info' ? base - 1 : base),
  )
  const body = {
    topic: settings.topic,
    title: cutBytes(message.title, 250),
    message: cutBytes(longText(message), 4_000),
    tags: [look.tag],
    priority,
    ...(message.link !== null && {
      click: message.link,
      actions: [{ action: 'view', label: 'Open', url: message.link }],
    }),
  }
  const headers: Record<string, string> = settings.token ? { authorization: `Bearer ${settings.token}` } : {}
  return sendHttp(`${settings.url.replace(/\/+$/, '')}/`, json(body, headers), world)
}

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; `<`, `>` and `&` are its markup. */
export const sendSlack: Send<ChannelSettings['slack']> = (message, settings, world) => {
  const escape = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const { facts } = message
  const body = {
    attachments: [
      {
        color:
          message.severity === 'problem'
            ? 'danger'
            : message.severity === 'recovery'
              ? 'good'
              : looks.info.colour,
        fallback: escape(cut(message.title, 500)),
        title: escape(cut(message.title, 500)),
        ...(message.link !== null && { title_link: message.link }),
        text: escape(cut(longText(message), 6_000)),
        ...(facts.tags.length > 0 && {
          fields: [{ title: 'Tags', value: escape(cut(facts.tags.join(' '), 500)), short: true }],
        }),
      },
    ],
  }
  return sendHttp(settings.url, json(body), world)
}

/** https://discord.com/developers/docs/resources/webhook#execute-webhook: content up to 2000 characters, nobody is pinged. */
export const sendDiscord: Send<ChannelSettings['discord']> = (message, settings, world) => {
  const look = looks[message.severity]
  const escape = (text: string): string => text.replace(/[\\*_~`|>#[\]]/g, '\\$&')
  const body = {
    content: cut(
      `${look.symbol} **${escape(cut(message.title, 400))}**\n${escape(cut(longText(message), 1_000))}`,
      2_000,
    ),
    allowed_mentions: { parse: [] },
  }
  return sendHttp(settings.url, json(body), world)
}

/** https://gotify.net/docs/pushmsg */
export const sendGotify: Send<ChannelSettings['gotify']> = (message, settings, world) => {
  const priority =
    settings.priority ?? (message.severity === 'problem' ? 8 : message.severity === 'recovery' ? 5 : 2)
  const body = {
    title: cut(message.title, 250),
    message: cut(longText(message), 8_000),
    priority,
    ...(message.link !== null && { extras: { 'client::notification': { click: { url: message.link } } } }),
  }
  const headers: Record<string, string> = settings.token ? { 'x-gotify-key': settings.token } : {}
  return sendHttp(`${settings.url.replace(/\/+$/, '')}/message`, json(body, headers), world)
}
