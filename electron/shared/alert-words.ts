/** The words of notices, used alike in code, API, UI and documents. */

/** Rooms that tell of changes. */
export const alertRooms = ['recorder', 'hosts', 'watchers', 'telemetry', 'health'] as const

export const channelKinds = ['desktop', 'email', 'webhook', 'ntfy', 'slack', 'discord', 'gotify'] as const
export type ChannelKind = (typeof channelKinds)[number]

export const channelKindWords: Readonly<Record<ChannelKind, string>> = {
  desktop: 'Desktop notice',
  email: 'E-mail',
  webhook: 'Webhook',
  ntfy: 'ntfy',
  slack: 'Slack',
  discord: 'Discord',
  gotify: 'Gotify',
}

export const noticeKinds = [
  'problem',
  'recovery',
  'info',
  'update',
  'reminder',
  'storm',
  'digest',
  'test',
] as const
export type NoticeKind = (typeof noticeKinds)[number]

export const severities = ['problem', 'recovery', 'info'] as const
export type Severity = (typeof severities)[number]

/** `waiting` and `quiet` are on their way; the others are ends. */
export const deliveryStates = ['waiting', 'quiet', 'sent', 'held', 'muted', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

export const deliveryStateWords: Readonly<Record<DeliveryState, string>> = {
  waiting: 'on its way',
  quiet: 'waiting for the end of quiet hours',
  sent: 'sent',
  held: 'held',
  muted: 'muted',
  failed: 'failed',
}
