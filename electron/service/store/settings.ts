import type { Connection } from './open.ts'

/** Small values that the service keeps for itself or its user, each by a name. */

/** Returns a value; null when there is none. */
export function readSetting(db: Connection, name: string): string | null {
  const value = db.prepare('SELECT value FROM setting WHERE name = ?').pluck().get(name)
  return typeof value === 'string' ? value : null
}

/** Keeps a value, in the transaction that runs. */
export function writeSetting(db: Connection, name: string, value: string): void {
  db.prepare(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(name, value)
}
