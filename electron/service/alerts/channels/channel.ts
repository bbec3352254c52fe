import type { Log } from '../../log.ts'
import { parseRetryAfter } from '../rules.ts'
import type { Message, SendResult } from '../schema.ts'
import type { DesktopNotifier } from './desktop.ts'

/** What channels are given of the world. */
export interface ChannelWorld {
  readonly desktop: DesktopNotifier
  readonly nowMs: () => number
  /** Names this installation in the ids of mails. */
  readonly installation: string
  readonly host: string
  readonly log: Log
}

/** A way to tell people; one that fails says why, and throws nothing. */
export type Send<Settings> = (
  message: Message,
  settings: Settings,
  world: ChannelWorld,
) => Promise<SendResult>

/** A receiver that says nothing for this long (ms) is given up for this time. */
const patienceMs = 15_000
const mostAnswerBytes = 300

/** Sends an HTTP request and returns how it ended, in words that name the fault. */
export async function sendHttp(
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
  world: ChannelWorld,
): Promise<SendResult> {
  let response: Response
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(patienceMs), redirect: 'follow' })
  } catch (error) {
    return { sent: false, ...faultOf(error, url) }
  }
  const text = await startOf(response)
  if (response.ok) return { sent: true }
  const said = text === '' ? '' : `: ${text}`
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), world.nowMs())
  const isFinal =
    response.status >= 400 && response.status < 500 && ![408, 425, 429].includes(response.status)
  return {
    sent: false,
    reason: `${hostOf(url)} answered ${response.status}${said}`,
    ...(retryAfterMs !== null && { retryAfterMs }),
    ...(isFinal && { isFinal }),
  }
}

async function startOf(response: Response): Promise<string> {
  try {
    const reader = response.body?.getReader()
    const first = (await reader?.read()) as { readonly value?: Uint8Array } | undefined
    await reader?.cancel()
    const text = new TextDecoder().decode(first?.value?.subarray(0, mostAnswerBytes))
    return text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  } catch {
    return ''
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return 'the receiver'
  }
}

const faults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'is not a known name',
  EAI_AGAIN: 'could not be looked up: the name service does not answer',
  ECONNRESET: 'broke the connection off',
  ETIMEDOUT: 'did not answer in time',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached: there is no network',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a self-signed certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate that cannot be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
}

/** Returns a network failure in words. */
export function faultOf(error: unknown, url: string): { reason: string; isFinal?: boolean } {
  if (error instanceof Error && error.name === 'TimeoutError')
    return { reason: `${hostOf(url)} did not answer within ${patienceMs / 1_000} s` }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const words = faults[code]
  if (words !== undefined) return { reason: `${hostOf(url)} ${words}` }
  if (code === 'ERR_INVALID_URL') return { reason: 'the address is not a URL', isFinal: true }
  const isGarbage = cause instanceof Error && cause.name === 'HTTPParserError'
  if (isGarbage || code.startsWith('HPE_') || code === 'UND_ERR_SOCKET')
    return { reason: `${hostOf(url)} does not answer as a web server does` }
  return { reason: `${hostOf(url)}: ${cause instanceof Error ? cause.message : String(cause)}` }
}

/** A symbol and colour for each severity, where a receiver shows text alone. */
export const looks = {
  problem: { tag: 'red_circle', symbol: '🔴', colour: '#e05d44', priority: 4 },
  recovery: { tag: 'green_circle', symbol: '🟢', colour: '#4c1', priority: 3 },
  info: { tag: 'information_source', symbol: 'ℹ️', colour: '#9f9f9f', priority: 2 },
} as const
