import type { ChannelConfig, Configuration, WatcherConfig } from '../../shared/api/config.ts'
import type { CreateMaintenance } from '../../shared/api/alerts.ts'
import { isoTimeOrNull } from '../../shared/time-text.ts'
import { secretNames } from '../alerts/channel-settings.ts'
import { readMaintenance, type MaintenanceRow } from '../alerts/maintenance.ts'
import type { ChannelRow } from '../alerts/schema.ts'
import { readChannels } from '../alerts/store.ts'
import { readSettings as readHealth, usualSettings as usualHealth } from '../health/settings.ts'
import { readHostsConfig } from '../hosts/config-reading.ts'
import type { Connection } from '../store/open.ts'
import { readSettings as readTelemetry, usualSettings as usualTelemetry } from '../telemetry/settings.ts'
import { recordOfRow, type ConfigRow } from '../watchers/rows.ts'
import type { WatcherRecord } from '../watchers/schema.ts'
import { slugOf } from '../watchers/names.ts'
import { watcherDefaults } from '../watchers/settings.ts'

/** What users decided, read from a database as a configuration file has it. */

/** Returns the whole configuration. Without `withSecrets` no password and no name by which a watcher is triggered is in it. */
export function readConfiguration(db: Connection, withSecrets: boolean, nowMs: number): Configuration {
  const { anchors, hosts } = readHostsConfig(db)
  const channels = readChannels(db)
  const names = new Map(channels.map(({ id, name }) => [id, name]))
  const watchers = (db.prepare('SELECT * FROM watcher ORDER BY id').all() as ConfigRow[]).map(recordOfRow)
  const { client, tid, ...telemetry } = readTelemetry(db)
  const { consent: _consent, forward, ...ownClient } = client
  const { client: usualClient, tid: _tid, ...usual } = usualTelemetry
  const { consent: _usual, forward: _forward, ...usualOwn } = usualClient
  // Who may deliver is a secret, and whom we deliver to is told with one.
  const secrets = withSecrets && forward !== null ? { forward } : {}
  const changedClient = { ...different(ownClient, usualOwn), ...secrets }
  return {
    ...(anchors && { anchors }),
    channels: channels.map((one) => channelConfig(one, withSecrets)),
    hosts,
    watchers: watchers.map((one) => watcherConfig(one, names, withSecrets)),
    maintenance: readMaintenance(db).flatMap((row) => maintenanceConfig(row, nowMs) ?? []),
    ...section('health', different(readHealth(db), usualHealth)),
    ...section('telemetry', {
      ...different(telemetry, usual),
      ...(withSecrets && tid !== usualTelemetry.tid && { tid }),
      ...(Object.keys(changedClient).length > 0 && { client: changedClient }),
    }),
  }
}

/** A section in which nothing was decided is left out. */
function section<Name extends string, T extends object>(
  name: Name,
  value: T,
): { readonly [Key in Name]?: T } {
  return Object.keys(value).length === 0 ? {} : ({ [name]: value } as { readonly [Key in Name]: T })
}

/** Returns what of some settings is not as usual. */
export function different<T extends object>(settings: T, usual: T): Partial<T> {
  const entries = Object.entries(settings).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key as keyof T]),
  )
  return Object.fromEntries(entries) as Partial<T>
}

/** A channel as a file has it. */
export function channelConfig(row: ChannelRow, withSecrets: boolean): ChannelConfig {
  const settings = Object.fromEntries(
    Object.entries(row.settings as Record<string, unknown>).filter(
      ([name]) => withSecrets || !(secretNames as readonly string[]).includes(name),
    ),
  )
  return {
    name: row.name,
    kind: row.kind,
    ...(!row.enabled && { enabled: false }),
    ...(row.quiet !== null && { quiet: row.quiet }),
    ...(Object.keys(settings).length > 0 && { settings }),
  }
}

/** A watcher as a file has it. */
export function watcherConfig(
  watcher: Omit<WatcherRecord, 'id'>,
  channels: ReadonlyMap<number, string>,
  withSecrets: boolean,
): WatcherConfig {
  const { name, slug, schedule, paused, code, uuid, token, badgeKey } = watcher
  const { channels: ids, ...settings } = watcher
  const changed = Object.entries(watcherDefaults).flatMap(([key, usual]) => {
    const value = settings[key as keyof typeof settings]
    return JSON.stringify(value) === JSON.stringify(usual) ? [] : [[key, value] as const]
  })
  return {
    name,
    schedule,
    ...(slug !== slugOf(name) && { slug }),
    ...Object.fromEntries(changed),
    ...(ids !== null && { channels: ids.flatMap((id) => channels.get(id) ?? []) }),
    ...(paused && { paused }),
    ...(withSecrets && { id: code, uuid, token, badgeKey }),
  }
}

/** A maintenance window as a file has it; null for one that is over. */
export function maintenanceConfig(row: MaintenanceRow, nowMs: number): CreateMaintenance | null {
  const { name, room, item, tag, beginMs, endMs, schedule, lengthMs } = row
  if (endMs !== null && endMs <= nowMs) return null
  const begin = isoTimeOrNull(beginMs)
  const end = isoTimeOrNull(endMs)
  return {
    name,
    ...(room !== null && { room: room as NonNullable<CreateMaintenance['room']> }),
    ...(item !== null && { item }),
    ...(tag !== null && { tag }),
    ...(begin !== null && { begin }),
    ...(end !== null && { end }),
    ...(schedule !== null && { schedule }),
    ...(lengthMs !== null && { lengthMs }),
  }
}
