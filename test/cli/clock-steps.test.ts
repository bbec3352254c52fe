import { describe, expect, it } from 'vitest'
import path from 'node:path'
import type { Watcher } from '../../electron/shared/api/watchers.ts'
import { runCli, startServe } from '../support/cli.ts'
import { fakedWallClock, faketimeLibrary } from '../support/faketime.ts'
import { openRaw } from '../support/raw-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const year = 365 * 86_400

if (faketimeLibrary === null)
  process.stdout.write('skipped: libfaketime is not installed (apt-get install faketime)\n')

describe.skipIf(faketimeLibrary === null)(
  'a real wall clock that is stepped while the monotonic one stays true',
  () => {
    it.each([-10 * year, 10 * year])(
      'by %d s moves the flight’s begin, and keeps its length',
      async (offset) => {
        const folder = temporaryFolder()
        const database = path.join(folder, 'w.db')
        const wall = fakedWallClock(folder, faketimeLibrary ?? '')
        const startedAt = performance.now()
        const serve = await startServe(['-d', database, '-i', '0.2', '-v', 'debug'], { env: wall.env })
        await serve.line(/Updated flight record/)
        wall.set(offset)
        expect(await serve.line(/The wall clock was moved by/)).toContain('WARNING')
        await serve.line(/Updated flight record/)
        await serve.line(/Updated flight record/)
        expect((await serve.end('SIGTERM')).code).toBe(0)
        const ranMs = performance.now() - startedAt

        const raw = openRaw(database)
        const flight = raw.prepare('SELECT duration, last_ts FROM flight').get() as {
          duration: number
          last_ts: number
        }
        const steps = raw.prepare('SELECT step_ms FROM clock_step').pluck().all() as number[]
        raw.close()
        expect(steps).toHaveLength(1)
        expect(Math.abs((steps[0] ?? 0) - offset * 1_000)).toBeLessThan(5_000)
        expect(flight.duration * 1_000).toBeLessThanOrEqual(ranMs)
        expect(flight.duration).toBeGreaterThan(0.6)
        expect(Math.abs(flight.last_ts - offset - Date.now() / 1_000)).toBeLessThan(60)

        // The text tells what the row says; the history does not believe a clock before the program was made.
        const report = await runCli(['report', '-d', database])
        expect(report.stdout).toContain(
          `FLIGHT #1: ${new Date((flight.last_ts - flight.duration) * 1_000).getUTCFullYear()}-`,
        )
        const history = JSON.parse(
          (await runCli(['report', '--json', '-d', database], { env: offset > 0 ? wall.env : {} })).stdout,
        ) as {
          flights: { begin: string; durationMs: number }[]
          figures: { ms: Record<string, number>; windowMs: number }
        }
        expect(history.flights[0]?.durationMs).toBe(Math.round(flight.duration * 1_000))
        expect(Object.values(history.figures.ms).reduce((sum, ms) => sum + ms, 0)).toBe(
          history.figures.windowMs,
        )
        if (offset < 0)
          expect(Math.abs(Date.parse(history.flights[0]?.begin ?? '') - Date.now())).toBeLessThan(60_000)
      },
    )

    it('and back again leaves the flight where it was, with two steps told', async () => {
      const folder = temporaryFolder()
      const database = path.join(folder, 'w.db')
      const wall = fakedWallClock(folder, faketimeLibrary ?? '')
      const serve = await startServe(['-d', database, '-i', '0.2', '-v', 'debug'], { env: wall.env })
      await serve.line(/Updated flight record/)
      wall.set(10 * year)
      await serve.line(/The wall clock was moved by/)
      wall.set(0)
      await serve.line(/The wall clock was moved by -/)
      await serve.end('SIGTERM')
      const history = JSON.parse((await runCli(['report', '--json', '-d', database])).stdout) as {
        clockSteps: unknown[]
        hints: string[]
        flights: { begin: string; clock: string }[]
      }
      expect(history.clockSteps).toHaveLength(2)
      expect(history.flights[0]?.clock).not.toBe('untrusted')
      expect(Math.abs(Date.parse(history.flights[0]?.begin ?? '') - Date.now())).toBeLessThan(60_000)
    })

    it.each([-7_200, 7_200])('by %d s calls no watcher late, and keeps its time', async (offset) => {
      const folder = temporaryFolder()
      const wall = fakedWallClock(folder, faketimeLibrary ?? '')
      const { origin, key } = await startServe(['-d', path.join(folder, 'w.db'), '-i', '0.2'], {
        env: wall.env,
      })
      const headers = { 'x-api-key': key ?? '', 'content-type': 'application/json' }
      const call = async (method: string, route: string, body?: unknown): Promise<Watcher> =>
        (await (
          await fetch(`${origin}/api/v1/${route}`, {
            method,
            headers,
            ...(body !== undefined && { body: JSON.stringify(body) }),
          })
        ).json()) as Watcher
      const schedule = { kind: 'period', periodMs: 3_600_000 }
      await call('POST', 'watchers', { name: 'job', schedule, armed: true })
      await call('POST', 'watchers', { name: 'other', schedule })
      wall.set(offset)
      // Any write notices the step at once; without one the timer does within 30 s.
      await call('POST', 'watchers/other/triggers', {})
      await call('POST', 'watchers/other/triggers', {})
      const { state, due } = await call('GET', 'watchers/job')
      expect(state).toBe('new')
      const left = Date.parse(due ?? '') - (Date.now() + offset * 1_000)
      expect(Math.abs(left - 3_600_000)).toBeLessThan(60_000)
    })
  },
)
