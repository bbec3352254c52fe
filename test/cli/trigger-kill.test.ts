import http from 'node:http'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import { startServe, type ServeProcess } from '../support/cli.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const total = 5_000
const connections = 64

/** Sends triggers numbered in their comment, and returns the numbers of those that were answered with 200. */
async function press(service: ServeProcess, ids: readonly string[], killAfter: number): Promise<Set<number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const acknowledged = new Set<number>()
  const origin = new URL(service.origin)
  const send = (n: number): Promise<void> =>
    new Promise((resolve) => {
      const request = http.get(
        {
          host: origin.hostname,
          port: origin.port,
          agent,
          path: `/${ids[n % ids.length] ?? ''}?comment=n${n}`,
        },
        (response) => {
          response.resume()
          response.on('end', () => {
            if (response.statusCode === 200) acknowledged.add(n)
            if (acknowledged.size === killAfter) service.child.kill('SIGKILL')
            resolve()
          })
          response.on('error', () => resolve())
        },
      )
      request.on('error', () => resolve())
    })
  await Promise.all(Array.from({ length: total }, (_, n) => send(n)))
  agent.destroy()
  return acknowledged
}

describe('kill -9 while 5,000 triggers are in flight', () => {
  it.each([1, 700, 2_500])(
    'after %i answers loses no trigger that was answered, and doubles none',
    async (killAfter) => {
      const database = path.join(temporaryFolder(), 'w.db')
      const service = await startServe(['-d', database])
      const headers = { 'x-api-key': service.key ?? '', 'content-type': 'application/json' }
      const ids = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const body = JSON.stringify({
            name: `job ${index}`,
            schedule: { kind: 'period', periodMs: 3_600_000 },
          })
          const response = await fetch(`${service.origin}/api/v1/watchers`, { method: 'POST', headers, body })
          return ((await response.json()) as Watcher).id
        }),
      )
      const acknowledged = await press(service, ids, killAfter)
      expect(acknowledged.size).toBeGreaterThanOrEqual(killAfter)
      expect(acknowledged.size).toBeLessThan(total)
      const raw = openRaw(database)
      expect(raw.pragma('integrity_check', { simple: true })).toBe('ok')
      const rows = raw
        .prepare("SELECT comment FROM watcher_event WHERE kind = 'success'")
        .pluck()
        .all() as string[]
      const facts = raw.prepare('SELECT sum(triggers) FROM watcher_state').pluck().get()
      raw.close()
      expect(new Set(rows).size).toBe(rows.length)
      expect(facts).toBe(rows.length)
      const written = new Set(rows.map((comment) => Number(comment.slice(1))))
      expect([...acknowledged].filter((n) => !written.has(n))).toEqual([])
    },
  )
})
