import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../support/fake-clock.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { startTestService, type TestService } from '../../support/service.ts'

describe.skipIf(noPostgres !== null)(
  `collectors of one database${noPostgres === null ? '' : ` (skipped: ${noPostgres})`}`,
  () => {
    let server: TestPostgres
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server.stop())

    it('share retention and the storm limit, and nothing else', async () => {
      const address = server.database('fleet')
      const clock = fakeClock()
      const start = async (): Promise<TestService> => {
        const test = await startTestService({ telemetryDatabase: address, clock })
        await expect.poll(() => test.service.telemetry.trouble).toBeNull()
        return test
      }
      const one = (await start()).service.telemetry
      await one.change({ stormLimit: 7, strict: true, retention: { ...one.settings.retention, maxDays: 14 } })
      const other = (await start()).service.telemetry
      await expect.poll(() => other.settings.stormLimit).toBe(7)
      expect(other.settings.retention.maxDays).toBe(14)
      expect(other.settings.strict).toBe(false)
      await other.change({ retention: { ...other.settings.retention, maxDays: 21 } })
      expect(one.settings.retention.maxDays).toBe(14)
      clock.advance(61_000)
      await expect.poll(() => one.settings.retention.maxDays).toBe(21)
      expect(one.settings.strict).toBe(true)
    })
  },
)
