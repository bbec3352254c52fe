import path from 'node:path'
import { clockedHouse, type ClockedHouse, type ClockedStart } from './clocked-house.ts'
import { temporaryFolder } from './temporary.ts'

export const minute = 60_000
export const hour = 60 * minute

/** Late in the evening, long enough ago that what passes in a test stays before the present of the browser. */
export const evening = new Date(Date.now() - 3 * 86_400_000).setUTCHours(21, 0, 0, 0)

/** Starts a service in the evening of a day, on a machine that has been up for ten minutes. */
export function scenarioHouse(given: Partial<ClockedStart> = {}): Promise<ClockedHouse> {
  return clockedHouse({
    database: path.join(temporaryFolder(), 'w.db'),
    wallMs: evening,
    bootMs: 10 * minute,
    bootId: '11111111-1111-4111-8111-111111111111',
    evidence: [],
    ...given,
  })
}
