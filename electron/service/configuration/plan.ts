import type { ApplyAnswer } from '../../shared/api/hosts.ts'
import type { ChannelConfig, ConfigAnswer, Configuration, WatcherConfig } from '../../shared/api/config.ts'
import type { CreateMaintenance } from '../../shared/api/alerts.ts'
import { changeChannel, createChannel, removeChannel, secretsOf } from '../alerts/channel-settings.ts'
import { addMaintenance, readMaintenance } from '../alerts/maintenance.ts'
import type { ChannelRow } from '../alerts/schema.ts'
import { readChannels } from '../alerts/store.ts'
import type { RoomContext } from '../context.ts'
import type { Health } from '../health/index.ts'
import { planOf } from '../hosts/config.ts'
import type { Hosts } from '../hosts/index.ts'
import { anchorsOf, applySteps } from '../hosts/route-parts.ts'
import type { Telemetry } from '../telemetry/index.ts'
import type { Watchers } from '../watchers/index.ts'
import {
  changedRecord,
  chosenSlug,
  newRecord,
  watcherDefaults,
  type NewWatcher,
} from '../watchers/settings.ts'
import type { WatcherRecord } from '../watchers/schema.ts'
import { maintenanceConfig, watcherConfig } from './read.ts'
import { ConfigError } from './file.ts'

/** Brings what users decided in line with a file: all of it is checked before anything is changed. */

/** What a configuration touches. */
export interface ConfigRooms {
  readonly context: RoomContext
  readonly hosts: Hosts
  readonly watchers: Watchers
  readonly telemetry: Telemetry
  readonly health: Health
}

/** What there is to do. */
export interface ConfigPlan {
  readonly answer: ConfigAnswer
  /** Does it, section by section; done again it comes to the same. */
  apply(): Promise<void>
}

/** Names by which a channel is known that is still to be made: ids of channels are never negative. */
function withComing(db: RoomContext['db'], channels: readonly ChannelConfig[]): Map<number, string> {
  const names = new Map(readChannels(db).map(({ id, name }) => [id, name]))
  const known = new Set(names.values())
  for (const [index, { name }] of channels.entries()) if (!known.has(name)) names.set(-1 - index, name)
  return names
}

/**
 * Returns what a configuration asks for.
 *
 * @throws ConfigError, HostError, WatcherError, HttpProblem naming what cannot be as the file has it
 */
export function planConfiguration(
  file: Configuration,
  rooms: ConfigRooms,
  prune: boolean,
  nowMs: number,
): ConfigPlan {
  const { context, hosts, watchers, telemetry, health } = rooms
  const { db, commits } = context
  const channels = file.channels && planChannels(file.channels, db, prune, nowMs)
  const names = withComing(db, file.channels ?? [])
  const hostPlan = file.hosts && planOf({ hosts: file.hosts }, hosts.configured(), names, prune, nowMs)
  const known = watchers.ids().flatMap((id) => watchers.get(id)?.watcher ?? [])
  const watcherPlan = file.watchers && planWatchers(file.watchers, known, names, prune, nowMs)
  const maintenance = file.maintenance && planMaintenance(file.maintenance, db, prune, nowMs)
  const anchors = file.anchors && anchorsOf(file.anchors)
  if (file.health) health.check(file.health)
  if (file.telemetry) telemetry.check(file.telemetry)
  const presentAnchors = hosts.connection.anchors().map(({ address }) => address)

  return {
    answer: {
      ...(anchors && { anchors: listChanges(anchors, presentAnchors) }),
      ...(channels && { channels: channels.answer }),
      ...(hostPlan && { hosts: hostPlan.answer }),
      ...(watcherPlan && { watchers: watcherPlan.answer }),
      ...(maintenance && { maintenance: maintenance.answer }),
      ...(file.health && { health: settingChanges(file.health, health.settings) }),
      ...(file.telemetry && { telemetry: settingChanges(file.telemetry, telemetry.settings) }),
    },
    async apply() {
      if (channels) await commits.write(() => channels.apply())
      const plan =
        file.hosts && planOf({ hosts: file.hosts }, hosts.configured(), channelsById(db), prune, nowMs)
      if (plan) await applySteps(hosts, plan.steps)
      if (watcherPlan) await watcherPlan.apply(watchers, channelsById(db))
      if (maintenance) await commits.write(() => maintenance.apply())
      if (anchors) await hosts.connection.setAnchors(anchors)
      if (file.health) await health.change(file.health)
      if (file.telemetry && Object.keys(file.telemetry).length > 0) await telemetry.change(file.telemetry)
      context.changed('notices')
    },
  }
}

function channelsById(db: RoomContext['db']): Map<number, string> {
  return new Map(readChannels(db).map(({ id, name }) => [id, name]))
}

function listChanges(wanted: readonly string[], present: readonly string[]): ApplyAnswer {
  const added = wanted.filter((one) => !present.includes(one))
  const removed = present.filter((one) => !wanted.includes(one))
  return { added, changed: [], removed, unchanged: wanted.length - added.length }
}

function settingChanges(wanted: object, present: object): ApplyAnswer {
  const entries = Object.entries(wanted) as [string, unknown][]
  const isSame = (key: string, value: unknown): boolean => {
    const known = present[key as keyof typeof present] as unknown
    if (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      typeof known === 'object' &&
      known !== null
    )
      return settingChanges(value, known).changed.length === 0
    return JSON.stringify(value) === JSON.stringify(known)
  }
  const changed = entries.flatMap(([key, value]) => (isSame(key, value) ? [] : [key]))
  return { added: [], changed, removed: [], unchanged: entries.length - changed.length }
}

/** Returns entries by their name. @throws ConfigError when one is there twice */
function byName<T>(list: readonly T[], nameOf: (one: T) => string, what: string): Map<string, T> {
  const map = new Map<string, T>()
  for (const one of list) {
    const name = nameOf(one)
    if (map.has(name)) throw new ConfigError(`the ${what} ${name} is in the file twice`)
    map.set(name, one)
  }
  return map
}

function planChannels(file: readonly ChannelConfig[], db: RoomContext['db'], prune: boolean, nowMs: number) {
  const present = readChannels(db)
  const wanted = byName(file, ({ name }) => name, 'channel')
  const known = new Map(present.map((row) => [row.name, row]))
  const answer: { added: string[]; changed: string[]; removed: string[]; unchanged: number } = {
    added: [],
    changed: [],
    removed: prune ? present.flatMap(({ name }) => (wanted.has(name) ? [] : [name])) : [],
    unchanged: 0,
  }
  for (const [name, config] of wanted) {
    const row = known.get(name)
    if (!row) answer.added.push(name)
    else if (row.kind !== config.kind)
      throw new ConfigError(
        `the channel ${name} is a ${row.kind} channel here, and cannot become ${config.kind}`,
      )
    else if (isSameChannel(config, row)) answer.unchanged += 1
    else answer.changed.push(name)
  }
  const apply = (): void => {
    for (const { id, name } of present) if (answer.removed.includes(name)) removeChannel(db, id, nowMs)
    for (const [name, config] of wanted) {
      const row = known.get(name)
      const { kind, enabled = true, quiet = null, settings = {} } = config
      if (!row) createChannel(db, { kind, name, enabled, quiet, settings }, nowMs)
      else if (answer.changed.includes(name)) changeChannel(db, row, { enabled, quiet, settings }, nowMs)
    }
  }
  tried(db, apply)
  return { answer, apply }
}

/** Returns whether a channel is as a file has it; a secret that the file leaves out stays as it is. */
function isSameChannel(config: ChannelConfig, row: ChannelRow): boolean {
  const next = { ...secretsOf(row), ...config.settings }
  return (
    canonical(next) === canonical(row.settings) &&
    (config.enabled ?? true) === row.enabled &&
    JSON.stringify(config.quiet ?? null) === JSON.stringify(row.quiet)
  )
}

function planWatchers(
  file: readonly WatcherConfig[],
  present: readonly WatcherRecord[],
  channels: ReadonlyMap<number, string>,
  prune: boolean,
  nowMs: number,
) {
  const slugOf = ({ slug, name }: WatcherConfig): string => chosenSlug(slug, name)
  const wanted = byName(file, slugOf, 'watcher')
  const known = new Map(present.map((one) => [one.slug, one]))
  const ids = new Map([...channels].map(([id, name]) => [name, id]))
  const inputOf = (config: WatcherConfig, by: ReadonlyMap<string, number>): NewWatcher => {
    const { channels: named, id, uuid, token, badgeKey, ...settings } = config
    const chosen =
      named?.map((name) => {
        const found = by.get(name)
        if (found === undefined)
          throw new ConfigError(`the watcher ${config.name} names the channel ${name}, which is not there`)
        return found
      }) ?? null
    return {
      ...settings,
      slug: slugOf(config),
      channels: chosen,
      names: {
        ...(id !== undefined && { code: id }),
        ...(uuid !== undefined && { uuid }),
        ...(token !== undefined && { token }),
        ...(badgeKey !== undefined && { badgeKey }),
      },
    }
  }
  const answer: { added: string[]; changed: string[]; removed: string[]; unchanged: number } = {
    added: [],
    changed: [],
    removed: prune ? present.flatMap(({ slug }) => (wanted.has(slug) ? [] : [slug])) : [],
    unchanged: 0,
  }
  for (const [slug, config] of wanted) {
    const input = inputOf(config, ids)
    const before = known.get(slug)
    const after = newRecord(input, nowMs)
    if (!before) {
      checkNames(input, present)
      answer.added.push(slug)
    } else {
      changedRecord(before, changeOf(input))
      const isSame =
        JSON.stringify(watcherConfig(before, channels, false)) ===
        JSON.stringify(watcherConfig(after, channels, false))
      if (isSame) answer.unchanged += 1
      else answer.changed.push(slug)
    }
  }
  return {
    answer,
    async apply(watchers: Watchers, names: ReadonlyMap<number, string>): Promise<void> {
      const by = new Map([...names].map(([id, name]) => [name, id]))
      for (const slug of answer.removed) {
        const watcher = watchers.find('slug', slug)
        if (watcher) await watchers.remove(watcher.id)
      }
      for (const [slug, config] of wanted) {
        const input = inputOf(config, by)
        const before = known.get(slug)
        if (!before) await watchers.create(input)
        else if (answer.changed.includes(slug)) {
          const paused = config.paused ?? false
          const isOnlyPause =
            JSON.stringify(watcherConfig(before, channels, false)) ===
            JSON.stringify(
              watcherConfig({ ...newRecord(input, nowMs), paused: before.paused }, channels, false),
            )
          if (!isOnlyPause) await watchers.change(before.id, changeOf(input))
          if (paused !== before.paused) await watchers.setPaused(before.id, paused)
        }
      }
    },
  }
}

/** What a file does not say of a watcher is as the defaults have it. */
function changeOf({ paused: _paused, names: _names, armed: _armed, ...input }: NewWatcher) {
  const { tags, emails, ...usual } = watcherDefaults
  return { ...usual, tags: [...tags], emails: [...emails], ...input }
}

/** @throws ConfigError when a name by which another watcher is triggered is asked for */
function checkNames({ names, name }: NewWatcher, present: readonly WatcherRecord[]): void {
  const taken = present.find((one) =>
    (['code', 'uuid', 'token', 'badgeKey'] as const).some(
      (key) => names?.[key] !== undefined && names[key] === one[key],
    ),
  )
  if (taken)
    throw new ConfigError(
      `the watcher ${name} has the secret names of ${taken.name}; take them out of the file`,
    )
}

function planMaintenance(
  file: readonly CreateMaintenance[],
  db: RoomContext['db'],
  prune: boolean,
  nowMs: number,
) {
  const wanted = byName(file, ({ name }) => name, 'maintenance window')
  const rows = readMaintenance(db)
  const known = new Map(rows.map((row) => [row.name, row]))
  const same = (config: CreateMaintenance): boolean => {
    const row = known.get(config.name)
    return row !== undefined && canonical(maintenanceConfig(row, nowMs)) === canonical(config)
  }
  const names = [...wanted.keys()]
  const changed = names.filter((name) => known.has(name) && !same(wanted.get(name) ?? { name }))
  const answer: ApplyAnswer = {
    added: names.filter((name) => !known.has(name)),
    changed,
    removed: prune ? rows.flatMap(({ name }) => (wanted.has(name) ? [] : [name])) : [],
    unchanged: names.filter((name) => known.has(name)).length - changed.length,
  }
  tried(db, () => {
    for (const name of [...answer.added, ...changed]) addMaintenance(db, wanted.get(name) ?? { name }, nowMs)
  })
  return {
    answer,
    apply(): void {
      for (const name of [...answer.removed, ...changed])
        db.prepare('DELETE FROM maintenance WHERE name = ?').run(name)
      for (const name of [...answer.added, ...changed])
        addMaintenance(db, wanted.get(name) ?? { name }, nowMs)
    },
  }
}

/** Does some work and undoes it, so that what it refuses is refused before anything is changed. */
function tried(db: RoomContext['db'], work: () => void): void {
  const undo = new Error('only tried')
  try {
    db.transaction(() => {
      work()
      throw undo
    })()
  } catch (error) {
    if (error !== undo) throw error
  }
}

/** The same settings in the same order, whoever wrote them. */
function canonical(value: object | null): string {
  return JSON.stringify(Object.entries(value ?? {}).sort(([a], [b]) => a.localeCompare(b)))
}
