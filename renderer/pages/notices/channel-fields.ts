import type { ChannelKind } from '../../../electron/shared/alert-words.ts'

/** A setting of a channel, as its form shows it. */
export interface ChannelField {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'secret' | 'number' | 'addresses' | 'choice' | 'lines' | 'headers'
  readonly help?: string
  readonly placeholder?: string
  readonly choices?: readonly { readonly value: string; readonly label: string }[]
  readonly initial?: string | number | readonly string[]
  readonly optional?: boolean
}

const placeholdersHelp =
  '$NAME $STATUS $CODE $NOW $TAGS $TAG1 $SLUG $JSON $NAME_JSON $BODY $BODY_JSON $EXITSTATUS, or {{ msg }} {{ monitor.name }} {{ heartbeat.status }}'

/** The settings of each kind of channel, in the order of its form. */
export const channelFields: Readonly<Record<ChannelKind, readonly ChannelField[]>> = {
  desktop: [],
  email: [
    { name: 'host', label: 'Mail server', type: 'text', placeholder: 'smtp.example.org' },
    { name: 'port', label: 'Port', type: 'number', initial: 587 },
    {
      name: 'security',
      label: 'Encryption',
      type: 'choice',
      initial: 'starttls',
      choices: [
        { value: 'starttls', label: 'STARTTLS (587)' },
        { value: 'tls', label: 'TLS from the start (465)' },
        { value: 'none', label: 'None (25, this machine only)' },
      ],
    },
    { name: 'user', label: 'User', type: 'text', optional: true },
    { name: 'password', label: 'Password', type: 'secret', optional: true },
    { name: 'from', label: 'Sender', type: 'text', placeholder: 'watchkeeper@example.org' },
    {
      name: 'to',
      label: 'Recipients',
      type: 'addresses',
      initial: [],
      help: 'Watchers with addresses of their own use this server too',
    },
  ],
  webhook: [
    {
      name: 'url',
      label: 'Address',
      type: 'text',
      placeholder: 'https://example.org/hook',
      help: placeholdersHelp,
    },
    {
      name: 'method',
      label: 'Method',
      type: 'choice',
      initial: 'POST',
      choices: [
        { value: 'POST', label: 'POST' },
        { value: 'PUT', label: 'PUT' },
        { value: 'GET', label: 'GET' },
      ],
    },
    {
      name: 'headers',
      label: 'Headers',
      type: 'headers',
      optional: true,
      placeholder: 'Authorization: Bearer …',
    },
    {
      name: 'body',
      label: 'Body',
      type: 'lines',
      optional: true,
      help: 'A template with the same placeholders; left empty, Uptime Kuma’s JSON {heartbeat, monitor, msg}',
    },
  ],
  ntfy: [
    { name: 'url', label: 'Server', type: 'text', initial: 'https://ntfy.sh' },
    { name: 'topic', label: 'Topic', type: 'text', placeholder: 'a name that nobody guesses' },
    { name: 'token', label: 'Access token', type: 'secret', optional: true },
    { name: 'priority', label: 'Priority (1–5)', type: 'number', optional: true, placeholder: '3' },
  ],
  slack: [
    {
      name: 'url',
      label: 'Webhook address',
      type: 'text',
      placeholder: 'https://hooks.slack.com/services/…',
    },
  ],
  discord: [
    {
      name: 'url',
      label: 'Webhook address',
      type: 'text',
      placeholder: 'https://discord.com/api/webhooks/…',
    },
  ],
  gotify: [
    { name: 'url', label: 'Server', type: 'text', placeholder: 'https://gotify.example.org' },
    { name: 'token', label: 'Application token', type: 'secret' },
    { name: 'priority', label: 'Priority (0–10)', type: 'number', optional: true },
  ],
}

/** Returns headers from lines of `Name: value`. */
export function headersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line))
      .flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])),
  )
}

/** Returns headers as lines of `Name: value`. */
export function headerLines(headers: unknown): string {
  return Object.entries((headers ?? {}) as Record<string, string>)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
}
