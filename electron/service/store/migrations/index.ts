import type { Migration } from '../migrate.ts'
import { recorderMigration } from './0001-recorder.ts'
import { watchersMigration } from './0002-watchers.ts'
import { alertsMigration } from './0003-alerts.ts'
import { hostsMigration } from './0004-hosts.ts'
import { healthMigration } from './0005-health.ts'
import { sourcesMigration } from './0006-sources.ts'

/** All migrations in order; the database's `user_version` is how many of them it has had. */
export const migrations: readonly Migration[] = [
  recorderMigration,
  watchersMigration,
  alertsMigration,
  hostsMigration,
  healthMigration,
  sourcesMigration,
]
