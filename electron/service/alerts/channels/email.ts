import nodemailer from 'nodemailer'
import type { ChannelSettings, MailServer } from '../../../shared/api/alerts.ts'
import type { Message, SendResult } from '../schema.ts'
import { looks, type ChannelWorld, type Send } from './channel.ts'

const connectMs = 10_000
const answerMs = 20_000

/** Sends a mail to the addresses of a channel. */
export const sendEmail: Send<ChannelSettings['email']> = (message, { to, ...server }, world) =>
  to.length === 0
    ? Promise.resolve({ sent: false, reason: 'the channel has no address to write to', isFinal: true })
    : sendMail(message, server, to, world)

/** Sends one mail to all addresses. Mails of one incident carry the same reference, so that clients show them as a thread. */
export async function sendMail(
  message: Message,
  server: MailServer,
  to: readonly string[],
  { installation, host }: ChannelWorld,
): Promise<SendResult> {
  const transport = nodemailer.createTransport({
    host: server.host,
    port: server.port,
    secure: server.security === 'tls',
    requireTLS: server.security === 'starttls',
    ignoreTLS: server.security === 'none',
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.user && { auth: { user: server.user, pass: server.password ?? '' } }),
  })
  const { facts, incidentId } = message
  const thread = incidentId === null ? null : `<incident-${incidentId}.${installation}@watchkeeper>`
  const subject = facts.mail?.subject ?? `[Watchkeeper] ${message.title}`
  const text = textOf(message)
  try {
    const { rejected } = await transport.sendMail({
      from: server.from.includes('<') ? server.from : { name: 'Watchkeeper', address: server.from },
      to: [...to],
      subject: oneLine(message.kind === 'reminder' ? `Still: ${subject}` : subject),
      text,
      html: htmlOf(message, text),
      messageId: `<notice-${message.noticeId === 0 ? `test-${message.atMs}` : message.noticeId}.${installation}@watchkeeper>`,
      date: new Date(message.atMs),
      ...(thread !== null && { inReplyTo: thread, references: thread }),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Watchkeeper-Host': oneLine(host) },
    })
    return rejected.length === 0
      ? { sent: true }
      : { sent: true, note: `the mail server refused ${rejected.join(', ')}; the others were sent` }
  } catch (error) {
    return mailFault(error, server)
  } finally {
    transport.close()
  }
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

/** Binary output must not end up in a mail as it is. */
function printableText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]+/gu, ' ')
}

function textOf({ facts, text, link, kind }: Message): string {
  const main = facts.mail?.text ?? [text, '', ...facts.details].join('\n').trimEnd()
  const body = facts.body === '' ? '' : `\nLast output:\n\n${printableText(facts.body).trimEnd()}\n`
  const open = link === null ? '' : `\n${link}\n`
  return `${kind === 'reminder' ? `${text}\n\n` : ''}${printableText(main)}\n${body}${open}`
}

function htmlOf({ severity, title, text: sentence, facts, link }: Message, text: string): string {
  const escape = (value: string): string =>
    value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  const { colour, symbol } = looks[severity]
  return [
    '<!doctype html><html><body style="font-family:sans-serif;font-size:14px;color:#222">',
    `<p style="border-left:4px solid ${colour};padding-left:10px;margin:0 0 12px">`,
    `<strong>${symbol} ${escape(oneLine(title))}</strong><br>${escape(printableText(sentence))}</p>`,
    `<pre style="font-size:12px;white-space:pre-wrap">${escape(facts.mail ? text : printableText(facts.details.join('\n')))}</pre>`,
    link === null ? '' : `<p><a href="${escape(link)}">Open in Watchkeeper</a></p>`,
    '</body></html>',
  ].join('\n')
}

function mailFault(error: unknown, { host, port, user }: MailServer): SendResult {
  const failure = error as Error & { code?: string; responseCode?: number; response?: string }
  const said = failure.response ? `: ${oneLine(failure.response).slice(0, 200)}` : ''
  const where = `the mail server ${host}:${port}`
  switch (failure.code) {
    case 'EAUTH':
      return {
        sent: false,
        reason: `${where} refused the login${user ? ` of ${user}` : ''}${said}`,
        isFinal: true,
      }
    case 'EENVELOPE': {
      const isFinal = (failure.responseCode ?? 500) >= 500
      return { sent: false, reason: `${where} refused an address${said}`, ...(isFinal && { isFinal }) }
    }
    case 'EMESSAGE':
      return {
        sent: false,
        reason: `${where} refused the mail${said}`,
        ...((failure.responseCode ?? 0) >= 500 && { isFinal: true }),
      }
    case 'ETIMEDOUT':
      return { sent: false, reason: `${where} did not answer in time` }
    case 'ECONNREFUSED':
      return { sent: false, reason: `${where} refused the connection` }
    case 'EDNS':
    case 'ENOTFOUND':
      return { sent: false, reason: `${host} is not a known name` }
    case 'ETLS':
      return { sent: false, reason: `${where} does not offer the encryption that is asked for${said}` }
    case 'ESOCKET':
    case 'ECONNECTION':
      return { sent: false, reason: `${where} cannot be reached: ${oneLine(failure.message)}` }
    default:
      return { sent: false, reason: `${where}: ${oneLine(failure.message)}${said}` }
  }
}
