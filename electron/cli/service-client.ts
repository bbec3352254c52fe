import type { ApiError } from '../shared/api/common.ts'
import { readKey } from '../service/http/access.ts'
import { sideFiles } from '../service/store/location.ts'
import { isLocked, readServiceAddress } from '../service/store/lock.ts'
import { Option, type Command } from 'commander'
import { CommandError, databaseOf, exitCodes } from './io.ts'
import { databaseOption } from './options.ts'

/** Which service a command means: the one of a database on this machine, or one by its address. */
export interface ServiceChoice {
  readonly database?: string
  readonly url?: string
  readonly key?: string
}

/** Where a service is, and the key it asks for; or why it cannot be asked. */
export type ServiceTarget =
  { readonly origin: string; readonly key: string | null } | { readonly away: string }

/** Adds the options by which a command names its service. */
export function withServiceOptions(command: Command): Command {
  return command
    .addOption(databaseOption())
    .addOption(
      new Option('--url <address>', 'address of the service, when it runs elsewhere').env('WATCHKEEPER_URL'),
    )
    .addOption(new Option('--key <key>', 'its access key').env('WATCHKEEPER_KEY'))
}

/** @throws CommandError when the address is none */
export function findService({ database, url, key }: ServiceChoice): ServiceTarget {
  if (url !== undefined) {
    if (!/^https?:\/\/[^\s/]+/.test(url))
      throw new CommandError(
        `argument --url: '${url}' is not an address such as http://nas:8737`,
        exitCodes.usage,
      )
    return { origin: new URL(url).origin, key: key ?? null }
  }
  const file = databaseOf(database)
  if (!isLocked(file)) return { away: `no service runs on ${file}` }
  const service = readServiceAddress(file)
  if (service === null) return { away: 'the service is just starting or stopping' }
  return { origin: service.origin, key: key ?? readKey(sideFiles(file).key) }
}

/** What came of a request. */
export type Answer =
  | { readonly kind: 'answered'; readonly body: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  | { readonly kind: 'away'; readonly message: string }

const patienceMs = 10_000
const textPatienceMs = 60_000

/** Asks a service; never throws for what the network or the service does. */
export async function ask(
  target: ServiceTarget,
  method: string,
  path: string,
  body?: unknown,
  waitMs = patienceMs,
  read: (text: string) => unknown = parsed,
): Promise<Answer> {
  if ('away' in target) return { kind: 'away', message: target.away }
  const headers: Record<string, string> = {
    'user-agent': 'watchkeeper-cli',
    ...(target.key !== null && { authorization: `Bearer ${target.key}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  let response: Response
  try {
    response = await fetch(`${target.origin}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(waitMs),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok) return { kind: 'answered', body: read(text) }
    return refusal(response.status, errorIn(text), target)
  } catch (error) {
    return { kind: 'away', message: `the service at ${target.origin} does not answer: ${reasonOf(error)}` }
  }
}

/** Answers that a second try may change count as absence: the service is starting, busy or full. */
export function refusal(status: number, message: string | null, { key }: { key: string | null }): Answer {
  if (status >= 500 || status === 429 || status === 408)
    return { kind: 'away', message: `the service answers ${status}${message === null ? '' : `: ${message}`}` }
  if (status === 401 && key === null)
    return {
      kind: 'refused',
      status,
      message: 'the access key cannot be read by this user; give it with --key',
    }
  return { kind: 'refused', status, message: message ?? `the service answers ${status}` }
}

function errorIn(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as Partial<ApiError>
    return typeof error === 'string' ? error : null
  } catch {
    return null
  }
}

/** Returns why a request failed, in the words of the network rather than of `fetch`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'it took too long'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}

const parsed = (text: string): unknown => (text === '' ? null : (JSON.parse(text) as unknown))

/** Asks a service for a text without which the command is pointless. @throws CommandError */
export async function demandText(choice: ServiceChoice, path: string): Promise<string> {
  return bodyOf(await ask(findService(choice), 'GET', path, undefined, textPatienceMs, String)) as string
}

/** Asks a service for something without which the command is pointless. @throws CommandError */
export async function demand<T>(
  choice: ServiceChoice,
  method: string,
  path: string,
  body?: unknown,
  waitMs?: number,
): Promise<T> {
  return bodyOf(await ask(findService(choice), method, path, body, waitMs)) as T
}

/** @throws CommandError */
function bodyOf(answer: Answer): unknown {
  switch (answer.kind) {
    case 'answered':
      return answer.body
    case 'refused':
      throw new CommandError(answer.message)
    case 'away':
      throw new CommandError(answer.message, exitCodes.notThere)
    default:
      return answer satisfies never
  }
}
