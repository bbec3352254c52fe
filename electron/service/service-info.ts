import { existsSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { ServiceEvent, ServiceInfo } from '../shared/api/service.ts'
import { isoTime } from '../shared/time-text.ts'
import type { Connection } from './store/open.ts'
import { sideFiles } from './store/location.ts'
import { listBackups } from './store/repair.ts'
import { version } from './version.ts'

/** What the About page tells of the service. */

/** Returns what the About page tells of the service. */
export function serviceInfo(db: Connection, database: string, startedAt: string, nowMs: number): ServiceInfo {
  const rows = db
    .prepare('SELECT id, at_ms, kind, text, dismissed FROM service_event ORDER BY id DESC LIMIT 100')
    .all() as {
    id: number
    at_ms: number
    kind: ServiceEvent['kind']
    text: string
    dismissed: number
  }[]
  const files = sideFiles(database)
  const [backup] = listBackups(database, nowMs)
  return {
    version,
    node: process.versions.node,
    pid: process.pid,
    startedAt,
    host: os.hostname(),
    database,
    system: `${os.type()} ${os.release()}, ${os.arch()}`,
    paths: [
      { what: 'Database', path: database },
      { what: 'Telemetry records', path: files.records },
      { what: 'Access key', path: files.key },
      { what: 'Backups', path: files.backups },
      { what: 'Telemetry plug-ins', path: path.join(path.dirname(database), 'plugins') },
      { what: 'Health plug-ins', path: path.join(path.dirname(database), 'health-plugins') },
    ],
    databaseBytes: sizeOf(database) + sizeOf(`${database}-wal`),
    lastBackup: backup ? isoTime(statSync(backup).mtimeMs) : null,
    events: rows.map(({ id, at_ms, kind, text, dismissed }) => ({
      id,
      at: isoTime(at_ms),
      kind,
      text,
      dismissed: dismissed === 1,
    })),
  }
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0
}
