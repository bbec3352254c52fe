import { spawn } from 'node:child_process'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../electron/service/clock.ts'
import { openRecordStore } from '../../electron/service/telemetry/records/open-store.ts'
import { command, runCli, startServe, type ServeProcess } from '../support/cli.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { aCrash, aRecord } from '../support/records.ts'
import { clientHeaders, eventId } from '../support/telemetry.ts'
import { temporaryFolder } from '../support/temporary.ts'

describe.skipIf(noPostgres !== null)(
  `a fleet${noPostgres === null ? '' : ` (skipped: ${noPostgres})`}`,
  () => {
    let server: TestPostgres
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server.stop())

    const post = (origin: string, headers: Readonly<Record<string, string>>): Promise<number | null> =>
      new Promise((resolve) => {
        const request = http.request(
          `${origin}/v2/collector`,
          { method: 'POST', headers, timeout: 5_000 },
          (response) => {
            response.resume()
            response.on('end', () => resolve(response.statusCode ?? 0))
            response.on('error', () => resolve(null))
          },
        )
        request.on('error', () => resolve(null))
        request.on('timeout', () => request.destroy())
        request.end('Process: x\n\n#0 f() - [app]\n')
      })

    it('loses and doubles no record while its collectors are killed, one after the other', async () => {
      const address = server.database('fleet')
      const folder = temporaryFolder()
      const serve = (name: string): Promise<ServeProcess> =>
        startServe(['-d', path.join(folder, `${name}.db`), '--telemetry-database', address, '-v', 'error'])
      const collectors = [await serve('a'), await serve('b')]
      for (const { origin, key } of collectors)
        await fetch(`${origin}/api/v1/telemetry/settings`, {
          method: 'PATCH',
          headers: { 'x-api-key': key ?? '', 'content-type': 'application/json' },
          body: JSON.stringify({ stormLimit: 0 }),
        })
      const run = { isOver: false, sent: 0 }
      /** A client goes on with a record until it is taken, as real ones do, at whichever collector answers. */
      const client = async (): Promise<void> => {
        while (!run.isOver) {
          const event = eventId()
          const headers = {
            ...clientHeaders,
            event_id: event,
            classification: 'org.clearlinux/crash/clr',
            machine_id: event.slice(-8),
          }
          for (let tries = 0; ; tries += 1) {
            const status = await post(collectors[tries % 2]?.origin ?? '', headers)
            if (status === 200 || status === 201) break
            if (status === 400) throw new Error('a right record was refused')
            await pause(20)
          }
          run.sent += 1
        }
      }
      const clients = Array.from({ length: 16 }, client)
      for (let round = 0; round < 6; round += 1) {
        const before = run.sent
        while (run.sent < before + 150) await pause(20)
        const killed = collectors[round % 2]
        await killed?.end('SIGKILL')
        collectors[round % 2] = await serve(round % 2 === 0 ? 'a' : 'b')
      }
      run.isOver = true
      await Promise.all(clients)
      const store = await openRecordStore({ kind: 'postgres', address }, systemClock())
      const { records } = await store.ask('summary', null)
      const machines = await store.ask('grouped', { filter: {}, by: [] })
      await store.close()
      expect(records).toBe(run.sent)
      expect(machines[0]?.['machines']).toBe(run.sent)
    }, 90_000)

    it('takes over a file’s records, can be broken off, and doubles nothing', async () => {
      const database = path.join(temporaryFolder(), 'watchkeeper.db')
      const file = path.join(path.dirname(database), 'records.db')
      const from = await openRecordStore({ kind: 'sqlite', file }, systemClock())
      const count = 3_000
      await Promise.all(
        Array.from({ length: count }, (_, index) =>
          from.insert(
            {
              record:
                index % 3 === 0
                  ? aCrash(['abort() libc.so.6', 'f() app'], { payload: 'x\n#0 f() - [Ä]\n' })
                  : aRecord({ recordVersion: index % 2 === 0 ? 4 : 2 }),
              serverMs: 1_790_000_000_000 + index,
            },
            0,
          ),
        ),
      )
      await from.close()
      const address = server.database('moved')
      const broken = spawn(
        process.execPath,
        [command, 'telemetry', 'move', '-d', database, '--to', address],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      )
      await new Promise<void>((resolve) => broken.stderr.once('data', () => resolve()))
      broken.kill('SIGKILL')
      await new Promise((resolve) => broken.once('exit', resolve))
      const first = await runCli(['telemetry', 'move', '-d', database, '--to', address])
      expect(first.stderr + first.stdout).toContain(`${count} of ${count} records`)
      expect(first.code).toBe(0)
      const again = await runCli(['telemetry', 'move', '-d', database, '--to', address])
      expect(again.stdout).toContain(`${count} records are in`)
      expect(again.stdout).toContain(', 0 of them added now')
      const to = await openRecordStore({ kind: 'postgres', address }, systemClock())
      expect(await to.ask('summary', null)).toMatchObject({
        records: count,
        crashes: 1_000,
        oldestMs: 1_790_000_000_000,
        newestMs: 1_790_000_000_000 + count - 1,
      })
      await to.close()
      const wrong = await runCli(['telemetry', 'move', '-d', database, '--to', 'mysql://x'])
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        expect.stringContaining("argument --to: 'mysql://x' is not an address"),
      ])
      const away = await runCli([
        'telemetry',
        'move',
        '-d',
        database,
        '--to',
        'postgres://me:secret@127.0.0.1:1/none',
      ])
      expect(away.code).toBe(1)
      expect(away.stderr).not.toContain('secret')
      expect(away.stderr.trimEnd().split('\n')).toHaveLength(1)
    }, 60_000)

    it('answers 503 while its database is away, lives through it, and goes on by itself', async () => {
      const away = await startPostgres()
      const { origin, key } = await startServe([
        '-d',
        path.join(temporaryFolder(), 'w.db'),
        '--telemetry-database',
        away.database('gone'),
        '-v',
        'error',
      ])
      const headers = { ...clientHeaders, event_id: eventId() }
      while ((await post(origin, headers)) !== 201) await pause(50)
      await away.stop()
      expect(await post(origin, { ...headers, event_id: eventId() })).toBe(503)
      const asked = async (route: string): Promise<number> =>
        (await fetch(`${origin}${route}`, { headers: { 'x-api-key': key ?? '' } })).status
      expect(await asked('/api/records')).toBe(503)
      expect(await asked('/api/v1/telemetry/crashes')).toBe(503)
      expect(await asked('/api/v1/telemetry')).toBeLessThan(504)
      expect(await asked('/api/v1/overview')).toBe(200)
      expect(await asked('/metrics')).toBe(200)
      expect(await asked('/healthz')).toBe(200)
    }, 60_000)
  },
)
