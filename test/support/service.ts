import path from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock, type Clock } from '../../electron/service/clock.ts'
import { createLog } from '../../electron/service/log.ts'
import { startService, type Service, type ServiceOptions } from '../../electron/service/service.ts'
import { quietHealth } from './health-bench.ts'
import { quietEdges } from './recorder-bench.ts'
import { temporaryFolder } from './temporary.ts'

/** A real service on a free port and a real file, in this process. */
export interface TestService {
  readonly service: Service
  readonly lines: string[]
  /** Sends a request; with the access key unless `key` says otherwise. */
  fetch(path: string, init?: RequestInit & { key?: string | null }): Promise<Response>
}

export async function startTestService(options: Partial<ServiceOptions> = {}): Promise<TestService> {
  const clock: Clock = options.clock ?? systemClock()
  const lines: string[] = []
  const service = await startService({
    database: path.join(temporaryFolder(), 'watchkeeper.db'),
    intervalMs: 10_000,
    listen: { host: '127.0.0.1', port: 0 },
    needsKey: true,
    allowedHosts: [],
    log: createLog(
      'debug',
      { write: (line) => lines.push(line), close: () => undefined },
      () => clock.read().wallMs,
    ),
    edges: quietEdges(),
    health: quietHealth(),
    ...options,
    clock,
  })
  onTestFinished(() => service.stop('quit'))
  return {
    service,
    lines,
    fetch: (route, { key = service.key, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (key !== null) headers.set('authorization', `Bearer ${key}`)
      return fetch(`${service.origin}${route}`, { ...init, headers })
    },
  }
}
