import http from 'node:http'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import type { MachineHistory } from '../../electron/shared/api/machine.ts'
import { startBrowser } from '../support/browser.ts'
import { startServe, type ServeProcess } from '../support/cli.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { visit } from '../support/visit.ts'

const forMs = 120_000
const clients = 8
/** So many that none has more triggers than the rule of what is kept keeps. */
const watchers = 100

let browser: Browser
beforeAll(async () => (browser = await startBrowser()))
afterAll(() => browser.close())

/** Triggers watchers in turn until told to stop, and remembers what was answered. */
function press(
  service: ServeProcess,
  ids: readonly string[],
  begin: number,
): { stop(): Promise<void>; acknowledged: number[] } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  const { hostname, port } = new URL(service.origin)
  const acknowledged: number[] = []
  let next = begin
  let isOver = false
  const send = (n: number): Promise<boolean> =>
    new Promise((resolve) => {
      const request = http.get(
        { host: hostname, port, agent, path: `/${ids[n % ids.length] ?? ''}?comment=n${n}` },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode === 200))
          response.on('error', () => resolve(false))
        },
      )
      request.on('error', () => resolve(false))
    })
  const client = async (): Promise<void> => {
    while (!isOver) {
      const n = next
      next += 1
      if (await send(n)) acknowledged.push(n)
      // A load, not a flood: what counts are the kills.
      await wait(25)
    }
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    acknowledged,
    async stop() {
      isOver = true
      await running
      agent.destroy()
    },
  }
}

describe('a service that is killed every few seconds for two minutes under load', () => {
  it('loses nothing that it answered, doubles nothing, and calls nobody late or down', async () => {
    const database = path.join(temporaryFolder(), 'w.db')
    let ids: string[] = []
    const acknowledged: number[] = []
    const beganMs = performance.now()
    let kills = 0
    for (let begin = 0; performance.now() - beganMs < forMs; begin += 100_000) {
      const service = await startServe(['-d', database, '-i', '1'])
      const headers = { 'x-api-key': service.key ?? '', 'content-type': 'application/json' }
      if (ids.length === 0) {
        const create = async (index: number): Promise<string> => {
          const body = JSON.stringify({
            name: `job ${index}`,
            schedule: { kind: 'period', periodMs: 600_000 },
          })
          const answer = await fetch(`${service.origin}/api/v1/watchers`, { method: 'POST', headers, body })
          return ((await answer.json()) as Watcher).id
        }
        ids = await Promise.all(Array.from({ length: watchers }, (_, index) => create(index)))
        const probe = { kind: 'icmp' }
        const host = JSON.stringify({ domain: '127.0.0.1', name: 'Self', intervalMs: 1_000, probes: [probe] })
        await fetch(`${service.origin}/api/v1/hosts`, { method: 'POST', headers, body: host })
      }
      const load = press(service, ids, begin)
      await wait(1_000 + Math.random() * 4_000)
      await service.end('SIGKILL')
      kills += 1
      await load.stop()
      acknowledged.push(...load.acknowledged)
    }
    expect(kills).toBeGreaterThan(15)
    const service = await startServe(['-d', database])
    const get = async <T>(route: string): Promise<T> =>
      (await (
        await fetch(`${service.origin}/api/v1/${route}`, { headers: { 'x-api-key': service.key ?? '' } })
      ).json()) as T
    const { figures } = await get<MachineHistory>('machine')
    expect([figures.ms.down, figures.crashes, figures.stops]).toEqual([0, 0, 0])
    expect(await get('incidents')).toEqual([])
    const { page, complaints } = await visit(browser, `${service.origin}/#key=${service.key ?? ''}`)
    await page.getByTestId('standing').waitFor()
    await page.locator('[data-lane=recorder] button').first().waitFor()
    expect(complaints).toEqual([])
    await service.end('SIGTERM')
    const raw = openRaw(database)
    expect(raw.pragma('integrity_check', { simple: true })).toBe('ok')
    const rows = raw
      .prepare("SELECT comment FROM watcher_event WHERE kind = 'success'")
      .pluck()
      .all() as string[]
    raw.close()
    const kept = new Set(rows)
    expect(kept.size).toBe(rows.length)
    expect(acknowledged.filter((n) => !kept.has(`n${n}`))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(1_000)
  }, 240_000)
})
