import type { Clock } from '../../clock.ts'
import { openSqliteStore } from './sqlite-store.ts'
import type { RecordPlace, RecordStore } from './store.ts'

/** Opens the store of records. @throws StoreError */
export async function openRecordStore(place: RecordPlace, clock: Clock): Promise<RecordStore> {
  if (place.kind === 'sqlite') return openSqliteStore(place, clock)
  // Only who has one loads what speaks to it.
  const { openPostgresStore } = await import('./postgres-store.ts')
  return openPostgresStore(place, clock)
}
