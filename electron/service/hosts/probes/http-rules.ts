import { compile } from 'json-p3'
import type { ProbeCause } from '../../../shared/api/hosts.ts'
import type { ProbeOf } from '../../../shared/api/probes.ts'
import type { ShownCertificate } from './probe.ts'

/** What of a web server's answer is good. Pure. */

/** Returns whether a status is among those of a text such as `200-299,401`. */
export function isAccepted(status: number, accepted: string): boolean {
  return accepted.split(',').some((part) => {
    const [from = Number.NaN, to = from] = part.trim().split('-').map(Number)
    return status >= from && status <= to
  })
}

/** Returns why an expression is no JSON path (RFC 9535); null when it is one. */
export function jsonPathProblem(path: string): string | null {
  try {
    compile(path)
    return null
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 200) : String(error)
  }
}

/** Returns what is wrong with an answer; null when it is as it should be. */
export function problemOfAnswer(settings: ProbeOf<'http'>, status: number, body: string): ProbeCause | null {
  if (!isAccepted(status, settings.status ?? '200-299')) {
    const wanted = settings.status === undefined ? '' : `, not ${short(settings.status)}`
    return { kind: 'status', text: `status ${status}${wanted}` }
  }
  const { keyword, keywordAbsent = false, jsonPath, jsonValue } = settings
  if (keyword !== undefined && body.includes(keyword) === keywordAbsent)
    return {
      kind: 'content',
      text: keywordAbsent
        ? `the text “${short(keyword)}” is there`
        : `the text “${short(keyword)}” is missing`,
    }
  return jsonPath === undefined ? null : problemOfJson(jsonPath, jsonValue, body)
}

function problemOfJson(path: string, wanted: string | undefined, body: string): ProbeCause | null {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return { kind: 'content', text: 'the answer is not JSON' }
  }
  const texts = selected(path, document)
  if (texts.length === 0) return { kind: 'content', text: `the JSON has nothing at ${short(path)}` }
  if (wanted === undefined) return null
  return texts.includes(wanted)
    ? null
    : { kind: 'content', text: `${short(path)} is ${short(texts.join(', '))}, not ${short(wanted)}` }
}

/** What a document nests too deeply for is as good as not there. */
function selected(path: string, document: unknown): string[] {
  try {
    return compile(path)
      .query(document as Parameters<ReturnType<typeof compile>['query']>[0])
      .values()
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  } catch {
    return []
  }
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** Days before its expiry at which a certificate is told of. */
export const defaultCertificateDays: readonly number[] = [21, 7, 3, 1]

/** Returns how many whole days a certificate is still good; negative when it has expired. */
export function daysLeft({ expiresMs }: Pick<ShownCertificate, 'expiresMs'>, nowMs: number): number {
  return Math.floor((expiresMs - nowMs) / 86_400_000)
}

/** Returns the lowest threshold that a certificate has come to; null when it has come to none. */
export function thresholdOf(days: number, thresholds: readonly number[]): number | null {
  const reached = thresholds.filter((threshold) => days < threshold)
  return reached.length === 0 ? null : Math.min(...reached)
}

/** Codes of OpenSSL and Node for a certificate that cannot be trusted. */
const certificateCodes =
  /^(?:CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY|GET_CRL|DECRYPT)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH)/

/** Returns why a TLS handshake failed; null when that was not what failed. */
export function tlsProblem(error: unknown): ProbeCause | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = error instanceof Error ? error.message : String(error)
  if (certificateCodes.test(code)) return { kind: 'certificate', text: certificateWords(code, text) }
  if (!/^(?:ERR_SSL|EPROTO|ERR_TLS)/.test(code)) return null
  if (/wrong version number|packet length too long|http request/i.test(text))
    return { kind: 'tls', text: 'it does not speak TLS there' }
  // OpenSSL's errors end with what a person can read.
  const reason =
    text
      .split(':')
      .filter((part) => /[a-z] [a-z]/i.test(part))
      .pop() ?? code
  return { kind: 'tls', text: `TLS failed: ${reason.trim().slice(0, 100)}` }
}

function certificateWords(code: string, text: string): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired'
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'its certificate is self-signed'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its certificate is for another name'
    default:
      return `its certificate cannot be trusted: ${text.slice(0, 150)}`
  }
}
