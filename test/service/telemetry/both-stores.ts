import path from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import type { RecordPlace } from '../../../electron/service/telemetry/records/store.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Runs the same tests on a file and, where there is one, on a PostgreSQL server; each place is a new one. */
export function onBothStores(what: string, contract: (place: () => RecordPlace) => void): void {
  describe(`${what} in SQLite`, () => {
    contract(() => ({ kind: 'sqlite', file: path.join(temporaryFolder(), 'records.db') }))
  })

  describe.skipIf(noPostgres !== null)(
    `${what} in PostgreSQL${noPostgres === null ? '' : ` (skipped: ${noPostgres})`}`,
    () => {
      let server: TestPostgres
      let made = 0
      beforeAll(async () => {
        server = await startPostgres()
      })
      afterAll(() => server.stop())
      contract(() => {
        made += 1
        return { kind: 'postgres', address: server.database(`records${made}`) }
      })
    },
  )
}
