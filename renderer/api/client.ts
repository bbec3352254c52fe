import type { ApiError } from '../../electron/shared/api/common.ts'
import { accessKey } from './key.ts'

/** Why a request failed, as a kind to act on and a sentence to show. */
export class ApiFailure extends Error {
  readonly kind: 'unreachable' | 'unauthorised' | 'refused'

  constructor(kind: ApiFailure['kind'], message: string) {
    super(message)
    this.name = 'ApiFailure'
    this.kind = kind
  }
}

/** Sends a request with the access key. @throws ApiFailure */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (accessKey.value !== null) headers.set('authorization', `Bearer ${accessKey.value}`)
  if (init.body !== undefined) headers.set('content-type', 'application/json')
  let response: Response
  try {
    response = await fetch(path, { ...init, headers, credentials: 'omit', cache: 'no-store' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiFailure('unreachable', 'The service does not answer.')
  }
  if (response.ok) return response
  const body = (await response.json().catch(() => null)) as ApiError | null
  const message = body?.error ?? `The service answered ${response.status}.`
  throw new ApiFailure(
    response.status === 401 || response.status === 429 ? 'unauthorised' : 'refused',
    message,
  )
}

/** Gets JSON of the native API. @throws ApiFailure */
export async function getJson<T>(
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
  signal?: AbortSignal,
): Promise<T> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  const search = new URLSearchParams(given).toString()
  const response = await request(
    `/api/v1/${path}${search === '' ? '' : `?${search}`}`,
    signal ? { signal } : {},
  )
  return (await response.json()) as T
}

/** Sends JSON to the native API and returns what it answers. @throws ApiFailure */
export async function sendJson<T>(
  method: 'PUT' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await request(`/api/v1/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return (response.status === 204 ? null : await response.json()) as T
}

/** Returns why a request failed, for people. */
export function failureText(error: unknown): string {
  return error instanceof ApiFailure ? error.message : 'The page met an error of its own.'
}

/** Downloads a file of the native API under the name that the service gives it. @throws ApiFailure */
export async function download(path: string): Promise<void> {
  const response = await request(`/api/v1/${path}`)
  const name =
    /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'watchkeeper'
  const address = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser needs the address until the download has begun.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
